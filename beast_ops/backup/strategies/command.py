# SPDX-License-Identifier: Apache-2.0
"""A service that exports its data itself: a command in it, and another that takes it back.

The card names both; the export lands in a folder of one of its volumes (`file`), from where it
is kept. Taking it back needs the service running on the restored data.
"""

import shutil
from collections.abc import Mapping
from typing import Any

from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import CardError

from . import Source, Staged, files

SECONDS = 1800.0


class HeldExport:
    """What a command exported."""

    def __init__(self, item: Item, source: Source) -> None:
        """Run the command of *item* in its service."""
        from beast_ops.runtime import of

        if item.state.command is None or not item.state.file:
            raise CardError(
                "it names no command to export with, or no folder", subject=item.service
            )
        self._path = source.data / item.path
        shutil.rmtree(self._path, ignore_errors=True)  # of an earlier export
        try:
            of(source.place).execute(source.place, item.service, item.state.command)
            self._files = files.hold(item, source)
        except BaseException:
            shutil.rmtree(self._path, ignore_errors=True)
            raise

    def release(self) -> None:
        """Do nothing: the export is made."""

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the export into the archive."""
        return self._files.write(writer)

    def close(self) -> None:
        """Remove the export."""
        self._files.close()
        shutil.rmtree(self._path, ignore_errors=True)


def hold(item: Item, source: Source) -> HeldExport:
    """Export what *item* is.

    Raises:
        CommandError: If the command ends badly.
        CardError: If the card names none.
    """
    return HeldExport(item, source)


def bring(item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
    """Do nothing yet: `beast_ops.backup.restore` runs the undo when the service runs."""


judge = files.judge
