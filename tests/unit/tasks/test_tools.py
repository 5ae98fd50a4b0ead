# SPDX-License-Identifier: Apache-2.0
"""What a call means within what is allowed."""

from pathlib import Path

import pytest

from beast_ops.errors import UsageError
from beast_ops.tasks.allow import Wish, allowed, command
from beast_ops.tasks.beneath import RefusedError
from beast_ops.tasks.model import Allowed, Call, Command
from beast_ops.tasks.tools import FILE_BYTES, List, Read, Run, Search, Write, action_of, tools_for

STATUS = Command(("git", "status"), "/usr/bin/git")
COUNT = Command(("wc",), "/usr/bin/wc", more=True)
ALL = Allowed(
    folders={"notes": Path("/notes")},
    sandbox=Path("/out"),
    commands=(STATUS, COUNT),
    collections=("docs", "papers"),
)


def action(tool, bounds=ALL, **arguments):
    return action_of(Call(tool, arguments), bounds)


def test_a_model_is_told_of_what_it_can_use():
    def names(bounds):
        return [each.name for each in tools_for(bounds)]

    assert ["list", "read", "search", "write", "run"] == names(ALL)
    assert [] == names(Allowed())
    assert ["search"] == names(Allowed(collections=("docs",)))
    assert ["list", "read", "write"] == names(Allowed(sandbox=Path("/out")))
    assert ["list", "read"] == names(Allowed(folders={"n": Path("/n")}, commands=(COUNT,)))
    told = {each.name: each for each in tools_for(ALL)}
    assert "git status; wc …" in told["run"].description
    assert ["path"] == told["read"].parameters["required"]


def test_calls_become_actions():
    assert Read("notes", ("a", "b.md"), 7) == action("read", path="notes/a/b.md", line=7)
    assert List("sandbox", ()) == action("list", path="sandbox/")
    assert List("", ()) == action("list", path=".")
    assert Search("docs", "keys") == action("search", query=" keys ")
    assert Search("papers", "keys") == action("search", query="keys", collection="papers")
    assert Write(("a", "b.md"), b"\xc3\xbc") == action("write", path="sandbox/a/b.md", text="ü")
    assert Run("/usr/bin/git", ("git", "status")) == action("run", argv=["git", "status"])
    assert Run("/usr/bin/wc", ("wc", "-l", "a b")) == action("run", argv="wc -l 'a b'")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("rm", {}),
        ("read", {}),
        ("read", {"path": 5}),
        ("read", {"path": ["notes/a"]}),
        ("read", {"path": "notes"}),
        ("read", {"path": "other/a"}),
        ("read", {"path": "notes/../x"}),
        ("read", {"path": "/notes/a"}),
        ("read", {"path": ""}),
        ("read", {"path": "notes/a", "line": 0}),
        ("read", {"path": "notes/a", "line": True}),
        ("read", {"path": "notes/a", "line": "1"}),
        ("read", {"path": "notes/a", "root": "/"}),
        ("list", {"path": "gone"}),
        ("search", {"query": ""}),
        ("search", {"query": "x" * 1001}),
        ("search", {"query": "x", "collection": "secret"}),
        ("search", {"query": "x", "collection": ["docs"]}),
        ("write", {"path": "notes/a.md", "text": ""}),
        ("write", {"path": "sandbox", "text": ""}),
        ("write", {"path": "a.md", "text": ""}),
        ("write", {"path": "sandbox/a.md"}),
        ("write", {"path": "sandbox/.git/config", "text": ""}),
        ("write", {"path": "sandbox/a\nb", "text": ""}),
        ("write", {"path": "sandbox/\u202egnp.exe", "text": ""}),
        ("write", {"path": "sandbox/../a", "text": ""}),
        ("write", {"path": "sandbox/a", "text": "x" * (FILE_BYTES + 1)}),
        ("run", {"argv": []}),
        ("run", {"argv": ["git"]}),
        ("run", {"argv": ["git", "status", "--ignored"]}),
        ("run", {"argv": ["git", "push"]}),
        ("run", {"argv": ["/usr/bin/git", "status"]}),
        ("run", {"argv": "git status; rm -rf ~"}),
        ("run", {"argv": "git 'status"}),
        ("run", {"argv": ["wc", "a\0b"]}),
        ("run", {"argv": ["wc", 5]}),
        ("run", {"argv": ["wc", *["x"] * 64]}),
        ("run", {"argv": ["wc", "x" * 4001]}),
        ("run", {"argv": {"0": "git"}}),
        ("run", {"argv": ["git", "status"], "cwd": "/"}),
    ],
)
def test_all_else_is_refused(tool, arguments):
    with pytest.raises(RefusedError):
        action(tool, **arguments)


def test_what_is_wrong_is_refused_with_its_reason():
    with pytest.raises(RefusedError, match="no JSON object"):
        action_of(Call("read", {}, wrong="its arguments are no JSON object"), ALL)
    with pytest.raises(RefusedError, match="there are: none"):
        action_of(Call("read"), Allowed())


def test_programs_are_found_before_any_model_is_asked(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "tool").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert Command(("tool", "a b"), str(tmp_path / "bin" / "tool")) == command("tool 'a b'", None)
    assert command("tool *", tmp_path / "x").more
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "bin" / "tool")
    for text in ("gone", "", "tool 'a", "*"):
        with pytest.raises(UsageError):
            command(text, None)
    for sandbox in (tmp_path, tmp_path / "bin"):
        with pytest.raises(UsageError, match="may be one the model wrote"):
            command("tool", sandbox)
    with pytest.raises(UsageError, match="may be one the model wrote"):
        command(str(tmp_path / "out" / "link"), tmp_path / "out")


def test_what_is_allowed_is_resolved_and_named(tmp_path):
    for each in ("a/notes", "b/notes", "c/sandbox", "out", "root"):
        (tmp_path / each).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    folders = [str(tmp_path / each) for each in ("a/notes", "b/notes", "c/sandbox", "a/notes")]
    wish = Wish(folders, str(tmp_path / "link"), ("ls *",), ("docs",), apply=True)

    found = allowed(wish, (tmp_path / "root",))

    assert ["notes", "notes-2", "sandbox-2"] == list(found.folders)
    assert (tmp_path / "out", ("docs",), True) == (found.sandbox, found.collections, found.apply)
    assert (tmp_path / "root",) == found.never
    with pytest.raises(UsageError, match="commands are run in a sandbox"):
        allowed(Wish(commands=("ls",)), ())
    with pytest.raises(UsageError, match="no such folder"):
        allowed(Wish(("gone",)), ())
