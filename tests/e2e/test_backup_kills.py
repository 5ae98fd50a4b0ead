# SPDX-License-Identifier: Apache-2.0
"""Whenever a backup or a restore is killed, what stands is old or new, never something between.

An undisturbed run is measured first, and the moments are chosen inside it. What is killed is the
verb alone, or everything it started with it, in turns.
"""

import contextlib
import math
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e import backups
from tests.e2e.backups import State
from tests.e2e.disks import ROOM, mounted, shrink
from tests.e2e.stack import Installation

SAMPLE, CAMPAIGN = 5, 200
WITHIN = 0.8  # the share of kills that must come before the end
EARLIEST, LATEST = 0.02, 0.92  # of an undisturbed run
MEASURED = 3
ROOMS = (0, 20_000, 60_000)  # bytes that are left: nothing, or less than an archive needs


@dataclass
class Storm:
    """An installation, two states of it, and a backup of each that lies elsewhere."""

    stack: Installation
    states: dict[str, State]
    archives: dict[str, Path]
    now: str = "amber"

    @property
    def other(self) -> str:
        """The word of the state that is not in force."""
        return next(word for word in self.states if word != self.now)

    def look(self) -> str:
        """Return which state is in force; assert that it is one of them, entirely."""
        faults = {word: state.fault(self.stack) for word, state in self.states.items()}
        whole = [word for word, fault in faults.items() if not fault]
        assert len(whole) == 1, faults
        self.now = whole[0]
        return self.now


@pytest.fixture(scope="module")
def storm(build, clone, tmp_path_factory):
    stack, folder = build(clone), tmp_path_factory.mktemp("storm")
    stack.deploy()
    made = Storm(stack, {}, {})
    documents = folder / "documents"
    for word, numbers in (("amber", range(30)), ("cobalt", range(50))):
        shutil.rmtree(documents, ignore_errors=True)
        backups.write_documents(documents, word, numbers)
        made.states[word] = State(documents, word)
        made.states[word].ingest(stack)
        file = Path(backups.made(stack)["file"])
        made.archives[word] = Path(shutil.copy2(file, folder))
    made.now = "cobalt"
    yield made
    stack.clear()


def undisturbed(storm: Storm, words) -> float:
    """Return the seconds of the shortest of some runs that nobody disturbs."""
    return min(storm.stack.must(*words()).seconds for _ in range(MEASURED))


def struck(storm: Storm, words: tuple[str, ...], after: float, *, alone: bool) -> bool:
    """Kill a verb, or all it started, so many seconds after its start; was it still running?"""
    process = storm.stack.start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    running = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
    process.wait()
    return running


def restore(storm: Storm) -> tuple[str, ...]:
    """Return the words that restore the state that is not in force."""
    return ("restore", str(storm.archives[storm.other]), "--yes")


def judge_shelf(storm: Storm) -> None:
    """Assert that everything on the shelf is whole."""
    for path in backups.archives(storm.stack):
        storm.stack.must("verify", path.name.partition(".")[0])


def judge_generations(storm: Storm) -> None:
    """Assert that two generations are there at most, and every link in them leads somewhere.

    Of older ones only what was carried over stays.
    """
    data = storm.stack.root / "data"
    assert 1 <= len(list(data.glob("*/knowledge"))) <= 2, list(data.glob("*/*"))
    links = [path for path in data.glob("*/*") if path.is_symlink()]
    assert all(link.exists() for link in links), links


def test_killed_backups_leave_whole_ones_and_nothing_else(storm, rounds, seed):
    dice, wanted, within = random.Random(seed), rounds(SAMPLE, CAMPAIGN), 0  # noqa: S311 - repeatable, not secret
    before = storm.look()
    ran = backups.births(storm.stack)
    whole = undisturbed(storm, lambda: ("backup", "--count", "2"))
    for number in range(wanted):
        after = dice.uniform(EARLIEST, LATEST) * whole
        within += struck(storm, ("backup",), after, alone=bool(number % 2))
        print(f"backup {number}: killed after {after:.2f} of {whole:.2f} s")
        judge_shelf(storm)

        whole = min(whole, storm.stack.must("backup", "--count", "2").seconds)

        assert not backups.leftovers(storm.stack)
        assert before == storm.look()
    assert ran == backups.births(storm.stack)
    judge_shelf(storm)
    snapshots = list(storm.stack.root.glob("data/*/vectors/**/*.snapshot"))
    assert not snapshots
    assert within >= WITHIN * wanted
    print(f"{wanted} backups killed, {within} before their end")


def test_killed_restores_leave_the_old_state_or_the_new_one(storm, rounds, seed):
    dice, wanted, within = random.Random(seed), rounds(SAMPLE, CAMPAIGN), 0  # noqa: S311 - repeatable, not secret
    whole = math.inf
    for _ in range(MEASURED):
        whole = min(whole, storm.stack.must(*restore(storm)).seconds)
        storm.look()
    for number in range(wanted):
        after = dice.uniform(EARLIEST, LATEST) * whole
        running, seconds = one_round(storm, after, alone=bool(number % 2))
        within, whole = within + running, min(whole, seconds)
    assert within >= WITHIN * wanted
    print(f"{wanted} restores killed, {within} before their end")


def one_round(storm: Storm, after: float, *, alone: bool) -> tuple[bool, float]:
    """Kill a restore, deploy, judge, restore undisturbed, judge.

    Returns:
        Whether it was still under way, and the seconds of the undisturbed one.
    """
    asked = storm.other
    running = struck(storm, restore(storm), after, alone=alone)
    storm.stack.must("deploy", *storm.stack.sets())
    print(f"restore of {asked} killed after {after:.2f} s: {storm.look()} is in force")
    assert 0 == storm.stack.run("drift").code, storm.stack.said[-1].out
    judge_shelf(storm)
    wished = storm.other

    done = storm.stack.must(*restore(storm))

    assert wished == storm.look()
    assert not backups.leftovers(storm.stack)
    assert not backups.aside(storm.stack)
    judge_generations(storm)
    return running, done.seconds


def test_on_a_full_disk_a_backup_fails_and_a_restore_leaves_what_runs(small, tmp_path):
    small.deploy()
    state = State(tmp_path / "documents", "amber")
    backups.write_documents(state.folder, "amber", range(20))
    state.ingest(small)
    archive = Path(shutil.copy2(backups.made(small)["file"], tmp_path))
    ran, shelf = backups.births(small), backups.archives(small)
    for leave in ROOMS:
        shrink(small.root.parent, leave)
        failed = small.run("backup")
        refused = small.run("restore", str(archive), "--yes")
        mounted(small.root.parent, f"remount,size={ROOM}")

        for done in (failed, refused):
            assert 1 == done.code, (leave, done.out, done.err)
            assert "Traceback" not in done.out + done.err
            said = ("No space left", "full", "no room")
            assert any(words in done.err for words in said), (leave, done.err)
        assert shelf == backups.archives(small)
        assert not backups.leftovers(small)
        assert not backups.aside(small)
        assert ran == backups.births(small)
        assert "" == state.fault(small)
    assert ["1"] == [path.name for path in (small.root / "data").iterdir()]

    small.must("backup")
    small.must("restore", str(archive), "--yes")
    assert "" == state.fault(small)
