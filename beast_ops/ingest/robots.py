# SPDX-License-Identifier: Apache-2.0
"""What the owners of pages ask of programs that come to read them: robots.txt after RFC 9309."""

from typing import TYPE_CHECKING

from beast_ops.clock import Clock
from beast_ops.errors import DocumentError
from beast_ops.web import AGENT, Web, judged

if TYPE_CHECKING:
    from protego import Protego

ROBOTS_BYTES = 512 << 10
PAUSE_SECONDS = 1.0
PAUSE_MOST_SECONDS = 10.0
_UNAVAILABLE = 500


class Robots:
    """Asks each site once, and comes to it no more often than it may."""

    def __init__(self, web: Web, clock: Clock, pause: float = PAUSE_SECONDS) -> None:
        """Ask through *web*; come to a site every *pause* seconds, unless it asks for longer."""
        self._web, self._clock, self._pause = web, clock, pause
        self._rules: dict[str, Protego | None] = {}
        self._came: dict[str, float] = {}

    def enter(self, url: str) -> None:
        """Return when *url* may be fetched.

        Raises:
            DocumentError: If its owner does not want that.
        """
        site = _site(url)
        if site not in self._rules:
            self._rules[site] = self._ask(site)
        rules = self._rules[site]
        if rules is None:
            raise DocumentError("its robots.txt cannot be fetched, so it is left alone")
        if not rules.can_fetch(url, AGENT):
            raise DocumentError("its robots.txt does not allow it")
        pause = min(max(self._pause, rules.crawl_delay(AGENT) or 0.0), PAUSE_MOST_SECONDS)
        since = self._clock.monotonic() - self._came.get(site, float("-inf"))
        if since < pause:
            self._clock.sleep(pause - since)
        self._came[site] = self._clock.monotonic()

    def _ask(self, site: str) -> "Protego | None":
        """Return the rules of *site*, or `None` if it cannot answer: then nothing is allowed."""
        from protego import Protego

        try:
            answer = self._web.get(f"{site}/robots.txt", size=ROBOTS_BYTES)
        except DocumentError as failed:
            if failed.hint:  # an address that is not public: that is worth saying
                raise
            return None
        if answer.status >= _UNAVAILABLE:
            return None
        text = answer.content.decode(errors="replace") if answer.status == 200 else ""  # noqa: PLR2004 - OK
        return Protego.parse(text)


def _site(url: str) -> str:
    found = judged(url)
    return f"{found.scheme}://{found.netloc.decode('ascii')}"
