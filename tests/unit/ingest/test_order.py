# SPDX-License-Identifier: Apache-2.0
"""What one job is to ingest: a manifest with uploads, or a folder of this host."""

import socket

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.intake import Intake
from beast_ops.ingest.manifest import DocumentEntry, Manifest
from beast_ops.ingest.order import read_order
from beast_ops.ingest.sources import uri
from beast_ops.jobs.model import Job, State

ENTRIES = tuple(DocumentEntry(source=f"file://h/docs/{n}", size=5, mtime_ns=7) for n in range(4))


def a_job(name, **payload):
    return Job(name, "ingest", payload, State.RUNNING, 1, 0.0)


@pytest.fixture
def order(tmp_path):
    intake = Intake(tmp_path)
    job = intake.open_job(Manifest(documents=ENTRIES), "").job
    upload = intake.receive(job, 0)
    upload.write(b"words")
    upload.finish()
    intake.skip(job, 1, "it vanished")
    intake.receive(job, 2)._file.close()  # cut off in the middle
    intake.close()
    return read_order(a_job(job), tmp_path)


def test_what_was_sent_lies_among_the_uploads(order):
    assert b"words" == order.content(0, ENTRIES[0]).read_bytes()
    assert {0, 1} == order.sent()


@pytest.mark.parametrize(("place", "reason"), [(1, "it vanished"), (2, "not uploaded"), (3, "not")])
def test_what_was_not_sent_is_told_with_its_reason(order, place, reason):
    with pytest.raises(DocumentError, match=reason) as missing:
        order.content(place, ENTRIES[place])
    assert f"/docs/{place}" == missing.value.subject


def test_a_declared_folder_is_looked_through_by_the_worker(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a b\n.md").write_text("words")
    (docs / "gone").symlink_to("nowhere")
    job = a_job("j", collection="docs", folder=str(docs))

    order = read_order(job, tmp_path / "root" / "data" / "1")

    host = socket.gethostname()
    (document,) = order.manifest.documents
    assert uri(host, str(docs / "a b\n.md")) == document.source
    assert (uri(host, str(docs)),) == order.manifest.folders
    assert docs / "a b\n.md" == order.content(0, document)
    assert frozenset() == order.sent()
    assert [uri(host, str(docs / "gone"))] == [source for source, _ in order.problems]
