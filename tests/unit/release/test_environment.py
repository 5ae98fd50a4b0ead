# SPDX-License-Identifier: Apache-2.0
import os
import threading

import pytest

from beast_ops.release import environment
from beast_ops.release.environment import InstallError, main, make

UV = """#!/bin/sh
echo "$@" >> "{log}"
env | grep -E '^(UV_|PIP_|VIRTUAL_ENV)' >> "{log}.env"
case "$1" in
  venv) for folder in "$@"; do :; done; mkdir -p "$folder/bin" ;;
esac
{more}
"""

PYTHON = """#!/bin/sh
echo "$@" >> "{log}"
{more}
case "$2" in
  venv) mkdir -p "$3/bin" && cp "{program}" "$3/bin/python" ;;
esac
"""


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """Return a function that makes a uv which writes down what it is asked."""
    monkeypatch.setattr(environment, "_pip", dict)

    def write(more=""):
        program = tmp_path / "uv"
        program.write_text(UV.format(log=tmp_path / "log", more=more))
        program.chmod(0o700)
        return str(program)

    return write


def sent(tmp_path):
    """Return the files a deploy sends: the wheel, the lock file, and what is kept beside them."""
    files = [tmp_path / name for name in ("w.whl", "lock.txt", "Dockerfile", "tasks.py")]
    for path in files:
        path.write_text(f"this is {path.name}")
    return files


def asked(tmp_path):
    return (tmp_path / "log").read_text().splitlines()


def made(tmp_path, uv, root="root"):
    return make(tmp_path / root, "v1", uv, sent(tmp_path))


def test_an_environment_is_made_of_lock_file_and_wheel(tmp_path, uv):
    assert made(tmp_path, uv())

    venv, locked, wheel = asked(tmp_path)
    assert venv.startswith("venv --quiet --python ")
    assert f"--require-hashes --requirement {tmp_path}/lock.txt" in locked
    assert wheel.endswith(f"--no-index {tmp_path}/w.whl")
    assert (tmp_path / "root/venv/v1/complete").exists()


def test_the_mark_comes_after_all_else_is_durable(tmp_path, uv, monkeypatch):
    synced = []

    def sync(folder):
        assert 3 == len(asked(tmp_path))
        synced.append((folder, (folder / "complete").exists()))

    monkeypatch.setattr(environment, "sync_file_system", sync)

    made(tmp_path, uv())

    assert [(tmp_path / "root/venv/v1", False)] == synced


def test_a_disk_that_does_not_take_it_leaves_nothing_behind(tmp_path, uv, monkeypatch, capsys):
    def sync(folder):
        raise OSError(5, "Input/output error", str(folder))

    monkeypatch.setattr(environment, "sync_file_system", sync)
    monkeypatch.setattr(environment.os, "umask", int)

    assert 75 == main([str(tmp_path / "root"), "v1", uv(), *map(str, sent(tmp_path))])
    assert not (tmp_path / "root").exists()
    assert "Input/output error" in capsys.readouterr().err


def test_a_complete_one_is_left_alone(tmp_path, uv):
    made(tmp_path, uv())

    assert not made(tmp_path, uv())
    assert 3 == len(asked(tmp_path))


def test_one_that_was_interrupted_is_made_anew(tmp_path, uv):
    (tmp_path / "root/venv/v1").mkdir(parents=True)
    (tmp_path / "root/venv/v1/half").touch()

    assert made(tmp_path, uv())
    assert not (tmp_path / "root/venv/v1/half").exists()


@pytest.mark.parametrize("there", [False, True])
def test_what_fails_leaves_nothing_behind(there, tmp_path, uv):
    if there:
        (tmp_path / "root/data").mkdir(parents=True)

    with pytest.raises(InstallError, match="no such package"):
        made(tmp_path, uv('case "$*" in *lock*) echo "no such package" >&2; exit 1;; esac'))

    assert there == (tmp_path / "root").exists()
    assert not (tmp_path / "root/venv").exists()


def test_what_fails_lets_go_of_no_folder_that_was_there(tmp_path, uv):
    (tmp_path / "root").mkdir(mode=0o755)

    with pytest.raises(InstallError):
        made(tmp_path, uv("exit 1"))

    assert [] == list((tmp_path / "root").iterdir())


def test_what_fails_lets_go_of_every_folder_it_made(tmp_path, uv):
    with pytest.raises(InstallError):
        made(tmp_path, uv("exit 1"), root="not/yet/there")

    assert not (tmp_path / "not").exists()


def test_a_root_that_was_open_is_closed(tmp_path, uv):
    (tmp_path / "root").mkdir(mode=0o755)

    made(tmp_path, uv())

    assert 0o700 == (tmp_path / "root").stat().st_mode & 0o777


def test_a_failure_shows_no_password(tmp_path, uv):
    complaint = "echo failed to fetch https://me:hunter2@index.example/simple >&2; exit 2"

    with pytest.raises(InstallError) as caught:
        made(tmp_path, uv(complaint))

    assert "index.example" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Return a function that makes a Python which writes down what it is asked; there is no uv."""
    monkeypatch.setattr(environment, "_pip", dict)
    monkeypatch.setattr(environment.shutil, "which", lambda _: None)

    def write(more=""):
        program = tmp_path / "python"
        program.write_text(PYTHON.format(log=tmp_path / "log", program=program, more=more))
        program.chmod(0o700)
        monkeypatch.setattr(environment.sys, "executable", str(program))

    return write


def test_without_uv_it_is_pip_that_installs(tmp_path, python):
    python()

    assert made(tmp_path, "/nowhere/uv")

    install = "-m pip install --quiet --no-deps"
    assert [
        f"-m venv {tmp_path}/root/venv/v1",
        f"{install} --require-hashes --requirement {tmp_path}/lock.txt",
        f"{install} --no-index {tmp_path}/w.whl",
    ] == asked(tmp_path)


def test_without_uv_one_is_lent_by_its_lock_file_and_given_back(tmp_path, python):
    lent = tmp_path / "root/venv/v1/lent"
    (tmp_path / "fake").write_text(f'#!/bin/sh\necho uv "$@" >> {tmp_path}/log\n')
    (tmp_path / "fake").chmod(0o700)
    lends = f"mkdir -p {lent}/bin; cp {tmp_path}/fake {lent}/bin/uv"
    python(f'case "$*" in *--target*) {lends};; esac')

    assert made(tmp_path, f"{tmp_path}/bootstrap.txt")

    into = f"uv pip install --quiet --python {tmp_path}/root/venv/v1/bin/python --no-deps"
    hashed = "--quiet --no-deps --require-hashes"
    assert [
        f"-m venv {tmp_path}/root/venv/v1",
        f"-m pip install {hashed} --target {lent} --requirement {tmp_path}/bootstrap.txt",
        "uv --version",
        f"{into} --require-hashes --requirement {tmp_path}/lock.txt",
        f"{into} --no-index {tmp_path}/w.whl",
    ] == asked(tmp_path)
    assert not lent.exists()


def test_where_uv_cannot_be_had_it_is_pip_that_installs(tmp_path, python):
    python('case "$*" in *--target*) echo "no build for this machine" >&2; exit 1;; esac')

    assert made(tmp_path, f"{tmp_path}/bootstrap.txt")

    assert asked(tmp_path)[-1].startswith("-m pip install --quiet --no-deps --no-index")
    assert not (tmp_path / "root/venv/v1/lent").exists()


def test_without_any_installer_it_says_so_and_leaves_nothing_behind(tmp_path, python):
    python('echo "No module named venv" >&2; exit 1')

    with pytest.raises(InstallError, match="No module named venv"):
        made(tmp_path, "/nowhere/uv")

    assert not (tmp_path / "root").exists()


def test_a_host_without_python_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "_pip", dict)
    monkeypatch.setattr(environment.sys, "executable", "/nowhere/python")

    with pytest.raises(InstallError, match="Cannot run /nowhere/python: "):
        made(tmp_path, "/nowhere/uv")


def test_all_that_was_sent_is_kept_as_it_is(tmp_path, uv):
    made(tmp_path, uv())

    kept = tmp_path / "root/venv/v1/source"
    assert {path.name: path.read_text() for path in sent(tmp_path)} == {
        path.name: path.read_text() for path in kept.iterdir()
    }


def test_programs_that_were_sent_can_be_imported_and_nothing_else(tmp_path, uv):
    made(tmp_path, uv('mkdir -p "' + str(tmp_path) + '/root/venv/v1/lib/python3.11/site-packages"'))

    packages = tmp_path / "root/venv/v1/lib/python3.11/site-packages"
    assert ["tasks.py"] == [path.name for path in packages.iterdir()]


def test_what_would_lead_astray_is_kept_out(tmp_path, uv, monkeypatch):
    for name in ("PIP_TARGET", "UV_PYTHON", "VIRTUAL_ENV", "UV_HTTP_TIMEOUT"):
        monkeypatch.setenv(name, "x")

    made(tmp_path, uv())

    seen = (tmp_path / "log.env").read_text()
    assert "UV_HTTP_TIMEOUT=x" in seen
    assert not any(name in seen for name in ("PIP_TARGET", "UV_PYTHON", "VIRTUAL_ENV"))


def test_a_private_index_travels_in_the_environment_and_not_in_words(tmp_path, uv, monkeypatch):
    index = "https://me:hunter2@index.example/simple"
    monkeypatch.setattr(environment, "_pip", lambda: {"index-url": index, "no-index": "true"})

    made(tmp_path, uv())

    assert f"UV_DEFAULT_INDEX={index}" in (tmp_path / "log.env").read_text()
    assert "hunter2" not in "".join(asked(tmp_path))
    assert "--no-index" in asked(tmp_path)[1]


def test_two_at_once_make_one(tmp_path, uv):
    program = uv("sleep 0.05")
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(made(tmp_path, program))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [False, False, True] == sorted(results)


def test_a_python_without_pip_has_no_settings_of_pip(monkeypatch):
    monkeypatch.setattr(environment.sys, "executable", "/nowhere/python")

    assert {} == environment._pip()


def test_as_a_program_it_tells_by_its_exit_code(tmp_path, uv, capsys):
    before = os.umask(0o022)
    try:
        root, files = str(tmp_path / "root"), list(map(str, sent(tmp_path)))

        assert [0, 3] == [main([root, "v1", uv(), *files]) for _ in range(2)]
        assert 0o700 == (tmp_path / "root/venv/v1").stat().st_mode & 0o777
        assert 75 == main([root, "v2", uv("exit 1"), *files])
    finally:
        os.umask(before)
    assert "could not be installed" in capsys.readouterr().err
