# SPDX-License-Identifier: Apache-2.0
"""Documents that are zip archives of XML: looked at before unpacked, read without entities."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import IO, Any
from urllib.parse import unquote

from beast_ops.errors import DocumentError

from . import about
from .model import About

GIB = 1 << 30
EXPANDED_BYTES = GIB // 2
RATIO = 200  # times its packed size; XML packs 5 to 40 times
RATIO_BYTES = 10 << 20  # below this nothing is a bomb
ENTRIES = 10_000
OLE = b"\xd0\xcf\x11\xe0"  # the old formats of Office, and the wrapping of encrypted documents
PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # ISO/IEC 21320-1: no others in documents
NO_MEMORY = ("memory", "unknown error")  # the latter where there was none left to say it
MARK_BYTES = 32  # longer than what the patterns below look for
_ENTITY = re.compile(rb"<!ENTITY|<\x00!\x00E\x00|\x00<\x00!\x00E")
_DECLARATIONS = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\x00!\x00[DE]\x00|\x00<\x00!\x00[DE]")


class Package:
    """An open archive; whatever is wrong with it is a `DocumentError` that names the kind."""

    def __init__(self, archive: zipfile.ZipFile, what: str, *, doctypes: bool = False) -> None:
        """Read from *archive*.

        Args:
            archive: What was looked at.
            what: What it should be, such as `Word document`.
            doctypes: Whether parts of such documents begin with a harmless document type.
        """
        self._archive, self._what = archive, what
        self._refused = _ENTITY if doctypes else _DECLARATIONS
        self.names = frozenset(archive.namelist())

    def damaged(self, how: str) -> DocumentError:
        """Return the error that says *how* the document is damaged."""
        return DocumentError(f"damaged {self._what}: {how}")

    def read(self, name: str) -> bytes:
        """Return the part *name*.

        Raises:
            DocumentError: If it is missing or cannot be unpacked.
        """
        with self._failures(), self._archive.open(self._known(name)) as part:
            return part.read()

    def tree(self, name: str) -> Any:
        """Return the root of the XML in the part *name*.

        Raises:
            DocumentError: If it is missing, damaged, or declares entities.
        """
        from lxml import etree

        with self._failures(), self._archive.open(self._known(name)) as part:
            return etree.parse(_Checked(part, self), _parser()).getroot()

    def walk(self, name: str, tag: str) -> Iterator[Any]:
        """Yield each element *tag* of the part *name*, which is gone when the next one comes.

        Raises:
            DocumentError: As `tree` does.
        """
        from lxml import etree

        with self._failures(), self._archive.open(self._known(name)) as part:
            safe: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False}
            for _, element in etree.iterparse(_Checked(part, self), tag=tag, **safe):
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def relations(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Return what the part *name* of an Office document leads to: kind and part, by id."""
        base = PurePosixPath(name)
        beside = str(base.parent / "_rels" / f"{base.name}.rels")
        if beside not in self.names:
            return {}
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                resolved(str(base.parent), each.get("Target", "")),
            )
            for each in self.tree(beside).iter("{*}Relationship")
            if each.get("TargetMode") != "External"
        }

    def related(self, name: str, kind: str) -> list[str]:
        """Return the parts of *kind* to which the part *name* leads, as far as they exist."""
        found = (part for its, part in self.relations(name).values() if its == kind)
        return [part for part in found if part in self.names]

    def _known(self, name: str) -> str:
        if name not in self.names:
            raise self.damaged("parts are missing")
        return name

    def refuse_entities(self, part: bytes) -> None:
        """Raise `DocumentError` if the XML in *part* declares entities."""
        if self._refused.search(part):
            raise self.damaged("declares entities, which no program does")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        from lxml import etree

        try:
            yield
        except etree.XMLSyntaxError as wrong:
            if any(mark in str(wrong).lower() for mark in NO_MEMORY):
                raise MemoryError from wrong
            raise self.damaged("its XML cannot be read") from wrong
        except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, ValueError) as wrong:  # type: ignore[attr-defined] # not in the types
            raise self.damaged("it cannot be unpacked") from wrong
        except (NotImplementedError, RuntimeError) as wrong:
            raise DocumentError(f"encrypted {self._what}, or packed in an unusual way") from wrong


class _Checked:
    """A part as a file that refuses to go on once an entity was declared."""

    def __init__(self, part: IO[bytes], package: Package) -> None:
        self._part, self._package = part, package
        self._before = b""

    def read(self, size: int = -1) -> bytes:
        block = self._part.read(size)
        both = self._before + block
        self._package.refuse_entities(both)
        self._before = both[-MARK_BYTES:]
        return block


@contextmanager
def opened(path: Path, what: str, *, doctypes: bool = False) -> Iterator[Package]:
    """Open the document at *path*.

    Args:
        path: Where it is.
        what: What it should be, such as `Word document`.
        doctypes: Whether parts of such documents begin with a harmless document type.

    Raises:
        DocumentError: If it is no whole archive, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) == OLE:
            raise DocumentError(f"encrypted {what}, or one of the old formats of Office")
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as wrong:
            raise DocumentError(f"damaged {what}: not a whole zip archive") from wrong
        with archive:
            _fits(archive.infolist())
            yield Package(archive, what, doctypes=doctypes)


def _fits(entries: Iterable[zipfile.ZipInfo]) -> None:
    entries = list(entries)
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > EXPANDED_BYTES:
        raise DocumentError(
            f"expands to {total / GIB:.1f} GiB, more than the limit of {EXPANDED_BYTES / GIB} GiB"
        )
    if total > RATIO_BYTES and total > packed * RATIO:
        raise DocumentError(
            f"expands {total // max(packed, 1)} times, more than the limit of {RATIO}"
        )
    if len(entries) > ENTRIES:
        raise DocumentError(f"holds {len(entries)} files, more than the limit of {ENTRIES}")
    if not {entry.compress_type for entry in entries} <= PACKINGS:
        raise DocumentError("packed in a way that no program writes documents")


def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def resolved(folder: str, target: str) -> str:
    """Return the name of the part that a part in *folder* calls *target*."""
    target = unquote(target.partition("#")[0])
    return normpath(target if target.startswith("/") else f"/{folder}/{target}").lstrip("/")


def main_part(package: Package) -> str:
    """Return the part with which an Office document begins.

    Raises:
        DocumentError: If there is none.
    """
    found = package.related("", "officeDocument")
    if not found:
        raise package.damaged("parts are missing")
    return found[0]


def core(package: Package) -> tuple[str | None, About]:
    """Return title and properties of an Office document."""
    found = package.related("", "core-properties")
    return dublin_core(package.tree(found[0])) if found else (None, About())


def dublin_core(properties: Any) -> tuple[str | None, About]:
    """Return the title and the rest of what the elements below *properties* say, by their names."""

    def said(*wanted: str) -> list[str | None]:
        return [each.text for name in wanted for each in properties.iter(f"{{*}}{name}")]

    def first(*wanted: str) -> str | None:
        return next(filter(None, said(*wanted)), None)

    # One date is that of a book; beside the day it was begun, it is that of the last change.
    dated = first("date")
    dates = (None, dated) if first("created", "creation-date") else (dated, None)
    return about.line(first("title")), About(
        author=about.names(said("initial-creator") or said("creator")),
        created=about.moment(first("created", "creation-date") or dates[0]),
        revised=about.moment(first("modified") or dates[-1]),
        language=about.language(first("language")),
    )
