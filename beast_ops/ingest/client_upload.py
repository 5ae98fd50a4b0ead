# SPDX-License-Identifier: Apache-2.0
"""Send documents to a job that waits for them."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import IO

from beast_ops.client import Client
from beast_ops.errors import (
    ConflictError,
    DocumentError,
    MissingError,
    UnavailableError,
    UsageError,
)
from beast_ops.jobs.client import Show

from .archive import Archive, Member
from .found import FoundDocument

AT_ONCE = 4
BLOCK_BYTES = 1 << 18
PATIENCE_SECONDS = 30.0  # how long the API may be away: it starts again within seconds
REASON_CHARACTERS = 1000

Content = Callable[[], AbstractContextManager[IO[bytes]]]


class Uploads:
    """Sends the documents a job wants, several at once."""

    def __init__(
        self, api: Client, job: str, documents: Sequence[FoundDocument], show: Show
    ) -> None:
        """Send *documents* to *job* through *api*, telling *show* how far it is."""
        self._api, self._job, self._documents, self._show = api, job, documents, show
        self._lock = threading.Lock()
        self._done = self._of = 0

    def send(self, wanted: Sequence[int]) -> None:
        """Send the documents at the places *wanted*; what cannot be read is noted as such.

        Raises:
            BeastError: If the API stays away, or does not want them after all.
        """
        self._of = len(wanted)
        self._tell(0)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for _ in pool.map(lambda work: work(), self._work(wanted)):
                    pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _work(self, wanted: Sequence[int]) -> list[Callable[[], None]]:
        """Return what is to be done: each document by itself, an archive's in one pass."""
        work: list[Callable[[], None]] = []
        packed: dict[Archive, dict[Member, int]] = {}
        for index in wanted:
            document = self._documents[index]
            if isinstance(document, Member):
                packed.setdefault(document.archive, {})[document] = index
            else:
                work.append(partial(self._one, index, document.open))
        return [*work, *(partial(self._archive, *each) for each in packed.items())]

    def _archive(self, archive: Archive, wanted: Mapping[Member, int]) -> None:
        left = dict(wanted)
        reason = "it vanished from its archive"
        try:
            for member, content in archive.contents(list(wanted)):
                self._one(left.pop(member), partial(_again, content))
        except OSError as wrong:
            reason = _why(wrong)
        except DocumentError as wrong:
            reason = str(wrong)
        for index in left.values():
            self._skip(index, reason)

    def _tell(self, more: int) -> None:
        with self._lock:
            self._done += more
            self._show({"phase": "uploading", "done": self._done, "of": self._of})

    def _one(self, index: int, content: Content) -> None:
        try:
            self._put(index, content)
        except OSError as wrong:
            self._skip(index, _why(wrong))
        except (ConflictError, MissingError):
            raise  # it is the job that is wrong, not the document
        except (DocumentError, UsageError) as refused:
            self._skip(index, str(refused))
        else:
            self._tell(1)

    def _put(self, index: int, content: Content) -> None:
        import stamina

        for attempt in stamina.retry_context(
            on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_max=2.0
        ):
            with attempt, content() as file:
                self._api.ingest.send(self._job, index, _blocks(file))

    def _skip(self, index: int, reason: str) -> None:
        self._api.ingest.skip(self._job, index, reason=reason[:REASON_CHARACTERS])
        self._tell(1)


@contextmanager
def _again(content: IO[bytes] | DocumentError) -> Iterator[IO[bytes]]:
    """Return *content* from its beginning; it belongs to its archive and stays open."""
    if isinstance(content, DocumentError):
        raise content
    content.seek(0)
    yield content


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _why(wrong: OSError) -> str:
    if isinstance(wrong, FileNotFoundError):
        return "it vanished before it was read"
    return f"cannot read it: {(wrong.strerror or type(wrong).__name__).lower()}"
