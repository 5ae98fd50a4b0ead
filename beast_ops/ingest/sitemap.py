# SPDX-License-Identifier: Apache-2.0
"""Lists of pages, after sitemaps.org: as XML, also of further lists, or one address a line."""

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from beast_ops.errors import DocumentError, UsageError
from beast_ops.web import judged
from beast_ops.web_body import unpacked

PAGES_MOST = 1000
LISTS_MOST = 50
LIST_BYTES = 50 << 20
_LOC = "loc"

Fetch = Callable[[str], bytes]


def pages(sitemap: str, fetch: Fetch, most: int = PAGES_MOST) -> tuple[list[str], list[str]]:
    """Return the pages that *sitemap* lists, and sentences on what was left out.

    Args:
        sitemap: Its address; only pages and lists of the same host count.
        fetch: Returns the content of an address.
        most: How many pages at most.

    Raises:
        DocumentError: If it cannot be fetched, or is no list.
    """
    host = judged(sitemap).host
    found: dict[str, None] = {}
    waiting, seen, notes = [sitemap], {sitemap}, []
    foreign = 0
    while waiting and len(found) <= most:
        lists, listed = _read(fetch(waiting.pop(0)))
        for url in lists:
            if _is_on(host, url) and url not in seen and len(seen) < LISTS_MOST:
                seen.add(url)
                waiting.append(url)
        for url in listed:
            if _is_on(host, url):
                found.setdefault(url)
            else:
                foreign += 1
    if foreign:
        notes.append(f"{foreign} of its pages are of other hosts; they were left out")
    if len(found) > most:
        notes.append(f"it lists more than {most} pages; only the first {most} were read")
    return list(found)[:most], notes


def _is_on(host: str, url: str) -> bool:
    try:
        return judged(url).host == host
    except UsageError:
        return False


def _read(content: bytes) -> tuple[list[str], list[str]]:
    """Return the lists and the pages that *content* lists."""
    if content.startswith(b"\x1f\x8b"):
        content = b"".join(unpacked([content], LIST_BYTES))
        if len(content) > LIST_BYTES:
            raise DocumentError("this sitemap is too long")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _Reader().read(content)
    lines = content.decode(errors="replace").split()
    if not lines or not all(line.startswith(("http://", "https://")) for line in lines):
        raise DocumentError("this is no sitemap")
    return [], lines


class _Reader:
    """Reads XML, but nothing that would define, or fetch, anything else."""

    def __init__(self) -> None:
        self.lists: list[str] = []
        self.pages: list[str] = []
        self._path: list[str] = []
        self._text = ""

    def read(self, content: bytes) -> tuple[list[str], list[str]]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            parser.Parse(content, True)  # noqa: FBT003 - its signature
        except expat.ExpatError as wrong:
            raise DocumentError("this sitemap is damaged") from wrong
        return self.lists, self.pages

    def _start(self, name: str, _: Any) -> None:
        self._path.append(name.rpartition(" ")[2].lower())
        self._text = ""

    def _data(self, text: str) -> None:
        self._text += text if self._path and self._path[-1] == _LOC else ""

    def _end(self, _: str) -> None:
        if self._path[-2:] == ["sitemap", _LOC]:
            self.lists.append(self._text.strip())
        elif self._path[-2:] == ["url", _LOC]:
            self.pages.append(self._text.strip())
        self._path.pop()


def _refuse(*_: Any) -> None:
    raise DocumentError("this sitemap defines things of its own; it is not read")
