# SPDX-License-Identifier: Apache-2.0
"""Pages of the web as documents.

They are fetched where the command runs, not by the stack: whoever asks for a page reaches it from
there, and the stack needs no way out.
"""

import codecs
import hashlib
import io
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import DocumentError
from beast_ops.web import Web, WebAnswer, judged

from . import sitemap
from .found import Found, FoundDocument
from .notes import Notes
from .parse.formats import TABLE, suffix_of
from .piped import version
from .robots import Robots

TOTAL_BYTES = 1 << 30
_UNCHANGED, _FINE = 304, 200
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/ld+json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}


@dataclass(frozen=True, slots=True)
class PageDocument(FoundDocument):
    """A page: `path` is its address, its time is made of its content."""

    ending: str
    content: Callable[[], bytes] = field(compare=False)

    def source(self, host: str) -> str:  # noqa: ARG002 - a page has one name everywhere
        """Return its address."""
        return self.path

    def suffix(self) -> str:
        """Return the suffix of files that are read as it is."""
        return self.ending

    def open(self) -> IO[bytes]:
        """Return its content; raises `DocumentError` if it has to be fetched, and cannot be."""
        return io.BytesIO(self.content())


class Pages:
    """Fetches pages, each kept in a file until it is sent."""

    def __init__(
        self, web: Web, notes: Notes, kept: Path, pause: float, clock: Clock = SYSTEM
    ) -> None:
        """Fetch pages.

        Args:
            web: The way out.
            notes: What is remembered of them.
            kept: A folder for their content.
            pause: How many seconds lie between two visits to a site, at least.
            clock: What time it is.
        """
        self._web, self._notes, self._kept = web, notes, kept
        self._robots = Robots(web, clock, pause)
        self._left = TOTAL_BYTES
        self._one = threading.Lock()  # documents are sent by several threads

    def page(self, url: str) -> PageDocument:
        """Return the page at *url*; it is not sent again if the site says that it is the same.

        Raises:
            DocumentError: If it cannot be fetched; says why.
        """
        key = f"page {url}"
        note = self._notes.get(key) or {}

        def headers(here: str) -> Mapping[str, str]:
            return note.get("ask", {}) if here == note.get("url") else {}

        answer = self._web.get(url, self._robots.enter, headers)
        if answer.status == _UNCHANGED and note:
            return PageDocument(
                url, int(note["size"]), int(note["version"]), str(note["suffix"]),
                lambda: self._again(url),
            )  # fmt: skip
        content, suffix = self._content(answer)
        path = self._keep(content)
        number = version(hashlib.sha256(content).digest())
        asks = {"etag": "if-none-match", "last-modified": "if-modified-since"}
        ask = {asks[name]: answer.headers[name] for name in asks if name in answer.headers}
        noted = {"url": answer.url, "size": len(content), "version": number, "suffix": suffix}
        self._notes.put(key, {**noted, "ask": ask})
        return PageDocument(url, len(content), number, suffix, path.read_bytes)

    def _again(self, url: str) -> bytes:
        """Return the content of a page that is wanted although it did not change."""
        with self._one:
            return self._content(self._web.get(url, self._robots.enter))[0]

    def listed(self, url: str) -> tuple[list[str], list[str]]:
        """Return the pages that the sitemap at *url* lists; see `sitemap.pages`."""
        return sitemap.pages(url, self._list)

    def _list(self, url: str) -> bytes:
        answer = self._web.get(url, self._robots.enter, size=sitemap.LIST_BYTES)
        if answer.status != _FINE:
            raise DocumentError(f"its site answered {answer.status}")
        return answer.content

    def _content(self, answer: WebAnswer) -> tuple[bytes, str]:
        """Return the content of *answer*, and the suffix that says how it is read."""
        if answer.status != _FINE:
            raise DocumentError(f"its site answered {answer.status}")
        self._left -= len(answer.content)
        if self._left < 0:
            raise DocumentError(f"more than {TOTAL_BYTES >> 20} MiB came in all")
        kind, charset = _kind(answer.headers.get("content-type", ""))
        suffix = _suffix(kind, judged(answer.url).path)
        text = kind.startswith("text/") or kind in {"", "application/xhtml+xml"}
        return (_as_utf8(answer.content, charset) if text else answer.content), suffix

    def _keep(self, content: bytes) -> Path:
        path = self._kept / f"{hashlib.sha256(content).hexdigest()}"
        path.write_bytes(content)
        return path


def collect(
    pages: Pages, urls: Sequence[str], tell: Callable[[int, int], None], *, sitemaps: bool = False
) -> Found:
    """Return the pages at *urls*, or those that the sitemaps there list.

    Args:
        pages: What fetches them.
        urls: Addresses.
        tell: Told how many of how many were fetched.
        sitemaps: Whether they are those of sitemaps.

    Raises:
        UsageError: If one is no address, or has a password in it; before anything is fetched.
    """
    asked = [str(judged(url)) for url in urls]
    found = Found()
    wanted = _listed(pages, asked, found) if sitemaps else asked
    for done, url in enumerate(dict.fromkeys(wanted)):
        tell(done, len(wanted))
        try:
            found.documents.append(pages.page(url))
        except DocumentError as failed:
            found.problems.append((url, str(failed)))
    return found


def _listed(pages: Pages, sitemaps: Sequence[str], found: Found) -> list[str]:
    wanted: list[str] = []
    for url in sitemaps:
        try:
            listed, notes = pages.listed(url)
        except DocumentError as failed:
            found.problems.append((url, str(failed)))
            continue
        wanted += [str(judged(each)) for each in listed]
        found.problems += [(url, note) for note in notes]
    return wanted


def _kind(header: str) -> tuple[str, str]:
    """Return the type and the charset that a header of HTTP tells, in lower case, or nothing."""
    message = Message()
    message["content-type"] = header
    charset: Any = message.get_content_charset("")
    return (message.get_content_type() if header.strip() else ""), str(charset)


def _suffix(kind: str, path: str) -> str:
    """Return how a page of the type *kind* at *path* is read.

    Raises:
        DocumentError: If it is not.
    """
    own = suffix_of(path)
    if kind in _SUFFIXES:
        return _SUFFIXES[kind]
    if own in TABLE and (kind.startswith("text/") or kind in {"", "application/octet-stream"}):
        return own
    if kind == "text/plain":
        return ".txt"
    raise DocumentError(f"no reader for what its site calls {kind or 'nothing'}")


def _as_utf8(content: bytes, charset: str) -> bytes:
    """Return text in UTF-8, marked as such, if its site says that it is in another *charset*."""
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
        if name in {"utf-8", "ascii"}:
            return content
        return codecs.BOM_UTF8 + content.decode(name, errors="replace").encode()
    except (LookupError, UnicodeError):
        return content
