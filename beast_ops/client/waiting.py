# SPDX-License-Identifier: Apache-2.0
"""The client that waits for each answer."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import UnavailableError
from beast_ops.place import Place

from .asked import ONE_TRY, Again, Asked
from .refusals import NOT_RUNNING, parsed, pause, refusal
from .rooms import Rooms
from .sse import Message, Reader
from .stream import EVENTS, PATIENCE_SECONDS, QUIET_SECONDS, Follower
from .where import Where, at, found

SECONDS = 60.0


class Client(Rooms):
    """The API of an installation, room by room: `client.search.ask(query="Owls")`.

    Each method returns what the API answers, as the types in `beast_ops.client.made` have it.
    What is refused raises: `UsageError` (with `MissingError` and `ConflictError`) if the request is
    at fault, `UnavailableError` if it may work later, `ServiceError` for all else.
    """

    def __init__(
        self,
        where: Where | None = None,
        *,
        seconds: float = SECONDS,
        again: Again | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Open the API.

        Args:
            where: Its address and token; `where.found()` if left out.
            seconds: How long it may be silent.
            again: How often one and the same is asked, where that is safe; three times if left
                out.
            clock: What time it is, and who waits.

        Raises:
            BeastError: If nobody says where it is; see `where.found`.
        """
        place = where or found()
        self._client = http.client(place.address, headers=place.headers, seconds=seconds)
        self._again, self._clock, self._seconds = again or Again(), clock, seconds

    def call(self, asked: Asked) -> Any:
        """Return what the API answers to *asked*.

        Raises:
            UnavailableError: If it does not answer, or not now.
            UsageError: If it finds fault with the request; `MissingError` and `ConflictError`
                say which.
            ServiceError: If it refuses for another reason, such as a wrong token.
        """
        key, begun, attempt = self._again.key(asked), self._clock.monotonic(), 0
        while True:
            attempt += 1
            told, safe = 0.0, asked.repeatable
            try:
                with http.speaking_to("the API", hint=NOT_RUNNING):
                    answer = self._client.request(asked.method, asked.path, **asked.options(key))
                told = pause(answer)
                return parsed(answer)
            except UnavailableError as away:
                safe = safe or (asked.content is None and http.was_never_sent(away))
                taken = self._clock.monotonic() - begun
                seconds = self._again.wait(attempt, told, taken, safe=safe)
                if seconds is None:
                    raise
            self._clock.sleep(seconds)

    def messages(self, asked: Asked) -> Iterator[Message]:
        """Yield the events of the answer to *asked*; to stop listening ends the work there.

        Raises:
            BeastError: As `call`; and if the answer breaks off.
        """
        yield from self._messages(asked, {}, self._seconds)

    def follow(
        self, names: str = "", after: int | None = None, patience: float = PATIENCE_SECONDS
    ) -> Generator[Mapping[str, Any]]:
        """Yield what happens, without an end and without a gap, however often the API goes away.

        Args:
            names: How the names of events begin; all if empty.
            after: The number of the last event that was seen; only what comes from now on if
                left out.
            patience: How many seconds the API may be away.

        Raises:
            UnavailableError: If it stays away for longer.
            BeastError: As `call`.
        """
        follower = Follower(names, after, patience, self._clock)
        while True:
            try:
                if follower.last is None:
                    follower.begin(self.events.list(limit=1)["events"])
                asked, headers = follower.asked()
                for message in self._messages(asked, headers, QUIET_SECONDS, follower.reached):
                    yield follower.saw(message)
            except UnavailableError as away:
                follower.lost(away)
            self._clock.sleep(follower.pause())

    def _messages(
        self,
        asked: Asked,
        headers: Mapping[str, str],
        seconds: float,
        reached: Callable[[], None] = lambda: None,
    ) -> Iterator[Message]:
        options = asked.options()
        options["headers"] |= {**EVENTS, **headers}
        with (
            http.speaking_to("the API", hint=NOT_RUNNING),
            self._client.stream(asked.method, asked.path, timeout=seconds, **options) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise refusal(answer)
            reached()
            reader = Reader()
            for line in answer.iter_lines():
                if (message := reader.line(line)) is not None:
                    yield message

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the connection."""
        self.close()


@contextmanager
def connect(place: Place, *, seconds: float = SECONDS) -> Iterator[Client]:
    """Open the API of the installation at *place*, as its own verbs do: what fails, fails at once.

    Args:
        place: The installation.
        seconds: How long the API may be silent.

    Raises:
        NotDeployedError: If nothing is deployed there, or the release has no API.
        BeastError: If the token cannot be read.
    """
    with Client(at(place), seconds=seconds, again=ONE_TRY) as client:
        yield client
