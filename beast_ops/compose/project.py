# SPDX-License-Identifier: Apache-2.0
"""Run Docker Compose on a release."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.runner import LocalRunner, Runner

FILE = "compose.yml"
HOST_FILE = "compose.host.yml"  # what only the host can tell: its engine, its GPU
OVERRIDE = "override.yml"
CONFIG_SECONDS = 60.0
UP_SECONDS = 900.0
ENDED = re.compile(r"^ended with \d+: ")
STOP_SECONDS = 300.0
EXECUTE_SECONDS = 1800.0
# Compose reads settings from these; only what says how the engine is reached may pass.
KEPT = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


@dataclass(frozen=True, slots=True)
class Project:
    """A release as Compose sees it.

    Attributes:
        place: The installation.
        folder: The folder of the release.
        runner: Runs the commands.
    """

    place: Place
    folder: Path
    runner: Runner

    def argv(self, *words: str) -> list[str]:
        """Return the command `docker compose` with *words*."""
        own = self.place.root / OVERRIDE
        files = [self.folder / FILE, self.folder / HOST_FILE, own]
        given = [word for path in files if path.is_file() for word in ("--file", str(path))]
        return ["docker", "compose", "--project-directory", str(self.place.root), *given, *words]

    def judge(self) -> None:
        """Have Compose judge its files.

        Raises:
            CommandError: If it does not accept them.
        """
        self._run(["config", "--quiet"], CONFIG_SECONDS, "Compose refuses the release")

    def up(self, doubt: Callable[[], str], chosen: Sequence[str] = ()) -> None:
        """Run exactly what the files say and wait until it is healthy.

        Args:
            doubt: Returns why waiting is of no use, or nothing.
            chosen: Only these services; all if empty.

        Raises:
            CommandError: If it does not come up in time.
        """
        words = ["up", "--detach", "--remove-orphans", "--pull", "never", "--no-build"]
        wait = ["--wait", "--wait-timeout", f"{UP_SECONDS:.0f}"]
        argv = self.argv(*words, *wait, *chosen)
        try:
            self.runner.watch(argv, doubt, seconds=UP_SECONDS + CONFIG_SECONDS)
        except CommandError as failed:
            raise CommandError(_told(str(failed)), subject="docker compose up") from failed

    def start(self, names: Sequence[str]) -> None:
        """Start the services *names*, which were stopped, and wait until they are healthy."""
        words = ["up", "--detach", "--no-deps", "--pull", "never", "--no-build", "--wait"]
        self._run([*words, *names], UP_SECONDS, "did not start")

    def execute(self, name: str, argv: Sequence[str]) -> str:
        """Run *argv* in the container of the service *name*; return what it printed.

        Raises:
            CommandError: If it ends badly.
        """
        words = self.argv("exec", "--no-TTY", name, *argv)
        try:
            return self.runner.run(words, seconds=EXECUTE_SECONDS)
        except CommandError as failed:
            raise CommandError(_told(str(failed)), subject=f"{name}: {argv[0]}") from failed

    def stop(self, names: Sequence[str]) -> None:
        """Stop the services *names*."""
        self._run(["stop", *names], STOP_SECONDS, "did not stop")

    def restart(self, names: Sequence[str]) -> None:
        """Make the containers of the services *names* anew and wait until they are healthy."""
        words = ["up", "--detach", "--no-deps", "--force-recreate", "--pull", "never"]
        self._run([*words, "--no-build", "--wait", *names], UP_SECONDS, "did not start again")

    def _run(self, words: Sequence[str], seconds: float, failure: str) -> None:
        try:
            self.runner.run(self.argv(*words), seconds=seconds)
        except CommandError as failed:
            raise CommandError(
                f"{failure}: {_told(str(failed))}", subject="docker compose"
            ) from failed


def project(place: Place, release: str | None = None, runner: Runner | None = None) -> Project:
    """Return the release in force at *place*, or *release*, as Compose sees it."""
    folder = place.releases / release if release else Path(os.path.realpath(place.current))
    return Project(place, folder, runner or LocalRunner(place.root, environ()))


def environ() -> dict[str, str]:
    """Return what Compose may know of our environment: how the engine is reached."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def _told(text: str) -> str:
    """Return the lines in which Compose says what is wrong, without its progress."""
    lines = [line.strip() for line in ENDED.sub("", text).splitlines()]
    noise = ("Container ", "Network ", "Volume ", "time=")
    told = [line for line in lines if line and not line.startswith(noise)]
    return " ".join(told or lines)[-600:]
