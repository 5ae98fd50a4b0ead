# SPDX-License-Identifier: Apache-2.0
"""What a user sees of the processes: they run, change, stop, and leave nothing behind."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beast_ops.errors import NotDeployedError, ServiceError, UsageError
from beast_ops.place import Place
from beast_ops.runtime import control, leftovers
from beast_ops.runtime.address import socket_path
from beast_ops.runtime.launch import launch
from beast_ops.runtime.rpc import Supervisor

NOBODY = 65534
HARD = "a b%20%(here)s #no ;yes 'q' \"qq\" $HOME a=b ünï☃"


def test_apply_starts_every_program_and_down_ends_them_all(house):
    house.release(house.service("one"), house.service("two"))

    started = control.apply(house.place)

    assert {"one", "two"} == started
    assert {"one": "running", "two": "running"} == house.states()

    control.down(house.place)
    control.down(house.place)

    assert {"one": "stopped", "two": "stopped"} == house.states()
    assert ["runtime.lock"] == sorted(p.name for p in house.place.run.iterdir())


def test_a_second_apply_changes_nothing(house):
    house.release(house.service("one"), house.service("two"))
    control.apply(house.place)
    before = house.pids()

    started = control.apply(house.place)

    assert set() == started
    assert before == house.pids()


def test_only_what_changed_is_started_anew(house):
    house.release(*(house.service(name) for name in ("same", "changed", "removed")))
    control.apply(house.place)
    before = house.pids()

    house.release(house.service("same"), house.service("changed", change="2"), house.service("new"))
    started = control.apply(house.place)

    after = house.pids()
    assert {"changed", "new"} == started
    assert {"same", "changed", "new"} == set(after)
    assert before["same"] == after["same"]
    assert before["changed"] != after["changed"]
    assert set() == leftovers.find(house.place, control_pid(house))


def test_another_environment_replaces_supervisord_itself(house):
    house.release(house.service("one"))
    control.apply(house.place)
    before = control_pid(house), house.pids()["one"]

    house.add_venv("two")
    house.release(house.service("one"), venv="two")
    started = control.apply(house.place)

    after = control_pid(house), house.pids()["one"]
    assert {"one"} == started
    assert set() == {*before} & {*after}


@pytest.mark.parametrize("name", [HARD, "long" * 40, "lóng ☃" * 20, "a" * 60])
def test_a_root_may_be_called_anything(build, until, monkeypatch, name):
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "C")
    house = build(name)
    told = house.place.root / "told.json"
    environment = {"HARD": f"{HARD} \n  two\n\n;lines\n ", "EMPTY": "", "PLAIN": "x,y=z"}
    house.release(house.service("one", "tell", str(told), HARD, environment=environment))

    control.apply(house.place)

    assert until(told.exists)
    found = json.loads(told.read_text())
    assert environment.items() <= found["environ"].items()
    assert str(house.place.root) == found["environ"]["BEAST_ROOT"]
    assert HARD == found["argv"][-1]
    assert ["one is up"] == list(control.logs(house.place, "one"))
    assert {"one": "running"} == house.states()

    control.down(house.place)

    assert not socket_path(house.place).exists()


def test_nothing_of_the_users_shell_reaches_the_programs(house, until, monkeypatch, tmp_path):
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "EVIL", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    told = tmp_path / "told.json"
    house.release(house.service("one", "tell", str(told)))

    control.apply(house.place)

    assert until(told.exists)
    environ = json.loads(told.read_text())["environ"]
    expected = {
        *("BEAST_CHANGE", "BEAST_ROOT", "BEAST_SECRETS", "BEAST_SERVICES", "BEAST_SUPERVISOR"),
        *("HOME", "LANG", "PATH", "TZ", "PYTHONSAFEPATH", "PYTHONUNBUFFERED", "PYTHONUTF8"),
    }
    ours = {name for name in environ if not name.startswith("SUPERVISOR_")}
    assert expected == ours - {"TMPDIR", "PWD", "SHLVL", "_", "LC_CTYPE"}
    assert ("C.UTF-8", "Asia/Tokyo") == (environ["LANG"], environ["TZ"])


def test_files_are_for_their_owner_only(house):
    house.release(house.service("one"))

    control.apply(house.place)

    made = [socket_path(house.place), *house.place.run.iterdir(), *house.place.logs.iterdir()]
    open_to_others = {p.name for p in made if p.stat().st_mode & 0o077}
    assert set() == open_to_others


def test_a_program_that_does_not_stay_up_is_named_with_its_last_words(house):
    house.release(house.service("good"), house.service("bad", "crash"))

    with pytest.raises(ServiceError, match="no luck today") as caught:
        control.apply(house.place)

    assert "bad" == caught.value.subject
    assert "./beast logs bad" in caught.value.hint


def test_a_program_that_cannot_be_executed_is_named(house):
    house.release(house.service("bad", process=("/no/such/program",)))

    with pytest.raises(ServiceError, match="No such file") as caught:
        control.apply(house.place)

    assert "bad" == caught.value.subject


def test_the_last_words_hold_no_secret(house):
    secrets = house.place.secrets / "bad"
    secrets.mkdir(parents=True)
    (secrets / "token").write_text("s3cr3t-t0k3n\n")
    house.release(house.service("bad", process=("python", "-c", "exit('see s3cr3t-t0k3n')")))

    with pytest.raises(ServiceError, match=r"see \[secret\]") as caught:
        control.apply(house.place)

    assert "s3cr3t" not in caught.value.paragraph()


def test_a_configuration_that_supervisord_refuses_is_told(house):
    house.release(house.service("one"))
    (house.place.current / "supervisord.conf").write_text("[nothing]\n")

    with pytest.raises(ServiceError, match="does not include supervisord section"):
        control.apply(house.place)


def test_one_program_stops_starts_and_restarts(house):
    house.release(house.service("one"), house.service("two"))
    control.apply(house.place)
    before = house.pids()

    control.stop(house.place, "one")
    control.stop(house.place, "one")

    assert {"one": "stopped", "two": "running"} == house.states()

    control.start(house.place, "one")
    control.start(house.place, "one")
    control.restart(house.place, "one")

    assert {"one": "running", "two": "running"} == house.states()
    assert before["one"] != house.pids()["one"]
    assert before["two"] == house.pids()["two"]


def test_what_was_stopped_runs_again_after_apply(house):
    house.release(house.service("one"), house.service("two"))
    control.apply(house.place)
    control.stop(house.place, "one")

    assert {"one"} == control.apply(house.place)


def test_all_programs_stop_and_start_without_a_name(house):
    house.release(house.service("one"), house.service("two"))

    control.start(house.place)
    control.stop(house.place)

    assert {"stopped"} == set(house.states().values())

    control.restart(house.place)

    assert {"running"} == set(house.states().values())


@pytest.mark.parametrize("verb", [control.start, control.stop, control.restart, control.logs])
def test_an_unknown_name_is_answered_with_the_known_ones(house, verb):
    house.release(house.service("one"), house.service("two"), house.service("far", external=True))

    with pytest.raises(UsageError) as caught:
        verb(house.place, "far")

    assert "There are: one, two" in caught.value.hint


def test_one_program_cannot_be_stopped_where_nothing_runs(house):
    house.release(house.service("one"))

    with pytest.raises(UsageError, match="nothing runs here"):
        control.stop(house.place, "one")


def test_without_a_release_there_is_nothing_to_apply(house):
    with pytest.raises(NotDeployedError):
        control.apply(house.place)


def test_logs_are_read_where_a_first_release_failed_and_is_no_longer_in_force(house):
    house.place.logs.mkdir(exist_ok=True)
    (house.place.logs / "one.log").write_text("no luck\n")
    (house.place.logs / "20260101T000000Z-deploy.log").write_text("of Ansible\n")

    assert ["no luck"] == list(control.logs(house.place))
    assert ["no luck"] == list(control.logs(house.place, "one"))
    with pytest.raises(UsageError):
        control.logs(house.place, "two")


def test_a_stubborn_program_is_ended_by_force(house):
    house.release(house.service("one", "stubborn"))
    control.apply(house.place)

    control.down(house.place)

    assert set() == leftovers.find(house.place)


def test_two_applies_at_once_start_one_supervisord(house):
    house.release(house.service("one"), house.service("two"))
    gate = threading.Barrier(2)

    def apply() -> set[str]:
        gate.wait()
        return control.apply(house.place)

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(apply) for _ in "ab"])

    assert [set(), {"one", "two"}] == sorted([first, second], key=len)
    assert [2, 0] == [len(supervised(house)), len(leftovers.find(house.place, control_pid(house)))]


def test_supervisord_outlives_the_terminal_of_its_caller(house):
    house.release(house.service("one"))
    control.apply(house.place)

    pid = control_pid(house)

    assert os.getsid(pid) == pid
    streams = [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 1)]
    assert ["/dev/null"] * 2 == streams
    assert str(house.place.root) == str(Path(f"/proc/{pid}/cwd").readlink())


def test_supervisord_survives_when_the_terminal_goes(house):
    house.release(house.service("one"))
    ours, theirs = pty.openpty()
    code = f"""
import os, sys, time
os.open(os.ttyname(0), os.O_RDWR)  # the leader of a session thereby owns the terminal
from pathlib import Path
from beast_ops.place import Place
from beast_ops.runtime import control
control.apply(Place(Path({str(house.place.root)!r})))
print("applied", flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, start_new_session=True
    ) as caller:
        os.close(theirs)
        assert b"applied" in os.read(ours, 100)
        before = control_pid(house)
        os.close(ours)

        assert -signal.SIGHUP == caller.wait(10)

    assert {"one": "running"} == house.states()
    assert before == control_pid(house)


def test_another_user_than_root_runs_it_as_well(house):
    if os.getuid():
        pytest.skip("needs root, to become another user")
    house.release(house.service("one"))
    for path in (house.place.root.parent, *house.place.root.parent.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    code = f"""
from pathlib import Path
from beast_ops.place import Place
from beast_ops.runtime import control
place = Place(Path({str(house.place.root)!r}))
assert control.apply(place) == {{"one"}}
assert control.apply(place) == set()
assert [state.state for state in control.status(place)] == ["running"]
control.down(place)
"""
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        done = subprocess.run([sys.executable, "-c", code], env={}, check=False, **other)
    except PermissionError:
        pytest.skip("needs a Python that other users may run")

    assert 0 == done.returncode
    owners = {path.stat().st_uid for path in house.place.logs.iterdir()}
    assert {NOBODY} == owners


def test_logs_rotate_and_are_read_across_it(house, until):
    house.release(house.service("one", "chatter", "11000"))
    control.apply(house.place)
    log = house.place.logs / "one.log"
    assert until(lambda: "line 0010999" in next(iter(control.logs(house.place, "one", 1)), ""))

    assert Path(f"{log}.1").exists()
    assert log.stat().st_size < 10 * 2**20
    found = [line.split()[1] for line in control.logs(house.place, "one", 3000)]
    assert [f"{number:07d}" for number in range(8000, 11000)] == found


def test_where_systemd_is_asked_supervisord_is_started_by_it(house, monkeypatch):
    asked = []

    class Boot:
        """What stands in for systemd: no machine of ours here has one."""

        def __init__(self, place):
            self.place = place

        def start(self):
            asked.append("start")
            launch(self.place)
            return True

        def stop(self):
            asked.append("stop")

    monkeypatch.setattr(control, "Boot", Boot)
    house.release(house.service("one"))

    assert {"one"} == control.apply(house.place)

    control.down(house.place)

    assert ["start", "stop"] == asked


def test_down_where_nothing_ever_was_makes_nothing(tmp_path):
    control.down(Place(tmp_path / "none"))

    assert [] == list(tmp_path.iterdir())


def control_pid(house):
    return Supervisor(socket_path(house.place)).presence()


def supervised(house):
    return [pid for pid in house.pids().values() if pid]
