# SPDX-License-Identifier: Apache-2.0
"""How supervisord is started: with which interpreter, words and environment."""

import json
import os
import pwd
import subprocess
from collections.abc import Mapping
from pathlib import Path

from beast_ops.errors import NotDeployedError, ServiceError
from beast_ops.place import Place

from .address import VARIABLE, socket_path

PATH = "/usr/local/bin:/usr/bin:/bin"
# The last: where NVIDIA's library is, where the loader does not find it.
KEPT = ("PATH", "HOME", "TZ", "TMPDIR", "BEAST_NVML")
IDENTITY = "supervisord.json"
COMPLAINTS = "supervisord.err"
LAUNCH_SECONDS = 30


def interpreter(place: Place) -> Path:
    """Return the interpreter of the environment that the release in force names.

    Raises:
        NotDeployedError: If there is no release, or its environment is not there.
    """
    path = place.current / "release.json"
    try:
        name = json.loads(path.read_bytes())["venv"]
        python = place.venv / Path(name).name / "bin" / "python"
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise NotDeployedError(
            "no release is in force", subject=str(path), hint="Run: ./beast deploy"
        ) from wrong
    if not python.exists():
        raise NotDeployedError(
            "the environment of the release is gone",
            subject=str(python),
            hint="Run: ./beast deploy",
        )
    return python


def supervisord_argv(place: Place, python: Path) -> list[str]:
    """Return the command that is supervisord, in the foreground.

    -I keeps the user's PYTHON* variables and packages out; no script of the environment is
    run, for the first line of one cannot hold a long path or one with spaces.
    """
    configuration = str(place.current / "supervisord.conf")
    return [
        *(str(python), "-I", "-X", "utf8", "-m", "supervisor.supervisord"),
        *("-n", "-c", configuration),
    ]


def clean_environ(place: Place, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return all that processes of the stack inherit: nothing of the user's shell but `KEPT`."""
    return {
        "PATH": PATH,
        "HOME": _home(),
        **{name: environ[name] for name in KEPT if environ.get(name)},
        "LANG": "C.UTF-8",
        VARIABLE: str(socket_path(place)),
    }


def _home() -> str:
    """Return the home of who we are; containers run under numbers that nobody knows."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"


def private(path: str, flags: int) -> int:
    """Open *path* so that, if it is new, only its owner may read it."""
    return os.open(path, flags, 0o600)


def launch(place: Place) -> None:
    """Start supervisord in a session of its own, so that it outlives the terminal.

    What it says before its log is open goes to `<root>/run/supervisord.err`.

    Raises:
        NotDeployedError: If there is no release in force.
        ServiceError: If it could not be started.
    """
    argv = [str(interpreter(place)), "-I", "-m", "beast_ops.runtime", "--detach", str(place.root)]
    place.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(place.run / COMPLAINTS, "w", opener=private) as complaints:
        try:
            subprocess.run(
                argv,
                cwd=place.root,
                env=clean_environ(place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                timeout=LAUNCH_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as wrong:
            said = (place.run / COMPLAINTS).read_text(errors="replace").strip()[-2000:]
            raise ServiceError(
                f"supervisord could not be started: {said or type(wrong).__name__}",
                subject=str(place.root),
                hint="Run: ./beast deploy",
            ) from wrong
