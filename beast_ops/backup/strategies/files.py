# SPDX-License-Identifier: Apache-2.0
"""Files that are written once: a second name for each keeps their moment, at no cost.

On another file system than the work folder they are copied instead.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from beast_ops.backup.extract import wipe
from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.vectors.copying import copy_file

from . import Source, Staged
from .copies import dress

DATA = "data"


class HeldFiles:
    """A folder, or one file, whose moment is kept."""

    def __init__(self, name: str, path: Path, work: Path) -> None:
        """Hold what is at *path*; *work* is where its second names are."""
        self._name, self._copy = name, work / uuid4().hex
        self._there = path.exists()
        try:
            if path.is_dir():
                mirror(path.resolve(), self._copy)
            elif self._there:
                _second(path, self._copy)
        except BaseException:
            self.close()
            raise

    def release(self) -> None:
        """Do nothing: what is written from now on has other names."""

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the files into the archive."""
        if not self._there:
            return {"missing": True}
        before = writer.files
        if self._copy.is_dir():
            writer.add_tree(self._copy, self._name, links=2)
        else:
            writer.add_file(self._copy, self._name)
        return {"entries": writer.files - before}

    def close(self) -> None:
        """Remove the second names."""
        if self._copy.is_dir():
            wipe(self._copy)
        else:
            self._copy.unlink(missing_ok=True)


def hold(item: Item, source: Source) -> HeldFiles:
    """Hold the files of *item* still.

    Raises:
        OSError: If there is no room, or something cannot be read.
    """
    return HeldFiles(f"{DATA}/{item.path}", source.data / item.path, source.work)


def bring(item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
    """Do nothing: what was extracted is what was kept."""


def judge(item: Item, staged: Staged, facts: Mapping[str, Any]) -> str:
    """Return what is wrong; what is here was compared with the manifest already."""
    path = staged.data / item.path
    return "" if facts.get("missing") or path.exists() else f"{item.path} is missing"


def mirror(source: Path, target: Path) -> None:
    """Make *target* a folder like *source*, with second names of the same files."""
    target.mkdir(mode=0o700)
    for found in sorted(os.scandir(source), key=lambda each: each.name):
        if found.is_dir(follow_symlinks=False):
            mirror(Path(found.path), target / found.name)
        else:
            _second(Path(found.path), target / found.name)
    dress(source, target)


def _second(path: Path, target: Path) -> None:
    try:
        os.link(path, target, follow_symlinks=False)
    except FileNotFoundError:
        return  # removed a moment ago
    except OSError:  # another file system, or somebody else's file
        if path.is_symlink() or not path.is_file():
            shutil.copy2(path, target, follow_symlinks=False)
            return
        copy_file(path, target)
        dress(path, target)
