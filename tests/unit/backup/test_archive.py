# SPDX-License-Identifier: Apache-2.0
"""Whatever a tree holds survives an archive; whatever happens to an archive is noticed."""

import io
import os
import random
import shutil
import stat
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beast_ops.backup.entries import Entry, is_plain, judge, stays_inside
from beast_ops.backup.extract import extract, wipe
from beast_ops.backup.holes import HOLES_BYTES
from beast_ops.backup.reader import verify
from beast_ops.backup.shape import Shape
from beast_ops.backup.tape import TRAILER, WritingTape
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import ArchiveError, PreflightError

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
X = ("data/v/x", F, "", b"x")
MISSHAPEN = {
    "file twice": ("there twice", [X, X]),
    "link twice": ("there twice", [("data/v/x", L, "y", b""), X]),
    "file, then folder": ("a file and a folder", [X, ("data/v/x", D, "", b"")]),
    "folder, then file": ("a file and a folder", [("data/v/x/y", F, "", b""), X]),
    "below a file": ("below a file", [X, ("data/v/x/y", F, "", b"")]),
    "below the header": ("below a file", [("header.json/x", F, "", b"")]),
    "behind a link": ("behind a link", [("data/v/l", L, "w", b""), ("data/v/l/x", F, "", b"")]),
    "a link before a file": (
        "a file and a folder",
        [("data/v/d/x", F, "", b"x"), ("data/v/d", L, "w", b"")],
    ),
    "same as nothing": ("not there", [("data/v/h", H, "data/v/gone", b"")]),
    "same as itself": ("not there", [("data/v/h", H, "data/v/h", b"")]),
    "same as a later one": ("not there", [("data/v/h", H, "data/v/x", b""), X]),
    "same as a folder": ("not there", [("data/v", D, "", b""), ("data/h", H, "data/v", b"")]),
    "same as a link": ("not there", [("data/v/l", L, "x", b""), ("data/v/h", H, "data/v/l", b"")]),
    "long part": ("longer than", [("data/v/" + "n" * 256, F, "", b"x")]),
    "long part of two bytes": ("longer than", [("data/v/" + "\N{SNOWMAN}" * 86, F, "", b"x")]),
    "long name": ("longer than", [("data/" + "n/" * 2046 + "n", F, "", b"x")]),
    "long link": ("longer than", [("data/v/l", L, "n/" * 2047 + "nn", b"")]),
}


@pytest.mark.parametrize(("why", "members"), MISSHAPEN.values(), ids=MISSHAPEN.keys())
@pytest.mark.parametrize("act", ["verify", "extract"])
def test_what_no_tree_can_be_is_refused_alike(why, members, act, tmp_path):
    content = io.BytesIO(sealed(*members))

    with pytest.raises(ArchiveError, match=why):
        verify(content) if act == "verify" else extract(content, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_what_is_as_long_as_linux_takes_is_kept(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / ("n" * 255)).write_text("x")
    (tree / "link").symlink_to("n/" * 2047 + "n")

    assert described(tree) == there_and_back(tree, tmp_path / "out")


def test_moments_of_other_centuries_survive(tmp_path):
    (tmp_path / "tree").mkdir()
    for name, year in (("late", 2400), ("early", 1910)):
        (tmp_path / "tree" / name).write_text("x")
        moment = (year - 1970) * 31_556_952 * 10**9 + 7
        os.utime(tmp_path / "tree" / name, ns=(moment, moment))

    assert described(tmp_path / "tree") == there_and_back(tmp_path / "tree", tmp_path / "out")


def test_a_path_that_is_too_long_only_where_it_shall_be_is_told(tmp_path):
    content = io.BytesIO(packed(deep_tree(tmp_path / "tree"))[0])
    verify(io.BytesIO(content.getvalue()))
    target = tmp_path.joinpath(*["t" * 250] * 15)

    with pytest.raises(PreflightError, match="longer than Linux takes"):
        extract(content, target)

    assert not target.exists()


def deep_tree(tree):
    tree.joinpath(*["d" * 100] * 10).mkdir(parents=True)
    return tree


def test_a_disk_is_not_filled_to_its_end(tmp_path, monkeypatch):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/x").write_bytes(b"x")
    content = io.BytesIO(packed(tmp_path / "tree")[0])
    monkeypatch.setattr("beast_ops.backup.extract.ROOM_BYTES", 1 << 62)

    with pytest.raises(PreflightError, match="no room"):
        extract(content, tmp_path / "out")

    assert not (tmp_path / "out").exists()


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
    "far future": (
        "makes no sense",
        [("data/v/x", F, "", b"x")],
        {"numbers": {"pax_headers": {"mtime": "1e300"}}},
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


@pytest.mark.parametrize("mode", [-1, 0o10000])
def test_permissions_that_there_are_not_are_refused(mode):
    info = tarfile.TarInfo("data/v/x")
    info.mode = mode  # tarfile reads such numbers, and writes none

    with pytest.raises(ArchiveError, match="makes no sense"):
        judge(info)


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


def with_holes(size, chart, data=b""):
    """Return an archive with a file of *size* bytes whose map of holes is *chart*."""
    sparse = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "data/v/x",
        "GNU.sparse.realsize": str(size),
    }
    text = "".join(f"{number}\n" for number in chart).encode()
    text += bytes(-len(text) % 512) + data
    return sealed(("data/v/x", F, "", text), numbers={"pax_headers": sparse})


HOLES = {
    "larger than any file": (2**70, [1, 2**70, 0], "makes no sense"),
    "larger than any disk": (2**50, [1, 2**50, 0], "holes of"),
    "just too large": (HOLES_BYTES + 1, [1, HOLES_BYTES + 1, 0], "holes of"),
    "beyond its end": (1000, [1, 2000, 0], "holes of"),
    "backwards": (4096, [2, 2048, 512, 0, 512], "holes of"),
    "overlapping": (4096, [2, 0, 1024, 512, 512], "holes of"),
    "negative": (4096, [1, 4096, -4096], "holes of"),
    "endless map": (1000, [3_000_000, *[0] * 3_000_000], "too long"),
}


@pytest.mark.parametrize(("size", "chart", "why"), HOLES.values(), ids=HOLES.keys())
@pytest.mark.parametrize("act", ["verify", "extract"])
def test_holes_that_make_no_sense_are_refused_at_once(size, chart, why, act, tmp_path):
    content = io.BytesIO(with_holes(size, chart, bytes(1024)))

    begun = time.monotonic()
    with pytest.raises(ArchiveError, match=why):
        verify(content) if act == "verify" else extract(content, tmp_path / "out")
    assert time.monotonic() - begun < 20


def test_many_files_share_what_all_holes_may_be():
    shape = Shape()
    for number in range(4):
        shape.take(hollow(f"data/v/{number}", HOLES_BYTES // 4), "file")

    with pytest.raises(ArchiveError, match="holes of"):
        shape.take(hollow("data/v/more", 1), "file")


def hollow(name, size):
    info = tarfile.TarInfo(name)
    info.size, info.sparse = size, [(size, 0)]
    return info


def test_a_backup_leaves_out_what_no_archive_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.backup.writer.HOLES_BYTES", 10 << 20)
    (tmp_path / "tree").mkdir()
    for name in ("first", "second"):
        with (tmp_path / "tree" / name).open("wb") as file:
            file.write(b"data")
            file.truncate(8 << 20)
    content, writer = packed(tmp_path / "tree")

    assert ["data/volume/second"] == [each.split(":")[0] for each in writer.left_out]
    assert 4 == verify(io.BytesIO(content)).entries


@pytest.mark.skipif(not ROOT, reason="a file nobody may read is read by root alone")
def test_a_file_with_too_many_holes_is_kept_without(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.backup.writer.CHART_BYTES", 0)

    assert described(odd) == there_and_back(odd, tmp_path / "out")


def test_a_header_that_would_fill_the_memory_is_refused_at_once():
    raw = io.BytesIO()
    tape, info = WritingTape(raw), tarfile.TarInfo("header.json")
    info.type, info.size = tarfile.XHDTYPE, 2**40
    tape.write(info.tobuf(tarfile.GNU_FORMAT))
    tape.write(bytes(1 << 20))
    tape.seal()

    with pytest.raises(ArchiveError, match="too long"):
        verify(io.BytesIO(raw.getvalue()))


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
