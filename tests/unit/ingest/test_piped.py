# SPDX-License-Identifier: Apache-2.0
import io
from pathlib import Path

import pytest

from beast_ops.errors import UsageError
from beast_ops.ingest.gather import Sources, gathered
from beast_ops.ingest.piped import piped, version
from beast_ops.ingest.sources import path_of, shown

NOWHERE = Path("/nowhere")


def test_what_comes_is_a_document_with_the_name_it_was_given():
    with piped(io.BytesIO(b"# Hello"), "mail/hello.md") as document:
        assert "pipe://host/mail/hello.md" == document.source("Host")
        with document.open() as content:
            assert b"# Hello" == content.read()
        assert 7 == document.size
        kept = Path(document.path)
    assert not kept.exists()
    assert "pipe:mail/hello.md" == shown(document.source("h"))
    assert "/mail/hello.md" == path_of(document.source("h"))


def test_its_time_is_made_of_its_content():
    def mtime(content):
        with piped(io.BytesIO(content), "a.md") as document:
            return document.mtime_ns

    assert mtime(b"one") == mtime(b"one") != mtime(b"two")
    assert 0 <= version(b"\xff" * 32) < 2**63


@pytest.mark.parametrize("name", ["", "  ", "/"])
def test_it_needs_a_name(name):
    with pytest.raises(UsageError, match="no name of its own"), piped(io.BytesIO(b"x"), name):
        pass


def test_what_never_ends_is_refused():
    with (
        Path("/dev/zero").open("rb") as zeros,
        pytest.raises(UsageError, match="more than 4 MiB"),
        piped(zeros, "a.md", most=4 << 20),
    ):
        pass


def test_files_and_the_pipe_are_gathered_together(tmp_path):
    (tmp_path / "a.md").write_text("A")

    sources = Sources([str(tmp_path), "-"], name="b.md", stream=io.BytesIO(b"B"))
    with gathered(sources, NOWHERE) as found:
        assert ["a.md", "b.md"] == [shown(each.source("h"))[-4:] for each in found.documents]
        assert [str(tmp_path)] == found.folders


def test_a_name_without_a_pipe_is_a_mistake(tmp_path):
    with (
        pytest.raises(UsageError, match="piped"),
        gathered(Sources([str(tmp_path)], name="x"), NOWHERE),
    ):
        pass
