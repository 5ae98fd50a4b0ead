# SPDX-License-Identifier: Apache-2.0
"""One process that reads documents, from the outside: started, asked, ended, replaced."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import BeastError, DocumentError

from . import pool_wire as wire
from .parse.model import Document

DOCUMENTS_MOST = 2000  # then a fresh process: libraries leak
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)  # somebody ended it; the document may be innocent
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
PACKAGES = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may take."""

    seconds: float
    megabytes: int


class Reader:
    """Reads one document after the other; for one thread, which outlives the process."""

    def __init__(self, limits: Limits) -> None:
        """Read within *limits*; the process starts with the first document."""
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._inherited = 0  # the largest size of this process when it started the other, in KiB
        self._over = False

    def read(self, path: Path, name: str) -> Document:
        """Return the document at *path*.

        Raises:
            DocumentError: If it cannot be read, or not within the limits.
            BeastError: If no process can be started.
        """
        try:
            return self._read(path, name)
        except _KilledError as killed:
            if self._over:
                raise DocumentError(str(killed)) from killed
        # Once more: the next time it is the document's fault.
        try:
            return self._read(path, name)
        except _KilledError as killed:
            raise DocumentError(str(killed)) from killed

    def _read(self, path: Path, name: str) -> Document:
        process = self._started()
        question = {"path": os.fsencode(path).hex(), "name": os.fsencode(name).hex()}
        assert process.stdin is not None  # noqa: S101 - for mypy: both are pipes
        assert process.stdout is not None  # noqa: S101 - as above
        try:
            wire.send(process.stdin.fileno(), wire.pack(question))
            deadline = time.monotonic() + self._limits.seconds
            answer = wire.receive(process.stdout.fileno(), deadline)
            self._count += 1
            if "spent" in answer:
                self.end()
            if "sections" in answer:
                return wire.as_document(answer)
        except wire.LateError as late:
            self.end()
            raise DocumentError(f"reading it took longer than {self._limits.seconds:g} s") from late
        except wire.EndedError as ended:
            raise self._crash(process) from ended
        if "memory" in answer:
            self.end()
            raise DocumentError(self._too_much)
        raise DocumentError(str(answer.get("error", "the reader gave no reason")))

    @property
    def _too_much(self) -> str:
        return f"reading it needed more than {self._limits.megabytes} MiB"

    def _crash(self, process: "subprocess.Popen[bytes]") -> Exception:
        """Return what the end of *process* says about the document."""
        with suppress(ProcessLookupError):  # `kill` of Popen would lose what memory it had
            os.kill(process.pid, signal.SIGKILL)  # it may have closed the pipe and gone on
        code, kibibytes = _reaped(process)
        self.end()
        near = self._limits.megabytes * 1024 // 2  # libraries in C crash when they get no memory
        if kibibytes > max(near, self._inherited):
            return DocumentError(self._too_much)
        if -code in FROM_OUTSIDE:
            return _KilledError(f"the reader was killed (signal {-code})")
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return DocumentError(f"the reader crashed ({how})")

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._count >= DOCUMENTS_MOST:
            self.end()
        if self._process is None:
            self._inherited = _largest_so_far()
            self._process = _start(self._limits.megabytes)
            self._count = 0
        return self._process

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def kill(self) -> None:
        """End the process for good; for another thread, while this one waits for an answer."""
        self._over = True
        process = self._process
        if process is not None:
            process.kill()


class _KilledError(Exception):
    """Somebody killed the process."""


def _start(megabytes: int) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "beast_ops.ingest.pool_child", str(megabytes), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(os.environ),
            start_new_session=True,  # a signal to the worker's group is not for it
        )
    except OSError as wrong:
        raise BeastError(f"cannot start a process to read documents: {wrong.strerror}") from wrong


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return as much of *environ* as Python needs, and no path to a secret."""
    kept = {name: environ[name] for name in KEPT if name in environ}
    measured = {name: value for name, value in environ.items() if name.startswith("COVERAGE_")}
    return {**kept, **measured, "PYTHONPATH": str(PACKAGES), "OMP_NUM_THREADS": "1"}


def _reaped(process: "subprocess.Popen[bytes]") -> tuple[int, int]:
    """Return exit code and largest resident size in KiB of *process*, which is ending."""
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except ChildProcessError:
        return process.wait(), 0
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, _largest(usage)


def _largest(usage: resource.struct_rusage) -> int:
    """Return the largest resident size in KiB; of a process, or of who started it, if larger.

    A new process takes over the figure of the one that started it, for `execve` counts the
    memory it lets go of, and until then this is the parent's.
    """
    scale = 1024 if sys.platform == "darwin" else 1  # bytes there
    return usage.ru_maxrss // scale


def _largest_so_far() -> int:
    """Return the largest resident size of this process in KiB, which those it starts take over.

    What it took over itself does not count: they do not get that.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # not on Linux
        return _largest(resource.getrusage(resource.RUSAGE_SELF))
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
