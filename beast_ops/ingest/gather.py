# SPDX-License-Identifier: Apache-2.0
"""Gather documents from everywhere a client can reach: files, standard input, the web."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from beast_ops.errors import DocumentError, UsageError
from beast_ops.jobs.client import Show

from .archive import Archive
from .find import Manner, find
from .found import Found
from .ignore import EVERYTHING, Selection
from .notes import Notes, cache_folder
from .piped import STANDARD_INPUT, piped
from .sources import MARK, is_page


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How pages are fetched.

    Attributes:
        allow: Networks that are not public but may be reached, such as 10.1.0.0/16.
        sitemap: Whether the addresses are those of sitemaps, whose pages are meant.
        pause: How many seconds lie between two visits to a site, at least.
    """

    allow: tuple[str, ...] = ()
    sitemap: bool = False
    pause: float = 1.0


ORDINARILY = WebOptions()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look, and for what.

    Attributes:
        paths: Files, folders and globs, addresses of pages; `-` is what comes through `stream`.
        selection: Which files of folders are wanted.
        archives: Whether archives in folders are looked into, too.
        name: What the document that comes through `stream` is called.
        web: How pages are fetched.
        stream: Standard input, unless told otherwise.
    """

    paths: Sequence[str]
    selection: Selection = EVERYTHING
    archives: bool = False
    name: str = ""
    web: WebOptions = ORDINARILY
    stream: IO[bytes] | None = field(default=None, compare=False)


@contextmanager
def gathered(sources: Sources, exclude: Path, show: Show = lambda _: None) -> Iterator[Found]:
    """Return what *sources* come to; what it took to get hold of it is kept until this is left.

    Args:
        sources: Where to look.
        exclude: A folder of which nothing is taken.
        show: Told from time to time how far it is.

    Raises:
        UsageError: If it cannot be meant so.
    """
    is_piped = STANDARD_INPUT in sources.paths
    urls = [path for path in sources.paths if is_page(path)]
    files = [path for path in sources.paths if path != STANDARD_INPUT and not is_page(path)]
    if sources.web.sitemap and len(urls) < len(sources.paths):
        raise UsageError("--sitemap is for addresses of sitemaps", hint="They begin with https://")
    if sources.name and not is_piped:
        raise UsageError("--name is for what is piped in", hint="./beast ingest - --name notes.md")
    manner = Manner(selection=sources.selection.judged(), archives=sources.archives)
    with ExitStack() as kept:
        found = find(files, exclude, manner)
        look_into(found, sources.selection)
        if urls:
            found.add(_fetched(urls, sources.web, kept, show))
        if is_piped:
            stream = sources.stream or sys.stdin.buffer
            found.documents.append(kept.enter_context(piped(stream, sources.name)))
        yield found


def _fetched(urls: Sequence[str], options: WebOptions, kept: ExitStack, show: Show) -> Found:
    from beast_ops.addresses import networks
    from beast_ops.web import Web

    from .pages import Pages, collect

    folder = Path(kept.enter_context(TemporaryDirectory(prefix="beast-pages-")))
    web = kept.enter_context(Web(networks(options.allow)))
    return collect(
        Pages(web, Notes(cache_folder()), folder, options.pause),
        urls,
        lambda done, of: show({"phase": "fetching", "done": done, "of": of}),
        sitemaps=options.sitemap,
    )


def look_into(found: Found, selection: Selection) -> None:
    """Add to *found* what is in its archives, each of which is a folder of its own."""
    notes = Notes(cache_folder())
    for file in found.archives:
        try:
            members, problems = Archive(file, notes).members(selection)
        except DocumentError as wrong:
            found.problems.append((file.path, str(wrong)))
        except OSError as wrong:
            found.problems.append((file.path, f"cannot read it: {wrong.strerror}"))
        else:
            found.documents += members
            found.problems += problems
            found.folders.append(f"{file.path}{MARK}")
