# SPDX-License-Identifier: Apache-2.0
"""The unit's text, and what systemd is told; a machine with a real systemd is the lab's task."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.runtime.unit import Boot, quoted, session, unit_name, unit_text

PYTHON = Path("/r/venv/1/bin/python")
LINGER = f"loginctl show-user {os.getuid()} --property=Linger --value"
SHOW = "systemctl --user show --property=Version"


class Scripted:
    """A runner that knows some commands' answers, fails at others, and remembers all."""

    def __init__(self, answers: dict[str, str], *, failing: tuple[str, ...] = ()) -> None:
        self.answers, self.failing, self.heard = answers, failing, []

    def run(self, argv, *, seconds=60):  # noqa: ARG002 - the protocol's word
        line = " ".join(argv)
        self.heard.append(line)
        if line in self.failing:
            raise CommandError("no", subject=argv[0])
        return self.answers.get(line, "")


def boot(tmp_path, runner):
    return Boot(Place(tmp_path / ".beast"), runner, {"HOME": str(tmp_path)})


def test_enabling_writes_the_unit_and_tells_systemd(tmp_path):
    runner = Scripted({LINGER: "yes\n"})
    it = boot(tmp_path, runner)

    note = it.enable(PYTHON)

    name = "ai-beast.service"
    tell = "systemctl --user"
    assert "" == note
    assert it.path == tmp_path / ".config/systemd/user" / name
    assert unit_text(Place(tmp_path / ".beast"), PYTHON) == it.path.read_text()
    assert [SHOW, f"{tell} daemon-reload", f"{tell} enable {name}", LINGER] == runner.heard


def test_enabling_again_rewrites_nothing(tmp_path):
    runner = Scripted({LINGER: "yes"})
    boot(tmp_path, runner).enable(PYTHON)
    runner.heard.clear()

    boot(tmp_path, runner).enable(PYTHON)

    assert "systemctl --user daemon-reload" not in runner.heard


@pytest.mark.parametrize("runner", [Scripted({LINGER: "no\n"}), Scripted({}, failing=(LINGER,))])
def test_who_does_not_linger_is_told_how(tmp_path, runner):
    assert "loginctl enable-linger" in boot(tmp_path, runner).enable(PYTHON)


def test_without_a_listening_systemd_nothing_is_written(tmp_path):
    it = boot(tmp_path, Scripted({}, failing=(SHOW,)))

    assert "no systemd listens" in it.enable(PYTHON)
    assert not it.path.exists()
    assert not it.start()


def test_disabling_undoes_enabling(tmp_path):
    runner = Scripted({})
    it = boot(tmp_path, runner)
    it.enable(PYTHON)

    assert it.disable()
    assert not it.path.exists()
    assert "systemctl --user disable ai-beast.service" in runner.heard
    assert not it.disable()


def test_disabling_without_systemd_removes_the_unit(tmp_path):
    boot(tmp_path, Scripted({})).enable(PYTHON)
    it = boot(tmp_path, Scripted({}, failing=(SHOW,)))

    assert it.disable()
    assert not it.path.exists()


def test_systemd_is_asked_only_where_the_unit_is(tmp_path):
    runner = Scripted({})
    it = boot(tmp_path, runner)

    assert not it.start()
    assert not it.stop()
    assert [] == runner.heard

    it.enable(PYTHON)

    assert it.start()
    assert it.stop()
    assert "systemctl --user stop ai-beast.service" == runner.heard[-1]


def test_a_systemd_that_fails_leaves_the_start_to_the_caller(tmp_path):
    it = boot(tmp_path, Scripted({}, failing=("systemctl --user start ai-beast.service",)))
    it.enable(PYTHON)

    assert not it.start()


def test_a_machine_without_systemctl_is_one_without_systemd(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    place = Place(tmp_path / ".beast")

    note = Boot(place, environ={"HOME": str(tmp_path), "PATH": str(tmp_path)}).enable(PYTHON)

    assert "no systemd listens" in note


def test_every_installation_has_a_unit_of_its_own():
    home = Path("/home/u")
    names = {unit_name(Place(home / name), home) for name in (".beast", "other", "third")}

    assert 3 == len(names)
    assert "ai-beast.service" in names


def test_words_are_quoted_for_systemd():
    assert r'"a b \"c\" %%n $$HOME \\ x\ny"' == quoted('a b "c" %n $HOME \\ x\ny')


def test_the_users_systemd_is_found_where_cron_and_su_forget_it():
    assert f"/run/user/{os.getuid()}" == session({})["XDG_RUNTIME_DIR"]
    assert "/x" == session({"XDG_RUNTIME_DIR": "/x"})["XDG_RUNTIME_DIR"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_itself_finds_no_fault_with_the_unit(tmp_path):
    unit = tmp_path / "ai-beast.service"
    unit.write_text(unit_text(Place(Path("/a b/%n/ü$HOME\"'")), PYTHON))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],  # noqa: S607 - found above
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert ([], 0) == (said, done.returncode), done.stderr
