# SPDX-License-Identifier: Apache-2.0
"""What all rooms of tests share: what a test needs, how long it may take, where it runs.

A test that lacks something is skipped with the reason. `BEAST_REQUIRE=docker,chromium` makes
such a skip a failure, so that nothing goes untested unnoticed where it was meant to run.

`BEAST_TURNS=4` is for who tests every day and has no hour for it: of the files that need real
services or a whole stack, one in four has its turn today, the next quarter tomorrow.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.valkey_server import Server

NOTHING_RAN = 5  # pytest's own code for it
TURNS = int(os.environ.get("BEAST_TURNS") or 1)
# Of the rooms that take turns, what has a turn every day: the ways that most people go.
EVERY_DAY = frozenset(
    {"test_arrival", "test_backup", "test_changes", "test_cli", "test_deploy", "test_users"}
)


def _command(*names: str) -> str:
    return "" if any(map(shutil.which, names)) else f"{names[0]} is not installed"


def _answers(*argv: str, seconds: float = 60) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        return f"{argv[0]} does not answer: {wrong}"
    return (
        "" if done.returncode == 0 else f"{argv[0]} does not answer: {done.stderr.strip()[-200:]}"
    )


def _index() -> str:
    wanted = Path(__file__).parents[1] / "requirements/bootstrap.txt"
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
    why = _answers(*pip, "--no-deps", "--require-hashes", "--requirement", str(wanted), seconds=90)
    return f"no package index: {why}" if why else ""


def other_python() -> str:
    """Return a Python newer than this one that can make environments, or nothing."""
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in (14, 13, 12):
        found = [shutil.which(f"python3.{minor}"), *home.glob(f"3.{minor}.*/bin/python3")]
        for python in filter(None, map(str, filter(None, found))):
            if not _answers(python, "-c", "import ensurepip, venv", seconds=20):
                return python
    return ""


def open_webui() -> str:
    """Return why the real Open WebUI cannot be run; nothing if it can."""
    program = os.environ.get("BEAST_OPEN_WEBUI", "")
    if program and os.access(program, os.X_OK):
        return ""
    return "BEAST_OPEN_WEBUI names no program; see docs/guides/chatting.md"


# By name: how to find out why it is missing; an empty text means that it is there.
NEEDS: dict[str, Callable[[], str]] = {
    "amtool": lambda: _command("amtool"),
    "busybox": lambda: _command("busybox"),
    "cc": lambda: _command("cc", "gcc", "clang"),
    "chromium": lambda: _command("chromium", "chromium-browser", "google-chrome"),
    "dash": lambda: _command("dash"),
    "age": lambda: _command("age") or _command("age-keygen"),
    "docker": lambda: _command("docker") or _answers("docker", "info"),
    "fish": lambda: _command("fish"),
    "git": lambda: _command("git"),
    "index": _index,
    "llama-server": lambda: _command("llama-server"),  # Debian's llama.cpp-tools
    "open-webui": open_webui,
    "other-python": lambda: "" if other_python() else "no newer Python beside this one",
    "promtool": lambda: _command("promtool"),
    "registry": lambda: "" if "registry" in required() else "only with BEAST_REQUIRE=registry",
    "restic": lambda: _command("restic"),
    "root": lambda: "" if os.geteuid() == 0 else "only root can become another user",
    "shellcheck": lambda: _command("shellcheck"),
    "systemd": lambda: "" if Path("/run/systemd/system").is_dir() else "systemd does not run",
    "valkey": lambda: _command("valkey-server", "redis-server"),
    "zsh": lambda: _command("zsh"),
    "zstd": lambda: _command("zstd"),
}


def required() -> set[str]:
    """Return what must be there, by `BEAST_REQUIRE`."""
    return {name.strip() for name in os.environ.get("BEAST_REQUIRE", "").split(",")} - {""}


@cache
def _missing(name: str) -> str:
    if name not in NEEDS:
        raise pytest.UsageError(f"tests can need {', '.join(sorted(NEEDS))}, not {name!r}")
    return NEEDS[name]()


def demand(names: Iterable[str]) -> None:
    """Skip the test that runs if one of *names* is missing, or fail it if that was required."""
    for name in names:
        reason = _missing(name)
        if reason and name in required():
            pytest.fail(f"BEAST_REQUIRE names {name}, but {reason}", pytrace=False)
        if reason:
            pytest.skip(f"needs {name}: {reason}")


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """Return a function that skips (or, if required, fails) unless all it is given is there."""
    return lambda *names: demand(names)


@pytest.fixture
def server(tmp_path: Path) -> Iterator["Server"]:
    """Return a real Valkey, up and empty."""
    from tests.valkey_server import running

    demand(["valkey"])
    with running(tmp_path / "valkey") as found:
        yield found


@pytest.fixture
def seed() -> int:
    """Return a seed for this test; `BEAST_SEED` repeats one that a failure printed."""
    chosen = int(os.environ.get("BEAST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"BEAST_SEED={chosen}")
    return chosen


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """Return a function that picks its first number, or with `--long` its second."""
    return lambda sample, campaign: campaign if pytestconfig.getoption("--long") else sample


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long campaigns in full")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): skipped, or failed if required, without")
    for name in required() - set(NEEDS):
        raise pytest.UsageError(f"BEAST_REQUIRE can name {', '.join(sorted(NEEDS))}, not {name!r}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long, what has no turn today, and the lab unless it was asked for."""
    here = Path(__file__).parent
    lab = "docker" in required() or any("lab" in Path(word).parts for word in config.args)
    waiting = {path for name in ("contract", "e2e", "lab") for path in _waiting(here / name)}
    # The longest first, so that both workers end together, and before the servers that tests of
    # other rooms keep until the end are there to be in their way.
    items.sort(key=lambda item: room(item, here) != "e2e")
    for item in items:
        if room(item, here) == "lab" and not lab:
            item.add_marker(pytest.mark.skip(reason="only when asked: ./beast test tests/lab"))
        if item.path in waiting:
            item.add_marker(pytest.mark.skip(reason="has its turn on another day: BEAST_TURNS"))
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="only with --long"))


def _waiting(folder: Path) -> set[Path]:
    """Return the files of a room that do not have their turn today."""
    today = datetime.now(UTC).timetuple().tm_yday
    turns = sorted(path for path in folder.rglob("test_*.py") if path.stem not in EVERY_DAY)
    return {path for number, path in enumerate(turns) if number % TURNS != today % TURNS}


def room(item: pytest.Item, here: Path) -> str:
    """Return the room of tests that *item* stands in."""
    return item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        demand(marker.args)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """End badly when every test was skipped: that proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    if session.config.getoption("collectonly", default=False):
        return
    kinds = ("passed", "failed", "error", "xfailed", "xpassed")
    if exitstatus == 0 and not any(reporter.stats.get(kind) for kind in kinds):
        session.exitstatus = NOTHING_RAN
