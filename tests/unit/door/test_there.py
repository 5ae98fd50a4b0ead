# SPDX-License-Identifier: Apache-2.0
import sys

import pytest

from beast_ops.deploy import elsewhere as far
from beast_ops.door import secret_verbs, there
from beast_ops.door.verb import Manner
from beast_ops.errors import UsageError


@pytest.fixture
def sent(monkeypatch):
    """What was sent to run on the host: inventory and words."""
    found = []

    def run(_place, inventory, words):
        found.append((inventory, list(words)))
        return 3

    monkeypatch.setattr(far, "run_there", run)
    return found


PLAIN = Manner("./beast health", there=True)


def test_the_option_goes_and_the_other_words_stay_in_order(sent):
    code = there.elsewhere("logs", ["a", "--inventory", "inv", "--lines", "5"], PLAIN)

    assert 3 == code
    assert [("inv", ["logs", "a", "--lines", "5"])] == sent


@pytest.mark.parametrize("words", [["--inventory"], ["--inventory", "--json"]])
def test_a_path_must_follow(sent, words):
    with pytest.raises(UsageError, match="needs a path"):
        there.elsewhere("health", words, PLAIN)

    assert [] == sent


def test_what_never_ends_is_refused(sent):
    with pytest.raises(UsageError, match="only on the host itself"):
        there.elsewhere("logs", ["--follow", "--inventory", "inv"], PLAIN)

    assert [] == sent


@pytest.mark.parametrize(("terminal", "expected"), [(True, ["--yes"]), (False, [])])
def test_a_secret_is_shown_there_as_it_would_be_here(sent, monkeypatch, terminal, expected):
    """The host sees no terminal; ours is what counts."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)

    there.elsewhere("secrets.show", ["a/b", "--inventory", "inv"], secret_verbs.show.manner)

    assert [("inv", ["secrets.show", "a/b", *expected])] == sent
