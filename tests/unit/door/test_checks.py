# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from beast_ops.door import checks
from beast_ops.errors import UsageError

TOOL = """\
#!{python}
import json, os, sys
print(os.path.basename(sys.argv[0]), *sys.argv[1:])
sys.exit(int(os.environ.get("FAKE_" + os.path.basename(sys.argv[0]).upper().replace("-", "_"), 0)))
"""


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Return a clone whose tools only say how they were called."""
    folder = tmp_path / "a clone"
    for room in ("unit", "house", "bench", "lab"):
        (folder / "tests" / room).mkdir(parents=True)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python", "ruff", "mypy", "ansible-lint", "shellcheck"):
        (tools / name).write_text(TOOL.format(python=sys.executable))
        (tools / name).chmod(0o755)
    (folder / "beast").touch()
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setattr(checks, "python_for", lambda _level: tools / "python")
    return folder


def test_the_rooms_that_are_there_run_on_two_cores(clone, capfd):
    assert checks.test(clone, [], long=False) == 0

    spread = "--dist loadfile --no-loadscope-reorder"
    expected = f"python -m pytest tests/unit tests/house -n 2 {spread}\n"
    assert expected == capfd.readouterr().out


def test_coverage_is_reported_when_asked_for(clone, capfd):
    assert checks.test(clone, ["--cov"], long=False) == 0

    words = capfd.readouterr().out
    assert f"--cov-report=term --cov-report=xml:{clone}/out/coverage.xml --cov\n" in words


def test_words_go_to_pytest(clone, capfd):
    checks.test(clone, ["-k", "door", "-n0"], long=True)

    words = capfd.readouterr().out
    assert "tests/unit" in words
    assert words.rstrip().endswith("-k door -n0 --long")
    assert "-n 2" not in words


def test_paths_replace_the_rooms(clone, capfd):
    checks.test(clone, ["tests/unit", "-x"], long=False)

    assert capfd.readouterr().out == "python -m pytest tests/unit -x\n"


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 130), (3, 1), (4, 64), (5, 1)])
def test_the_exit_code_of_pytest_becomes_ours(clone, monkeypatch, capfd, code, expected):
    monkeypatch.setenv("FAKE_PYTHON", str(code))

    assert checks.test(clone, [], long=False) == expected
    assert ("no test ran" in capfd.readouterr().err) == (code == 5)


def test_nothing_is_cached_in_a_clone_that_cannot_be_written(clone, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)

    checks.test(clone, [], long=False)

    assert "-p no:cacheprovider" in capfd.readouterr().out
    assert (tmp_path / "out").is_dir()


def test_every_check_runs_to_the_end(clone, monkeypatch, capfd):
    monkeypatch.setenv("FAKE_RUFF", "1")

    assert checks.lint(clone, []) == 1

    out = capfd.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("·")] == [
        "· tidy", "· ruff", "· format", "· mypy", "· ansible", "· shell",
    ]  # fmt: skip
    assert "ansible-lint --offline --profile=production --strict -q" in out
    assert "shellcheck beast" in out
    assert out[-1] == "Complaints from: ruff, format"


def test_one_check_can_be_named(clone, capfd):
    assert checks.lint(clone, ["mypy"]) == 0
    assert capfd.readouterr().out.splitlines() == ["· mypy", "mypy", "No complaints."]


def test_an_unknown_check_is_refused_with_the_names_there_are(clone):
    with pytest.raises(UsageError) as caught:
        checks.lint(clone, ["ruf"])

    assert "tidy, ruff, format, mypy, ansible, shell" in caught.value.hint


def test_without_shellcheck_the_rest_is_checked_and_that_is_said(clone, monkeypatch, capfd):
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert checks.lint(clone, []) == 0
    assert "shellcheck is not installed" in capfd.readouterr().out


def measurement(clone, name, text):
    main = "" if name == "shared" else "assert __name__ == '__main__'\n"
    (clone / "tests/bench" / f"{name}.py").write_text(main + text)


@pytest.fixture
def measured(clone, monkeypatch):
    """Return the clone with a real Python."""
    monkeypatch.setattr(checks, "python_for", lambda _level: Path(sys.executable))
    return clone


def test_measurements_leave_their_json(measured, capfd):
    measurement(measured, "fast", "print('{\"seconds\": 1}')")
    measurement(measured, "shared", "raise SystemExit(1)  # imported by others")

    assert checks.bench(measured, []) == 0

    assert json.loads((measured / "out/bench/fast.json").read_text()) == {"seconds": 1}
    assert '"seconds": 1' in capfd.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        "print('{}'); raise SystemExit(1)",
        "print('no json')",
        "",
        "print('{\"met\": false}')",
        'print(\'{"summary": {"met": false}}\')',
    ],
)
def test_a_failed_measurement_fails_the_verb(measured, text, capfd):
    measurement(measured, "bad", text)
    measurement(measured, "good", "print('{}')")

    assert checks.bench(measured, []) == 1
    assert "Failed: bad" in capfd.readouterr().out


def test_an_unknown_measurement_is_refused(measured):
    measurement(measured, "good", "print('{}')")

    with pytest.raises(UsageError, match="no such measurement") as caught:
        checks.bench(measured, ["god"])
    assert caught.value.hint == "Known: good."


def test_nothing_to_measure_is_not_a_success(measured):
    with pytest.raises(UsageError):
        checks.bench(measured, [])


def test_a_tool_that_hangs_is_a_failure(clone, capfd):
    argv = [sys.executable, "-c", "import signal; signal.sigwait([signal.SIGTERM])"]

    assert checks._run(argv, clone, {}, 0) == 1
    assert "took longer" in capfd.readouterr().err


def test_a_tool_that_takes_too_long_may_say_what_it_found(clone, capfd):
    late = "import signal; print('up', flush=True); signal.pause()"
    argv = [sys.executable, "-c", f"try: exec({late!r})\nexcept KeyboardInterrupt: print('found')"]

    assert checks._run(argv, clone, {}, 3) == 1
    assert "up\nfound\n" == capfd.readouterr().out
