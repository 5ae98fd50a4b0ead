# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from beast_ops.deploy import playbook
from beast_ops.deploy.playbook import CLONE, Playbook, run
from beast_ops.errors import CommandError


@pytest.fixture
def playing(monkeypatch):
    """Return a function that lets a script stand in for ansible-playbook."""

    def put(script):
        monkeypatch.setattr(Playbook, "argv", lambda _: [sys.executable, "-c", script])
        return Playbook("site", "inventory/local", Path("/r"))

    return put


TELL = "import os; tell = lambda text: os.write(int(os.environ['BEAST_PROGRESS']), text)\n"


def test_the_command_names_inventory_and_playbook():
    words = Playbook("site", "inventory/local", Path("/r")).argv()

    assert [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "inventory/local",
    ] == words[:3]
    assert [str(CLONE / "playbooks/site.yml")] == words[3:]


def test_a_check_and_variables_are_words_of_it():
    asked = Playbook(
        "remove", "i", Path("/r"), check=True, settings=Path("/d raft.yml"), variables={"a": "ü'"}
    )

    *_, check, diff, extra, variables = asked.argv()

    assert ["--check", "--diff", "--extra-vars"] == [check, diff, extra]
    assert {"a": "ü'", "beast_settings": "/d raft.yml"} == json.loads(variables)


def test_events_come_as_they_happen_and_the_last_is_the_end(playing):
    events = list(run(playing(f'{TELL}tell(b\'{{"event": "a"}}\\n\'); exit(3)'), None))

    assert [{"event": "a"}, {"event": "exit", "code": 3}] == events


@pytest.mark.parametrize("torn", [b'{"event": "b"', b"\xff\xfe", b"\n", b"nonsense\n"])
def test_a_line_that_was_torn_tells_nothing(torn, playing):
    script = f'{TELL}tell(b\'{{"event": "a"}}\\n\'); tell({torn!r}); os.kill(os.getpid(), 9)'

    assert ["a", "exit"] == [event["event"] for event in run(playing(script), None)]


def test_its_output_goes_to_the_log(playing):
    with tempfile.TemporaryFile() as log:
        list(
            run(playing("import sys; print('out', flush=True); print('err', file=sys.stderr)"), log)
        )
        log.seek(0)

        assert b"out\nerr\n" == log.read()


def test_it_reads_nothing_from_us(playing):
    assert 0 == list(run(playing("import sys; exit(len(sys.stdin.read()))"), None))[-1]["code"]


def test_without_ansible_it_says_what_to_type(monkeypatch):
    monkeypatch.setattr(Playbook, "argv", lambda _: ["/nowhere/ansible-playbook"])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - handles, not paths

    with pytest.raises(CommandError, match="cannot run ansible-playbook") as caught:
        list(run(Playbook("site", "i", Path("/r")), None))

    assert "Run: ./beast" == caught.value.hint
    # None more; of others before, some may be gone meanwhile.
    assert before >= len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - likewise


def test_whoever_stops_listening_ends_it(playing):
    script = f'{TELL}import time; tell(b\'{{"event": "%d"}}\\n\' % os.getpid()); time.sleep(60)'
    events = run(playing(script), None)
    pid = next(events)["event"]
    began = time.monotonic()

    events.close()

    assert time.monotonic() - began < 5
    assert not Path(f"/proc/{pid}").exists()


def test_one_that_does_not_end_is_ended(playing, monkeypatch):
    script = (
        f"{TELL}import signal, time; signal.signal(15, signal.SIG_IGN); "
        'tell(b\'{"event": "%d"}\\n\' % os.getpid()); time.sleep(60)'
    )
    real = subprocess.Popen.wait
    monkeypatch.setattr(
        subprocess.Popen, "wait", lambda self, seconds=None: real(self, seconds and 0.2)
    )
    events = run(playing(script), None)
    pid = next(events)["event"]

    events.close()

    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    "environ", [{}, {"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "", "LC_CTYPE": "C"}]
)
def test_ansible_gets_utf_8_even_where_we_have_none(environ, monkeypatch):
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert "C.UTF-8" == playbook._environment(Path("/r"), 3)["LC_ALL"]


def test_a_locale_that_works_is_left_alone(monkeypatch):
    monkeypatch.setattr(playbook.locale, "getpreferredencoding", lambda **_: "UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_CTYPE", raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")

    assert "LC_ALL" not in playbook._environment(Path("/r"), 3)


def test_a_locale_that_is_not_installed_is_replaced(monkeypatch):
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")

    assert "C.UTF-8" == playbook._environment(Path("/r"), 3)["LC_ALL"]


def test_of_the_users_ansible_only_the_way_to_hosts_is_kept(monkeypatch):
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "json")
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-J jump")

    environ = playbook._environment(Path("/r"), 3)

    assert "ANSIBLE_STDOUT_CALLBACK" not in environ
    assert "-J jump" == environ["ANSIBLE_SSH_ARGS"]


def test_the_root_and_the_way_back_are_in_its_environment():
    environ = playbook._environment(Path("/my root"), 7)

    assert ("/my root", "7") == (environ["BEAST_ROOT"], environ["BEAST_PROGRESS"])
    assert str(CLONE / "ansible.cfg") == environ["ANSIBLE_CONFIG"]
