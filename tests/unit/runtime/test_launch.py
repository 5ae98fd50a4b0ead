# SPDX-License-Identifier: Apache-2.0
import json
import os
import pwd
import sys
from pathlib import Path

import pytest

from beast_ops.errors import NotDeployedError, PreflightError, ServiceError
from beast_ops.place import Place
from beast_ops.runtime import __main__ as program
from beast_ops.runtime import launch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "current").mkdir()
    return Place(tmp_path)


def with_python(place, target=sys.executable):
    (place.current / "release.json").write_text(json.dumps({"venv": "v1"}))
    (place.venv / "v1" / "bin").mkdir(parents=True)
    (place.venv / "v1" / "bin" / "python").symlink_to(target)


def test_the_interpreter_is_the_one_the_release_names(place):
    with_python(place)

    assert place.venv / "v1" / "bin" / "python" == launch.interpreter(place)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"venv": 1}'])
def test_without_a_release_there_is_no_interpreter(place, content):
    if content is not None:
        (place.current / "release.json").write_text(content)

    with pytest.raises(NotDeployedError, match="no release is in force"):
        launch.interpreter(place)


def test_a_lost_environment_is_told(place):
    (place.current / "release.json").write_text('{"venv": "../../../usr"}')

    with pytest.raises(NotDeployedError) as caught:
        launch.interpreter(place)

    assert str(place.venv / "usr" / "bin" / "python") == caught.value.subject


def test_the_environment_is_complete_even_where_the_callers_is_empty(place):
    found = launch.clean_environ(place, {"PYTHONPATH": "/evil", "TMPDIR": ""})

    home = pwd.getpwuid(os.getuid()).pw_dir
    expected = {"PATH": launch.PATH, "HOME": home, "LANG": "C.UTF-8"}
    assert expected == {name: found[name] for name in found if not name.startswith("BEAST")}


def test_a_user_nobody_knows_needs_no_home(place, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 64123)

    assert "/" == launch.clean_environ(place, {})["HOME"]
    assert "/here" == launch.clean_environ(place, {"HOME": "/here"})["HOME"]


def test_an_interpreter_that_cannot_run_is_told(place):
    with_python(place, "/bin/false")

    with pytest.raises(ServiceError, match="could not be started"):
        launch.launch(place)


@pytest.mark.parametrize("words", [[], ["--what", "/r"], ["--detach", "/r", "more"]])
def test_the_program_says_how_it_is_used(words, capsys):
    assert 64 == program.main(words)
    assert "usage:" in capsys.readouterr().err


def test_the_program_tells_what_it_lacks(place, capsys):
    assert NotDeployedError.exit_code == program.main([str(place.root)])
    assert "no release is in force" in capsys.readouterr().err


@pytest.fixture
def restored(monkeypatch, tmp_path):
    """Put back the working folder and the umask, which belong to the whole process."""
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.mark.usefixtures("restored")
def test_the_program_goes_on_as_supervisord(place, monkeypatch):
    with_python(place)
    became = []
    monkeypatch.setattr(os, "execve", lambda *words: became.append(words) or 0)
    monkeypatch.setattr(program, "_detach", lambda: False)

    code = program.main(["--detach", str(place.root)])

    ((python, argv, environ),) = became
    assert (0, launch.interpreter(place)) == (code, python)
    assert ["-n", "-c", str(place.current / "supervisord.conf")] == argv[-3:]
    assert launch.clean_environ(place) == environ
    assert place.root == Path.cwd()
    assert os.getpid() == json.loads((place.run / launch.IDENTITY).read_text())["pid"]


@pytest.mark.usefixtures("restored")
def test_the_one_that_is_left_behind_ends_well(place, monkeypatch):
    with_python(place)
    monkeypatch.setattr(os, "fork", lambda: 1)

    assert 0 == program.main(["--detach", str(place.root)])


@pytest.mark.usefixtures("restored")
def test_a_refused_socket_folder_is_told(place, monkeypatch, capsys):
    def refuse(_: Path) -> None:
        raise PreflightError("not ours")

    with_python(place)
    monkeypatch.setattr(program, "ensure_folder", refuse)

    assert 1 == program.main([str(place.root)])
    assert "not ours" in capsys.readouterr().err


def test_leaving_the_terminal_begins_a_session(monkeypatch):
    done = []
    monkeypatch.setattr(os, "fork", lambda: 0)
    monkeypatch.setattr(os, "setsid", lambda: done.append("session"))

    assert not program._detach()
    assert ["session"] == done
