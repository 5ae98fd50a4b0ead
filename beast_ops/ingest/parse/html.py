# SPDX-License-Identifier: Apache-2.0
"""Read HTML: what the page says, without what surrounds it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean, decode

from . import about
from .formats import Parser
from .model import About, Document, Section
from .outline import Path as Outline

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_DECLARED = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_TRAILING = re.compile(r"(?<![ \t])[ \t]+\n")
_INDENT = re.compile(r"\n (?! )")
_SPACES = re.compile(r"\s+")
_BULLET = re.compile(r"(?:^|(?<=\n))- *+\n\s*+(?!-\s)")  # a paragraph in an item of a list
_NEWLINES = re.compile(r"\n(?:[ \t]*\n)+")

_SILENT_TAGS = """
script style noscript template svg math head iframe object embed canvas audio video map button
select input textarea dialog nav datalist meter progress
"""
_APART_TAGS = "p pre blockquote table ul ol dl section article h1 h2 h3 h4 h5 h6"
_BLOCK_TAGS = """
address aside body center dd details div dt fieldset figcaption figure footer header hgroup hr
html li main menu summary tbody tfoot thead tr caption
"""
_SILENT = frozenset(_SILENT_TAGS.split())
_AROUND = frozenset({"aside", "footer"})  # silent too, where the page says what its main part is
_APART = frozenset(_APART_TAGS.split())  # between empty lines
_BLOCKS = frozenset(_BLOCK_TAGS.split()) | _APART
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SELF_ENDING_TAGS = """
area base br col embed hr img input link meta param source track wbr html head body p li dt dd
option optgroup thead tbody tfoot tr td th rb rt rp
"""
_SELF_ENDING = frozenset(_SELF_ENDING_TAGS.split())
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
SUSPICIOUS_TAGS = 20_000
DEPTH = 10_000
_PERMALINKS = frozenset({"\u00b6", "\u00a7", "#", "\U0001f517"})  # as Sphinx and others set them
MAIN_LEAST = 200  # characters; less is not the main part, whatever it is called


def read(path: Path, parser: Parser) -> Document:
    """Return the HTML file at *path*.

    Raises:
        DocumentError: If it is not text.
        OSError: If it cannot be read.
    """
    title, about, sections = page(text_of(path.read_bytes()))
    return Document(parser.type, title, sections, about)


def page(source: str) -> tuple[str | None, About, tuple[Section, ...]]:
    """Return what the page *source* says: its title, what it says of itself, and its text.

    Raises:
        DocumentError: If it is nested too deeply, or has no text.
    """
    from selectolax.lexbor import LexborHTMLParser

    _refuse_depth(source)
    tree = LexborHTMLParser(source)
    title = tree.css_first("title")
    named = _SPACES.sub(" ", title.text()).strip() if title is not None else ""
    root, silent = _main(tree.css("main, article, [role=main]")), _SILENT | _AROUND
    if root is None:
        root, silent = tree.body, _SILENT
    if root is None:
        raise DocumentError("no text found")
    return named or None, _about(tree), _Walk(silent).sections(root)


def _about(tree: "LexborHTMLParser") -> About:
    said: dict[str, list[str]] = {}
    for meta in tree.css("meta[content]"):
        name = meta.attributes.get("name") or meta.attributes.get("property") or ""
        said.setdefault(name.lower(), []).append(meta.attributes.get("content") or "")

    def first(*names: str) -> str | None:
        return next((text for name in names for text in said.get(name, ()) if text), None)

    root = tree.root
    declared = root.attributes.get("lang") if root is not None else None
    return About(
        author=about.names(said.get("author") or said.get("dc.creator") or ()),
        created=about.moment(first("article:published_time", "date", "dc.date", "dcterms.created")),
        revised=about.moment(first("article:modified_time", "last-modified", "dcterms.modified")),
        language=about.language(declared or first("dc.language")),
    )


def _refuse_depth(source: str) -> None:
    """Refuse elements in elements without end: the parser takes quadratic time for them."""
    if source.count("<") < SUSPICIOUS_TAGS:
        return
    depth = 0
    for tag in _TAG.finditer(source):
        if tag[2].lower() not in _SELF_ENDING:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > DEPTH:
                raise DocumentError("nested too deeply")


def text_of(data: bytes) -> str:
    """Return *data* as text: as it says itself, if that is true."""
    declared = _DECLARED.search(data, 0, 2048)
    if declared and not data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        try:
            return clean(data.decode(declared[1].decode()))
        except (LookupError, UnicodeDecodeError):
            pass
    return clean(decode(data))


def _main(found: "list[LexborNode]") -> "LexborNode | None":
    """Return the one element that is the page's main part, if there is such a thing."""
    outer = [node for node in found if node.tag == "main"] or found
    if len(outer) != 1 or len(outer[0].text()) < MAIN_LEAST:
        return None
    return outer[0]


class _Walk:
    """Walks the tree without recursion, so that no depth is too deep."""

    def __init__(self, silent: frozenset[str]) -> None:
        self._silent = silent
        self._outline = Outline()
        self._heading: tuple[str, ...] = ()
        self._pieces: list[str] = []
        self._sections: list[Section] = []
        self._pre = 0
        self._root = 0
        self._headline = -1  # where the text of the open heading begins among the pieces

    def sections(self, root: "LexborNode") -> tuple[Section, ...]:
        self._root = root.mem_id
        node: LexborNode | None = root
        while node is not None:
            tag = node.tag or ""
            inside = None
            if tag == "-text":
                self._say(node.text_content or "")
            elif tag not in self._silent and not _is_permalink(node):
                self._enter(tag)
                inside = node.child
                if inside is None:
                    self._leave(tag)
            node = inside or self._after(node)
        self._finish()
        return tuple(self._sections)

    def _after(self, node: "LexborNode") -> "LexborNode | None":
        """Return the node after *node* and all that is in it, leaving what ends there."""
        at: LexborNode | None = node
        while at is not None and at.mem_id != self._root:
            if at.next is not None:
                return at.next
            at = at.parent
            if at is not None:
                self._leave(at.tag or "")
        return None

    def _say(self, text: str) -> None:
        self._pieces.append(text if self._pre else _SPACES.sub(" ", text))

    def _enter(self, tag: str) -> None:
        if tag in _HEADINGS and self._headline < 0:
            self._finish()
            self._headline = len(self._pieces)
        elif tag in _BLOCKS:
            self._break(tag)
            if tag == "li":
                self._pieces.append("- ")
        elif tag == "br":
            self._pieces.append("\n")
        elif tag in {"td", "th"}:
            self._pieces.append(" | ")
        self._pre += tag == "pre"

    def _leave(self, tag: str) -> None:
        self._pre -= tag == "pre"
        if tag in _HEADINGS and self._headline >= 0:
            said = "".join(self._pieces[self._headline :])
            self._heading = self._outline.enter(_HEADINGS[tag], said)
            self._headline = -1
            self._pieces.append("\n\n")
        elif tag in _BLOCKS:
            self._break(tag)

    def _break(self, tag: str) -> None:
        """End the line, or the paragraph, before and after a block."""
        if tag in _APART:
            self._pieces.append("\n\n")
        elif not self._pieces or not self._pieces[-1].endswith("\n"):
            self._pieces.append("\n")

    def _finish(self) -> None:
        """End the section that is open."""
        text = tidy("".join(self._pieces))
        if text:
            self._sections.append(Section(self._heading, text))
        self._pieces.clear()
        self._headline = -1


def _is_permalink(node: "LexborNode") -> bool:
    """Return whether *node* is the mark beside a heading that links to the heading itself."""
    return node.tag == "a" and node.text().strip() in _PERMALINKS


def tidy(text: str) -> str:
    """Return *text* without spaces around line ends and without rows of empty lines."""
    text = _TRAILING.sub("\n", text)
    text = _INDENT.sub("\n", text)
    text = _BULLET.sub("- ", text)
    return _NEWLINES.sub("\n\n", text).strip()
