# SPDX-License-Identifier: Apache-2.0
import ctypes
import importlib.util
import shutil
import struct
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from beast_ops.compose import slim


@pytest.fixture
def library(tmp_path):
    """A real extension module, copied."""
    origin = importlib.util.find_spec("pydantic_core._pydantic_core").origin
    return Path(shutil.copy(origin, tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="these are libraries of Linux")
def test_a_stripped_library_still_loads(library):
    with library.open("ab") as file:
        file.write(b"symbols" * 1000)
    before = library.stat().st_size
    slim.strip(library)
    found = ctypes.CDLL(str(library))

    assert before - library.stat().st_size >= 7000
    assert found.PyInit__pydantic_core
    assert any(library.name.endswith(suffix) for suffix in EXTENSION_SUFFIXES)


def test_stripping_twice_changes_nothing_more(library):
    slim.strip(library)
    once = library.read_bytes()
    slim.strip(library)

    assert once == library.read_bytes()


def elf(*segments, size):
    """Return a library of *segments* (offset, length) that is *size* bytes long."""
    head = bytearray(64)
    head[:6] = slim.ELF
    struct.pack_into("<QQ", head, 32, 64, 999)
    struct.pack_into("<HHHHH", head, 54, 56, len(segments), 64, 3, 2)
    for offset, length in segments:
        program = bytearray(56)
        struct.pack_into("<Q", program, 8, offset)
        struct.pack_into("<Q", program, 32, length)
        head += program
    return bytes(head).ljust(size, b"x")


def test_all_that_is_loaded_stays(tmp_path):
    path = tmp_path / "a.so"
    path.write_bytes(elf((0, 500), (700, 100), (600, 50), size=2000))
    slim.strip(path)
    content = path.read_bytes()

    assert 800 == len(content)
    assert (0,) == struct.unpack_from("<Q", content, 40)
    assert (0, 0, 0) == struct.unpack_from("<HHH", content, 58)


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF\x01\x01 of 32 bits", b"#!/bin/sh", slim.ELF + b"short"]
)
def test_what_is_no_such_library_stays_as_it_is(tmp_path, content):
    path = tmp_path / "a.so"
    path.write_bytes(content)
    slim.strip(path)

    assert content == path.read_bytes()


def test_tests_sources_and_parts_nobody_imports_go_and_the_rest_stays(tmp_path):
    kept = (
        "a/__init__.py",
        "a/data.json",
        "a/testing.py",
        "lxml/etree.py",
        "a-1.dist-info/METADATA",
    )
    gone = (
        "a/tests/test_a.py",
        "a/b/tests/deep/x.py",
        "a/fast.c",
        "a/fast.pyx",
        "lxml/objectify.cpython-313.so",
        "lxml/html/clean.py",
        "a-1.dist-info/sboms/a.json",
    )
    for name in (*kept, *gone):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
    saved = slim.slim(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}

    assert set(kept) == left
    assert 5 * len(gone) == saved
