# SPDX-License-Identifier: Apache-2.0
"""A real Valkey, or a Redis where there is none, for one test at a time."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis.exceptions import RedisError

from beast_ops.valkey import KEY_FILE, URL, Valkey

PROGRAMS = ("valkey-server", "redis-server")
SECONDS = 20.0
PASSWORD = "open-the-door-" + "x" * 40


class Server:
    """A server with a password that can be killed, held up and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.key = folder / "password"
        self.key.write_text(PASSWORD)
        (folder / "valkey.conf").write_text(
            f"requirepass {PASSWORD}\nport {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            'appendonly yes\nsave ""\n'
        )
        self.valkey = Valkey("127.0.0.1", self.port, PASSWORD)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process of ours is given to find it."""
        return {URL: f"redis://127.0.0.1:{self.port}", KEY_FILE: str(self.key)}

    def start(self) -> None:
        """Start it, and return once it answers."""
        program = next(filter(None, map(shutil.which, PROGRAMS)))
        self.process = subprocess.Popen(
            (program, self.folder / "valkey.conf"), stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with suppress(RedisError, OSError), self.valkey.client() as client:
                if client.ping():
                    return
            time.sleep(0.02)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        """Kill it, and whatever it has not written down."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def hold(self) -> None:
        """Have it keep its connections and answer nothing."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def stop(self) -> None:
        """End it for good."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.kill()


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server that keeps its things in the new *folder*."""
    folder.mkdir()
    found = Server(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
