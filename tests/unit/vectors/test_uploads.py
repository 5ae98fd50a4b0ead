# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.uploads import boundary, extract

HEAD = b'--XX\r\ncontent-disposition: form-data; name="snapshot"; filename="a"\r\n\r\n'
TAIL = b"\r\n--XX--\r\n"


def part(tmp_path, raw):
    (tmp_path / "raw").write_bytes(raw)
    extract(tmp_path / "raw", b"XX", tmp_path / "out")
    return (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("content", [b"", b"abc", b"\r\n--X\r\n\r\n", bytes(3 << 20)], ids=len)
def test_the_content_comes_out_as_it_went_in(tmp_path, content):
    assert part(tmp_path, HEAD + content + TAIL) == content


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        HEAD + b"cut",
        HEAD.replace(b"snapshot", b"other") + b"abc" + TAIL,
        HEAD + b"abc\r\n" + HEAD + b"def" + TAIL,
        b"--XX\r\nno end of headers" + TAIL,
    ],
    ids=["empty", "nonsense", "cut", "other field", "two fields", "no content"],
)
def test_anything_else_is_refused(tmp_path, raw):
    with pytest.raises(RefusedError):
        part(tmp_path, raw)


def test_the_boundary_is_read():
    assert boundary('multipart/form-data; boundary="XX"') == b"XX"


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data"])
def test_other_types_are_refused(kind):
    with pytest.raises(RefusedError, match="multipart"):
        boundary(kind)
