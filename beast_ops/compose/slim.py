# SPDX-License-Identifier: Apache-2.0
"""Take out of installed packages what no running service of ours reads.

Run while our image is built, before anything of ours is installed:

    python slim.py FOLDER

Tests, sources of compiled modules and whole parts nobody imports go; libraries lose the symbols
that only a debugger wants. The image's build imports everything once afterwards, and so does a
test in a container made of it.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = "tests"
SOURCES = frozenset({".a", ".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx"})
PARTS = (
    "*.dist-info/sboms",
    "lxml/html",
    "lxml/includes",
    "lxml/isoschematron",
    "lxml/objectify*",
    "numpy/f2py",
    "pypdfium2_cli",
)

# A library of 64 bits in little-endian order: elf(5), e_ident.
ELF = b"\x7fELF\x02\x01"
HEADER_BYTES = 64
PROGRAM_HEADERS = 32  # e_phoff; then e_shoff
COUNTS = 54  # e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
SEGMENT_OFFSET, SEGMENT_BYTES = 8, 32  # p_offset, p_filesz


def slim(folder: Path) -> int:
    """Make the packages in *folder* smaller; return by how many bytes."""
    before = _bytes(folder)
    for path in [*folder.rglob(TESTS), *_parts(folder)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in [each for each in folder.rglob("*") if each.is_file()]:
        if path.suffix in SOURCES:
            path.unlink()
        elif ".so" in path.suffixes:
            strip(path)
    return before - _bytes(folder)


def strip(library: Path) -> None:
    """Cut off what follows the last segment of *library*: the loader reads segments alone.

    What is cut, section headers among it, serves linkers and debuggers. Other files stay.
    """
    content = bytearray(library.read_bytes())
    if content[: len(ELF)] != ELF or len(content) < HEADER_BYTES:
        return
    (start,) = struct.unpack_from("<Q", content, PROGRAM_HEADERS)
    size, count = struct.unpack_from("<HH", content, COUNTS)
    end = max(HEADER_BYTES, start + size * count, *_ends(content, start, size, count))
    if end >= len(content):
        return
    struct.pack_into("<Q", content, PROGRAM_HEADERS + 8, 0)
    struct.pack_into("<HHH", content, COUNTS + 4, 0, 0, 0)
    library.write_bytes(content[:end])


def _ends(content: bytearray, start: int, size: int, count: int) -> Iterator[int]:
    for number in range(count):
        header = start + number * size
        (offset,) = struct.unpack_from("<Q", content, header + SEGMENT_OFFSET)
        (length,) = struct.unpack_from("<Q", content, header + SEGMENT_BYTES)
        yield offset + length


def _parts(folder: Path) -> list[Path]:
    return [path for pattern in PARTS for path in folder.glob(pattern)]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    print(f"slimmer by {slim(Path(sys.argv[1])) >> 20} MiB")  # noqa: T201 - the build's log
