# SPDX-License-Identifier: Apache-2.0
"""Make the stack's own environment; runs on the host, before anything of ours is there.

Therefore this file needs nothing but the standard library, and is run out of the wheel itself:

    PYTHONPATH=WHEEL python3 -m beast_ops.release.environment ROOT HASH UV WHEEL LOCK [FILE…]

It makes `ROOT/venv/HASH` from the lock file and the wheel with the program UV, or with pip where
that is missing. UV may also be a lock file that names uv: where this host has none, it is had from
the index and given back afterwards, which is still faster than pip (7 s against 30 s). All files
are kept in its folder `source`: our own image is made of them. The file `complete` is written
last; whatever lacks it is made anew. A failed run leaves nothing behind.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from beast_ops import locks
from beast_ops.door.index import UNWANTED, no_index, pip_settings, redact, uv_environment
from beast_ops.files import sync_file_system, write_atomically

COMPLETE = "complete"
SOURCE = "source"
INSTALL_SECONDS = 900  # slow links download some 60 MB
WAIT_SECONDS = 3 * INSTALL_SECONDS  # no step of another one takes longer
MODE = 0o700


class InstallError(Exception):
    """The environment could not be made; the text says why and what to do next."""


def make(root: Path, name: str, uv: str, files: Sequence[Path]) -> bool:
    """Make the environment `root/venv/name` unless it is complete; return whether it was made.

    Args:
        root: The installation.
        name: Hash of the environment.
        uv: The program that installs, if this host has it; or a lock file that names uv.
        files: The wheel, the lock file, and whatever is kept beside them.

    Raises:
        InstallError: If it could not be made; what was begun is removed.
    """
    folder = root / "venv" / name
    with _folders(folder.parent), _alone(folder.parent):
        root.chmod(MODE)
        if (folder / COMPLETE).exists():
            (folder / COMPLETE).touch()  # in use again, so nobody clears it away
            return False
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _install(folder, uv, files)
            _keep(folder / SOURCE, files)
            sync_file_system(folder)  # else a power cut could keep the mark and lose the packages
            write_atomically(folder / COMPLETE, f"{sys.version}\n".encode())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return True


@contextmanager
def _folders(path: Path) -> Iterator[None]:
    """Have *path*; if what follows fails, let go of those folders that were missing before."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(mode=MODE, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # another deploy has put something there
            for each in missing:
                each.rmdir()
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time work in *folder*; a crash lets the next one in."""
    handle = locks.wait(folder, WAIT_SECONDS, folder=True)
    if handle is None:
        raise InstallError("Another deploy makes an environment here and does not end.")
    try:
        yield
    finally:
        os.close(handle)


def _keep(folder: Path, files: Sequence[Path]) -> None:
    folder.mkdir(mode=MODE)
    for path in files:
        shutil.copy(path, folder / path.name)
    # The verbs are no part of the wheel: the same file serves a clone and a host.
    for packages in folder.parent.glob("lib/python*/site-packages"):
        for path in files:
            if path.suffix == ".py":
                shutil.copy(path, packages / path.name)


def _install(folder: Path, uv: str, files: Sequence[Path]) -> None:
    wheel, lock = map(str, files[:2])
    python = str(folder / "bin" / "python")
    pip = _pip()
    environ = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    environ.pop("VIRTUAL_ENV", None)
    environ.update(uv_environment(pip, os.environ))
    offline = ["--no-index"] if no_index(pip) else []
    with _installer(folder, uv, environ) as words:
        install = [*words, "install", "--quiet", *_into(words, python), "--no-deps"]
        _run([*install, *offline, "--require-hashes", "--requirement", lock], environ)
        # The wheel was built a moment ago by the one who sends it, so it has no hash to compare.
        _run([*install, "--no-index", wheel], environ)


def _into(words: Sequence[str], python: str) -> list[str]:
    return [] if words[0] == python else ["--python", python]


@contextmanager
def _installer(folder: Path, uv: str, environ: Mapping[str, str]) -> Iterator[list[str]]:
    """Make the empty environment *folder*; yield the words that install into it."""
    lock = uv if uv.endswith(".txt") else ""
    program = shutil.which("uv" if lock else uv)
    if program is not None:
        quiet = ["--quiet", "--python", sys.executable]
        _run([program, "venv", *quiet, str(folder)], environ)
        yield [program, "pip"]
        return
    _run([sys.executable, "-m", "venv", str(folder)], environ)
    pip, lent = [str(folder / "bin" / "python"), "-m", "pip"], folder / "lent"
    if not lock or not _lend(pip, lock, lent, environ):
        yield pip
        return
    yield [str(lent / "bin" / "uv"), "pip"]
    shutil.rmtree(lent)


def _lend(pip: Sequence[str], lock: str, folder: Path, environ: Mapping[str, str]) -> bool:
    """Get the uv that *lock* names into *folder*; return whether it can be had here."""
    try:
        words = ["install", "--quiet", "--no-deps", "--require-hashes", "--target", str(folder)]
        _run([*pip, *words, "--requirement", lock], environ)
        _run([str(folder / "bin" / "uv"), "--version"], environ)
    except InstallError:  # no build of it for this machine, say; pip will tell what else is wrong
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def _pip() -> dict[str, str]:
    """Return what pip is told about indexes on this host; nothing where there is no pip."""
    try:
        argv = [sys.executable, "-m", "pip", "config", "list"]
        return pip_settings(_run(argv, dict(os.environ)))
    except InstallError:
        return {}


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            argv,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise InstallError(f"Cannot run {argv[0]}: {redact(str(failed))}") from failed
    if done.returncode:
        last = " ".join(redact(done.stderr or done.stdout).split())[-600:]
        raise InstallError(
            f"The stack's packages could not be installed; nothing was changed: {last} "
            "Check that the package index answers from this machine (proxy, private index, "
            "certificate), then deploy again."
        )
    return done.stdout


def main(words: list[str]) -> int:
    """Run as a script; return 0 when made, 3 when there was nothing to do, 75 when it failed."""
    os.umask(0o077)
    root, name, uv, *files = words
    try:
        made = make(Path(root), name, uv, [Path(file) for file in files])
    except (InstallError, OSError) as failed:
        sys.stderr.write(f"{failed}\n")
        return 75
    return 0 if made else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
