# SPDX-License-Identifier: Apache-2.0
import importlib
from pathlib import Path

import pytest
from invoke.collection import Collection

from beast_ops.door import pages, reference

CLONE = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def verbs():
    collection = Collection.from_module(importlib.import_module("tasks"))
    return {name: collection[name] for name in collection.task_names}


def test_every_verb_is_in_a_group(verbs):
    grouped = [name for names in pages.GROUPS.values() for name in names]

    assert sorted(verbs) == sorted(grouped)


def test_a_verb_in_no_group_is_shown_all_the_same(verbs, monkeypatch):
    monkeypatch.setattr(pages, "GROUPS", {"Some": ("deploy", "gone")})

    page = pages.overview(verbs)

    assert "More:\n" in page
    assert "  health " in page
    assert "gone" not in page


def test_the_overview_names_every_verb_and_fits_the_screen(verbs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")

    page = pages.overview(verbs)

    assert all(f"  {name} " in page for name in verbs)
    assert max(map(len, page.splitlines())) <= 80


def test_every_verb_has_one_sentence_an_example_and_a_word_on_each_option(verbs):
    for name, verb in verbs.items():
        page = pages.page(name, verb)
        silent = [each.name for each in verb.get_arguments() if not each.help]

        assert pages.summary(verb), name
        assert verb.__doc__.endswith("."), name
        assert f"./beast {name}" in page.split("Example:")[1], name
        assert silent == [], name


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("ingest", "beast ingest PATH… [options]"),
        ("search", "beast search QUERY… [options]"),
        ("logs", "beast logs [SERVICE] [options]"),
        ("new-service", "beast new-service NAME [options]"),
        ("test", "beast test [options] [words for the tool]"),
        ("deploy", "beast deploy [options]"),
    ],
)
def test_the_usage_says_what_is_needed_and_what_may_be_left_out(verbs, name, usage):
    assert pages.page(name, verbs[name]).startswith(f"Usage: {usage}\n")


def test_options_show_their_letters_and_values(verbs):
    page = pages.page("logs", verbs["logs"])

    assert "--lines NUMBER, -n" in page
    assert "--follow, -f" in page
    assert "--set NAME=VALUE" in pages.page("deploy", verbs["deploy"])


def test_the_reference_is_what_the_program_prints():
    assert reference.TARGET.read_text() == reference.text()


def test_the_first_steps_name_only_verbs_there_are(verbs):
    named = {
        line.split()[1] for line in pages.welcome().splitlines() if line.startswith("  ./beast")
    }

    assert named - {"--help", "VERB"} <= set(verbs)
