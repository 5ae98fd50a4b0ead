# SPDX-License-Identifier: Apache-2.0
"""What tests of backups share: two states of the same documents, and what an installation has.

state = State.make(folder, "amber")         # documents that say the word, and a few others
state.ingest(stack)                         # what is known becomes exactly that
state.is_in_force(stack)                    # all of it, and nothing else
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import knowledge
from tests.e2e import stack as e2e
from tests.e2e.stack import Done, Installation

COLLECTION = "kept"
LEFTOVERS = (
    "backups/.partial-*", "data/.restore-*", "data/*/.backup-*", "secrets/.before*",
)  # fmt: skip


def write_documents(folder: Path, word: str, numbers: range) -> None:
    """Write one small document per number; only it says its own number's word."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        text = (
            f"# Note {number}\n\nThe {word} lantern {word}{number:03} hangs above door {number}.\n"
        )
        (folder / f"{word}-{number:03}.md").write_text(text)


@dataclass
class State:
    """A folder of documents, and the points that are made of it."""

    folder: Path
    word: str
    points: dict[str, Any] = field(default_factory=dict)

    def ingest(self, stack: Installation) -> None:
        """Have the documents of this state known, and nothing else; remember the points."""
        knowledge.told(knowledge.ingest(stack, self.folder, collection=COLLECTION))
        self.points = knowledge.points(stack, COLLECTION)

    def fault(self, stack: Installation) -> str:
        """Return what differs from this state, by points and by search; nothing if all is so."""
        found = knowledge.difference(self.points, knowledge.points(stack, COLLECTION))
        return found or ("" if finds(stack, self.word) else f"no search finds {self.word}")


def write_questions(stack: Installation, word: str) -> None:
    """Give the collection golden questions that its documents answer."""
    folder = stack.root / "evals"
    folder.mkdir(exist_ok=True)
    rows = "".join(
        f"  - question: Where does the {word} lantern {word}{number:03} hang?\n"
        f"    sources: {word}-{number:03}.md\n"
        f"    phrases: above door {number}\n"
        for number in (3, 30)
    )
    (folder / f"{COLLECTION}.yaml").write_text(f"questions:\n{rows}")


def finds(stack: Installation, word: str) -> bool:
    """Return whether a search finds a passage that says *word*."""
    hits = knowledge.search(stack, f"{word} lantern", collection=COLLECTION, limit=5)
    return any(word in hit["path"] for hit in hits)


def made(stack: Installation, *words: str) -> dict[str, Any]:
    """Make a backup, and return what it printed."""
    return stack.must("backup", "--json", *words).json


def archives(stack: Installation) -> list[Path]:
    """Return the files on the shelf, the oldest first."""
    return sorted((stack.root / "backups").glob("beast_backup_*.tar.zst*"))


def leftovers(stack: Installation) -> list[Path]:
    """Return what an operation should not have left."""
    return [path for pattern in LEFTOVERS for path in stack.root.glob(pattern)]


def aside(stack: Installation) -> dict[int, str]:
    """Return the living processes that run beside the stack, on data of a restore."""
    return e2e.processes(stack.root / "data" / ".restore-")


def births(stack: Installation) -> dict[str, tuple[int, str]]:
    """Return number and start time of each process of the stack."""
    found = {}
    for name, pid in stack.pids().items():
        words = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        found[name] = (pid, words[19])  # proc_pid_stat(5): starttime
    return found


def damage(source: Path, target: Path) -> Path:
    """Copy an archive, and change one bit in its middle."""
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    return target


def newer(source: Path, target: Path) -> Path:
    """Copy an archive as a newer version might write it: whole, in another format."""
    import io
    import tarfile

    from beast_ops.backup.tape import ReadingTape, WritingTape

    with source.open("rb") as raw:
        tape, content = ReadingTape(raw), b""
        while piece := tape.read(1 << 20):
            content += piece
        tape.close()
    changed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(
        fileobj=changed, mode="w", format=tarfile.PAX_FORMAT
    ) as new:  # fmt: skip
        for number, member in enumerate(old):
            file = old.extractfile(member) if member.isreg() else None
            data = file.read() if file else b""
            if number == 0:
                data = json.dumps({**json.loads(data), "format": 2}).encode()
            if member.isreg():
                member.size, member.pax_headers = len(data), {}
            new.addfile(member, io.BytesIO(data) if file else None)
    with target.open("wb") as raw:
        sealed = WritingTape(raw)
        sealed.write(changed.getvalue())
        sealed.seal()
    return target


def newest(stack: Installation, operation: str) -> Mapping[str, Any]:
    """Return the newest receipt of *operation*, as `history` shows it."""
    words = ("history", "--operation", operation, "--last", "1", "--json")
    return stack.must(*words).json["receipts"][0]


def refusal(done: Done, code: int) -> str:
    """Assert that a verb refused with *code*; return its paragraph."""
    assert done.code == code, f"{done.code}: {done.out}\n{done.err}"
    return e2e.paragraph(done)
