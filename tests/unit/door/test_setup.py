# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from beast_ops import locks
from beast_ops.door import environment, setup
from beast_ops.door.environment import LOCK, READY, Site, Stamp
from beast_ops.errors import BusyError, CommandError, UnavailableError

ALL = ["venv", "pip install", "pip config", "uv deploy.txt"]
SYNC = ["pip config", "uv deploy.txt"]


@pytest.fixture
def site(clone):
    return Site(clone.path, clone.path / ".venv", str(clone.base))


def test_the_first_call_makes_everything_and_the_second_nothing(clone, site):
    setup.ensure(site)

    assert clone.calls() == ALL
    assert site.ready("deploy")

    setup.ensure(site)

    assert clone.calls() == []


def test_the_clone_is_on_the_path_of_the_environment(clone, site):
    setup.ensure(site)

    lines = (site.venv / "lib/python3.11/site-packages/ai-beast.pth").read_text().splitlines()

    assert lines == [str(clone.path)]


def test_a_clone_whose_path_is_not_ascii_is_found_under_any_locale(clone, tmp_path):
    odd = clone.path.rename(tmp_path / "my $ünï ' 🐘")
    site = Site(odd, odd / ".venv", str(clone.base))

    setup.ensure(site)

    line = (site.venv / "lib/python3.11/site-packages/ai-beast.pth").read_text(encoding="ascii")
    code = f"{line}\nprint(ascii(sys.path[-1]))"
    environ = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run(
        [sys.executable, "-I", "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{str(odd)!a}\n"


def test_a_changed_lock_file_is_installed_without_starting_afresh(clone, site):
    setup.ensure(site)
    clone.calls()
    site.requirements("deploy").write_text("deploy==2\n")

    setup.ensure(site)

    assert clone.calls() == SYNC


def test_an_extra_is_installed_once_and_covers_the_rest(clone, site):
    setup.ensure(site)
    clone.calls()

    setup.ensure(site, "test")

    assert clone.calls() == ["pip config", "uv test.txt"]
    assert site.ready("deploy")
    assert not site.ready("lint")

    setup.ensure(site)

    assert clone.calls() == []


def test_a_changed_lock_file_keeps_the_extras(clone, site):
    setup.ensure(site, "lint")
    clone.calls()
    site.requirements("lint").write_text("lint==2\n")

    setup.ensure(site)

    assert clone.calls() == ["pip config", "uv lint.txt"]


@pytest.mark.parametrize("step", ["FAKE_VENV", "FAKE_PIP", "FAKE_UV"])
def test_whatever_failed_half_way_is_made_afresh(clone, site, step, monkeypatch):
    monkeypatch.setenv(step, "disk on fire")
    with pytest.raises(CommandError, match="disk on fire"):
        setup.ensure(site)
    clone.calls()
    (site.venv / "rest").mkdir(exist_ok=True)
    (site.venv / "rest" / "file").touch()
    (site.venv / "link").symlink_to("/nowhere")
    monkeypatch.delenv(step)

    setup.ensure(site)

    assert clone.calls() == ALL
    assert not (site.venv / "rest").exists()
    assert not (site.venv / "link").is_symlink()


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("Failed to fetch: `https://a.invalid/x`", UnavailableError),
        ("error sending request for url", UnavailableError),
        ("Could not find a version that satisfies the requirement uv", UnavailableError),
        ("No space left on device; failed to fetch", CommandError),
        ("Hash mismatch for x after failed to fetch", CommandError),
        ("a wheel is broken", CommandError),
    ],
)
def test_an_index_out_of_reach_is_told_from_lasting_failures(
    site, output, kind, monkeypatch
):  # fmt: skip
    monkeypatch.setenv("FAKE_UV", output)

    with pytest.raises((UnavailableError, CommandError)) as caught:
        setup.ensure(site)

    assert type(caught.value) is kind
    assert not site.ready("deploy")


def test_what_worked_still_works_when_the_index_is_out_of_reach(clone, site, monkeypatch):
    setup.ensure(site)
    monkeypatch.setenv("FAKE_UV", "failed to fetch")

    with pytest.raises(UnavailableError):
        setup.ensure(site, "test")

    assert site.ready("deploy")
    assert not site.ready("test")
    assert "venv" in clone.calls()


def test_no_credentials_reach_arguments_or_messages(clone, site, monkeypatch):
    index = "https://me:hunter2@a.invalid/simple"
    monkeypatch.setenv("FAKE_PIP_CONFIG", f"global.index-url={index!r}")
    monkeypatch.setenv("FAKE_UV", f"failed to fetch {index}/uv/")

    with pytest.raises(UnavailableError) as caught:
        setup.ensure(site)
    argv, environ = json.loads(Path(f"{clone.calls_file}.uv").read_text())

    assert environ["UV_DEFAULT_INDEX"] == index
    assert "hunter2" not in " ".join(argv) + caught.value.paragraph()


def test_settings_that_would_lead_elsewhere_are_left_out(clone, site, monkeypatch):
    monkeypatch.setenv("UV_TARGET", "/elsewhere")
    monkeypatch.setenv("FAKE_PIP_CONFIG", "install.no-index='true'")

    setup.ensure(site)
    argv, environ = json.loads(Path(f"{clone.calls_file}.uv").read_text())

    assert "UV_TARGET" not in environ
    assert "--no-index" in argv
    assert "--require-hashes" in argv


def test_uv_does_without_a_cache_it_cannot_write(clone):
    assert setup._cache({"HOME": "/dev/null"}) == {"UV_NO_CACHE": "true"}
    assert setup._cache({"HOME": str(clone.path)}) == {}
    assert setup._cache({"HOME": "/dev/null", "UV_CACHE_DIR": "/somewhere"}) == {}


def test_two_at_once_make_it_once(clone, site, monkeypatch, capsys):
    monkeypatch.setenv("FAKE_UV_SECONDS", "0.5")
    threads = [threading.Thread(target=setup.ensure, args=(site,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert clone.calls() == ALL
    assert "waiting for it" in capsys.readouterr().err


def test_waiting_ends(site, monkeypatch):
    monkeypatch.setattr(setup, "WAIT_SECONDS", 0.2)

    with setup.locked(site.venv), pytest.raises(BusyError), setup.locked(site.venv):
        pass


def test_an_orphan_of_a_killed_set_up_is_waited_for(site):
    with setup.locked(site.venv) as lock:
        orphan = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock,)
        )
    try:
        assert locks.take(site.venv / LOCK) is None
    finally:
        orphan.communicate(b"\n")
    with setup.locked(site.venv):
        pass


def test_a_step_that_hangs_is_ended(site):
    with setup.locked(site.venv) as lock, pytest.raises(UnavailableError, match="longer than"):
        setup._run([sys.executable, "-c", "input()"], lock, {}, seconds=0)


def test_a_step_that_cannot_start_is_an_error(site):
    with setup.locked(site.venv) as lock, pytest.raises(CommandError, match="could not start"):
        setup._run(["/nowhere/python"], lock, {}, seconds=1)


@pytest.fixture
def ours(clone, monkeypatch):
    """Let `python_for` believe that it runs in *clone*."""
    monkeypatch.setattr(setup, "__file__", str(clone.path / "beast_ops/door/setup.py"))
    monkeypatch.setattr(sys, "_base_executable", str(clone.base), raising=False)
    return clone


@pytest.mark.usefixtures("ours")
def test_an_environment_of_somebody_else_is_used_if_it_has_everything(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # whatever made the one we run in

    assert setup.python_for("test") == Path(sys.executable)


def test_an_extra_is_made_beside_an_environment_that_lacks_it(ours, site, monkeypatch, capsys):
    monkeypatch.setattr(setup, "_has", lambda _level: False)

    assert setup.python_for("lint") == site.python
    assert "uv lint.txt" in ours.calls()
    assert "the first `lint` needs more packages" in capsys.readouterr().err

    assert setup.python_for("lint") == site.python
    assert ours.calls() == []


def test_the_set_up_answers_with_an_exit_code(clone, monkeypatch, capsys):
    monkeypatch.setattr(sys, "executable", str(clone.base))

    assert setup.main(str(clone.path)) == 0
    assert Stamp.read(clone.path / ".venv").base == str(Path(f"{clone.path}/.venv/bin/python"))
    assert "ready after" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        (UnavailableError("the index is away"), 75, "the index is away."),
        (KeyboardInterrupt(), 130, "run the same command again"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_a_failed_set_up_says_so_in_a_paragraph(clone, monkeypatch, capsys, wrong, code, part):
    def fail(*_args):
        raise wrong

    monkeypatch.setattr(setup, "ensure", fail)

    assert setup.main(str(clone.path)) == code
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1


def test_another_python_asked_for_means_another_environment(clone, site):
    setup.ensure(site)
    clone.calls()
    other = clone.script(clone.base.with_name("other"), clone.base.read_text())

    setup.ensure(replace(site, base=str(other), asked="other"))

    assert clone.calls() == ALL


def test_the_needed_programs_tell_whether_an_environment_has_them(monkeypatch):
    present = {"pytest"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in present or None)

    assert setup._has("test")
    assert not setup._has("lint")
    present |= {"ruff", "mypy"}
    assert setup._has("lint")


def test_the_stamp_is_what_the_shell_reads(tmp_path):
    stamp = Stamp("test", "123 4", str(tmp_path), "/usr/bin/python3", "")

    stamp.write(tmp_path)

    lines = ["test", "123 4", str(tmp_path), "/usr/bin/python3", ""]
    assert (tmp_path / READY).read_text() == "".join(f"{line}\n" for line in lines)
    assert Stamp.read(tmp_path) == stamp
    assert [path.name for path in tmp_path.iterdir()] == [READY]


@pytest.mark.parametrize("content", ["", "test\n1 2\n/x\n/y\n", "best\n1 2\n/x\n/y\n\n", "\0" * 9])
def test_a_damaged_stamp_counts_as_none(tmp_path, content):
    (tmp_path / READY).write_text(content)

    assert Stamp.read(tmp_path) is None


def test_the_checksum_is_that_of_the_shell(tmp_path):
    (tmp_path / "file").write_bytes(b"123456789")

    # The check value of POSIX cksum: https://reveng.sourceforge.io/crc-catalogue, CRC-32/CKSUM
    assert environment.checksum(tmp_path / "file") == f"{0x377A6011} 9"
