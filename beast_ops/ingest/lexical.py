# SPDX-License-Identifier: Apache-2.0
"""The words by which a passage is found: its own, those of its place, and parts of identifiers.

A passage deep in a document seldom repeats what the document is about: its file, its title and
the headings above it say so, and people ask with these words. Each of them counts once, so that
a long path of headings does not outweigh the text. And whoever asks for "digest authentication"
also means `HTTPDigestAuth`, which an index knows as one word only.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

PLACE_WORDS = 64
FOLDERS = 2  # of a path, the file's name and the folder it lies in

_WORD = re.compile(r"[^\W_]+")
_NAME = re.compile(r"\w+")
_MIXED = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(payload: Mapping[str, Any]) -> str:
    """Return what the lexical index reads of the passage stored as *payload*."""
    text = str(payload["text"])
    place = _place(payload)
    # Looked for word by word: one expression for it all takes twice as long on plain prose.
    joined = (name for name in _NAME.findall(text) if not name.islower() and _MIXED.search(name))
    parts = " ".join(_JOINT.sub(" ", name) for name in joined)
    return "\n".join((" ".join(place), text, parts))


def _place(payload: Mapping[str, Any]) -> list[str]:
    """Return the words of path, title and headings, each once, the outermost first."""
    path = str(payload["path"]).split("/")[-FOLDERS:]
    said: Iterable[str] = (*path, str(payload["title"] or ""), *payload["heading"])
    words = (word for part in said for word in _WORD.findall(part.lower()))
    return list(dict.fromkeys(words))[:PLACE_WORDS]
