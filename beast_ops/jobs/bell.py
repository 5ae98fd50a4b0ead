# SPDX-License-Identifier: Apache-2.0
"""Wake workers of other processes at once, by RQ on Valkey, instead of when they look next.

The table is the truth, and workers look into it by themselves; who hears the bell only looks
sooner. What RQ carries is one job per lane that says "look": it names nothing that could be
run, and no worker of RQ runs it. As long as one waits to be heard, no second one is sent; whoever
heard it and found a job rings once more, for the next idle worker.
"""

import logging
import threading
from contextlib import suppress
from typing import Self

from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DequeueTimeout, DuplicateJobError, NoSuchJobError
from rq.job import Job as Wake
from rq.serializers import JSONSerializer

from beast_ops.clock import SYSTEM, Clock
from beast_ops.valkey import AGAIN_SECONDS, Valkey

from .kinds import lane_of, lanes
from .model import LOOK_SECONDS

LOG = logging.getLogger("beast.jobs")
HEAR_SECONDS = 1  # also how long a worker that listens takes to see that it should stop
STALE_SECONDS = 60  # by then a bell whose hearer was killed can be rung again
FAILURES = (RedisError, OSError)


class Line:
    """The bell of one lane; raises `FAILURES`."""

    def __init__(self, valkey: Valkey, lane: str) -> None:
        """Use *valkey*, which is asked only when it is needed."""
        self._client = valkey.client(HEAR_SECONDS)
        self._id = f"wake-{lane}"
        self._queue = Queue(f"beast-{lane}", connection=self._client, serializer=JSONSerializer)

    def ring(self) -> None:
        """Have one worker of this lane look, unless one is about to."""
        with suppress(DuplicateJobError):
            self._queue.enqueue_call("look", job_id=self._id, unique=True, ttl=STALE_SECONDS)

    def hears(self) -> bool:
        """Return whether it rang within `HEAR_SECONDS`; whoever rings from now on rings anew."""
        try:
            Queue.lpop([self._queue.key], HEAR_SECONDS, self._client)
        except DequeueTimeout:
            return False
        with suppress(NoSuchJobError):
            Wake.fetch(self._id, self._client, JSONSerializer).delete()
        return True

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class Ear:
    """How one worker waits for work: by the bell of its lane, by itself while that is broken."""

    def __init__(self, valkey: Valkey, lane: str, clock: Clock = SYSTEM) -> None:
        """Listen for *lane*."""
        self._line, self._lane, self._clock = Line(valkey, lane), lane, clock
        self._deaf_until = float("-inf")

    def wait(self, stopping: threading.Event) -> bool:
        """Wait until it is time to look; return whether the bell rang."""
        if self._clock.monotonic() >= self._deaf_until:
            try:
                return self._line.hears()
            except FAILURES as failed:
                self._broken(failed)
        stopping.wait(LOOK_SECONDS)
        return False

    def pass_on(self) -> None:
        """Wake the next worker, for there may be more."""
        try:
            self._line.ring()
        except FAILURES as failed:
            self._broken(failed)

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _broken(self, failed: Exception) -> None:
        self._deaf_until = self._clock.monotonic() + AGAIN_SECONDS
        LOG.warning("Valkey does not answer; %s looks for jobs by itself: %s", self._lane, failed)


class Ringer:
    """Rings for whoever adds jobs, in a thread of its own: nobody waits for Valkey."""

    def __init__(self, valkey: Valkey, clock: Clock = SYSTEM) -> None:
        """Ring through *valkey*."""
        self._lines = {name: Line(valkey, name) for name in lanes()}
        self._clock = clock
        self._wanted: set[str] = set()
        self._news, self._closing = threading.Event(), threading.Event()
        self._mute_until = float("-inf")
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def __call__(self, kind: str) -> None:
        """Tell the workers that there is a job of *kind* now."""
        self._wanted.add(lane_of(kind))
        self._news.set()

    def close(self) -> None:
        """Ring what is to be rung, and end."""
        self._closing.set()
        self._news.set()
        self._thread.join(AGAIN_SECONDS)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """End."""
        self.close()

    def _run(self) -> None:
        last = False
        while not last:
            self._news.wait()
            self._news.clear()
            last = self._closing.is_set()
            while self._wanted:
                self._ring(self._wanted.pop())
        for line in self._lines.values():
            line.close()

    def _ring(self, lane: str) -> None:
        if self._clock.monotonic() < self._mute_until:
            return
        try:
            self._lines[lane].ring()
        except FAILURES as failed:
            self._mute_until = self._clock.monotonic() + AGAIN_SECONDS
            LOG.warning("Valkey does not answer; workers look for jobs by themselves: %s", failed)
