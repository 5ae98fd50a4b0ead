# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.vectors.copying import copy_file, copy_tree


def sparse_file(path, size, pieces):
    with path.open("wb") as file:
        for at, data in pieces.items():
            file.seek(at)
            file.write(data)
        file.truncate(size)


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (0, {}),
        (5, {0: b"hello"}),
        (8 << 20, {}),
        (8 << 20, {0: b"head", 4 << 20: b"middle", (8 << 20) - 4: b"tail"}),
        (3 << 20, {0: os.urandom(3 << 20)}),
    ],
    ids=["empty", "small", "nothing but a hole", "islands", "full"],
)
def test_a_copy_is_equal_and_no_larger_on_disk(tmp_path, size, pieces):
    sparse_file(tmp_path / "a", size, pieces)

    copy_file(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    allocated = (tmp_path / "b").stat().st_blocks * 512
    assert allocated <= (tmp_path / "a").stat().st_blocks * 512 + 4096


def test_a_tree_is_copied_whole(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("deep")

    copy_tree(tmp_path / "a", tmp_path / "z")

    assert (tmp_path / "z" / "b" / "c").read_text() == "deep"


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")

    with pytest.raises(FileExistsError):
        copy_file(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "b").read_text() == "old"
