# SPDX-License-Identifier: Apache-2.0
"""No secret outside its own file: in no argument, log, contract, receipt or environment."""

import base64
import contextlib
import hashlib
import os
import stat
import threading
import time
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.e2e.stack import Installation

LEAST = 16  # characters: shorter values would be found everywhere


def secrets(root: Path) -> dict[str, bytes]:
    """Return every secret of an installation by the path of its file."""
    found = {}
    for path in (root / "secrets").rglob("*"):
        if path.is_file() and path.name != "versions" and path.suffix not in {".json", ".jsonl"}:
            found[str(path.relative_to(root))] = path.read_bytes().strip()
    return {name: value for name, value in found.items() if len(value) >= LEAST}


def shapes(value: bytes) -> set[bytes]:
    """Return *value* in all shapes in which it could leak."""
    found = {value, value.hex().encode(), base64.b64encode(value), base64.urlsafe_b64encode(value)}
    found |= {hashlib.sha256(value).hexdigest().encode(), hashlib.sha1(value).hexdigest().encode()}  # noqa: S324 - what careless code would print
    found |= {base64.b64encode(hashlib.sha256(value).digest())}
    found |= {urllib.parse.quote(value, safe="").encode(), urllib.parse.quote_plus(value).encode()}
    with contextlib.suppress(ValueError):  # the bytes behind a text of hexadecimal digits
        found |= {
            bytes.fromhex(value.decode("ascii")),
            base64.b64encode(bytes.fromhex(value.decode())),
        }
    found |= {each.rstrip(b"=") for each in found}
    return {each for each in found if len(each) >= LEAST}


def leaks(root: Path, said: Iterable[tuple[str, bytes]]) -> list[str]:
    """Return where one of the secrets stands, by the name of what was searched."""
    wanted = {(name, shape) for name, value in secrets(root).items() for shape in shapes(value)}
    return sorted(
        {f"{name} in {where}" for where, text in said for name, shape in wanted if shape in text}
    )


def files(root: Path) -> Iterable[tuple[str, bytes]]:
    """Return every file below *root* but the secrets and installed packages of others."""
    for path in root.rglob("*"):
        below = path.relative_to(root)
        others = "site-packages" in below.parts and "beast_ops" not in below.parts
        if below.parts[0] != "secrets" and not others and path.is_file() and not path.is_symlink():
            yield str(below), path.read_bytes()


def running(stack: Installation) -> list[tuple[str, bytes]]:
    """Return words and environment of every process of the installation."""
    found = []
    for pid in stack.processes():
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                found.append((f"{name} of {pid}", Path(f"/proc/{pid}/{name}").read_bytes()))
    return found


class Watch:
    """Looks at all processes of an installation as often as it can while something runs."""

    def __init__(self, stack: Installation) -> None:
        self.stack, self.seen, self.over = stack, {}, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        while not self.over.is_set():
            for name, text in running(self.stack):
                self.seen[name, text] = None
            time.sleep(0.02)

    def __enter__(self) -> dict:
        self.thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


_sat: list[tuple[str, bytes]] = []


@pytest.fixture
def sitting(stack):
    """Do everything one does with a stack, once; return what was said and seen meanwhile."""
    if not _sat:
        _sat.extend(_sit(stack))
    return _sat


def _sit(stack: Installation) -> list[tuple[str, bytes]]:
    words = stack.tmp / "words.md"
    words.write_text("# A document\n\nAbout herons and their nests.\n")
    with Watch(stack) as seen:
        stack.must("deploy", "--set", "beast_worker_batch=126", "--verbose")
        stack.must("ingest", str(words))
        stack.must("search", "herons", "--json")
        stack.must("health", "--json")
        stack.must("open")
        stack.must("render", str(stack.tmp / "rendering"))
        stack.must("logs", "--lines", "1000")
        stack.run("search", "herons", "--collection", "nowhere")
        stack.run("search", "x" * 20_000)
        stack.run("deploy", "--set", "qdrant_api_key=x")
        stack.run("health", env={"BEAST_DEBUG": "1"})
        stack.must("stop", "qdrant")
        stack.run("search", "herons", env={"BEAST_DEBUG": "1"})
        stack.run("ingest", str(words), "--json", seconds=60)
        stack.run("health", "--json")
        stack.must("start", "qdrant")
        assert stack.playbook("-vvv", "--diff").code == 0
    stack.must("deploy", "--set", "beast_worker_batch=128")
    said = [(f"output {n}", (d.out + d.err).encode()) for n, d in enumerate(stack.said)]
    return said + [(name, text) for name, text in seen]


def test_no_secret_leaves_its_file(stack, sitting):
    found = secrets(stack.root)
    assert len(found) >= 6, found
    assert any("api_key" in name for name in found)
    assert "secrets/master.key" in found

    assert [] == leaks(stack.root, sitting)
    assert [] == leaks(stack.root, files(stack.root))
    assert [] == leaks(stack.root, files(stack.home))
    assert [] == leaks(stack.root, files(stack.tmp))
    assert [] == leaks(stack.root, running(stack))


def planted() -> list:
    return sorted(["raw", "hex", "base64", "sha256", "quoted"])


@pytest.mark.parametrize("shape", planted())
def test_a_secret_that_was_planted_is_found(stack, shape):
    name, value = min(secrets(stack.root).items())
    text = {
        "raw": value,
        "hex": value.hex().encode(),
        "base64": base64.b64encode(value),
        "sha256": hashlib.sha256(value).hexdigest().encode(),
        "quoted": urllib.parse.quote(value, safe="").encode(),
    }[shape]
    spot = stack.root / "logs/planted.log"
    try:
        spot.write_bytes(b"2026 INFO header: " + text + b"\n")

        assert f"{name} in logs/planted.log" in leaks(stack.root, files(stack.root))
    finally:
        spot.unlink()


def test_a_secret_planted_in_an_argument_is_found(stack):
    name, value = min(secrets(stack.root).items())
    words = ["-c", "import time; time.sleep(60)", str(stack.root), value.hex()]
    process = stack.popen("/usr/bin/env", "python3", *words)
    try:
        time.sleep(0.3)

        assert [f"{name} in cmdline of {process.pid}"] == leaks(stack.root, running(stack))
    finally:
        process.kill()
        process.communicate()


def open_to_others(root: Path) -> list[str]:
    """Return what group or others may read or write, if only they could come so far."""
    found = []
    for below, folders, names in os.walk(root):
        folders[:] = [each for each in folders if Path(below) / each != root / "venv"]
        for path in (Path(below) / name for name in (*folders, *names)):
            mode = path.lstat().st_mode
            if path == root / "run" / "agent":
                mode &= ~0o055  # containers look in; the root above, its owner's alone, shuts it
            if not stat.S_ISLNK(mode) and mode & 0o077:
                found.append(f"{stat.filemode(mode)} {path.relative_to(root)}")
    return found


def test_nothing_below_the_root_is_open_to_others(stack, sitting):  # noqa: ARG001 - after everything was done
    assert [] == open_to_others(stack.root)
    assert 0o700 == stat.S_IMODE(stack.root.stat().st_mode)  # so nobody comes to the packages
    assert 0o700 == stat.S_IMODE((stack.root / "venv").stat().st_mode)
    (stack.root / "logs/open.log").touch(mode=0o640)
    try:
        assert ["-rw-r----- logs/open.log"] == open_to_others(stack.root)
    finally:
        (stack.root / "logs/open.log").unlink()


def test_each_reader_has_secrets_of_its_own(stack):
    token = {path.parent.name for path in (stack.root / "secrets").rglob("token")}

    assert {"beast-api"} == token
