# SPDX-License-Identifier: Apache-2.0
"""Dashboards are bare models of our own source, and ask only for what exporters have."""

import json
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]
BOARDS = sorted(CLONE.glob("roles/*/files/*.json"))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_are_those_that_are_promised():
    assert {"overview", "knowledge", "gateway", "containers", "host"} == {
        path.stem for path in BOARDS
    }
    assert len({read(path)["uid"] for path in BOARDS}) == len(BOARDS)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_it_is_a_bare_model_of_our_source(path):
    board = read(path)

    assert board["title"]
    assert board["panels"]
    assert not {"dashboard", "__inputs", "__requires"} & board.keys()
    for panel in board["panels"]:
        assert panel["title"]
        assert "beast-prometheus" == panel["datasource"]["uid"]
        assert all("beast-prometheus" == each["datasource"]["uid"] for each in panel["targets"])
