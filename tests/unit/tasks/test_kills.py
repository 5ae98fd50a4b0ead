# SPDX-License-Identifier: Apache-2.0
"""A task whose process is killed leaves what can be read, and does nothing twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return what came of a task that was killed at each step, one for each."""
    argv = [sys.executable, "-m", "tests.unit.tasks.killed", str(tmp_path_factory.mktemp("kills"))]
    done = subprocess.run(argv, cwd=CLONE, capture_output=True, text=True, check=True)
    return [json.loads(row) for row in done.stdout.splitlines()]


def test_it_is_killed_everywhere(killed):
    kinds = {tuple(each["before"]) for each in killed}

    assert len(killed) > 40
    assert all(each["ended"] == -9 for each in killed)
    for last in ("task", "plan", "reply", "intent", "observation", "report"):
        assert any(before and before[-1] == last for before in kinds), last


def test_the_transcript_is_whole_up_to_the_kill_and_goes_on_from_there(killed):
    for each in killed:
        assert each["prefix"], each
        assert "report" == each["kinds"][-1]
        assert 1 == each["kinds"].count("report")
        assert each["kinds"].count("resumed") == bool(each["before"][-1:] not in ([], ["report"]))


def test_effects_happen_once_or_are_told_to_be_unknown(killed):
    statuses = {each["report"]["status"] for each in killed}
    for each in killed:
        if each["report"]["status"] == "unknown":
            assert "sh -c" in each["report"]["result"]
            assert each["ran"] in (0, 1)
            assert ["sh -c 'echo ran >> ran'"] == each["report"]["commands"]
        else:
            assert ("done", 1, "two") == (each["report"]["status"], each["ran"], each["sum"]), each
            assert {"read": 1, "write": 2, "run": 1} == each["report"]["tools"]
            assert ["ran", "sum.md"] == each["files"]  # and nothing half written

    assert {"done", "unknown"} == statuses
    unknown = [each for each in killed if each["report"]["status"] == "unknown"]
    assert {0, 1} == {each["ran"] for each in unknown}
    assert len(unknown) < len(killed) / 4
