# SPDX-License-Identifier: Apache-2.0
"""The process that reads untrusted documents: asked on standard input, answers on output.

It may use so much memory and no more, writes no files, leaves no core, and ends with its pool.
"""

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.runtime.child import end_with_parent

from . import pool_wire as wire
from .parse import parse

MEBIBYTE = 1 << 20
SPENT_SHARE = 0.5  # of the memory; with all readers loaded a process has some 60 MiB
PR_SET_DUMPABLE = 4  # prctl(2); a core that goes to a pipe heeds no limit


def main(argv: list[str]) -> None:
    """Answer until the other end closes; *argv* holds the memory in MiB and the parent."""
    megabytes, parent = map(int, argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pool, which ends us
    end_with_parent(parent=parent)
    questions, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1):  # so that what a reader prints or reads is no part of the talk
        os.dup2(nowhere, handle)
    _limit(megabytes)
    try:
        while True:
            reply, last = _answer(wire.receive(questions), megabytes)
            wire.send(answers, reply)
            if last:
                return
    except wire.EndedError:
        return


def _limit(megabytes: int) -> None:
    space = megabytes * MEBIBYTE
    for what, most in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _answer(question: dict[str, Any], megabytes: int) -> tuple[bytes, bool]:
    """Return the frame of the answer, and whether this process should end after it."""
    try:
        message = _read(question)
        spent = _is_spent(megabytes)
        return wire.pack({**message, "spent": True} if spent else message), spent
    except DocumentError as unreadable:
        spent = _is_spent(megabytes)
        error = {"error": str(unreadable)}
        return wire.pack({**error, "spent": True} if spent else error), spent
    except MemoryError:
        pass  # first let go of the traceback, which holds all that was read
    return wire.pack({"memory": True}), True


def _is_spent(megabytes: int) -> bool:
    """Return whether so much is used that the next document might find too little left.

    What a process once had comes back in pieces, if at all. Its largest size so far would not
    do: a process inherits that of the one that started it.
    """
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except OSError:
        return False  # not on Linux
    return pages * resource.getpagesize() > megabytes * MEBIBYTE * SPENT_SHARE


def _read(question: dict[str, Any]) -> dict[str, Any]:
    path = Path(os.fsdecode(bytes.fromhex(question["path"])))
    name = os.fsdecode(bytes.fromhex(question["name"]))
    return wire.as_message(parse(path, name))


if __name__ == "__main__":
    main(sys.argv)
