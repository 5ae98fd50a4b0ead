# SPDX-License-Identifier: Apache-2.0
"""The vector process for tests and benchmarks: the real one, started for real on loopback."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass
class Server:
    """A vector process with its own folder, keys and port; it can be killed and started again."""

    folder: Path
    port: int
    settings: dict[str, object] = field(default_factory=dict)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    read_only_key: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """What it keeps."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log"

    def prepare(self) -> dict[str, str]:
        """Write settings and keys; return the environment."""
        for name in ("config", "secrets", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        settings = {"host": "127.0.0.1", "port": self.port} | self.settings
        (self.folder / "config" / "settings.json").write_text(json.dumps(settings))
        (self.folder / "secrets" / "api_key").write_text(self.key)
        (self.folder / "secrets" / "read_only_key").write_text(self.read_only_key)
        return {
            "PATH": os.environ.get("PATH", ""),
            "BEAST_CONFIG": str(self.folder / "config"),
            "BEAST_SECRETS": str(self.folder / "secrets"),
            "BEAST_DATA": str(self.data),
        }

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "beast_ops.vectors"),
                env=self.prepare(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no vector process: {self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        """Ask the process to end, and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End the process at once, as the kernel would."""
        return self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(folder: Path, **settings: object) -> Iterator[Server]:
    """Run a vector process in *folder* for as long as the block lasts.

    Args:
        folder: Where settings, keys, data and log are put; may not be there yet.
        settings: Fields of settings.json besides host and port.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, free_port(), settings)
    server.start()
    try:
        yield server
    finally:
        server.kill()
