# SPDX-License-Identifier: Apache-2.0
"""What tests of upgrades share: a made-up newer version, and proof that nothing came of it.

A newer version of this program is the clone with other text in it. Whatever an upgrade to it runs
into, `Before.fault` says in what the stack differs from what it was.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import http
from tests.e2e import backups, knowledge
from tests.e2e.backups import State
from tests.e2e.stack import Done, Installation, await_true

WORKER = "beast_ops/jobs/__main__.py"
STEP = "AI Beast itself, and settings"
GATE = ("GATE_SECONDS = 90.0", "GATE_SECONDS = 40.0")  # what does not get well is seen sooner
OPEN = ("run/upgrade.json", "run/ballast", "run/snapshots-of-a-backup", "data/*/jobs/closed")
LEFTOVERS = (*backups.LEFTOVERS, *OPEN)
MOMENT_SECONDS = 180.0  # to make an environment on a busy machine takes its time


def write(workshop: Path, name: str, change: Callable[[str], str]) -> None:
    """Change the file *name* of the clone *workshop*; assert that it is another one then."""
    path = workshop / name
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert before != after
    path.write_text(after, encoding="utf-8")


def hasten(workshop: Path) -> None:
    """Have a release in the clone *workshop* that does not get well be given up sooner."""
    write(workshop, "beast_ops/release/force.py", lambda text: text.replace(*GATE))


def take_time(workshop: Path) -> None:
    """Give a release in the clone *workshop* the usual time again."""
    write(workshop, "beast_ops/release/force.py", lambda text: text.replace(*reversed(GATE)))


def renew(workshop: Path, text: str = "# another version\n") -> None:
    """Make the worker of the clone *workshop* another one, which begins with *text*."""
    hasten(workshop)
    write(workshop, WORKER, lambda before: text + before)


def migrate(workshop: Path, words: str) -> None:
    """Give the clone *workshop* a migration of the job table that does *words*."""
    folder = workshop / "beast_ops/jobs/migrations/versions"
    schema = workshop / "beast_ops/jobs/schema.py"
    head = re.search(r'head=("\w+")', schema.read_text(encoding="utf-8"))[1]
    shutil.copy(folder / "v0001_first.py", folder / "v_second.py")
    name = "beast_ops/jobs/migrations/versions/v_second.py"
    numbers = (('revision = "0001"', 'revision = "second"'), ("= None", f"= {head}"))

    def second(text: str) -> str:
        for one, two in numbers:
            text = text.replace(one, two)
        return text.split("    op.create_table")[0] + words

    write(workshop, name, second)
    write(
        workshop,
        "beast_ops/jobs/schema.py",
        lambda text: text.replace(f"head={head}", 'head="second"'),
    )


@dataclass(frozen=True, slots=True)
class Before:
    """What a stack was before an upgrade."""

    stack: Installation
    state: State
    release: str
    releases: tuple[str, ...]
    generations: tuple[str, ...]
    checksum: str
    archives: int

    @classmethod
    def look(cls, stack: Installation, state: State) -> "Before":
        """Return what *stack* is, which holds *state*."""
        return cls(
            stack,
            state,
            stack.release,
            tuple(stack.releases()),
            generations(stack),
            checksum(stack),
            len(receipts(stack)),
        )

    def fault(self) -> str:
        """Return what is not as it was; nothing if all is."""
        await_true(self.stack.is_up)
        await_true(lambda: self.stack.run("health").code == 0)
        found = {
            "release": (self.release, self.stack.release),
            "releases": (self.releases, tuple(self.stack.releases())),
            "generations": (self.generations, generations(self.stack)),
            "checksum": (self.checksum, checksum(self.stack)),
            "left over": ([], leftovers(self.stack)),
            "aside": ({}, backups.aside(self.stack)),
            "data": ("", self.state.fault(self.stack)),
        }
        return "; ".join(f"{name}: {a} -> {b}" for name, (a, b) in found.items() if a != b)

    def receipt(self) -> dict[str, Any]:
        """Return the one receipt of an upgrade that came since."""
        found = receipts(self.stack)[self.archives :]
        assert len(found) == 1, found
        return found[0]


def receipts(stack: Installation) -> list[dict[str, Any]]:
    """Return the receipts of upgrades, oldest first."""
    return [each for each in stack.receipts() if each["operation"] == "upgrade"]


def generations(stack: Installation) -> tuple[str, ...]:
    """Return what lies where the generations of data lie."""
    return tuple(sorted(path.name for path in (stack.root / "data").iterdir()))


def leftovers(stack: Installation) -> list[Path]:
    """Return what no upgrade may leave."""
    return [path for pattern in LEFTOVERS for path in stack.root.glob(pattern)]


def checksum(stack: Installation) -> str:
    """Return SHA-256 over all points with payload and vectors, as the vector store gives them."""
    found = knowledge.points(stack, backups.COLLECTION)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def said(done: Done, *parts: str) -> str:
    """Assert that an upgrade failed, for good or for now, and told *parts*; return what it told."""
    assert done.code in {1, 75}, f"{done.code}: {done.out}\n{done.err}"
    lines = [line for line in done.err.splitlines() if line.strip()]
    assert len(lines) == 1, done.err
    assert "Traceback" not in done.err + done.out
    for part in parts:
        assert part in done.err, done.err
    return done.err


def staged(stack: Installation) -> list[Path]:
    """Return the folder in which an upgrade restores beside, once it is there."""
    return list((stack.root / "data").glob(".restore-*"))


def opened(stack: Installation) -> str:
    """Open an empty ingestion; return its job, or nothing if the API did not take it."""
    try:
        with knowledge.api(stack) as client:
            body = {"collection": backups.COLLECTION, "documents": []}
            answer = client.post("/ingest", json=body)
    except http.RequestError:
        return ""
    assert answer.status_code in {202, 503}, answer.text
    return str(answer.json()["job"]) if answer.is_success else ""


def waiting(stack: Installation, word: str) -> str:
    """Have a job that wants to bring one document that says *word*; no worker must take it."""
    content = f"# Late\n\nA {word} came late.\n".encode()
    entry = {"source": f"file://late/{word}.md", "size": len(content), "mtime_ns": 1}
    with knowledge.api(stack) as client:
        body = {"collection": backups.COLLECTION, "documents": [entry]}
        answer = client.post("/ingest", json=body)
        assert answer.is_success, answer.text
        job = str(answer.json()["job"])
        assert client.put(f"/ingest/{job}/documents/0", content=content).is_success
        assert client.post(f"/ingest/{job}/start").is_success
    return job


def became(stack: Installation, job: str) -> dict[str, Any]:
    """Return how *job* ended, once it did."""
    with knowledge.api(stack) as client:

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = client.get(f"/ingest/{job}").json()
            return found if found["state"] in {"done", "failed"} else None

        return await_true(ended, 60)


def lost(stack: Installation, jobs: set[str]) -> set[str]:
    """Return those of *jobs* that the API does not know any more."""
    with knowledge.api(stack) as client:
        return {job for job in jobs if client.get(f"/ingest/{job}").status_code != 200}


def kept_jobs(stack: Installation) -> set[str]:
    """Return the newest jobs the API knows."""
    with knowledge.api(stack) as client:
        found = client.get("/ingest", params={"limit": 500}).json()["jobs"]
    return {each["job"] for each in found}
