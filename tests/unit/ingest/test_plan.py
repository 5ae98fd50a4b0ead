# SPDX-License-Identifier: Apache-2.0
"""Comparing what there is with what is known."""

from beast_ops.ingest.manifest import DocumentEntry, Manifest
from beast_ops.ingest.plan import compare
from beast_ops.ingest.state import Known


def entry(name, mtime_ns=1):
    return DocumentEntry(source=f"file://h/{name}", size=1, mtime_ns=mtime_ns)


def known(*names):
    sources = [f"file://h/{name}" for name in names]
    return {source: Known(source, 1, 1, "x", "j") for source in sources}


def manifest(*entries):
    return Manifest(documents=entries)


def test_new_and_changed_documents_are_read_and_the_same_are_not():
    documents = manifest(entry("new"), entry("same"), entry("changed", 2))

    plan = compare(documents, known("same", "changed"), [])

    assert [0, 2] == [place for place, _ in plan.read]
    assert ("file://h/same",) == tuple(each.source for each in plan.unchanged)


def test_what_was_sent_is_read_though_it_looks_the_same():
    plan = compare(manifest(entry("same")), known("same"), [], sent={0})

    assert [0] == [place for place, _ in plan.read]


def test_what_is_known_below_and_not_there_is_gone():
    plan = compare(manifest(entry("a")), known("a"), ["file://h/a", "file://h/b"])

    assert ("file://h/b",) == plan.gone
