# SPDX-License-Identifier: Apache-2.0
"""A browser of another machine before the front door: in with a code, and only there."""

import json
import shutil
import time

import pytest
from playwright.sync_api import sync_playwright

from tests.lab.stack import DOMAIN

pytestmark = pytest.mark.needs("docker", "chromium")

API, GUARDED, OTHER = (f"https://{name}.{DOMAIN}" for name in ("api", "prometheus", "vectors"))
COOKIE = "__Host-beast"
SECONDS = 20_000  # in milliseconds, as the driver has it
OPERATION_SECONDS = 240
FETCH = """async ([path, method]) => {
  const answer = await fetch(path, { method });
  return [answer.status, await answer.text()];
}"""


@pytest.fixture(scope="module")
def chromium(stack):
    """A browser for which the names of the stack are its host; test_door.py judges certificates."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    names = f"--host-resolver-rules=MAP *.{DOMAIN} {stack.address()}"
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=[names, *quiet])
        yield opened
        opened.close()


@pytest.fixture
def page(chromium):
    """A page of a browser that nobody has used; it fails the test if a script of it fails."""
    context = chromium.new_context(ignore_https_errors=True)
    opened = context.new_page()
    opened.set_default_timeout(SECONDS)
    failed = []
    opened.on("pageerror", lambda error: failed.append(str(error)))
    yield opened
    context.close()
    assert [] == failed


def enter(stack, page):
    """Type a new code into the login that *page* shows."""
    told = json.loads(stack.host("beast", "open", "--json"))
    page.get_by_label("Code").fill(told["code"])
    page.get_by_role("button", name="Sign in").click()


def fetch(page, path, method="GET"):
    """Return status and text with which the server of *page* answers it."""
    return page.evaluate(FETCH, [path, method])


def test_a_code_lets_in_to_the_pages_of_the_api(stack, page):
    page.goto(f"{API}/login")
    enter(stack, page)
    page.wait_for_url("**/ui/overview")

    assert page.locator("h1").inner_text()
    assert 200 == fetch(page, "/session")[0]


def test_a_guarded_service_asks_for_a_code_under_its_own_name_and_then_answers(stack, page):
    answers = []
    page.on("response", lambda answer: answers.append((answer.status, answer.url)))
    page.goto(f"{GUARDED}/")
    assert page.url.startswith(f"{GUARDED}/.beast/login?to=")
    page.wait_for_load_state("networkidle")
    files = [url for status, url in answers if status == 200 and "/.beast/login/" in url]
    assert {"app.css", "login.js", "theme.js"} <= {
        url.rpartition("/")[2].partition("?")[0] for url in files
    }
    assert [] == [(status, url) for status, url in answers if status >= 400]
    assert 401 == fetch(page, "/api/v1/query?query=up")[0]

    enter(stack, page)
    page.wait_for_url(lambda url: url.startswith(GUARDED) and "/.beast/" not in url)

    status, said = fetch(page, "/api/v1/query?query=up")
    assert (200, "success") == (status, json.loads(said)["status"])


def test_a_session_is_for_the_name_it_was_begun_under(stack, page):
    page.goto(f"{GUARDED}/")
    enter(stack, page)
    page.wait_for_url(lambda url: url.startswith(GUARDED) and "/.beast/" not in url)
    (cookie,) = (each for each in page.context.cookies() if each["name"] == COOKIE)
    page.goto(f"{OTHER}/collections")

    assert f"prometheus.{DOMAIN}" == cookie["domain"]  # one with a dot before is of all below
    assert ("/", True, True, "Strict") == tuple(
        cookie[name] for name in ("path", "secure", "httpOnly", "sameSite")
    )
    assert page.url.startswith(f"{OTHER}/.beast/login?to=")
    # Carried over by hand, it opens nothing either.
    page.context.add_cookies([{**cookie, "domain": f"vectors.{DOMAIN}"}])
    page.goto(f"{OTHER}/collections")
    assert page.url.startswith(f"{OTHER}/.beast/login?to=")


def test_what_an_operation_came_to_is_told_to_who_began_it_in_a_browser(stack, page):
    page.goto(f"{API}/login")
    enter(stack, page)
    page.wait_for_url("**/ui/overview")
    status, said = fetch(page, "/backups", "POST")
    assert 202 == status, said
    begun = json.loads(said)["id"]
    ended = _ended(page, begun)
    listed = json.loads(fetch(page, "/operations")[1])["operations"]
    events = json.loads(fetch(page, "/events?names=backup.")[1])["events"]
    data = json.loads(stack.read("current/services.json"))["data"]

    assert "done" == ended["state"], ended
    assert [("backup", "done")] == [
        (each["kind"], each["state"]) for each in listed if each["id"] == begun
    ]
    assert {"backup.running", "backup.done"} == {
        each["name"] for each in events if each["data"]["operation"] == begun
    }
    assert {"beast-agent"} == {each["source"] for each in events}
    assert 200 == fetch(page, "/ui/backups")[0]
    owners = stack.host("sh", "-c", f"stat -c %u {data}/jobs/events.sqlite*").split()
    assert {"1000"} == set(owners)


def _ended(page, operation):
    until = time.monotonic() + OPERATION_SECONDS
    while True:
        found = json.loads(fetch(page, f"/operations/{operation}")[1])
        if found["state"] != "running" or time.monotonic() > until:
            return found
        time.sleep(0.5)
