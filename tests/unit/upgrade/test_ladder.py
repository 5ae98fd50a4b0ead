# SPDX-License-Identifier: Apache-2.0
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from beast_ops.errors import ConflictError
from beast_ops.upgrade.ladder import Step, number, steps, tag

LADDER = ("v1.15.5", "v1.16.3", "v1.17.1", "v1.18.3")
Q = "qdrant/qdrant"


def tags(found):
    return [tag(step.after) for step in found]


def test_what_runs_already_needs_no_step():
    assert [] == steps("qdrant", f"{Q}:v1.19.0", f"{Q}:v1.19.0", LADDER)


def test_no_minor_version_is_skipped_where_there_is_a_ladder():
    found = steps("qdrant", f"{Q}:v1.15.1", f"{Q}:v1.19.0", LADDER)

    assert ["v1.16.3", "v1.17.1", "v1.18.3", "v1.19.0"] == tags(found)
    assert f"{Q}:v1.15.1" == found[0].before
    assert all(one.after == two.before for one, two in pairwise(found))


def test_rungs_are_of_the_variant_that_is_wanted():
    found = steps("q", f"{Q}:v1.17.0-unprivileged", f"{Q}:v1.19.0-unprivileged", LADDER)

    assert ["v1.18.3-unprivileged", "v1.19.0-unprivileged"] == tags(found)


@pytest.mark.parametrize(
    ("runs", "wanted", "expected"),
    [
        ("v1.18.1", "v1.18.2", ["v1.18.2"]),
        ("v1.18.3", "v1.19.0", ["v1.19.0"]),
        ("v1.17.1@sha256:" + 64 * "0", "v1.18.3", ["v1.18.3"]),
    ],
)
def test_the_next_one_is_one_step(runs, wanted, expected):
    assert expected == tags(steps("q", f"{Q}:{runs}", f"{Q}:{wanted}", LADDER))


def test_a_minor_version_that_no_ladder_knows_is_not_skipped():
    with pytest.raises(ConflictError, match="skips versions"):
        steps("q", f"{Q}:v1.19.0", f"{Q}:v1.21.0", LADDER)


def test_without_a_ladder_one_major_version_at_a_time():
    assert ["2.0.1"] == tags(steps("n8n", "n8n:1.9.0", "n8n:2.0.1", ()))
    assert ["1.99.0"] == tags(steps("n8n", "n8n:1.9.0", "n8n:1.99.0", ()))
    with pytest.raises(ConflictError, match="skips versions"):
        steps("n8n", "n8n:1.9.0", "n8n:3.0.0", ())


def test_there_is_no_way_back():
    with pytest.raises(ConflictError, match="older than") as refused:
        steps("q", f"{Q}:v1.19.0", f"{Q}:v1.18.3", LADDER)

    assert "restore" in refused.value.hint


def test_a_tag_without_a_number_is_taken_as_it_is():
    assert ["edge"] == tags(steps("x", "x:nightly", "x:edge", ()))


def test_a_step_says_what_it_is():
    assert "q v1.18.3 -> v1.19.0" == Step("q", f"{Q}:v1.18.3", f"{Q}:v1.19.0").said()


def test_ladders_of_roles_are_tags_in_order_one_minor_version_apart():
    cards = [
        text
        for path in Path(__file__).parents[3].glob("roles/*/vars/main.yml")
        if (text := path.read_text(encoding="utf-8")) and "\n  ladder:" in text
    ]
    ladders = [yaml.safe_load(re.search(r"\n  ladder: (.*)", text)[1]) for text in cards]

    assert ladders
    for ladder in ladders:
        minors = [number(rung)[:2] for rung in ladder]
        assert [(1, minors[0][1] + step) for step in range(len(minors))] == minors
