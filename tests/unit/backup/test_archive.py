# SPDX-License-Identifier: Apache-2.0
"""Whatever a tree holds survives an archive; whatever happens to an archive is noticed."""

import io
import os
import random
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beast_ops.backup.entries import Entry, is_plain, stays_inside
from beast_ops.backup.extract import extract, wipe
from beast_ops.backup.reader import verify
from beast_ops.backup.tape import TRAILER, WritingTape
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import ArchiveError

ROOT = os.geteuid() == 0
HEADER = b'{"name": "x"}'


def packed(tree, *, compress=True):
    raw = io.BytesIO()
    with ArchiveWriter(raw, {"name": "x"}, compress=compress) as writer:
        writer.add_tree(tree, "data/volume")
        writer.finish({"items": []})
    return raw.getvalue(), writer


def described(tree):
    """Return all that shall survive of everything below *tree*."""
    found, same = {}, {}
    for path in sorted([tree, *tree.rglob("*")], key=os.fspath):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        link = os.fspath(path.readlink()) if path.is_symlink() else ""
        owner = (status.st_uid, status.st_gid) if ROOT else ()
        mode = 0 if path.is_symlink() else stat.S_IMODE(status.st_mode)
        name = os.fspath(path.relative_to(tree))
        first = same.setdefault(status.st_ino, name) if stat.S_ISREG(status.st_mode) else ""
        found[name] = (kind, mode, owner, status.st_mtime_ns, link, content, first)
    return found


def there_and_back(tree, target, **how):
    content, writer = packed(tree, **how)
    summary = extract(io.BytesIO(content), target)
    assert writer.files == summary.entries
    return described(target / "data/volume")


@pytest.fixture
def odd(tmp_path):
    tree = tmp_path / "tree"
    deep = tree.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("far down")
    (tree / "new\nline").write_text("a")
    (tree / "\N{SNOWMAN} \N{GRINNING FACE}").write_text("b")
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\xfe")).write_bytes(b"no text")
    (tree / "empty").touch()
    (tree / ("n" * 200)).mkdir()
    (tree / "link").symlink_to("d/d/d")
    (tree / "dangling").symlink_to("nowhere")
    (tree / "twice").write_text("once")
    (tree / "again").hardlink_to(tree / "twice")
    with (tree / "holes").open("wb") as file:
        file.seek(5 << 20)
        file.write(b"data")
        file.truncate(9 << 20)
    for number, mode in enumerate((0o000, 0o4755, 0o640, 0o777)):
        (tree / f"mode{number}").write_text("x")
        (tree / f"mode{number}").chmod(mode)
    (tree / "sticky").mkdir()
    (tree / "sticky").chmod(0o1777)
    os.utime(tree / "empty", ns=(1, 1_234_567_890_123_456_789))
    os.utime(tree / "sticky", ns=(1, 987_654_321))
    yield tree
    shutil.rmtree(tree)


@pytest.mark.skipif(not ROOT, reason="a file nobody may read is read by root alone")
@pytest.mark.parametrize("compress", [True, False])
def test_odd_things_survive(odd, tmp_path, compress):
    assert described(odd) == there_and_back(odd, tmp_path / "out", compress=compress)
    assert (tmp_path / "out/data/volume/holes").stat().st_blocks * 512 < 4 << 20
    wipe(tmp_path / "out")
    assert not (tmp_path / "out").exists()


NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.lists(NAMES, min_size=1, max_size=4),
            st.binary(max_size=3000),
            st.sampled_from([0o600, 0o644, 0o755, 0o400, 0o4711]),
            st.integers(0, 4_000_000_000_000_000_000),
        ),
        max_size=12,
    )
)
def test_any_tree_survives(tmp_path, files):
    tree, target = tmp_path / "tree", tmp_path / "out"
    tree.mkdir()
    try:
        for parts, content, mode, mtime in files:
            path = Path(os.fsdecode(b"/".join([os.fsencode(tree), *parts])))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError:
                continue  # a file where a folder should be
            path.chmod(mode)
            os.utime(path, ns=(mtime, mtime))

        assert described(tree) == there_and_back(tree, target)
    finally:
        wipe(tree)
        wipe(target)


def test_what_no_archive_can_hold_is_left_out_by_name(tmp_path):
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree/pipe")
    (tmp_path / "tree/out").symlink_to("/etc/passwd")
    (tmp_path / "tree/up").symlink_to("../../elsewhere")

    _, writer = packed(tmp_path / "tree")

    assert ["out", "pipe", "up"] == sorted(each.split(":")[0][12:] for each in writer.left_out)


@pytest.mark.parametrize(("size", "said"), [(10, "shortened"), (3, "more came")])
def test_a_stream_of_another_length_than_announced_is_an_error(size, said):
    with ArchiveWriter(io.BytesIO(), {"name": "x"}) as writer:  # noqa: SIM117 - what fails stands alone
        with pytest.raises(ArchiveError, match=said):
            writer.add_stream("snapshots/x", size, iter([b"12345"]))


class Full(io.BytesIO):
    """A disk that is full after so many bytes."""

    def write(self, data):
        if self.tell() + len(data) > 100_000:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_told_and_ends_the_thread(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big").write_bytes(os.urandom(20 << 20))

    with ArchiveWriter(Full(), {"name": "x"}) as writer:  # noqa: SIM117 - what fails stands alone
        with pytest.raises(OSError, match="No space"):
            _fill(writer, tmp_path / "tree")


def _fill(writer, tree):
    writer.add_tree(tree, "data/volume")
    writer.finish({"items": []})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    tree = tmp_path_factory.mktemp("whole")
    chance = random.Random(42)  # noqa: S311 - chance, not secrets
    for number in range(40):
        (tree / f"{number}").write_bytes(chance.randbytes(chance.randrange(4000)))
    (tree / "text").write_text("the same again\n" * 5000)
    return packed(tree)[0]


def test_every_fault_is_noticed_and_leaves_nothing(whole, tmp_path, seed, rounds):
    chance = random.Random(seed)  # noqa: S311 - chance, not secrets
    assert verify(io.BytesIO(whole)).entries > 40
    for number in range(rounds(120, 1000)):
        spoiled = bytearray(whole)
        if number % 3:
            spoiled[chance.randrange(len(whole))] ^= chance.randrange(1, 256)
        else:
            del spoiled[chance.randrange(len(whole)) :]
        with pytest.raises(ArchiveError):
            verify(io.BytesIO(bytes(spoiled)))
        with pytest.raises(ArchiveError):
            extract(io.BytesIO(bytes(spoiled)), tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_something_after_the_end_is_noticed(whole):
    for more in (b"x", whole, bytes(TRAILER)):
        with pytest.raises(ArchiveError):
            verify(io.BytesIO(whole + more))


def sealed(*members, header=HEADER, numbers=None):
    """Return a sealed archive of hand-made members: names, types, links, contents.

    All but the header get the attributes in *numbers*.
    """
    raw = io.BytesIO()
    tape = WritingTape(raw)
    with tarfile.TarFile(fileobj=tape, mode="w") as tar:
        first = [("header.json", tarfile.REGTYPE, "", header)] if header else []
        for name, kind, link, content in [*first, *members]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(content)
            for attribute, number in (numbers or {}).items() if name != "header.json" else ():
                setattr(info, attribute, number)
            tar.addfile(info, io.BytesIO(content))
    tape.seal()
    return raw.getvalue()


F, D, L, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
HOSTILE = {
    "absolute": [("/etc/evil", F, "", b"x")],
    "up": [("data/v/../../evil", F, "", b"x")],
    "only up": [("..", D, "", b"")],
    "device": [("data/v/null", tarfile.CHRTYPE, "", b"")],
    "pipe": [("data/v/pipe", tarfile.FIFOTYPE, "", b"")],
    "link out": [("data/v/l", L, "/etc", b"")],
    "link up": [("data/v/l", L, "../../..", b"")],
    "link through another": [("data/v/l", L, "x/../..", b"")],
    "same out": [("data/v/h", H, "/etc/passwd", b"")],
    "manifest twice": [("manifest.jsonl", F, "", b""), ("manifest.jsonl", F, "", b"")],
    "after manifest": [("manifest.jsonl", F, "", b""), ("data/v/x", F, "", b"x")],
    "no manifest": [("data/v/x", F, "", b"x")],
    "lying manifest": [("data/v/x", F, "", b"x"), ("manifest.jsonl", F, "", b"{}\n")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused_and_writes_nothing_elsewhere(members, tmp_path):
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ArchiveError):
        extract(io.BytesIO(sealed(*members)), tmp_path / "out")

    assert before == sorted(tmp_path.rglob("*"))


DEEP = b"[" * 100_000
BARE = [("proof.json", F, "", b"{}")]
SENSELESS = {
    "no proof": ("no proof", [("manifest.jsonl", F, "", b"")], {}),
    "two headers": ("two headers", [("header.json", F, "", HEADER)], {}),
    "deep header": ("no JSON", [], {"header": b'{"a":' + DEEP}),
    "deep manifest": ("makes no sense", [*BARE, ("manifest.jsonl", F, "", DEEP + b"\n")], {}),
    "no owner": ("makes no sense", [("data/v/x", F, "", b"x")], {"numbers": {"uid": -5}}),
    "too large an owner": (
        "makes no sense",
        [("data/v/x", F, "", b"x")],
        {"numbers": {"gid": 2**40}},
    ),
    "no time": (
        "makes no sense",
        [("data/v/x", F, "", b"x")],
        {"numbers": {"pax_headers": {"mtime": "nan"}}},
    ),
    "endless time": (
        "makes no sense",
        [("data/v/x", F, "", b"x")],
        {"numbers": {"pax_headers": {"mtime": "inf"}}},
    ),
}


@pytest.mark.parametrize("said", SENSELESS.values(), ids=SENSELESS.keys())
@pytest.mark.parametrize("act", ["verify", "extract"])
def test_what_makes_no_sense_is_refused_as_an_archive_is(said, act, tmp_path):
    why, members, how = said
    content = io.BytesIO(sealed(*members, **how))

    with pytest.raises(ArchiveError, match=why):
        verify(content) if act == "verify" else extract(content, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_manifest_that_names_more_than_there_is_is_refused(tmp_path):
    (tmp_path / "tree").mkdir()
    raw = io.BytesIO()
    with ArchiveWriter(raw, {"name": "x"}) as writer:
        writer.add_tree(tmp_path / "tree", "data/volume")
        _more(writer)
        writer.finish({"items": []})

    with pytest.raises(ArchiveError, match="other members"):
        verify(io.BytesIO(raw.getvalue()))


def _more(writer):
    """Have the manifest end with a line that nothing stands behind."""
    line = Entry("data/v/x", "file", 0, "", 0, 0, 0, 0).line()
    real = writer.add_bytes
    writer.add_bytes = lambda *given: (real(*given), writer._manifest.write(line))


def test_a_sparse_file_larger_than_any_is_refused_at_once():
    sparse = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "data/v/x",
        "GNU.sparse.realsize": str(2**70),
    }
    chart = f"1\n{2**70}\n0\n".encode().ljust(512, b"\0")
    content = sealed(("data/v/x", F, "", chart), numbers={"pax_headers": sparse})

    with pytest.raises(ArchiveError, match="makes no sense"):
        verify(io.BytesIO(content))


def test_what_does_not_begin_with_a_header_is_refused():
    with pytest.raises(ArchiveError, match="header"):
        verify(io.BytesIO(sealed(("data/v/x", F, "", b"x"), header=b"")))
    with pytest.raises(ArchiveError):
        verify(io.BytesIO(b""))


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("data/v/l", "x", True),
        ("data/v/a/l", "../x", True),
        ("data/v/l", "../x", False),
        ("data/v/a/l", "x/../y", False),
        ("keys/l", "x", True),
        ("keys/l", "../x", False),
        ("data/v/l", "/x", False),
        ("data/v/l", "", False),
        ("data/v/l", "a\0b", False),
    ],
)
def test_links_stay_inside_their_volume(name, target, expected):
    assert expected == stays_inside(name, target)


@pytest.mark.parametrize("name", ["", "/x", "a//b", "a/./b", "a/../b", "a\0", "a/"])
def test_names_lead_nowhere_else(name):
    assert not is_plain(name)
