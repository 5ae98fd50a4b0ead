# SPDX-License-Identifier: Apache-2.0
"""Gather a folder of a thousand and more real documents of many formats.

What is gathered stands in `packages.yml`: documentation from Debian packages, fetched with the
machine's own apt configuration (about 70 MB, once), and unpacked without root. The real Word
documents are few; the others are made from real plain texts (`word.py`). All else is as shipped.

The packages and the gathered folder are kept in `$XDG_CACHE_HOME/ai-beast-tests`, so that only
the first call needs a network. Without apt or a network, what this machine has installed is
gathered instead, and `Gathered.missing` says what is not there.

    python tests/corpus/gather.py DEST [--manifest]
"""

import argparse
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
if not __package__:  # run as a program, not as part of the tests
    sys.path.insert(0, str(HERE.parents[1]))

from tests.corpus import fetch, word  # noqa: E402 - the path is set just above

FORMATS = {
    ".html": "html", ".pdf": "pdf", ".docx": "docx", ".md": "md", ".txt": "txt", ".rst": "rst",
    ".csv": "csv", ".json": "json", ".py": "py", ".c": "c", ".sh": "sh", ".bash": "sh",
}  # fmt: skip
ENOUGH = 1000
KIB = 1024
LEAST_BYTES = 64  # emptier ones say nothing


@dataclass(frozen=True, slots=True)
class Document:
    """One gathered document: path relative to the corpus, with forward slashes."""

    path: str
    format: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """A gathered corpus: its documents, package versions, and what could not be had and why."""

    folder: Path
    documents: tuple[Document, ...]
    packages: Mapping[str, str]
    missing: Mapping[str, str]

    @property
    def lacking(self) -> str:
        """Return why this is not the whole corpus, or nothing."""
        if len(self.documents) >= ENOUGH and not self.missing:
            return ""
        reasons: dict[str, list[str]] = {}
        for name, why in sorted(self.missing.items()):
            reasons.setdefault(why, []).append(name)
        said = [f"{', '.join(names)} ({why})" for why, names in reasons.items()]
        return f"{len(self.documents)} documents, without {'; '.join(said) or 'others'}"

    def formats(self) -> Counter[str]:
        """Return how many documents each format has."""
        return Counter(document.format for document in self.documents)

    def manifest(self) -> str:
        """Return packages and documents as lines: name and version; sha256, size and path."""
        packages = [f"# {name} {version}" for name, version in sorted(self.packages.items())]
        rows = [f"{each.sha256}  {each.size:>8}  {each.path}" for each in self.documents]
        return "\n".join([*packages, *rows])


def cache_home() -> Path:
    """Return the folder that keeps packages between runs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ai-beast-tests"


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def rules() -> list[dict[str, Any]]:
    """Return the list of packages and what to take of them."""
    return yaml.safe_load((HERE / "packages.yml").read_text(encoding="utf-8"))


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


def _matching(below: Path, take: Mapping[str, Any]) -> Iterator[Path]:
    refused = {path for pattern in take.get("except", ()) for path in below.glob(pattern)}
    for pattern in take["match"]:
        for path in sorted(below.glob(pattern)):
            if path.is_file() and not path.is_symlink() and path not in refused:
                yield path


def _taken(root: Path, rule: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield path in the corpus and content of each document a package gives."""
    for take in rule["take"]:
        for below in sorted(path for path in root.glob(take["below"]) if not path.is_symlink()):
            for path in _matching(below, take):
                raw = _content(path)
                name = path.relative_to(below).as_posix().removesuffix(".gz")
                if take.get("word"):
                    name = f"{name.removesuffix('.txt')}.docx"
                    raw = word.document(raw.decode("utf-8", "replace"))
                fits = LEAST_BYTES <= len(raw) <= take.get("most_kib", 200) * KIB
                if fits and Path(name).suffix in FORMATS:
                    yield f"{rule['into']}/{name}", raw


def _write(folder: Path, name: str, raw: bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(raw)


def _installed(folder: Path) -> None:
    """Gather what this machine has: installed packages of the list, other docs, Python itself."""
    for rule in rules():
        for name, raw in _taken(Path("/"), rule):
            _write(folder, name, raw)
    for into, root in {
        "machine": Path("/usr/share/doc"),
        "stdlib": Path(os.__file__).parent,
    }.items():
        patterns = [f"*/*{end}{packed}" for end in sorted(FORMATS) for packed in ("", ".gz")]
        rule = {"into": into, "take": [{"below": root.name, "match": patterns}]}
        for name, raw in _taken(root.parent, rule):
            _write(folder, name, raw)


def _assemble(fetched: fetch.Fetched, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for rule in rules():
            package = fetched.files.get(rule["package"])
            if package:
                root = Path(scratch) / rule["package"]
                fetch.unpack(package, root)
                for name, raw in _taken(root, rule):
                    _write(folder, name, raw)
                shutil.rmtree(root)
    if not fetched.files:
        _installed(folder)


def _key(fetched: fetch.Fetched) -> str:
    """Return what the gathered folder depends on, in short."""
    sources = [(HERE / name).read_text() for name in ("packages.yml", "gather.py", "word.py")]
    names = sorted(path.name for path in fetched.files.values())
    return hashlib.sha256(json.dumps([sources, names]).encode()).hexdigest()[:12]


def _gathered(cache: Path, fetched: fetch.Fetched) -> Path:
    """Return the cached folder of documents, made if this is the first call."""
    folder = cache / f"corpus-{_key(fetched)}"
    if not folder.is_dir():
        for old in cache.glob("corpus-*"):
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(dir=cache, prefix="corpus-new-"))
        fresh.chmod(0o755)
        _assemble(fetched, fresh)
        fresh.rename(folder)
    return folder


def documents(folder: Path) -> tuple[Document, ...]:
    """Return all documents below a folder, by path."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(raw).hexdigest()
        found.append(Document(name, FORMATS[path.suffix], len(raw), digest))
    return tuple(found)


def some(found: Sequence[Document], most: int) -> tuple[Document, ...]:
    """Return at most *most* documents, of all formats in turn, small and big ones as they come."""
    by_format: dict[str, list[Document]] = {}
    for document in sorted(found, key=lambda each: hashlib.sha256(each.path.encode()).digest()):
        by_format.setdefault(document.format, []).append(document)
    chosen: list[Document] = []
    while by_format and len(chosen) < most:
        for name in sorted(by_format):
            chosen.append(by_format[name].pop())
            if not by_format[name]:
                del by_format[name]
    return tuple(sorted(chosen[:most], key=lambda each: each.path))


def gather(dest: Path, *, most: int | None = None) -> Gathered:
    """Fill a folder with real documents: the same ones for the same package versions.

    Args:
        dest: folder to fill; made if absent. What is in it already stays.
        most: take only so many documents, all formats evenly; everything when absent.
    """
    cache = cache_home()
    wishes = [fetch.Wish(rule["package"], rule.get("follow", "")) for rule in rules()]
    with _only_one(cache):
        fetched = fetch.fetch(wishes, cache)
        source = _gathered(cache, fetched)
        found = documents(source)
        chosen = found if most is None else some(found, most)
        for document in chosen:
            target = dest / document.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / document.path, target)
    versions = (path.name.rpartition("_")[0] for path in fetched.files.values())
    packages = dict(name.split("_", 1) for name in versions)
    return Gathered(dest, chosen, packages, fetched.missing)


def main() -> int:
    """Gather into a folder and say what is in it."""
    parser = argparse.ArgumentParser(description="Gather a corpus of real documents.")
    parser.add_argument("dest", type=Path)
    parser.add_argument("--most", type=int, help="take only so many documents")
    parser.add_argument("--manifest", action="store_true", help="print packages and documents")
    words = parser.parse_args()
    gathered = gather(words.dest, most=words.most)
    size = sum(document.size for document in gathered.documents) / 1e6
    each = ", ".join(f"{count} {name}" for name, count in gathered.formats().most_common())
    if words.manifest:
        print(gathered.manifest())
    print(f"{len(gathered.documents)} documents, {size:.1f} MB: {each}", file=sys.stderr)
    if gathered.missing:
        print(f"not the whole corpus: {gathered.lacking}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
