# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beast_ops import receipts
from beast_ops.clock import Clock
from beast_ops.keeper import state
from beast_ops.keeper.child import Child, command, environment
from beast_ops.keeper.loop import DEADLINE_SECONDS, LOOK_SECONDS, SETTLE_SECONDS, Keeper
from beast_ops.keeper.settings import KeeperSettings
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation

BEGIN = datetime(2026, 5, 6, 12, tzinfo=UTC)
BUSY = 75
SOON_SECONDS = 2


class Hands:
    """A clock that is set by hand, and runs that end when they are told to."""

    def __init__(self):
        self.passed, self.runs, self.codes, self.ended, self.able = 0.0, [], [], [], True
        self.clock = Clock(lambda: BEGIN + timedelta(seconds=self.passed), lambda: self.passed)

    def start(self, run):
        if not self.able:
            raise OSError("no memory")
        self.runs.append(run.kind)
        self.codes.append(None)
        return self

    def code(self):
        return self.codes[-1]

    def end(self):
        self.ended.append(self.runs[-1])
        return -15


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "root")


@pytest.fixture
def keeper(place, hands):
    return Keeper(place, KeeperSettings(drill_enabled=False), hands.clock, hands.start)


def pass_by(keeper, hands, seconds):
    hands.passed += seconds
    keeper.tick()


def succeeded(place, hands, operation="backup"):
    with receipts.recording(place.receipts, operation, hands.clock):
        pass


def test_it_reports_at_once_and_leaves_a_host_that_starts_alone(keeper, place, hands):
    keeper.tick()
    pass_by(keeper, hands, SETTLE_SECONDS - 1)

    assert [] == hands.runs
    assert state.State(BEGIN, None, {}) != state.read(place.run)
    assert state.read(place.run).running is None


def test_a_young_installation_has_its_first_backup_within_an_hour(keeper, place, hands):
    for _ in range(60):
        pass_by(keeper, hands, 60)

    assert ["backup"] == hands.runs
    assert "backup" == state.read(place.run).running


def test_while_one_runs_no_other_begins_and_signs_of_life_go_on(keeper, place, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    pass_by(keeper, hands, 3600)

    assert ["backup"] == hands.runs
    assert hands.clock.now() == state.read(place.run).seen


def test_what_succeeded_is_not_made_again_that_day(keeper, place, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    succeeded(place, hands)
    hands.codes[-1] = 0
    for _ in range(14):
        pass_by(keeper, hands, 3600)
    assert ["backup"] == hands.runs

    pass_by(keeper, hands, 3600)
    assert ["backup", "backup"] == hands.runs


def test_what_fails_is_tried_again_after_an_hour_and_then_after_two(keeper, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    for wait in (3600, 7200):
        hands.codes[-1] = 1
        pass_by(keeper, hands, 1)
        pass_by(keeper, hands, wait - LOOK_SECONDS)
        before = len(hands.runs)
        pass_by(keeper, hands, LOOK_SECONDS)
        assert before + 1 == len(hands.runs)


def test_who_finds_somebody_at_work_comes_back_in_minutes(keeper, place, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    hands.codes[-1] = BUSY
    pass_by(keeper, hands, 1)
    assert "busy" == state.read(place.run).attempts["backup"].outcome

    pass_by(keeper, hands, 300)
    assert ["backup", "backup"] == hands.runs


def test_what_takes_too_long_is_ended_and_has_failed(keeper, place, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    pass_by(keeper, hands, DEADLINE_SECONDS["backup"])

    assert ["backup"] == hands.ended
    assert 1 == state.read(place.run).attempts["backup"].failures


def test_what_cannot_be_started_has_failed(keeper, place, hands):
    hands.able = False
    pass_by(keeper, hands, SETTLE_SECONDS)

    assert "failed" == state.read(place.run).attempts["backup"].outcome


def test_another_keeper_knows_what_the_one_before_tried(keeper, place, hands):
    pass_by(keeper, hands, SETTLE_SECONDS)
    hands.codes[-1] = 1
    pass_by(keeper, hands, 1)
    after = Keeper(place, KeeperSettings(drill_enabled=False), hands.clock, hands.start)
    pass_by(after, hands, SETTLE_SECONDS)

    assert ["backup"] == hands.runs


def test_a_full_disk_does_not_end_it(keeper, place):
    place.root.mkdir()
    place.run.write_text("no folder")
    keeper.tick()

    assert state.read(place.run) is None


def test_a_receipt_that_says_no_time_is_complained_of_and_does_not_end_it(keeper, place, hands):
    succeeded(place, hands)
    (path,) = place.receipts.iterdir()
    path.write_text(path.read_text().replace(BEGIN.isoformat(), "lately"))
    pass_by(keeper, hands, SETTLE_SECONDS)

    assert [] == hands.runs


@pytest.mark.parametrize("text", ["", "[]", '{"seen": "yesterday"}', "\x00"])
def test_what_cannot_be_read_is_no_state(place, text):
    place.run.mkdir(parents=True)
    (place.run / state.FILE).write_text(text)

    assert state.read(place.run) is None


def test_a_real_program_ends_at_once_with_the_keeper(place, hands):
    children = []

    def start(_):
        children.append(Child([sys.executable, "-c", "import time; time.sleep(60)"], os.environ))
        return children[-1]

    keeper = Keeper(place, KeeperSettings(), hands.clock, start)
    thread = threading.Thread(target=keeper.run)
    hands.passed = SETTLE_SECONDS
    keeper.tick()
    thread.start()
    keeper.stop()
    thread.join(10)

    assert not thread.is_alive()
    assert -signal.SIGTERM == children[0].code()


def test_a_program_that_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr("beast_ops.keeper.child.PATIENCE_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    child = Child([sys.executable, "-c", f"{deaf}; time.sleep(60)"], os.environ)
    time.sleep(0.5)

    assert child.end() in {-signal.SIGKILL, -signal.SIGTERM}


def test_the_verbs_are_those_of_the_door():
    settings = KeeperSettings(keep_days=3, keep_count=4)

    me = str(os.getpid())

    assert ["-I", "-u", "-m", "beast_ops.keeper.verb", me] == command("drill", settings)[1:6]
    assert ["drill"] == command("drill", settings)[6:]
    assert ["backup", "--days", "3", "--count", "4"] == command("backup", settings)[6:]


def test_a_verb_hears_of_the_installation_and_of_nothing_said_to_the_keeper(tmp_path):
    given = {"PATH": "/bin", "BEAST_CONFIG": "/x", "SUPERVISOR_ENABLED": "1"}

    assert {"PATH": "/bin", "BEAST_ROOT": str(tmp_path)} == environment(tmp_path, given)


def test_the_process_reports_and_ends_when_it_is_told_to(place, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(KeeperSettings().model_dump()))
    environ = {**os.environ, "BEAST_ROOT": str(place.root), "BEAST_CONFIG": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "beast_ops.keeper"], env=environ)
    deadline = time.monotonic() + 20
    while state.read(place.run) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()

    assert 0 == process.wait(SOON_SECONDS)
    assert state.read(place.run) is not None


# A keeper whose first run is due at once, and waits for somebody who holds the installation.
AT_WORK = """
import signal, sys
from pathlib import Path
from beast_ops.keeper import loop
from beast_ops.keeper.settings import KeeperSettings
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation

loop.SETTLE_SECONDS = 0.0
keeper = loop.Keeper(Place(Path(sys.argv[1])), KeeperSettings(drill_enabled=False))
signal.signal(signal.SIGTERM, lambda *_: keeper.stop())
keeper.run()
"""


@pytest.fixture
def at_work(tmp_path):
    """A real keeper, and the real backup that it runs."""
    place = an_installation(tmp_path / "root", a_service("s"))
    with lease(place.run, "deploy"):
        process = subprocess.Popen([sys.executable, "-c", AT_WORK, place.root])
        try:
            yield process, eventually(lambda: waiting_backup(process.pid))
        finally:
            process.kill()
            process.wait()


def waiting_backup(keeper):
    """Return the backup that *keeper* runs, once it heeds signals."""
    for pid in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split():
        caught = next(
            line.split()[1]
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("SigCgt")
        )
        if int(caught, 16) & 1 << (signal.SIGTERM - 1):
            return int(pid)
    return None


def eventually(look, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found
    return found


def is_over(pid):
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_a_killed_keeper_ran_ends_with_it(at_work):
    keeper, backup = at_work
    keeper.kill()

    assert eventually(lambda: is_over(backup), SOON_SECONDS)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_keeper_at_work_ends_soon_after_it_is_told_to_and_leaves_nobody(at_work):
    keeper, backup = at_work
    keeper.terminate()

    assert 0 == keeper.wait(SOON_SECONDS)
    assert is_over(backup)


def test_a_keeper_that_is_gone_before_its_verb_began_is_noticed():
    words = [sys.executable, "-I", "-m", "beast_ops.keeper.verb", "1", "version"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)

    assert (-signal.SIGTERM, "") == (done.returncode, done.stdout)


def test_the_process_says_what_is_wrong_with_its_settings(place, tmp_path):
    (tmp_path / "settings.json").write_text('{"backup_at": "noon"}')
    environ = {**os.environ, "BEAST_ROOT": str(place.root), "BEAST_CONFIG": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "beast_ops.keeper"],
        env=environ, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "backup_at" in done.stderr
