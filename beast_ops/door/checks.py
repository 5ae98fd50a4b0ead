# SPDX-License-Identifier: Apache-2.0
"""Run the developers' tools on a clone: tests, checks, measurements."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import UsageError

from .output import complain, line
from .setup import python_for

ROOMS = ("unit", "cases", "contract", "house", "e2e")
# What pytest means by its exit codes: https://docs.pytest.org/en/stable/reference/exit-codes.html
_PYTEST = {0: 0, 2: 130, 4: 64}
_TESTS_SECONDS, _LONG_SECONDS, _LINT_SECONDS, _BENCH_SECONDS = 3600, 86400, 900, 3600
_LAB_SECONDS, _LAST_WORDS_SECONDS = 1800, 60


@dataclass(frozen=True, slots=True)
class Check:
    """One tool that looks at the clone: its words after `python`, or after its own name."""

    name: str
    argv: tuple[str, ...]


def test(clone: Path, words: Sequence[str], *, long: bool) -> int:
    """Run the rooms that need no Docker, or what *words* name, and return an exit code.

    Args:
        clone: The clone to test.
        words: Anything for pytest; paths among them replace the rooms.
        long: Run the long campaigns in full.
    """
    python = python_for("test")
    argv = [str(python), "-m", "pytest", *_pytest_words(clone, words)]
    argv += ["--long"] if long else []
    argv += [] if os.access(clone, os.W_OK) else ["-p", "no:cacheprovider"]
    seconds = _LONG_SECONDS if long else _TESTS_SECONDS
    code = _run(argv, clone, {"COVERAGE_FILE": str(_out(clone) / ".coverage")}, seconds)
    if code == 5:  # noqa: PLR2004 - pytest's code for no tests
        complain("no test ran")
    return _PYTEST.get(code, 1)


def _pytest_words(clone: Path, words: Sequence[str]) -> list[str]:
    """Return the words for pytest: all rooms, or just what was asked for."""
    if any((clone / word.partition("::")[0]).exists() for word in words):
        return list(words)
    rooms = [f"tests/{room}" for room in ROOMS if (clone / "tests" / room).is_dir()]
    # Only when asked for: where Python cannot tell by itself which lines ran (before 3.12),
    # counting them takes as long as most tests.
    report = ["--cov-report=term", f"--cov-report=xml:{_out(clone) / 'coverage.xml'}"]
    report = report if "--cov" in words else []
    workers = [] if any(word.startswith("-n") for word in words) else ["-n", "2"]
    # A file stays with one of them, for it shares what it made; tests/conftest.py has the order.
    spread = ["--dist", "loadfile", "--no-loadscope-reorder"]
    return [*rooms, *workers, *spread, *report, *words]


def lint(clone: Path, only: Sequence[str]) -> int:
    """Run every check, or those named, all of them to the end; return 1 if one complains.

    Raises:
        UsageError: If a name is not a check.
    """
    python = python_for("lint")
    checks = {check.name: check for check in _checks(clone, python)}
    for name in only:
        if name not in checks:
            raise UsageError("no such check", subject=name, hint=f"Known: {', '.join(checks)}.")
    bad = []
    for name in only or checks:
        line(f"· {name}")
        sys.stdout.flush()
        if _run(checks[name].argv, clone, {"PATH": _path(python)}, _LINT_SECONDS):
            bad.append(name)
    line(f"Complaints from: {', '.join(bad)}" if bad else "No complaints.")
    return 1 if bad else 0


def _checks(clone: Path, python: Path) -> list[Check]:
    tools = python.parent
    checks = [
        Check("tidy", (str(python), "-P", "-m", "beast_ops.door.tidy")),
        Check("ruff", (str(tools / "ruff"), "check", ".")),
        Check("format", (str(tools / "ruff"), "format", "--check", ".")),
        Check("mypy", (str(tools / "mypy"),)),
        Check(
            "ansible",
            (str(tools / "ansible-lint"), "--offline", "--profile=production", "--strict", "-q"),
        ),
    ]
    shell = shutil.which("shellcheck")
    if shell is None:
        line("· shellcheck is not installed; the shell scripts go unchecked")
        return checks
    scripts = [
        name for name in ("beast", ".ci/run", "requirements/lock") if (clone / name).exists()
    ]
    return [*checks, Check("shell", (shell, *scripts))]


def lab(clone: Path, words: Sequence[str]) -> int:
    """Have the lab do what *words* say and return its exit code."""
    python = python_for("test")
    return _run([str(python), "-m", "tests.lab", *words], clone, {}, _LAB_SECONDS)


def bench(clone: Path, only: Sequence[str]) -> int:
    """Run the measurements, or those named; return 1 if one of them fails.

    Each is a program in `tests/bench/` that prints one JSON document, with `"met": false` in it
    or in its `summary` when it misses its target. The document lands in `out/bench/`.

    Raises:
        UsageError: If a name is not a measurement, or there is none.
    """
    python = python_for("test")
    programs = sorted((clone / "tests/bench").glob("*.py"))
    found = {path.stem: path for path in programs if "__main__" in path.read_text("utf-8")}
    unknown = [name for name in only if name not in found]
    if unknown or not found:
        names = ", ".join(found) or "none"
        raise UsageError("no such measurement", subject=" ".join(unknown), hint=f"Known: {names}.")
    bad = [name for name in only or found if not _measure(clone, python, found[name])]
    line(f"Failed: {', '.join(bad)}" if bad else f"Results: {_out(clone) / 'bench'}")
    return 1 if bad else 0


def _measure(clone: Path, python: Path, program: Path) -> bool:
    line(f"· {program.stem}")
    sys.stdout.flush()
    done = subprocess.run(
        [str(python), str(program)],
        cwd=clone,
        stdout=subprocess.PIPE,
        timeout=_BENCH_SECONDS,
        check=False,
    )
    try:
        result = json.loads(done.stdout)
    except ValueError:
        complain(f"{program.stem} printed no JSON (exit code {done.returncode})")
        return False
    target = _out(clone) / "bench"
    target.mkdir(exist_ok=True)
    (target / f"{program.stem}.json").write_text(json.dumps(result, indent=2) + "\n")
    summary = result.get("summary", result)
    line(json.dumps(summary, indent=2))
    return done.returncode == 0 and summary.get("met") is not False


def _out(clone: Path) -> Path:
    """Return the folder of results: in the clone, or where the user may write."""
    above = clone if os.access(clone, os.W_OK) else Path.cwd()
    folder = above / "out"
    folder.mkdir(exist_ok=True)
    return folder


def _path(python: Path) -> str:
    return f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _run(argv: Sequence[str], clone: Path, extra_: Mapping[str, str], seconds: float) -> int:
    """Run *argv* with our terminal and return its exit code; too late counts as failed."""
    sys.stdout.flush()
    with subprocess.Popen(argv, cwd=clone, env={**os.environ, **extra_}) as tool:
        try:
            return tool.wait(seconds)
        except subprocess.TimeoutExpired:
            complain(f"{Path(argv[0]).name} took longer than {seconds:.0f} s")
            tool.send_signal(signal.SIGINT)  # whereupon pytest says what it has found so far
            with contextlib.suppress(subprocess.TimeoutExpired):
                tool.wait(_LAST_WORDS_SECONDS)
            return 1
        finally:
            tool.kill()
