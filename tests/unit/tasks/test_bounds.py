# SPDX-License-Identifier: Apache-2.0
"""Whatever a model says: nothing outside is read or changed, and no other command is started."""

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beast_ops.llm.talk import Ending, Reply, called
from beast_ops.tasks.model import Limits
from tests.unit.tasks.stage import PLAN, Script, Stage

TOOLS = ("read", "list", "write", "run", "search", "delete", "", "READ", "read\0")
PARTS = ("..", ".", "", "/", "~", "notes", "sandbox", "a.md", "outside.txt", "root", "secrets",
         "master", "link", "up", "\0", "proc", "self", "environ", "\uff0e\uff0e", ".git", "config",
         "pipe", "new", "\u2025", "%2e%2e", "..;", "a\nb", "etc", "passwd")  # fmt: skip
WORDS = ("git", "status", "sh", "-c", "echo", "x", ";", "rm", "-rf", "/", "$(id)", "`id`", "git;",
         "git status", "/usr/bin/git", "./git", "--exec=sh", "", "\0", "&&", "|")  # fmt: skip

DONE: Counter[str] = Counter()  # what was done within bounds, else the test would show nothing

paths = st.lists(st.sampled_from(PARTS), max_size=6).map("/".join)
classic = st.sampled_from(
    [
        *("notes/a.md", "sandbox/new", "sandbox/new/x", "notes", "sandbox"),
        *("notes/../outside.txt", "../outside.txt", "sandbox/../new", "sandbox/../notes/a.md"),
        *("notes/up/outside.txt", "notes/link", "sandbox/up/new", "sandbox/link", "notes/up"),
        *("notes/secrets/master", "notes/.git/config", "notes/up/root/secrets/master"),
        *("sandbox/pipe", "notes/pipe", "/etc/passwd", "/proc/self/environ", "sandbox/.git/config"),
    ]
)
inside = st.sampled_from(["notes/a.md", "sandbox/new", "notes", "sandbox"])
WAYS_OUT = ("notes/up/outside.txt", "notes/link", "sandbox/up/new", "sandbox/link", "sandbox/../x",
            "notes/secrets/master", "../outside.txt")  # fmt: skip
near = (
    inside
    | classic
    | st.sampled_from(WAYS_OUT)
    | st.builds("{}/{}".format, st.sampled_from(["notes", "sandbox"]), paths)
)
absolute = paths.map("/{}".format)
strange = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
arguments = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "path": paths | absolute | strange,
            "text": st.text(max_size=30) | strange,
            "line": st.integers() | strange,
            "query": st.text(max_size=30) | strange,
            "collection": st.sampled_from(["docs", "other"]) | strange,
            "argv": st.lists(st.sampled_from(WORDS), max_size=5) | st.sampled_from(WORDS) | strange,
            "apply": st.booleans(),
            "allowed": strange,
        },
    ),
    strange,
    st.text(max_size=60),
)
argv = st.sampled_from([["git", "status"], ["echo", "x"], ["git", "push"], ["sh", "-c", "id"]])
sensible = st.one_of(
    st.builds(called, st.just("read"), st.fixed_dictionaries({"path": near})),
    st.builds(called, st.just("list"), st.fixed_dictionaries({"path": near})),
    st.builds(
        called, st.just("write"), st.fixed_dictionaries({"path": near, "text": st.text(max_size=9)})
    ),
    st.builds(
        lambda argv, more: called("run", {"argv": [*argv, *more]}),
        argv,
        st.lists(st.sampled_from(WORDS), max_size=2),
    ),
)
calls = sensible | st.builds(
    called, st.sampled_from(TOOLS) | st.text(max_size=10), arguments, st.text(max_size=5)
)
written = st.builds(
    lambda name, given: json.dumps({"name": name, "arguments": given}),
    st.sampled_from(TOOLS),
    arguments,
)
texts = st.text(max_size=80) | written | written.map(lambda said: f"```json\n{said}\n```")
replies = st.builds(
    lambda text, given, reason: Reply(text, Ending(reason, 5, 5), tuple(given)),
    texts,
    st.lists(calls, min_size=1, max_size=10) | st.just([]),
    st.sampled_from(["stop", "length", "tool_calls", ""]),
)


def prepared(base: Path) -> Stage:
    """Return a stage whose folders hold links that lead out of them."""
    stage = Stage(base)
    for folder in ("notes", "out"):
        (base / folder / "link").symlink_to(base / "outside.txt")
        (base / folder / "up").symlink_to(base)
        os.mkfifo(base / folder / "pipe")
    (base / "notes" / ".git").mkdir()
    (base / "notes" / ".git" / "config").write_text("OUTSIDE")
    (base / "notes" / "secrets").mkdir()
    (base / "notes" / "secrets" / "master").write_text("OUTSIDE")
    return stage


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(base: Path) -> dict[str, object]:
    """Return all that lies below *base* but in the sandbox and among the transcripts."""
    found: dict[str, object] = {}
    for folder, names, files in os.walk(base):
        relative = Path(folder).relative_to(base)
        if relative.parts[:1] in (("out",), ("transcripts",)):
            continue
        for name in (*names, *files):
            path = Path(folder) / name
            kind = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(relative / name)] = (kind.st_ino, kind.st_mode, kind.st_mtime_ns, content)
    del found["out"]
    found.pop("transcripts", None)
    return found


@settings(
    max_examples=150, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@example(
    said=[
        Reply(
            "",
            Ending("stop", 1, 1),
            tuple(called(tool, {"path": path, **more}) for path in WAYS_OUT),
        )
        for tool, more in (("read", {}), ("write", {"text": "x"}), ("list", {}))
    ],
    apply=True,
)
@given(said=st.lists(replies, min_size=1, max_size=5), apply=st.booleans())
def test_no_output_of_a_model_leads_out_of_its_bounds(said, apply):
    # What is durable is another test's; here it would take most of the time.
    with tempfile.TemporaryDirectory() as folder, patch.object(os, "fsync"):
        stage = prepared(Path(folder))
        before, own = tree(stage.base), names(stage.base / "out")
        searched: list[str] = []
        bounds = {"commands": ("git status", "echo *"), "collections": ("docs",), "apply": apply}

        def find(collection, _query):
            searched.append(collection)
            return []

        stage.run(Script([PLAN, *said]), stage.task(Limits(steps=6), **bounds), find=find)

        assert before == tree(stage.base)
        for path in (stage.base / "out").rglob("*"):
            assert path.name in own or not (path.is_symlink() or path.name.startswith("."))
        if not apply:
            assert own == names(stage.base / "out")
            assert [] == stage.started.argv
        for program, *argv in stage.started.argv:
            assert argv == ["git", "status"] or argv[0] == "echo"
            assert Path(program).name == argv[0]
        assert {"docs"} >= {*searched}
        assert "OUTSIDE" not in stage.transcript.read_text()
        DONE.update(
            line["call"]["tool"]
            for line in stage.lines()
            if line.get("well") and line["call"]["tool"] != "search"
        )


def test_the_models_above_did_something():
    assert {"read", "list", "write", "run"} <= {*DONE}
    assert DONE.total() > 100
