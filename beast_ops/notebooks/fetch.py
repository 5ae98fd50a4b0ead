# SPDX-License-Identifier: Apache-2.0
"""Fetch the page behind an address that a user named.

It is fetched from here, by `beast_ops.web`: only public addresses are connected to, whatever a
name leads to and wherever a site redirects; what its owner asks of programs is respected.
"""

import queue
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar
from urllib.parse import unquote

from beast_ops.addresses import Network
from beast_ops.errors import DocumentError
from beast_ops.ingest.notes import Notes
from beast_ops.ingest.pages import Pages
from beast_ops.web import Web, judged

AT_ONCE = 2
NAME_CHARACTERS = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069/]+")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came, and the suffix of files that are read as it is."""

    content: bytes
    suffix: str


Fetch = Callable[[str], Fetched]


def fetch(url: str, allowed: Sequence[Network] = ()) -> Fetched:
    """Return the page at *url*.

    Args:
        url: Its address, judged already.
        allowed: Networks that are not public and are reached all the same.

    Raises:
        DocumentError: If it cannot be fetched; says why.
    """
    with TemporaryDirectory(prefix="beast-page-") as folder, Web(allowed) as web:
        page = Pages(web, Notes(Path(folder) / "notes"), Path(folder), pause=0.0).page(url)
        return Fetched(page.content(), page.suffix())


def address(url: str) -> str:
    """Return *url* as it is kept and fetched.

    Raises:
        UsageError: If it is none of the web, or has a password in it.
    """
    return str(judged(url))


def name_of(url: str) -> str:
    """Return what the page at *url* is called: the end of its path, or else its site."""
    found = judged(url)
    last = found.path.rstrip("/").rpartition("/")[2]
    return named(unquote(last)) or named(found.host) or "page"


def named(text: str) -> str:
    """Return *text* as the name of a file that hides nothing; empty if nothing is left."""
    name = _CONTROL.sub(" ", text.encode(errors="replace").decode()).strip()
    return "" if name in {".", ".."} else name[:NAME_CHARACTERS].strip()


def why(failed: DocumentError) -> str:
    """Return why a page could not be fetched, as its source says it."""
    where = f" ({failed.subject})" if failed.subject else ""
    return f"{failed}{where}"


class Errands(Generic[Item]):
    """Runs errands in threads of its own, some at once; what is left ends with the process."""

    def __init__(self, run: Callable[[Item], None]) -> None:
        """Call *run* with each item, which must not raise."""
        self._run = run
        self._waiting: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def put(self, item: Item) -> None:
        """Have *item* run soon."""
        self._waiting.put(item)
        if len(self._threads) < AT_ONCE:
            # Not waited for by the end of the process: a site may take a minute.
            thread = threading.Thread(target=self._go, daemon=True, name="fetch")
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Begin nothing any more."""
        for _ in self._threads:
            self._waiting.put(None)

    def _go(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._run(item)
