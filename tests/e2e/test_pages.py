# SPDX-License-Identifier: Apache-2.0
"""The dashboard as people see it: a real browser, a real stack, a desk and a phone."""

import re

import pytest

from beast_ops.llm.testing import fake_ollama
from tests.e2e.browser import SIZES, chromium, code, visiting

pytestmark = pytest.mark.needs("chromium")

PAGES = (
    *("overview", "services", "models", "documents", "search", "chat", "notebooks", "jobs"),
    *("backups", "events", "settings"),
)
NOTES = {
    "otter.md": "# Otters\n\nThe otter Barnaby sleeps on his back and holds a stone.\n",
    "crane.txt": "The crane over the harbour is painted in a shade called vermilion.\n",
    "broken.pdf": "%PDF-1.7\nthis is no document\n",
}


@pytest.fixture(scope="module")
def ollama():
    with fake_ollama() as double:
        yield double


@pytest.fixture(scope="module")
def house(build, clone, tmp_path_factory, ollama):
    """Return a running installation with some documents in it, and a model server beside it."""
    stack = build(clone)
    stack.deploy(ollama_url=ollama.url)
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    done = stack.run("ingest", str(folder))
    assert "2 ingested" in done.out, (done.out, done.err)
    yield stack
    stack.clear()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(house, browser):
    """Return somebody at a desk who has signed in."""
    with visiting(house, browser) as somebody:
        somebody.sign_in()
        yield somebody


@pytest.fixture(scope="module", params=list(SIZES))
def tour(request, house, browser):
    """Return somebody who has signed in and looks at page after page."""
    with visiting(house, browser, request.param) as somebody:
        somebody.sign_in()
        yield somebody


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_alone_fits_and_shuts_nobody_out(tour, name):
    tour.open(name)

    assert tour.complaints() == []
    assert tour.barriers() == []
    assert tour.too_wide() == 0
    assert tour.page.locator("nav [aria-current=page]").count() >= 1
    tour.shoot(name)


def test_a_stranger_sees_the_login_alone(house, browser):
    with visiting(house, browser) as stranger:
        for name in PAGES:
            stranger.page.goto(f"{house.api}/ui/{name}")
            assert "/login" in stranger.page.url
        assert stranger.barriers() == []
        assert stranger.strangers == []
        stranger.shoot("login")


def test_what_is_not_there_is_told_on_a_page(visit):
    for name in ("nothing", "jobs/nothing", "notebooks/nothing"):
        answer = visit.page.goto(f"{visit.stack.api}/ui/{name}")

        assert answer.status == 404
        visit.page.get_by_role("link", name="To the overview").wait_for()
    assert visit.barriers() == []


def test_a_code_is_typed_in_and_lets_in_once(house, browser):
    secret = code(house)
    with visiting(house, browser) as first:
        first.page.goto(f"{house.api}/ui/jobs")
        first.page.get_by_label("Code").fill("2222-2222")
        first.page.get_by_role("button", name="Sign in").click()
        first.page.locator("#refused", has_text="wrong").wait_for()
        first.page.get_by_label("Code").fill(secret)
        first.page.get_by_role("button", name="Sign in").click()
        first.page.wait_for_url("**/ui/jobs")  # where they wanted to go
        assert first.page.evaluate("document.cookie") == ""  # no script can read it
        first.page.get_by_role("button", name="Sign out").first.click()
        first.page.wait_for_url(re.compile("/login"))
        first.page.goto(f"{house.api}/ui/overview")
        assert "/login" in first.page.url
    with visiting(house, browser) as second:
        second.page.goto(f"{house.api}/login#{secret}")
        second.page.locator("#refused", has_text="used").wait_for()
        assert secret not in second.page.url


def test_documents_are_dropped_found_and_forgotten(visit, tmp_path):
    for name, text in (("badger.md", "# Badgers\n\nA badger named Quill digs at dusk.\n"),):
        (tmp_path / name).write_text(text)
    visit.open("documents")
    visit.page.locator("#files").set_input_files(tmp_path / "badger.md")
    row = visit.page.locator("#list tr", has_text="badger.md")
    row.wait_for()

    visit.open("search?query=badger+Quill")
    assert visit.page.locator("mark", has_text="Quill").count() >= 1

    visit.open("documents?match=badger")
    assert visit.page.locator("#list tbody tr").count() == 1
    row.get_by_role("button", name="Forget").click()
    visit.confirm()
    visit.page.locator("#list", has_text="No such document").wait_for()
    assert visit.complaints() == []


def test_the_list_of_documents_follows_what_is_typed(visit):
    visit.open("documents")
    assert visit.page.locator("#list tbody tr").count() >= 2

    visit.page.get_by_label("Words in the path").press_sequentially("otter")
    visit.page.locator("#list tr", has_text="crane.txt").wait_for(state="detached")
    assert visit.page.locator("#list tr", has_text="otter.md").count() == 1


def test_a_question_is_answered_by_passages_with_their_place(visit):
    visit.open("overview")
    visit.page.keyboard.press("/")
    visit.page.wait_for_url("**/ui/search")
    visit.page.get_by_label("Question").fill("who sleeps and holds a stone?")
    visit.page.keyboard.press("Enter")
    first = visit.page.locator("#found article").first
    first.wait_for()

    assert "Barnaby" in first.inner_text()
    assert "otter.md" in first.locator(".where").inner_text()
    assert "query=who+sleeps" in visit.page.url  # can be kept and come back to
    visit.shoot("search-found")
    visit.page.get_by_label("Mode").select_option("lexical")
    visit.page.get_by_label("Question").fill("<img src=x onerror=alert(1)> zzzz")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#found", has_text="Nothing found").wait_for()
    assert visit.complaints() == []


def test_documents_are_asked_and_the_answer_shows_what_it_stands_on(visit, ollama):
    visit.open("chat")
    visit.page.get_by_label("Your question").fill("Who holds a stone?")
    visit.page.keyboard.press("Enter")
    cited = visit.page.locator(".turn.theirs .words a", has_text="[1]")
    cited.wait_for()

    assert visit.page.locator(".turn.theirs .words").inner_text() == "You asked something [1]."
    assert not visit.page.locator(".cites pre").first.is_visible()
    cited.click()
    assert visit.page.locator(".cites pre").first.is_visible()
    assert visit.page.locator(".cites pre").first.inner_text() in "".join(NOTES.values())
    assert visit.barriers() == []
    assert visit.complaints() == []
    visit.shoot("chat-answered")

    visit.page.get_by_label("Your question").fill("And who else?")
    visit.page.keyboard.press("Enter")
    visit.page.locator(".turn.theirs .words a").nth(1).wait_for()
    said = [turn["content"] for turn in ollama.asked[-1]["messages"]]
    assert any("Who holds a stone?" in words for words in said[:-1])  # it was told what came before


def test_an_answer_can_be_stopped_and_a_failure_is_told(visit, ollama):
    visit.open("chat")
    given_up = ollama.given_up
    try:
        ollama.gap = 3.0
        visit.page.get_by_label("Your question").fill("Who holds a stone?")
        visit.page.keyboard.press("Enter")
        visit.page.locator(".turn.theirs .words", has_text="You asked").wait_for()
        visit.page.get_by_role("button", name="Stop").click()
        visit.page.locator(".turn.theirs", has_text="Stopped.").wait_for()
        ollama.gap, ollama.status = 0.0, 503
        visit.page.get_by_label("Your question").fill("And now?")
        visit.page.keyboard.press("Enter")
        visit.page.locator(".turn.theirs .trouble").wait_for(timeout=60_000)
        assert "busy" in visit.page.locator(".turn.theirs .trouble").inner_text()
    finally:
        ollama.gap, ollama.status = 0.0, 0
    assert ollama.given_up == given_up + 1


def test_a_model_is_fetched_and_deleted(visit, ollama):
    visit.open("models")
    visit.page.get_by_label("Name of a model").fill("tiny:1b")
    visit.page.get_by_role("button", name="Fetch", exact=True).click()
    visit.hears("It is being fetched")
    row = visit.page.locator("#models tr", has=visit.page.get_by_role("button", name="Delete tiny"))
    row.wait_for()
    visit.shoot("models-fetched")
    row.get_by_role("button").click()
    visit.confirm()
    visit.hears("tiny:1b is gone")

    assert "tiny:1b" not in ollama.capabilities
    assert visit.complaints() == []


def test_a_model_is_recommended_with_whether_it_fits_and_fetched_from_there(visit, ollama):
    visit.open("models")
    advice = visit.page.locator("#advice")
    advice.locator("tbody tr").first.wait_for()
    assert "It is made for chat." in advice.inner_text()
    visit.page.get_by_label("What for?").select_option("embedding")
    visit.page.get_by_label("Words that a model has").fill("minilm")
    visit.page.get_by_role("button", name="Show").click()
    row = advice.locator("tr", has_text="all-minilm")
    row.wait_for()
    visit.shoot("models-advice")
    row.get_by_role("button", name="Fetch all-minilm").click()
    visit.hears("all-minilm is being fetched")
    visit.page.get_by_role("button", name="Delete all-minilm").wait_for(timeout=60_000)
    visit.page.get_by_label("Words that a model has").fill("llama3.1:405b")
    visit.page.get_by_label("What for?").select_option("chat")
    visit.page.get_by_role("button", name="Show").click()
    huge = advice.locator("tr", has_text="llama3.1:405b")
    huge.get_by_role("button", name="Fetch all the same").click()
    visit.page.get_by_role("button", name="Leave it").click()

    assert "llama3.1:405b" not in ollama.capabilities
    assert visit.complaints() == []
    assert visit.barriers() == []
    assert visit.too_wide() == 0


def test_a_notebook_is_filled_asked_and_summed_up(visit, tmp_path):
    (tmp_path / "heron.md").write_text("# Herons\n\nThe heron Aster stands in the reeds.\n")
    visit.open("notebooks")
    visit.page.get_by_role("button", name="New notebook").click()
    visit.page.get_by_label("Name").fill("Herons")
    visit.page.get_by_role("button", name="Make it").click()
    visit.page.get_by_role("link", name="Herons").click()
    visit.page.locator("#files").set_input_files(tmp_path / "heron.md")
    row = visit.page.locator("#sources tr", has_text="heron.md")
    row.locator(".mark.good", has_text="ready").wait_for(timeout=60_000)

    visit.page.get_by_label("Your question").fill("Where does Aster stand?")
    visit.page.keyboard.press("Enter")
    visit.page.locator(".turn.theirs .words a", has_text="[1]").click()
    assert "Aster" in visit.page.locator(".cites pre").first.inner_text()
    visit.page.get_by_role("button", name="Summary").click()
    done = visit.page.locator("#results details", has_text="Summary")
    done.locator(".mark.good", has_text="done").wait_for(timeout=60_000)
    assert visit.barriers() == []
    assert visit.complaints() == []
    visit.shoot("notebook")

    visit.page.reload()  # what was said is kept
    visit.page.locator(".turn.mine", has_text="Where does Aster stand?").wait_for()
    row.get_by_role("button", name="Remove").click()
    visit.confirm()
    row.wait_for(state="detached")
    visit.page.get_by_role("button", name="Delete").click()
    visit.confirm()
    visit.page.wait_for_url("**/ui/notebooks")
    assert visit.page.get_by_role("link", name="Herons").count() == 0
    assert visit.complaints() == []


def test_what_was_not_read_is_named_with_the_reason(visit):
    visit.open("jobs")
    visit.page.locator("#jobs tbody tr a", has_text="ingest").last.click()
    line = visit.page.locator("tr", has_text="broken.pdf")
    line.wait_for()

    assert len(line.locator("td").last.inner_text()) > 10
    assert visit.barriers() == []
    visit.shoot("job")


def test_a_service_is_restarted_and_its_log_is_read(visit):
    before = visit.stack.pids()["beast-worker"]
    visit.open("services")
    visit.page.get_by_role("button", name="Restart beast-worker").click()
    visit.page.locator("dialog[open] button[value=no]").click()
    assert visit.stack.pids()["beast-worker"] == before
    visit.page.get_by_role("button", name="Restart beast-worker").click()
    visit.confirm()
    visit.hears("beast-worker was restarted and is well")

    assert visit.stack.pids()["beast-worker"] != before
    visit.open("services/beast-worker")
    visit.page.locator("pre.logs").wait_for()
    assert visit.barriers() == []
    assert visit.complaints() == []
    visit.shoot("service")


def test_a_backup_is_made_proven_and_put_back_while_the_page_waits(visit):
    visit.open("backups")
    visit.page.get_by_role("button", name="Back up now").click()
    visit.hears("A backup is being made")
    row = visit.page.locator("#backups tr", has_text=re.compile(r"beast_backup_\d")).first
    row.get_by_role("button", name="Verify").wait_for(timeout=60_000)
    row.get_by_role("button", name="Verify").click()
    row.locator(".mark.good").wait_for(timeout=60_000)
    row.get_by_role("button", name="Drill").click()
    row.locator(".mark.good", has_text="a drill").wait_for(timeout=120_000)
    assert visit.barriers() == []
    visit.shoot("backups-made")
    assert visit.complaints() == []

    row.get_by_role("button", name="Restore").click()
    visit.confirm()
    link = visit.page.get_by_role("link", name="restore")
    restored = visit.page.locator("#backups tr", has=link).first
    restored.locator(".mark.good", has_text="done").wait_for(timeout=120_000)
    restored.locator("a").click()
    visit.page.locator("#operation", has_text="done").wait_for()
    assert visit.stack.is_up()


def test_events_appear_as_they_happen_also_after_the_api_was_away(visit):
    visit.open("events?names=rag.")
    visit.page.locator("#live", has_text=re.compile("^live$")).wait_for()
    before = visit.page.locator("#events tbody tr").count()
    visit.stack.must("search", "otter")
    visit.page.wait_for_function(
        "before => document.querySelectorAll('#events tbody tr').length > before", arg=before
    )
    visit.shoot("events-live")

    visit.stack.must("restart", "beast-api")
    visit.page.locator("#live", has_text=re.compile("^live$")).wait_for(timeout=60_000)
    before = visit.page.locator("#events tbody tr").count()
    visit.stack.must("search", "crane")
    visit.page.wait_for_function(
        "before => document.querySelectorAll('#events tbody tr').length > before", arg=before
    )


def test_a_token_is_shown_once_works_and_is_revoked(visit):
    visit.open("settings")
    visit.page.get_by_label("Name").fill("laptop")
    visit.page.get_by_label("Models").fill("llama3.2, qwen*:8b,")
    visit.page.get_by_label("Answers a minute").fill("30")
    visit.page.get_by_role("button", name="Make it").click()
    shown = visit.page.locator("#made code")
    shown.wait_for()
    secret = shown.inner_text()
    row = visit.page.locator("#access tr", has_text="laptop").first
    row.wait_for()
    assert "llama3.2, qwen*:8b, 30 a minute" in row.inner_text()

    answer = visit.page.request.get(
        f"{visit.stack.api}/collections", headers={"authorization": f"Bearer {secret}"}
    )
    assert answer.status == 200
    visit.open("settings")
    assert secret not in visit.page.content()
    row.get_by_role("button", name="Revoke").click()
    visit.confirm()
    visit.hears("laptop opens nothing any more")
    visit.page.locator("#access", has_text="DELETE /tokens/laptop").or_(
        visit.page.locator("#access", has_text="/ui/settings/tokens/laptop/revoke")
    ).first.wait_for()
    assert visit.complaints() == []
    visit.shoot("settings-changes")


def test_a_page_comes_back_by_itself_when_the_api_does(visit):
    visit.open("overview")
    visit.stack.must("restart", "beast-api")

    back = visit.page.evaluate("new Date().toISOString().slice(0, 19)")
    visit.page.wait_for_function(
        "back => document.querySelector('#now time').getAttribute('datetime').slice(0, 19) > back",
        arg=back,
        timeout=60_000,
    )
    assert "/login" not in visit.page.url  # the session outlives the process


def test_everything_is_reached_by_keyboard(visit):
    visit.open("services")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_chosen_theme_stays(visit):
    back = "getComputedStyle(document.body).backgroundColor"
    before = visit.page.evaluate(back)
    visit.page.get_by_role("button", name="Theme").first.click()
    after = visit.page.evaluate(back)
    visit.open("jobs")

    assert before != after == visit.page.evaluate(back)
    assert visit.barriers() == []


def test_on_a_phone_the_menu_leads_everywhere(house, browser):
    with visiting(house, browser, "phone") as phone:
        phone.sign_in()
        for name in PAGES:
            phone.page.locator(".menu summary").click()
            phone.page.locator(f".menu a[href$='/{name}']").click()
            phone.page.wait_for_url(f"**/ui/{name}")
        assert phone.complaints() == []


def test_the_first_view_is_small_and_nothing_jumps(house, browser):
    with visiting(house, browser) as somebody:
        somebody.sign_in()
        loaded = []
        somebody.page.on("response", lambda answer: loaded.append(answer.request))
        somebody.page.add_init_script(
            "window.jumped = 0; new PerformanceObserver((list) => { for (const each of "
            "list.getEntries()) jumped += each.value; })"
            ".observe({ type: 'layout-shift', buffered: true });"
        )
        somebody.open("overview")
        somebody.page.wait_for_timeout(6000)  # one round of live figures
        first = [each for each in loaded if "/overview/now" not in each.url]
        sizes = [each.sizes()["responseBodySize"] for each in first]

        assert len(first) >= 5
        assert sum(sizes) < 100_000
        assert somebody.page.evaluate("jumped") < 0.01
