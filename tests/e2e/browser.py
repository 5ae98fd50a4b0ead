# SPDX-License-Identifier: Apache-2.0
"""A real browser in front of a running installation, and all it noticed.

    with visiting(stack, chromium, "phone") as visit:
        visit.sign_in()
        visit.open("documents")
        assert visit.complaints() == []

Screenshots of every page go to `out/pages/`, for people to look at.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.e2e.stack import Installation

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES = {"desktop": "light", "phone": "dark"}
SHOTS = Path(__file__).parents[2] / "out" / "pages"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
)
SECONDS = 20_000  # in milliseconds, as the driver has it
GRAVE = {"serious", "critical"}


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of this machine."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield opened
        finally:
            opened.close()


@dataclass
class Visit:
    """One person in front of one page, on one kind of screen."""

    stack: Installation
    page: Page
    kind: str
    strangers: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SECONDS)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)
        self.page.on("console", self._noted)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def sign_in(self) -> None:
        """Come in with the code that `./beast open` shows."""
        self.page.goto(f"{self.stack.api}/login#{code(self.stack)}")
        self.page.wait_for_url("**/ui/overview")

    def open(self, name: str) -> None:
        """Open the page *name* and wait until it stands."""
        self.page.goto(f"{self.stack.api}/ui/{name}")
        self.page.wait_for_load_state("load")
        self.page.locator("h1").wait_for()

    def shoot(self, name: str) -> None:
        """Keep what is to be seen."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}-{self.kind}.png", full_page=True)

    def hears(self, words: str) -> None:
        """Wait until the page says *words* in its corner."""
        self.page.locator("#said", has_text=words).wait_for()

    def confirm(self) -> None:
        """Say yes to what the page asks."""
        self.page.locator("dialog[open] button[value=yes]").click()

    def barriers(self) -> list[str]:
        """Return what keeps somebody from using the page."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['html'][:200]}"
            for each in found
            if each["impact"] in GRAVE
            for node in each["nodes"]
        ]

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than the screen."""
        return int(
            self.page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)")
        )

    def complaints(self) -> list[str]:
        """Return what went wrong without anybody being told."""
        return [*self.strangers, *self.refused, *self.said]

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.stack.api}/", "data:", "blob:")):
            self.strangers.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.refused.append(f"{response.status} {response.url}")

    def _noted(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)


@contextlib.contextmanager
def visiting(stack: Installation, browser: Browser, kind: str = "desktop") -> Iterator[Visit]:
    """Open a browser that nobody has used, on a screen of that *kind*."""
    width, height = SIZES[kind]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=SCHEMES[kind],
        reduced_motion="reduce",
    )
    try:
        yield Visit(stack, context.new_page(), kind)
    finally:
        context.close()


def code(stack: Installation) -> str:
    """Return a new code to sign in with."""
    told = stack.must("open").out
    found = re.search(r"Code: (\S+)", told)
    assert found, told
    return found[1]
