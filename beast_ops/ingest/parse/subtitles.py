# SPDX-License-Identifier: Apache-2.0
"""Read subtitles, SubRip and WebVTT: a section per minute, whose heading is the time."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import read_text

from . import about
from .formats import Parser
from .model import NOTHING, About, Document, Section

MINUTE = 60
# WebVTT, 4.1: hours may be left out; SubRip has a comma where WebVTT has a dot.
_TIMES = re.compile(r"(?:(\d{1,3}):)?(\d\d):(\d\d)[.,]\d{1,3}[ \t]{1,9}-->")
_SPEAKER = re.compile(r"<v(?:\.[^\s<>]{0,50})?[ \t]([^<>]{1,100})>")
_TAG = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_LANGUAGE = re.compile(r"^Language:[ \t]*(\S{1,20})", re.MULTILINE)
HEAD_CHARACTERS = 500


def read(path: Path, parser: Parser) -> Document:
    """Return the subtitles at *path*.

    Raises:
        DocumentError: If there are none.
        OSError: If it cannot be read.
    """
    text = read_text(path)
    minutes = groupby(_lines(text), lambda line: line[0] // MINUTE)
    sections = tuple(
        Section((f"{minute // 60:02}:{minute % 60:02}:00",), "\n".join(line for _, line in lines))
        for minute, lines in minutes
    )
    if not sections:
        raise DocumentError("no subtitles found")
    language = _LANGUAGE.search(text, 0, HEAD_CHARACTERS)
    said = About(language=about.language(language[1])) if language else NOTHING
    return Document(parser.type, None, sections, said)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are shown, with the second from which on; what rolls comes once."""
    second, before = -1, ""
    for line in text.split("\n"):
        if times := _TIMES.match(line):
            hours, minutes, seconds = (int(each or 0) for each in times.groups())
            second = hours * 3600 + minutes * MINUTE + seconds
        elif not line.strip():
            second = -1  # what follows is a number, a note or a style, until the next times
        elif second >= 0:
            shown = _TAG.sub("", _SPEAKER.sub(r"\1: ", line)).strip()
            if shown and shown != before:
                yield second, shown
                before = shown
