# SPDX-License-Identifier: Apache-2.0
"""The tree that the members of an archive make: one rule for who verifies and who restores."""

import os
import tarfile
from hashlib import blake2b
from typing import cast

from .entries import HEADER, MANIFEST, PROOF, Kind
from .holes import HOLES_BYTES
from .tape import damaged

DIGEST_BYTES = 8  # of a million names, two are taken for one in one archive of 40 million


class Shape:
    """What is where so far; of each name only a keyed hash is kept, for there may be millions."""

    def __init__(self) -> None:
        """Begin with what every archive has."""
        self._key = os.urandom(16)
        self._kinds: dict[int, Kind] = {self._mark(n): "file" for n in (HEADER, PROOF, MANIFEST)}
        self._holes = 0

    def take(self, info: tarfile.TarInfo, kind: Kind) -> None:
        """Add the member *info*, which is of *kind*.

        Raises:
            ArchiveError: If it cannot be where it says, or holds more of nothing than it may.
        """
        self._above(info.name)
        mark = self._mark(info.name)
        before = self._kinds.get(mark)
        if before is not None and not before == kind == "folder":
            twice = "a file and a folder" if "folder" in {before, kind} else "there twice"
            raise damaged(f"{info.name!r} is {twice}")
        if kind == "same" and self._kinds.get(self._mark(info.linkname)) not in {"file", "same"}:
            raise damaged(f"{info.name!r} is another name of a file that is not there")
        self._kinds[mark] = kind
        if info.sparse is not None:
            self._measure(info)

    def _above(self, name: str) -> None:
        """Have every folder above *name*, which may be there already, but as nothing else."""
        parent = name.rpartition("/")[0]
        while parent:
            mark = self._mark(parent)
            found = self._kinds.get(mark)
            if found == "folder":
                return  # and so is all above it
            if found is not None:
                what = "lies behind a link" if found == "link" else "lies below a file"
                raise damaged(f"{name!r} {what}")
            self._kinds[mark] = "folder"
            parent = parent.rpartition("/")[0]

    def _measure(self, info: tarfile.TarInfo) -> None:
        """Count the holes of the file *info*, whose map must make sense."""
        end = data = 0
        for start, size in cast(list[tuple[int, int]], info.sparse):
            if start < end or size < 0:
                raise damaged(f"the holes of {info.name!r} make no sense")
            end, data = start + size, data + size
        self._holes += info.size - data
        if end > info.size or self._holes > HOLES_BYTES:
            raise damaged(f"the holes of {info.name!r} make no sense")

    def _mark(self, name: str) -> int:
        found = blake2b(os.fsencode(name), digest_size=DIGEST_BYTES, key=self._key)
        return int.from_bytes(found.digest())
