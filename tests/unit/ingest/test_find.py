# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from beast_ops.ingest import find as finding
from beast_ops.ingest.find import Manner, find, left_out
from beast_ops.ingest.sources import uri

NOWHERE = Path("/nowhere")


@pytest.fixture
def tree(tmp_path):
    for name in ("b/two.md", "b/a/one.txt", "a.txt", "c.html"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    return tmp_path / "tree"


def names(found, below):
    return [os.path.relpath(each.path, below) for each in found.documents]


def test_a_folder_is_listed_in_order_with_all_in_it(tree):
    found = find([str(tree)], NOWHERE)

    assert ["a.txt", "c.html", "b/two.md", "b/a/one.txt"] == names(found, tree)
    assert [str(tree)] == found.folders
    assert [] == found.problems
    first = (tree / "a.txt").stat()
    assert (5, first.st_mtime_ns) == (found.documents[0].size, found.documents[0].mtime_ns)


def test_relative_paths_and_dots_come_out_absolute(tree, monkeypatch):
    monkeypatch.chdir(tree / "b")

    found = find(["../b/two.md", "."], NOWHERE)

    assert ["b/two.md", "b/a/one.txt"] == names(found, tree)
    assert [str(tree / "b")] == found.folders


def test_a_pattern_is_expanded(tree):
    found = find([f"{tree}/**/*.[tm]*"], NOWHERE)

    assert ["a.txt", "b/a/one.txt", "b/two.md"] == names(found, tree)
    assert [] == found.folders


def test_a_name_that_looks_like_a_pattern_is_a_name_first(tree):
    (tree / "[a].txt").write_text("x")

    assert ["[a].txt"] == names(find([f"{tree}/[a].txt"], NOWHERE), tree)


def test_the_home_of_the_user_is_understood(tree, monkeypatch):
    monkeypatch.setenv("HOME", str(tree))

    assert ["a.txt"] == names(find(["~/a.txt"], NOWHERE), tree)


@pytest.mark.parametrize("path", ["missing.txt", "missing/*.txt"])
def test_what_is_missing_is_a_problem(tree, path):
    found = find([f"{tree}/{path}"], NOWHERE)

    assert [(f"{tree}/{path}", "cannot read it: no such file or directory")] == found.problems


def test_what_is_no_document_is_left_out_of_folders_and_kept_when_named(tree):
    left = [".env", ".git/config", "node_modules/x.js", "__pycache__/x.py", "picture.PNG"]
    for name in left:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("x")

    assert 4 == len(find([str(tree)], NOWHERE).documents)
    assert 1 == find([str(tree)], NOWHERE).skipped
    assert left == names(find([f"{tree}/{name}" for name in left], NOWHERE), tree)
    for name in left:
        assert left_out(uri("h", f"{tree}/{name}"), uri("h", str(tree)))
    for name in ("a.txt", "b/a/one.txt", "b/Makefile"):
        assert not left_out(uri("h", f"{tree}/{name}"), uri("h", str(tree)))


def test_a_hidden_folder_is_read_when_named(tree):
    (tree / ".notes").mkdir()
    (tree / ".notes/a.txt").write_text("x")

    assert [".notes/a.txt"] == names(find([f"{tree}/.notes"], NOWHERE), tree)
    assert not left_out(uri("h", f"{tree}/.notes/a.txt"), uri("h", f"{tree}/.notes"))


def test_links_to_files_are_followed_and_links_to_folders_are_not(tree):
    (tree / "b/link.txt").symlink_to("two.md")
    (tree / "b/up").symlink_to("..")

    found = find([str(tree / "b")], NOWHERE)

    assert ["link.txt", "two.md", "a/one.txt"] == names(found, tree / "b")


def test_a_link_to_a_folder_is_followed_when_named(tree):
    (tree / "link").symlink_to("b")

    assert ["link/two.md", "link/a/one.txt"] == names(find([f"{tree}/link"], NOWHERE), tree)


def test_links_that_lead_nowhere_or_in_circles_are_problems(tree):
    (tree / "dangling.txt").symlink_to("nowhere")
    (tree / "loop.txt").symlink_to("loop.txt")

    found = find([str(tree)], NOWHERE)

    assert [
        "cannot read it: no such file or directory",
        "cannot read it: too many levels of symbolic links",
    ] == [reason for _, reason in found.problems]
    assert [str(tree)] == found.folders


def test_what_is_no_file_is_never_opened(tree):
    os.mkfifo(tree / "pipe.txt")
    (tree / "endless.txt").symlink_to("/dev/zero")

    assert ["not a file but a device", "not a file but a pipe"] == [
        reason for _, reason in find([str(tree)], NOWHERE).problems
    ]


def test_a_folder_that_cannot_be_listed_prunes_nothing(tree, monkeypatch):
    scan = os.scandir

    def scandir(path):
        if path == str(tree / "b/a"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(finding.os, "scandir", scandir)

    found = find([str(tree), f"{tree}/b/a", str(tree)], NOWHERE)

    assert [] == found.folders
    assert ["a.txt", "c.html", "b/two.md"] == names(found, tree)
    assert (f"{tree}/b/a", "cannot read it: permission denied") == found.problems[0]


def test_what_cannot_be_asked_what_it_is_is_a_problem(tree, monkeypatch):
    class Entry:
        name, path = "odd.txt", "/odd.txt"

        def is_dir(self, **_):
            raise OSError(5, "Input/output error")

        stat = is_dir

    scan = finding._Search._entries
    monkeypatch.setattr(
        finding._Search, "_entries", lambda self, folder: [*scan(self, folder), Entry()]
    )

    found = find([str(tree / "b/a")], NOWHERE)

    assert [("/odd.txt", "cannot read it: input/output error")] == found.problems
    assert [] == found.folders  # or what is known of it would leave


def test_the_installation_is_never_entered(tree):
    found = find([str(tree), f"{tree}/b"], tree / "b")

    assert ["a.txt", "c.html"] == names(found, tree)
    assert [(f"{tree}/b", "this belongs to the installation itself")] == found.problems


def test_what_lies_in_the_installation_is_refused_however_it_is_named(tree):
    (tree / "way").symlink_to("b")

    found = find([f"{tree}/b/two.md", f"{tree}/b/a", f"{tree}/way/two.md"], tree / "b")

    assert [] == found.documents
    assert {"this belongs to the installation itself"} == {reason for _, reason in found.problems}


def test_links_that_lead_out_can_be_refused(tree):
    (tree / "b/out.txt").symlink_to("../a.txt")
    (tree / "b/in.txt").symlink_to("a/one.txt")

    found = find([str(tree / "b")], NOWHERE, Manner(inside=True))

    assert ["in.txt", "two.md", "a/one.txt"] == names(found, tree / "b")
    assert [(f"{tree}/b/out.txt", "a link that leads out of the folder")] == found.problems


def test_links_into_the_installation_are_refused(tree):
    (tree / "b/key.txt").symlink_to("../root/key.txt")
    (tree / "root").mkdir()
    (tree / "root/key.txt").write_text("x")

    found = find([str(tree / "b")], tree / "root")

    assert ["two.md", "a/one.txt"] == names(found, tree / "b")
    assert [f"{tree}/b/key.txt"] == [path for path, _ in found.problems]


def test_no_document_comes_twice(tree):
    found = find([str(tree / "a.txt"), str(tree), str(tree / "b")], NOWHERE)

    assert 4 == len(found.documents)


def test_names_of_any_bytes_survive(tmp_path):
    raw = [b"new\nline.txt", "\U0001f418.txt".encode(), b"not-utf8-\xe9.txt"]
    for name in raw:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")

    found = find([str(tmp_path)], NOWHERE)

    assert sorted(raw) == [os.fsencode(Path(each.path).name) for each in found.documents]


def test_depth_is_no_problem(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "a.txt").write_text("x")

    assert 1 == len(find([str(tmp_path)], NOWHERE).documents)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/docs/a.txt", False),
        ("/docs/sub/a.txt", False),
        ("/docs/.hidden.txt", True),
        ("/docs/.git/config", True),
        ("/docs/sub/.x/y/z.md", True),
        ("/docs/node_modules/a.md", True),
        ("/docs/lost%2Bfound/a.md", True),
        ("/docs/node_modules", False),
        ("/docs/b%FF/c", False),
    ],
)
def test_hidden_and_skipped_folders_are_passed_over(path, expected):
    assert expected == left_out(f"file://h{path}", "file://h/docs")


def test_a_hidden_folder_asked_for_by_name_is_looked_through():
    assert not left_out("file://h/.notes/a.md", "file://h/.notes/")
