# SPDX-License-Identifier: Apache-2.0
"""Run programs, tell what goes on, and know where the lab keeps its things."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from beast_ops.errors import CommandError

CLONE = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LABEL = "org.ai-beast.lab"
NETWORK = "beast-lab"
PREFIX = "beast-lab-"
_TAIL = 1500
_started = time.monotonic()


def cache() -> Path:
    """Return the folder of what is worth keeping: base file systems, collections, notes."""
    given = os.environ.get("BEAST_LAB_CACHE")
    if given:
        folder = Path(given)
    elif os.geteuid() == 0:
        folder = Path("/var/cache/ai-beast-lab")
    else:
        above = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(above) / "ai-beast-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(text: str) -> None:
    """Tell on the error stream what is being done, with the seconds since the start."""
    print(f"lab {time.monotonic() - _started:6.1f} s  {text}", file=sys.stderr, flush=True)


def run(
    *argv: str,
    seconds: float = 600,
    feed: bytes | Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Run *argv* and return what it printed.

    Raises:
        CommandError: If it cannot start, takes too long or ends badly.
    """
    source = feed.open("rb") if isinstance(feed, Path) else None
    words: dict[str, object] = {"input": feed} if isinstance(feed, bytes) else {}
    if not words:
        words["stdin"] = source or subprocess.DEVNULL
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **(extra or {})},
            **words,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandError(f"took longer than {seconds:g} s", subject=argv[0]) from late
    except OSError as unable:
        raise CommandError(f"could not start: {unable.strerror}", subject=argv[0]) from unable
    finally:
        if source:
            source.close()
    if done.returncode:
        told = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace")
        shown = " ".join(argv)[:200]
        raise CommandError(f"ended with {done.returncode}: {told[-_TAIL:]}", subject=shown)
    return done.stdout.decode(errors="replace")


def works(*argv: str, seconds: float = 60) -> bool:
    """Return whether *argv* ends well."""
    try:
        run(*argv, seconds=seconds)
    except CommandError:
        return False
    return True


def docker(*words: str, seconds: float = 600, feed: bytes | Path | None = None) -> str:
    """Run a command of the Docker client; its builds use the builder that every engine has."""
    return run("docker", *words, seconds=seconds, feed=feed, extra={"DOCKER_BUILDKIT": "0"})


def digest(parts: Iterable[str | bytes]) -> str:
    """Return a short hash of *parts*, each told apart from the next."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()[:12]
