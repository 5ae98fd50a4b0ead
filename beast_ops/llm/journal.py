# SPDX-License-Identifier: Apache-2.0
"""What of a batch is done, line by line, so that the next run goes on where this one ended."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from beast_ops import locks
from beast_ops.errors import BusyError

from .chat import ChatServer, Request


class Journal:
    """A file with one line for each request that was answered.

    A line is written whole or not at all as far as readers can tell: what does not end in a line
    break was torn off, and is cut off before anything is added.
    """

    def __init__(self, path: Path) -> None:
        """Read the file *path*, which is made, and hold it.

        Raises:
            BusyError: If another process holds it.
        """
        handle = locks.take(path)
        if handle is None:
            raise BusyError("another run works on this batch", subject=str(path))
        self._path = path
        self._file = os.fdopen(handle, "r+b")
        self.done = self._read()

    def add(self, key: str, outcome: Mapping[str, Any]) -> None:
        """Note the *outcome* of the request *key*; it outlives the end of the process."""
        self._file.write(json.dumps({"key": key, "outcome": outcome}).encode() + b"\n")
        self._file.flush()

    def remove(self) -> None:
        """Take the file away: all is done."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Let go of the file."""
        self._file.close()

    def _read(self) -> dict[str, dict[str, Any]]:
        found, whole = {}, 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            try:
                each = json.loads(line)
                found[str(each["key"])] = dict(each["outcome"])
            except (ValueError, KeyError, TypeError):
                continue  # it is asked again
        self._file.truncate(whole)
        self._file.seek(whole)
        return found


def key_of(name: str, asked: Request) -> str:
    """Return what the outcome of *asked* is noted under; another question is another one."""
    said = json.dumps([name, ChatServer.body(asked)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
