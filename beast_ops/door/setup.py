# SPDX-License-Identifier: Apache-2.0
"""Make the environment the verbs run in, from the lock files, once and completely.

`./beast` runs this with whatever Python it found, before anything is installed: only the
standard library and modules of ours that need no more may be imported here.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from beast_ops import locks
from beast_ops.errors import BeastError, BusyError, CommandError, UnavailableError

from .environment import LEVELS, LOCK, READY, Site, Stamp, checksum, choose, places
from .index import UNWANTED, no_index, pip_settings, redact, uv_environment

WAIT_SECONDS = 900.0
INTERRUPTED = 130

_UNREACHABLE = (
    "client error (connect)",
    "connection",
    "could not fetch",
    "could not find a version that satisfies",
    "dns error",
    "failed to fetch",
    "name resolution",
    "no matching distribution",
    "operation timed out",
    "error sending request",
    "proxy",
    "timed out",
    "tls",
)


def say(text: str) -> None:
    """Tell what happens, apart from the output of the verb."""
    print(f"beast: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the door speaks


@contextmanager
def locked(venv: Path) -> Iterator[int]:
    """Hold the environment alone; what it starts holds it too, so no orphan is overtaken.

    Raises:
        BusyError: If it is still held by others after `WAIT_SECONDS`.
    """
    venv.mkdir(parents=True, exist_ok=True)
    handle = locks.take(venv / LOCK)
    if handle is None:
        say("another set-up of this environment is running; waiting for it")
        handle = locks.wait(venv / LOCK, WAIT_SECONDS)
    if handle is None:
        raise BusyError("another set-up still runs", subject=str(venv))
    try:
        yield handle
    finally:
        os.close(handle)


def ensure(site: Site, level: str = LEVELS[0]) -> None:
    """Make the environment of *site* complete for *level*; do nothing when it is.

    Raises:
        BusyError: If another set-up does not end.
        CommandError: If something cannot be installed.
        UnavailableError: If the package index does not answer; what worked before still does.
    """
    with locked(site.venv) as lock:
        if site.ready(level):
            return
        began = time.monotonic()
        stamp = Stamp.read(site.venv)
        (site.venv / READY).unlink(missing_ok=True)
        if stamp is not None and site.sound(stamp):
            level = max(level, stamp.level, key=LEVELS.index)
        else:
            stamp = None
            _create(site, lock)
        _install(site, level, lock, stamp)
        say(f"ready after {time.monotonic() - began:.0f} s")


def _create(site: Site, lock: int) -> None:
    """Make an empty environment with uv in it, on the ruins of whatever was there."""
    say(f"first use: making an environment in {site.venv}")
    for child in site.venv.iterdir():
        if child.name == LOCK:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
    _run([site.base, "-I", "-m", "venv", str(site.venv)], lock, {}, seconds=300)
    pip = [str(site.python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    lockfile = str(site.requirements("bootstrap"))
    _run([*pip, "--require-hashes", "--no-deps", "--requirement", lockfile], lock, {}, seconds=900)


def _install(site: Site, level: str, lock: int, before: Stamp | None) -> None:
    lockfile = site.requirements(level)
    total = checksum(lockfile)
    say(f"installing what the lock file requirements/{level}.txt names")
    listing = _run([str(site.python), "-m", "pip", "config", "list"], lock, {}, seconds=60)
    pip = pip_settings(listing)
    uv = [str(site.venv / "bin" / "uv"), "pip", "sync", "--quiet", "--no-progress"]
    uv += ["--python", str(site.python), "--require-hashes", "--compile-bytecode"]
    uv += ["--no-index"] if no_index(pip) else []
    uv_words = uv_environment(pip, os.environ) | _cache(os.environ)
    try:
        _run([*uv, str(lockfile)], lock, uv_words, seconds=3600)
    except UnavailableError:
        if before is not None:
            before.write(site.venv)  # uv fetches everything before it touches anything
        raise
    (_packages(site.venv) / "ai-beast.pth").write_text(_path_line(site.clone), encoding="ascii")
    base = os.path.realpath(site.python)
    Stamp(level, total, str(site.venv), base, site.asked).write(site.venv)


def _path_line(clone: Path) -> str:
    """Return the line of a `.pth` file that has Python find *clone*.

    Under LC_ALL=C Python reads these files as ASCII and dies of any other letter; a line that
    begins with `import` is run (https://docs.python.org/3/library/site.html).
    """
    if str(clone).isascii():
        return f"{clone}\n"
    return f"import os, sys; sys.path.append(os.fsdecode({os.fsencode(clone)!r}))\n"


def _packages(venv: Path) -> Path:
    return next((venv / "lib").glob("python3.*")) / "site-packages"


def _cache(environ: Mapping[str, str]) -> dict[str, str]:
    """Return how uv does without its cache where that cannot be written."""
    cache = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME', '')}/.cache"
    above = next(folder for folder in Path(f"{cache}/uv/_").parents if folder.exists())
    if environ.get("UV_CACHE_DIR") or os.access(above, os.W_OK | os.X_OK):
        return {}
    return {"UV_NO_CACHE": "true"}


def _run(argv: Sequence[str], lock: int, extra: Mapping[str, str], *, seconds: float) -> str:
    """Run one step of the set-up and return its output.

    Raises:
        CommandError: If it ends badly.
        UnavailableError: If it ends badly because something is out of reach.
    """
    environ = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environ |= {"PIP_NO_INPUT": "1", "PIP_USER": "0", **extra}
    try:
        done = subprocess.run(
            argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=seconds, pass_fds=(lock,), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise UnavailableError(f"took longer than {seconds:g} s", subject=argv[0]) from late
    except OSError as unable:
        raise CommandError(f"could not start: {unable.strerror}", subject=argv[0]) from unable
    if done.returncode:
        raise _verdict(done.stderr + done.stdout)
    return done.stdout


def _verdict(output: str) -> BeastError:
    """Return the error that *output* of a failed step means."""
    lines = [line.strip() for line in redact(output).splitlines() if line.strip()]
    last = " ".join(lines)[-600:]
    low = output.lower()
    ours = "hash" in low or "no space left" in low
    if not ours and any(word in low for word in _UNREACHABLE):
        return UnavailableError(
            f"the package index could not be reached: {last}",
            hint="Look after the network, HTTPS_PROXY or pip's index-url, then run the same"
            " command again; nothing half-made is used.",
        )
    return CommandError(
        f"the environment could not be made: {last}",
        hint="When that is put right, run the same command again; it starts afresh.",
    )


def python_for(level: str) -> Path:
    """Return a Python that has the packages of *level*, installing them on first use.

    Raises:
        BeastError: As `ensure` does.
    """
    clone = Path(__file__).resolve().parents[2]
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    for venv in places(clone, os.environ):
        site = Site(clone, venv, base)
        if site.ready(level):
            return site.python
    if Stamp.read(Path(sys.prefix)) is None and _has(level):
        return Path(sys.executable)  # an environment somebody else looks after
    site = Site(clone, choose(clone, os.environ), base)
    say(f"the first `{level}` needs more packages than the other verbs")
    ensure(site, level)
    return site.python


def _has(level: str) -> bool:
    from importlib.util import find_spec

    needed = ("pytest", "ruff", "mypy") if level == "lint" else ("pytest",)
    return all(find_spec(name) for name in needed)


def main(clone: str) -> int:
    """Prepare *clone* for its first verb and return the exit code."""
    try:
        asked = os.environ.get("BEAST_PYTHON", "")
        home = Path(clone)
        ensure(Site(home, choose(home, os.environ), os.path.realpath(sys.executable), asked))
    except BeastError as wrong:
        say(wrong.paragraph())
        return wrong.exit_code
    except KeyboardInterrupt:
        say("interrupted; run the same command again, it repairs what is half-made")
        return INTERRUPTED
    except OSError as wrong:
        say(f"the environment could not be made: {wrong}")
        return 1
    return 0
