# SPDX-License-Identifier: Apache-2.0
"""Archives of every kind, honest ones and others."""

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile
from contextlib import nullcontext

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest import archive as module
from beast_ops.ingest import archive_open
from beast_ops.ingest.archive import Archive
from beast_ops.ingest.find import Manner, find
from beast_ops.ingest.found import FoundDocument
from beast_ops.ingest.gather import Sources, gathered
from beast_ops.ingest.notes import Notes
from beast_ops.ingest.sources import archive_of, is_archive, path_of, uri

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {
    ".tar": lambda data: data,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": zstd.compress,
}
KINDS = [".zip", *PACKERS]
DOCUMENTS = {"a.md": b"# A", "deep/b.txt": b"B" * 100_000, "ümläut 😀.md": b"U"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def notes(tmp_path):
    return Notes(tmp_path / "notes")


def make(path, members):
    """Write an archive of its suffix; *members* are names and contents, in their order."""
    pairs = list(members.items()) if isinstance(members, dict) else members
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in pairs:
                packed.writestr(name, content)
        return path
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as packed:
        for name, content in pairs:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    pack = PACKERS["".join(path.suffixes[-2:]) if ".tar" in path.suffixes else path.suffix]
    path.write_bytes(pack(raw.getvalue()))
    return path


def opened(path, notes):
    kind = path.stat()
    return Archive(FoundDocument(str(path), kind.st_size, kind.st_mtime_ns), notes)


def read(archive, members):
    return {
        member.path.partition("!/")[2]: str(content)
        if isinstance(content, DocumentError)
        else content.read()
        for member, content in archive.contents(members)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_documents_with_their_content(tmp_path, notes, kind):
    archive = opened(make(tmp_path / f"x{kind}", DOCUMENTS), notes)

    members, problems = archive.members()

    assert [f"{tmp_path}/x{kind}!/{name}" for name in DOCUMENTS] == [m.path for m in members]
    assert [] == problems
    assert DOCUMENTS == read(archive, members)
    assert {"deep/b.txt": DOCUMENTS["deep/b.txt"]} == read(archive, members[1:2])
    assert {(archive.file.size, archive.file.mtime_ns)} == {(m.size, m.mtime_ns) for m in members}


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_an_unchanged_archive_is_not_read_again(tmp_path, notes, kind, monkeypatch):
    path = make(tmp_path / f"x{kind}", {**DOCUMENTS, "in.zip": b""})
    first = opened(path, notes).members()
    monkeypatch.setattr(module, "items", lambda *_: pytest.fail("it was read"))

    again = opened(path, notes).members()

    assert [m.path for m in first[0]] == [m.path for m in again[0]]
    assert first[1] == again[1]
    os.utime(path, (1, 1))
    with pytest.raises(pytest.fail.Exception):
        opened(path, notes).members()


@pytest.mark.parametrize("kind", [".zip", ".tar"])
@pytest.mark.parametrize(
    "name",
    [
        *("../up.md", "/etc/top.md", "a/../../b.md", "a\\b.md", "a//b.md", "new\nline.md"),
        "n" * 1001,
    ],
)
def test_names_that_lead_out_are_refused(tmp_path, notes, kind, name):
    archive = opened(make(tmp_path / f"x{kind}", {name: b"x", "fine.md": b"x"}), notes)

    members, problems = archive.members()

    assert ["fine.md"] == [m.path.partition("!/")[2] for m in members]
    assert ["its name leads out of the archive"] == [reason for _, reason in problems]


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_what_a_folder_would_leave_out_is_left_out(tmp_path, notes, kind):
    names = ["a.md", ".git/config", "node_modules/x.js", "p.png", "__MACOSX/a.md", "x.lock"]
    archive = opened(make(tmp_path / f"x{kind}", dict.fromkeys(names, b"x")), notes)

    assert ["a.md"] == [m.path.partition("!/")[2] for m in archive.members()[0]]


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_an_archive_in_an_archive_is_reported_as_such(tmp_path, notes, kind):
    archive = opened(make(tmp_path / f"x{kind}", {"a.md": b"x", "in.tar.gz": b"x"}), notes)

    assert [(f"{archive.file.path}!/in.tar.gz", "an archive in an archive is not opened")] == (
        archive.members()[1]
    )


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_of_two_members_named_alike_the_last_counts(tmp_path, notes, kind):
    told = pytest.warns(UserWarning, match="Duplicate name") if kind == ".zip" else nullcontext()
    with told:
        path = make(tmp_path / f"x{kind}", [("a.md", b"old"), ("b.md", b"b"), ("a.md", b"new")])
    archive = opened(path, notes)

    assert {"a.md": b"new", "b.md": b"b"} == read(archive, archive.members()[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_before_much_of_it_is_there(tmp_path, notes, kind, monkeypatch):
    monkeypatch.setattr(archive_open, "UNSUSPICIOUS_BYTES", 1 << 20)
    monkeypatch.setattr(archive_open, "RATIO", 1 if kind == ".tar" else 20)
    members = {"a.md": bytes(8 << 20), "b.md": bytes(8 << 20)}
    if kind == ".tar":
        monkeypatch.setattr(archive_open, "TOTAL_BYTES", 12 << 20)
    archive = opened(make(tmp_path / f"x{kind}", members), notes)

    with pytest.raises(DocumentError, match="far more would come out"):
        archive.members()


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_too_many_members_are_refused(tmp_path, notes, kind, monkeypatch):
    monkeypatch.setattr(archive_open, "MEMBERS_MOST", 5)
    monkeypatch.setattr(module, "MEMBERS_MOST", 5)
    names = [f"{number}.md" for number in range(6)]
    archive = opened(make(tmp_path / f"x{kind}", dict.fromkeys(names, b"x")), notes)

    with pytest.raises(DocumentError, match="more than 5 members"):
        archive.members()


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_a_member_that_is_too_large_is_left_to_itself(tmp_path, notes, kind, monkeypatch):
    monkeypatch.setattr(module, "MEMBER_BYTES", 1 << 20)
    archive = opened(
        make(tmp_path / f"x{kind}", {"large.txt": bytes((1 << 20) + 1), "a.md": b"x"}), notes
    )

    members, problems = archive.members()

    assert 1 == len(members)
    assert [(f"{archive.file.path}!/large.txt", "larger than 1 MiB")] == problems


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_said(tmp_path, notes):
    path = make(tmp_path / "x.zip", {"a.md": bytes(4 << 20)})
    raw = path.read_bytes()
    true, lie = (4 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert 2 == raw.count(true)
    path.write_bytes(raw.replace(true, lie))
    archive = opened(path, notes)

    assert {"a.md": "damaged in its archive (BadZipFile)"} == read(archive, archive.members()[0])


def test_an_encrypted_or_oddly_packed_member_is_a_problem(tmp_path, notes):
    path = make(tmp_path / "x.zip", {"a.md": b"x", "b.md": b"y"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as packed:
        packed.writestr("c.md", b"z")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)

    members, problems = opened(path, notes).members()

    assert ["b.md"] == [m.path.partition("!/")[2] for m in members]
    assert ["encrypted", "packed in a way that is not supported"] == [why for _, why in problems]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_and_ends_nothing_else(tmp_path, kind):
    path = make(tmp_path / f"x{kind}", {"a.md": os.urandom(200_000), "b.md": b"x"})
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])

    with gathered(Sources([str(path)]), tmp_path / "root") as found:
        if found.documents:  # a plain tar shows its damage only when it is read to its end
            assert ".tar" == kind
        else:
            assert "this archive is damaged" in found.problems[0][1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_archive_is_told(tmp_path, notes, kind):
    path = tmp_path / f"x{kind}"
    for content in (
        b"",
        b"PK",
        b"hello" * 1000,
        b"\x1f\x8b" + b"x" * 100,
        b"\x28\xb5\x2f\xfd" + b"x" * 99,
    ):
        path.write_bytes(content)
        with pytest.raises(DocumentError, match="damaged"):
            opened(path, notes).members()


def test_a_header_of_an_absurd_length_is_not_read(tmp_path, notes):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf() + bytes(10_240))

    with pytest.raises(DocumentError, match="this archive is damaged"):
        opened(path, notes).members()


def test_links_in_a_tar_are_passed_over_and_devices_are_problems(tmp_path, notes):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as packed:
        for name, kind in (
            ("l.md", tarfile.SYMTYPE),
            ("h.md", tarfile.LNKTYPE),
            ("d.md", tarfile.CHRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            packed.addfile(info)

    members, problems = opened(path, notes).members()

    assert [] == members
    assert [(f"{path}!/d.md", "not a file but something special")] == problems


def test_an_archive_that_changes_under_way_is_not_mixed(tmp_path, notes):
    path = make(tmp_path / "x.zip", {"a.md": b"x"})
    archive = opened(path, notes)
    members, _ = archive.members()
    make(path, {"a.md": b"other"})
    os.utime(path, ns=(1, 1))

    with pytest.raises(DocumentError, match="changed while"):
        read(archive, members)


def test_a_named_archive_is_opened_and_one_in_a_folder_when_asked_for(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    path = make(top / "x.zip", {"a.md": b"x"})

    assert [] == find([str(top)], tmp_path / "root").archives
    for found in (
        find([str(path)], tmp_path / "root"),
        find([f"{top}/*.zip"], tmp_path / "root"),
        find([str(top)], tmp_path / "root", Manner(archives=True)),
    ):
        assert [str(path)] == [each.path for each in found.archives]
        assert [] == found.documents


def test_sources_in_archives_are_told_from_others():
    inside = uri("h", "/docs/a b.zip!/c.md")

    assert uri("h", "/docs/a b.zip") == archive_of(inside)
    assert "/docs/a b.zip!/c.md" == path_of(inside)
    assert None is archive_of(uri("h", "/docs/wow!/c.md"))
    assert None is archive_of(uri("h", "/docs/x.zip/c.md"))
    assert is_archive("/A.TAR.GZ")
    assert not is_archive("/a.gz")


def test_notes_that_make_no_sense_are_none(tmp_path):
    notes = Notes(tmp_path / "notes", most=2)
    for number in range(4):
        notes.put(str(number), {"n": number})

    assert {"n": 3} == notes.get("3")
    assert 2 == len(list((tmp_path / "notes").iterdir()))
    for path in (tmp_path / "notes").iterdir():
        path.write_text("{")
    assert None is notes.get("3")
    Notes(tmp_path / "notes" / "x.json" / "file").put("1", {})
