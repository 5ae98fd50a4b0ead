# SPDX-License-Identifier: Apache-2.0
import io
import os
import shutil
import subprocess
import tarfile

import pytest

from beast_ops.vectors.sparse_tar import add_tree

MB = 1 << 20
TAR = shutil.which("tar") or ""
FILES = {
    "empty": (0, {}),
    "small": (5, {0: b"hello"}),
    "hole": (2 * MB, {}),
    "head": (2 * MB, {0: b"head"}),
    "tail": (2 * MB, {2 * MB - 4: b"tail"}),
    "islands": (4 * MB, {n * MB // 16 + 77: b"x" * 5000 for n in range(0, 60, 2)}),
    "full": (MB + 17, {0: os.urandom(MB + 17)}),
}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "deep").mkdir(parents=True)
    for name, (size, pieces) in FILES.items():
        with (folder / "deep" / name).open("wb") as file:
            for at, data in pieces.items():
                file.seek(at)
                file.write(data)
            file.truncate(size)
    with tarfile.open(tmp_path / "tree.tar", "w") as archive:
        add_tree(archive, folder, "tree")
    return tmp_path


def same(one, other):
    for name in FILES:
        a, b = one / "tree" / "deep" / name, other / "tree" / "deep" / name
        if a.read_bytes() != b.read_bytes():
            return f"{name} differs"
        if b.stat().st_blocks > a.stat().st_blocks + 16:
            return f"{name} lost its holes"
    return ""


def test_python_reads_it_back_with_its_holes(tree):
    with tarfile.open(tree / "tree.tar") as archive:
        archive.extractall(tree / "out", filter="data")

    assert same(tree, tree / "out") == ""


def test_holes_take_no_room(tree):
    data = sum(sum(map(len, pieces.values())) for _, pieces in FILES.values())

    assert (tree / "tree.tar").stat().st_size < data + MB


@pytest.mark.skipif(not TAR, reason="there is no tar")
def test_gnu_tar_reads_it_back(tree):
    (tree / "gnu").mkdir()
    subprocess.run((TAR, "-xf", tree / "tree.tar", "-C", tree / "gnu"), check=True)

    assert same(tree, tree / "gnu") == ""


def test_a_cut_archive_is_noticed(tree):
    raw = (tree / "tree.tar").read_bytes()

    with (
        pytest.raises(tarfile.ReadError),
        tarfile.open(fileobj=io.BytesIO(raw[: len(raw) // 2])) as archive,
    ):
        archive.extractall(tree / "out", filter="data")
