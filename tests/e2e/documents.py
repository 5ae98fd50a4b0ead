# SPDX-License-Identifier: Apache-2.0
"""Bad documents of every kind, good ones beside them, and what must become of each.

    for expected in documents.make(folder):
        judge(expected, lines[expected.path])

Nothing random: the same documents each time. Kinds in `HEAVY` cost much time or memory when
they are handled badly.
"""

import os
import socket
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import office, samples

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must become of one document.

    Attributes:
        path: where it is.
        ok: True, it must be ingested; False, it must be reported as failed; None, either, as long
            as the run goes on.
        reason_contains: words of which the reported reason has at least one, whatever the case.
        says: a word that only this document contains; a search for it finds an ingested one.
        line: whether it must have a line in the results; False for what is no document at all.
    """

    path: Path
    ok: bool | None
    reason_contains: tuple[str, ...] = field(default=())
    says: str = ""
    line: bool = True

    def faults(self, *, ok: bool | None, error: str | None) -> str:
        """Return what is wrong with a reported line (*ok* is None without one), or nothing."""
        name = os.fsencode(self.path.name)[:60]
        if ok is None:
            return f"{name!r} has no line" if self.line else ""
        if self.ok is not None and ok != self.ok:
            return f"{name!r}: ok is {ok}, error {error!r}"
        told = any(word.casefold() in (error or "").casefold() for word in self.reason_contains)
        if not ok and self.reason_contains and not told:
            return f"{name!r}: {error!r} says none of {', '.join(self.reason_contains)}"
        return ""


Maker = Callable[[Path], Iterator[Expectation]]


def beacon(name: str) -> str:
    """Return a word for a document that no other document contains."""
    return "beacon" + "".join(letter for letter in name.casefold() if letter.isalpha())


def _good(path: Path, says: str) -> Expectation:
    path.write_text(f"A document about {says}.\n\nIt is as it should be.\n", encoding="utf-8")
    return Expectation(path, ok=True, says=says)


def good(folder: Path) -> Iterator[Expectation]:
    """Yield a well-made document of each format."""
    for ending, text in {
        "txt": "This is about {}.\n",
        "md": "# Title\n\nThis is about {}.\n",
        "html": "<!doctype html><title>Title</title><h1>Title</h1><p>This is about {}.</p>\n",
        "csv": "name,about\nfirst,{}\n",
        "json": '{{"name": "first", "about": "{}"}}\n',
        "py": '"""Tell about {}."""\n\nANSWER = 42\n',
    }.items():
        path = folder / f"good.{ending}"
        path.write_text(text.format(beacon(path.name)), encoding="utf-8")
        yield Expectation(path, ok=True, says=beacon(path.name))
    for ending, content in {
        "pdf": office.pdf,
        "docx": office.docx,
        **samples.MAKERS,
        **samples.MESSAGES,
    }.items():
        path = folder / f"good.{ending}"
        path.write_bytes(content([f"This is about {beacon(path.name)}."]))
        yield Expectation(path, ok=True, says=beacon(path.name))


def contents(folder: Path) -> Iterator[Expectation]:
    """Yield documents without text or with something else than their name says."""
    rows: dict[str, tuple[bytes, tuple[str, ...]]] = {
        "empty.txt": (b"", ("empty", "no text")),
        "blank.md": (b" \n\t\n" * 20, ("empty", "no text")),
        "binary.txt": (bytes(range(256)) * 64, ("binary", "not text", "no text")),
        "empty.pdf": (b"", ("empty", "pdf", "no text")),
        "truncated.pdf": (office.truncated_pdf(), ("pdf", "damaged", "broken")),
        "encrypted.pdf": (office.encrypted_pdf(), ("password", "encrypt")),
        "no-pages.pdf": (office.pdf_without_pages(), ("page", "empty", "text")),
        "only-images.pdf": (office.pdf_of_images(), ("text", "image", "scan")),
        "text.docx": (b"Not a zip file at all.\n" * 9, ("zip", "word", "docx", "package")),
        "other-zip.docx": (office.other_zip(), ("zip", "word", "docx", "package")),
        "entities.docx": (office.docx_with_entities(), ()),
        "entities.odt": (samples.with_entities(samples.odt([])), ("entities",)),
        "entities.xlsx": (samples.with_entities(samples.xlsx([])), ("entities",)),
        "truncated.pptx": (samples.pptx(["text"])[:-200], ("zip",)),
        "other-zip.epub": (office.other_zip(), ("parts are missing",)),
        "renamed.ods": (office.docx([]), ("parts are missing",)),
        "no-headers.eml": (b"\n\nNo headers.\n", ("no headers",)),
        "text.mbox": (b"Dear all,\n", ("not a mailbox",)),
        "no-times.srt": (b"1\nHello.\n", ("no subtitles",)),
        "old.doc": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, ("save it as",)),
        "locked.xlsx": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, ("encrypted",)),
    }
    for name, (content, reasons) in rows.items():
        (folder / name).write_bytes(content)
        yield Expectation(folder / name, ok=False, reason_contains=reasons)


def bombs(folder: Path) -> Iterator[Expectation]:
    """Yield a small Word document that unpacks to 2 GB."""
    path = folder / "bomb.docx"
    office.write_bomb(path)
    words = ("big", "large", "memory", "limit", "expand", "bomb", "unpack", "long", "size", "much")
    yield Expectation(path, ok=False, reason_contains=words)


def encodings(folder: Path) -> Iterator[Expectation]:
    """Yield texts in other encodings than UTF-8, and one in none."""
    for encoding in ("utf-16", "latin-1", "utf-8-sig"):
        path = folder / f"{encoding}.txt"
        says = beacon(encoding)
        text = f"Schöne Grüße aus Köln, es geht hier um {says} und über Ärger mit Umlauten.\n" * 5
        path.write_bytes(text.encode(encoding))
        yield Expectation(path, ok=True, says=says)
    path = folder / "invalid-utf8.txt"
    path.write_bytes("Grüße\n".encode() * 9 + b"\xc3\x28 \x81\x8d\x8f\x90\x9d \xff\xfe\xff\n" * 9)
    yield Expectation(path, ok=None)


def unreadable(folder: Path) -> Iterator[Expectation]:
    """Yield a file nobody may read; root may nevertheless, then it is a good one."""
    made = _good(folder / "unreadable.txt", beacon("unreadable"))
    made.path.chmod(0)
    words = ("permission", "denied", "not readable", "may not", "cannot be read")
    readable = os.access(made.path, os.R_OK)
    yield made if readable else Expectation(made.path, ok=False, reason_contains=words)


def vanishing(folder: Path) -> Iterator[Expectation]:
    """Yield a file that the test deletes (`vanish`) after it was listed: then it must fail."""
    yield Expectation(_good(folder / "vanishing.txt", beacon("vanishing")).path, ok=None)


def vanish(expected: Expectation) -> Expectation:
    """Delete the file; return what must become of it when it had been listed before."""
    expected.path.unlink()
    words = ("gone", "vanish", "no such", "not there", "disappear", "missing")
    return Expectation(expected.path, ok=False, reason_contains=words)


def links(folder: Path) -> Iterator[Expectation]:
    """Yield loops of links, a dangling one, and a link to a good file."""
    target = _good(folder / "link-target.txt", beacon("linktarget"))
    yield target
    for name, points_to in {"loop.txt": "loop.txt", "dangling.txt": "nowhere.txt"}.items():
        (folder / name).symlink_to(points_to)
        words = ("link", "gone", "no such", "not there", "vanish", "missing", "not found")
        yield Expectation(folder / name, ok=False, reason_contains=words)
    (folder / "up").symlink_to(folder, target_is_directory=True)
    yield Expectation(folder / "up", ok=None, line=False)
    (folder / "linked.txt").symlink_to(target.path.name)
    yield Expectation(folder / "linked.txt", ok=None, line=False)


def specials(folder: Path) -> Iterator[Expectation]:
    """Yield a pipe, a socket and an endless device under names of documents: never to be read."""
    os.mkfifo(folder / "pipe.txt")
    yield Expectation(folder / "pipe.txt", ok=None, line=False)
    (folder / "endless.txt").symlink_to("/dev/zero")
    yield Expectation(folder / "endless.txt", ok=None, line=False)
    here = os.open(folder, os.O_RDONLY)
    try:  # a socket's address holds 107 bytes only; the way over the descriptor is short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{here}/socket.txt")
    finally:
        os.close(here)
    yield Expectation(folder / "socket.txt", ok=None, line=False)


NAMES = (
    "new\nline.txt", "tab\tbell\a.txt", "emoji 🐘🎉.txt", "two  spaces .txt", "100%.txt",
    "%2e%2e%2f.txt",
    "-rf.txt", "--help.txt", "quote'\"`$(id).txt", "back\\slash.txt", "hash#question?.txt",
    "{{ braces }}.txt", "[glob]*.txt", "über-ñandú.txt", "u\u0308ber-combined.txt", "日本語.txt",
    "not-utf8-\udce9.txt", "UPPER.TXT", "a:b;c&d|e.txt", "n" * 251 + ".txt",
)  # fmt: skip


def names(folder: Path) -> Iterator[Expectation]:
    """Yield good documents with names that break what is careless."""
    for number, name in enumerate(NAMES):
        yield _good(folder / name, beacon("name" + "abcdefghijklmnopqrstuvwxyz"[number]))


def deep(folder: Path) -> Iterator[Expectation]:
    """Yield a good document sixty folders down."""
    below = folder.joinpath(*(f"level-{level:02}" for level in range(60)))
    below.mkdir(parents=True)
    yield _good(below / "deep.txt", beacon("deep"))


def huge(folder: Path) -> Iterator[Expectation]:
    """Yield texts of one line, one word, one field, and structures nested without end."""
    texts = {
        "one-line.txt": f"{beacon('oneline')} " + "words without a line end " * (MEGABYTE // 5),
        "one-word.txt": "x" * MEGABYTE,
        "nested.json": "[" * 100_000 + "]" * 100_000,
        "one-line.mbox": f"From a Wed Jan 31 12:00:00 2024\nSubject: x\n\n{'word ' * MEGABYTE}",
        "one-line.eml": f"Subject: {'word ' * MEGABYTE}",
        "field.csv": f'name,about\nfirst,"{beacon("field")} {"long " * (MEGABYTE // 5)}"\n',
        "nested.html": "<div>" * 100_000 + beacon("nested") + "</div>" * 100_000,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        yield Expectation(folder / name, ok=True if name == "one-line.txt" else None)


KINDS: dict[str, Maker] = {
    "good": good, "contents": contents, "bombs": bombs, "encodings": encodings,
    "unreadable": unreadable, "vanishing": vanishing, "links": links, "specials": specials,
    "names": names, "deep": deep, "huge": huge,
}  # fmt: skip
HEAVY = frozenset({"bombs", "huge"})


def make(folder: Path, kinds: Collection[str] = tuple(KINDS)) -> tuple[Expectation, ...]:
    """Make all documents of these kinds, each kind in a folder of its own below *folder*."""
    made: list[Expectation] = []
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        made += KINDS[kind](folder / kind)
    return tuple(made)
