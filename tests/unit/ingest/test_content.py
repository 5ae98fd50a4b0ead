# SPDX-License-Identifier: Apache-2.0
"""A document is the same file when it is hashed and read, and nothing that one waits for."""

import errno
import hashlib
import os
import threading

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.content import digest, open_content, path_to
from beast_ops.ingest.parse import parse
from beast_ops.ingest.pool import ParserPool


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.txt").write_text("Words.")
    return folder


def test_the_file_that_was_hashed_is_read_whatever_its_name_leads_to_by_then(docs, tmp_path):
    path = docs / "a.txt"
    (tmp_path / "secret").write_text("Secret.")
    (docs / "a.html").write_text("<p>Words that stay.</p>")
    with (
        open_content(path, "a.txt", str(docs)) as file,
        open_content(docs / "a.html", "a.html", str(docs)) as page,
    ):
        found = digest(file, "a.txt", lambda: None)
        for each in (path, docs / "a.html"):
            each.unlink()
            each.symlink_to(tmp_path / "secret")
        document = parse(path_to(file, path), "a.txt")
        with ParserPool(1, 20, 512) as pool:
            items = [("html", path_to(page, docs / "a.html"), "a.html")]
            ((_, elsewhere, _),) = pool.map(items)

    assert hashlib.sha256(b"Words.").hexdigest() == found
    assert ["Words."] == [each.text for each in document.sections]
    assert "Words that stay." in elsewhere.sections[0].text


def test_a_pipe_in_the_place_of_a_document_keeps_nobody_waiting(docs):
    os.mkfifo(docs / "pipe.txt")
    done = []

    def both():
        for act in (open_content, parse):
            with pytest.raises(DocumentError, match="not a file"):
                act(docs / "pipe.txt", "pipe.txt")
            done.append(act)

    thread = threading.Thread(target=both, daemon=True)
    thread.start()
    thread.join(10)

    assert [open_content, parse] == done


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(docs, tmp_path):
    (tmp_path / "secret").write_text("Secret.")
    (docs / "out.txt").symlink_to(tmp_path / "secret")
    (docs / "in.txt").symlink_to("a.txt")

    with pytest.raises(DocumentError, match="leads out"):
        open_content(docs / "out.txt", "out.txt", str(docs))
    with open_content(docs / "in.txt", "in.txt", str(docs)) as file:
        assert b"Words." == file.read()


def test_without_proc_links_are_resolved_by_name(docs, tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.ingest.content._own", lambda _: tmp_path / "none")
    (tmp_path / "secret").write_text("Secret.")
    (docs / "out.txt").symlink_to(tmp_path / "secret")

    with pytest.raises(DocumentError, match="leads out"):
        open_content(docs / "out.txt", "out.txt", str(docs))
    with open_content(docs / "a.txt", "a.txt", str(docs)) as file:
        assert docs / "a.txt" == path_to(file, docs / "a.txt")


def test_a_file_that_cannot_be_read_any_more_is_told(docs):
    with pytest.raises(DocumentError, match="vanished"):
        open_content(docs / "gone", "/docs/gone")
    with pytest.raises(DocumentError, match="not a file any more"):
        open_content(docs, "/docs")
    (docs / "loop").symlink_to("loop")
    with pytest.raises(DocumentError, match="cannot be read"):
        open_content(docs / "loop", "/docs/loop")


class Broken:
    """A file on a disk that fails."""

    def readinto(self, _block):
        raise OSError(errno.EIO, "Input/output error")


def test_a_read_that_fails_is_told():
    with pytest.raises(DocumentError, match="cannot be read: Input/output error"):
        digest(Broken(), "a.txt", lambda: None)


def test_hashing_stops_when_it_should(docs):
    def stop():
        raise InterruptedError("stop")

    with open_content(docs / "a.txt", "a.txt") as file, pytest.raises(InterruptedError):
        digest(file, "a.txt", stop)
