# SPDX-License-Identifier: Apache-2.0
"""Send documents to a job that waits for them."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from beast_ops.api.client import Api
from beast_ops.errors import ConflictError, MissingError, UnavailableError, UsageError

from .client_show import Show
from .found import FoundDocument

AT_ONCE = 4
BLOCK_BYTES = 1 << 18
PATIENCE_SECONDS = 30.0  # how long the API may be away: it starts again within seconds
REASON_CHARACTERS = 1000


class Uploads:
    """Sends the documents a job wants, several at once."""

    def __init__(self, api: Api, job: str, documents: Sequence[FoundDocument], show: Show) -> None:
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
                for _ in pool.map(self._one, wanted):
                    self._tell(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _tell(self, more: int) -> None:
        self._done += more
        self._show({"phase": "uploading", "done": self._done, "of": self._of})

    def _one(self, index: int) -> None:
        document = self._documents[index]
        try:
            self._put(index, document)
        except OSError as wrong:
            self._skip(index, _why(wrong))
        except (ConflictError, MissingError):
            raise  # it is the job that is wrong, not the document
        except UsageError as refused:
            self._skip(index, str(refused))

    def _put(self, index: int, document: FoundDocument) -> None:
        import stamina

        for attempt in stamina.retry_context(
            on=UnavailableError, attempts=None, timeout=PATIENCE_SECONDS, wait_max=2.0
        ):
            with attempt, document.open() as file:
                self._api.send(f"/ingest/{self._job}/documents/{index}", _blocks(file))

    def _skip(self, index: int, reason: str) -> None:
        path = f"/ingest/{self._job}/documents/{index}/skip"
        self._api.call("POST", path, {"reason": reason[:REASON_CHARACTERS]})


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _why(wrong: OSError) -> str:
    if isinstance(wrong, FileNotFoundError):
        return "it vanished before it was read"
    return f"cannot read it: {(wrong.strerror or type(wrong).__name__).lower()}"
