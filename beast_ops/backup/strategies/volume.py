# SPDX-License-Identifier: Apache-2.0
"""A whole volume of a service that knows no better way: stopped while it is copied.

A crash in between leaves it stopped; the file `run/quiet` names it, and the next backup, or
`./beast doctor`, starts it again.
"""

from typing import Any
from uuid import uuid4

from beast_ops.backup.extract import wipe
from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.files import write_atomically
from beast_ops.place import Place

from . import Source, files
from .copies import copy_like

DATA, QUIET = "data", "quiet"


class HeldVolume:
    """A copy of a volume, made while its service stood still."""

    def __init__(self, item: Item, source: Source) -> None:
        """Stop the service of *item*, copy its volume, start it again."""
        self._name, self._copy = f"{DATA}/{item.path}", source.work / uuid4().hex
        path = source.data / item.path
        self._there = path.is_dir()
        if not self._there:
            return
        try:
            with stopped(source.place, item.service):
                copy_like(path.resolve(), self._copy)
        except BaseException:
            self.close()
            raise

    def release(self) -> None:
        """Do nothing: the service runs again already."""

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the copy into the archive."""
        if not self._there:
            return {"missing": True}
        before = writer.files
        writer.add_tree(self._copy, self._name)
        return {"entries": writer.files - before}

    def close(self) -> None:
        """Remove the copy."""
        wipe(self._copy)


class stopped:  # noqa: N801 - a context manager that reads like a word
    """Keep a service stopped for a while; start it afterwards, whatever happened."""

    def __init__(self, place: Place, service: str) -> None:
        """Stop *service* of the installation at *place*."""
        self._place, self._service = place, service

    def __enter__(self) -> None:
        """Stop it."""
        from beast_ops.runtime import of

        write_atomically(self._place.run / QUIET, self._service.encode())
        try:
            of(self._place).stop(self._place, self._service)
        except BaseException:  # it may have been stopped all the same
            wake(self._place)
            raise

    def __exit__(self, *failure: object) -> None:
        """Start it."""
        wake(self._place)


def wake(place: Place) -> str:
    """Start the service that a backup stopped, if it left one so; return its name."""
    from beast_ops.runtime import of

    path = place.run / QUIET
    try:
        service = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    of(place).start(place, service)
    path.unlink(missing_ok=True)
    return service


def hold(item: Item, source: Source) -> HeldVolume:
    """Hold the volume of *item* still.

    Raises:
        CommandError: If its service does not stop, or not start again.
        OSError: If there is no room for the copy.
    """
    return HeldVolume(item, source)


bring, judge = files.bring, files.judge

__all__ = ["HeldVolume", "bring", "hold", "judge", "stopped", "wake"]
