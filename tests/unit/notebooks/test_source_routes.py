# SPDX-License-Identifier: Apache-2.0
"""Sources over HTTP, read by a real worker into a real vector store."""

import threading
import time
from urllib.parse import quote

import pytest

from beast_ops.client import connect
from beast_ops.errors import UsageError
from beast_ops.search.client import search
from beast_ops.search.model import SearchOptions
from tests.unit.ingest.test_pages import page
from tests.unit.notebooks.conftest import CATS, OWLS, SECONDS, UPLOAD_BYTES
from tests.unit.notebooks.test_notebook_routes import code
from tests.unit.test_web import serving as site


def left(stack, notebook):
    """Return the sources of *notebook* that have passages in the store."""
    begins = f"file://notebook/{notebook}/"
    return {each["source"] for each in stack.points() if each["source"].startswith(begins)}


def wait_until(true):
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_text_is_read_in_the_background_and_found(client, told, notebook):
    added = client.post(
        f"/notebooks/{notebook}/sources", json={"text": OWLS, "name": "Field notes"}
    )
    source = told.settled(notebook, added.json()["id"])

    assert 202 == added.status_code
    assert added.json()["state"] in {"pending", "running", "ready"}
    expected = {
        "kind": "text", "name": "Field notes", "state": "ready", "passages": 1,
        "size": len(OWLS), "url": None, "reason": None, "notebook": notebook,
    }  # fmt: skip
    assert expected.items() <= source.items()
    assert f"file://notebook/{notebook}/{source['id']}/Field%20notes" == source["uri"]
    (hit,) = told.search("What flies by night?", notebook)
    assert (source["uri"], notebook, source["id"]) == (
        hit["source"], hit["notebook"], hit["notebook_source"],
    )  # fmt: skip
    assert "Owls" == hit["title"]


def test_a_file_is_sent_as_it_is(client, told, notebook):
    name = "büro/notes".replace("/", " ") + ".csv"
    sent = client.put(
        f"/notebooks/{notebook}/files/{quote(name)}", content=b"bird,sound\nowl,hoo\n"
    )
    source = told.settled(notebook, sent.json()["id"])

    assert (202, "ready", "file", name) == (
        sent.status_code, source["state"], source["kind"], source["name"],
    )  # fmt: skip
    assert told.search("hoo", notebook)


def test_a_file_of_the_same_name_is_refused_until_the_first_is_deleted(client, told, notebook):
    path = f"/notebooks/{notebook}/files/a.txt"
    first = client.put(path, content=b"Owls fly.").json()["id"]

    assert (409, "conflict") == code(client.put(path, content=b"Cats sleep."))
    assert 204 == client.delete(f"/notebooks/{notebook}/sources/{first}").status_code
    again = client.put(path, content=b"Cats sleep.")
    assert 202 == again.status_code
    assert "ready" == told.settled(notebook, again.json()["id"])["state"]


def test_what_cannot_be_read_says_why(client, told, notebook):
    sent = client.put(f"/notebooks/{notebook}/files/broken.pdf", content=b"%PDF-1.7 nothing")

    source = told.settled(notebook, sent.json()["id"])

    assert ("failed", 0) == (source["state"], source["passages"])
    assert "PDF" in source["reason"] or "pdf" in source["reason"]


def test_a_file_without_text_says_so(client, told, notebook):
    sent = client.put(f"/notebooks/{notebook}/files/empty.txt", content=b"")

    source = told.settled(notebook, sent.json()["id"])

    assert source["reason"]


def test_a_file_that_is_too_large_leaves_nothing(stack, client, notebook):
    path = f"/notebooks/{notebook}/files/large.txt"

    def content():
        yield b"x" * UPLOAD_BYTES
        yield b"y" * UPLOAD_BYTES

    assert (413, "too_large") == code(client.put(path, content=b"x" * (UPLOAD_BYTES + 1)))
    with stack.client() as other:
        assert (413, "too_large") == code(other.put(path, content=content()))
    wait_until(lambda: not client.get(f"/notebooks/{notebook}/sources").json()["total"])
    assert 202 == client.put(path, content=b"small").status_code


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "a%00b", "a%0ab", "%20", "a%1b%5b2J", "a%e2%80%aeb", "x" * 201]
)
def test_a_name_that_hides_something_is_refused(client, notebook, name):
    answer = client.put(f"/notebooks/{notebook}/files/{name}", content=b"x")

    assert answer.status_code in {404, 405, 422}
    assert 0 == client.get(f"/notebooks/{notebook}/sources").json()["total"]


def test_a_name_cannot_lead_elsewhere(client, notebook):
    answer = client.put(f"/notebooks/{notebook}/files/..%2f..%2fetc%2fpasswd", content=b"x")

    assert answer.status_code in {404, 405, 422}


BAD = [
    ({}, "text"),
    ({"text": "", "name": "x"}, "text"),
    ({"text": "x"}, "name"),
    ({"text": "x", "name": "a/b"}, "name"),
    ({"text": "x", "name": ".."}, "name"),
    ({"text": 5, "name": "x"}, "text"),
    ({"url": ""}, "url"),
    ({"url": "https://example.org", "text": "x"}, "text"),
    ({"url": "x" * 2001}, "url"),
    ([], "dictionary"),
]


@pytest.mark.parametrize(("body", "named"), BAD, ids=range(len(BAD)))
def test_a_bad_source_is_refused_and_the_fault_named(client, notebook, body, named):
    answer = client.post(f"/notebooks/{notebook}/sources", json=body)

    assert (422, "invalid") == code(answer)
    assert named in answer.json()["error"]["message"]


def test_a_text_of_more_than_a_mebibyte_is_too_large(client, notebook):
    body = {"text": "é" * 600_000, "name": "x"}

    assert (413, "too_large") == code(client.post(f"/notebooks/{notebook}/sources", json=body))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "gopher://a/", "javascript:alert(1)", "//x", "http://", "http://u:p@x/"],
)
def test_what_is_no_page_is_refused_at_once(client, notebook, url):
    assert (422, "invalid") == code(
        client.post(f"/notebooks/{notebook}/sources", json={"url": url})
    )
    assert 0 == client.get(f"/notebooks/{notebook}/sources").json()["total"]


@pytest.mark.usefixtures("_this_machine_is_public")
def test_a_page_is_fetched_and_read(client, told, notebook):
    with site() as found:
        found.answers["/owls/about"] = page(b"<h1>Owls</h1><p>They fly by night.</p>")
        added = client.post(
            f"/notebooks/{notebook}/sources", json={"url": f"{found.url}/owls/about#top"}
        )
        source = told.settled(notebook, added.json()["id"])

    assert (202, "ready", "about") == (added.status_code, source["state"], source["name"])
    assert f"{found.url}/owls/about" == source["url"]
    assert told.search("who flies by night", notebook)


@pytest.mark.usefixtures("_this_machine_is_public")
def test_a_page_that_its_site_does_not_give_fails_and_says_why(client, told, notebook):
    with site() as found:
        added = client.post(f"/notebooks/{notebook}/sources", json={"url": f"{found.url}/gone"})
        source = told.settled(notebook, added.json()["id"])

    assert "failed" == source["state"]
    assert "404" in source["reason"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_nobody_gets_inside_through_us(client, told, notebook, host):
    with site() as inside:
        url = f"http://{host}:{inside.port}/secret"
        added = client.post(f"/notebooks/{notebook}/sources", json={"url": url})
        source = told.settled(notebook, added.json()["id"])

    assert "failed" == source["state"]
    assert "not public" in source["reason"]
    assert [] == inside.asked


def test_only_the_notebook_is_searched_or_several(client, told, notebook):
    other = told.notebook("Only cats")
    told.read(notebook, OWLS), told.read(other, CATS)

    titles = lambda *names: {hit["title"] for hit in told.search("owls and cats", *names)}  # noqa: E731 - said three times

    assert {"Owls"} == titles(notebook)
    assert {"Cats"} == titles("Only cats")
    assert {"Owls", "Cats"} == titles(notebook, other, "Only cats")
    client.delete(f"/notebooks/{other}")


def test_a_search_in_what_is_no_notebook_is_refused(client, told, notebook):
    asked = {"query": "owls", "notebook": "no such"}
    both = {"query": "owls", "notebook": notebook, "collection": "docs"}

    assert (404, "not_found") == code(client.post("/search", json=asked))
    assert (422, "invalid") == code(client.post("/search", json=both))
    assert (422, "invalid") == code(client.post("/search", json={"query": "x", "notebook": []}))
    assert [] == told.search("owls", notebook)


def test_the_verb_searches_in_notebooks(stack, told, notebook):
    told.read(notebook, OWLS)

    answer = search(stack.place, "who flies", SearchOptions(), [notebook])

    assert ["Owls"] == [hit["title"] for hit in answer["hits"]]
    with pytest.raises(UsageError, match="no such notebook"):
        search(stack.place, "who flies", SearchOptions(), ["nowhere"])
    with connect(stack.place) as api:
        assert api.notebooks.get(notebook)["sources"] == 1


def test_a_deleted_source_is_found_no_more_and_its_passages_leave(stack, client, told, notebook):
    kept, gone = told.read(notebook, OWLS), told.read(notebook, CATS)
    path = f"/notebooks/{notebook}/sources/{gone}"

    assert 204 == client.delete(path).status_code

    # At once, though the job that takes the passages away has not begun.
    assert {kept} == {hit["notebook_source"] for hit in told.search("cats owls", notebook)}
    for answer in (client.get(path), client.delete(path)):
        assert (404, "not_found") == code(answer)
    wait_until(lambda: len(left(stack, notebook)) == 1)
    assert [kept] == [each["id"] for each in client.get(
        f"/notebooks/{notebook}/sources").json()["sources"]]  # fmt: skip


def test_with_a_notebook_its_passages_leave(stack, client, told):
    key, other = told.notebook("Leaves"), told.notebook("Stays")
    told.read(key, OWLS), told.read(key, CATS), told.read(other, OWLS)

    client.delete(f"/notebooks/{key}")

    wait_until(lambda: not left(stack, key))
    assert 1 == len(left(stack, other))
    client.delete(f"/notebooks/{other}")


def test_what_is_deleted_while_it_waits_or_is_read_leaves_nothing(stack, client, told, notebook):
    sources = [told.text(notebook, f"{OWLS}{number}") for number in range(8)]
    for source in sources[::2]:
        client.delete(f"/notebooks/{notebook}/sources/{source}")

    for source in sources[1::2]:
        assert "ready" == told.settled(notebook, source)["state"]
    wait_until(lambda: len(left(stack, notebook)) == len(sources) // 2)


def test_a_notebook_deleted_while_a_file_comes_in_keeps_nothing(stack, told):
    key = told.notebook("Short")
    begun, go_on = threading.Event(), threading.Event()

    def content():
        yield b"Owls fly. " * 10
        begun.set()
        go_on.wait(SECONDS)
        yield b"Owls fly. " * 10

    answers = []

    def send():
        with stack.client() as other:
            answers.append(other.put(f"/notebooks/{key}/files/owls.txt", content=content()))

    sending = threading.Thread(target=send)
    sending.start()
    assert begun.wait(SECONDS)
    time.sleep(0.2)
    told.client.delete(f"/notebooks/{key}")
    go_on.set()
    sending.join()

    assert 404 == answers[0].status_code
    time.sleep(0.5)
    wait_until(lambda: not left(stack, key))


def test_sources_are_listed_in_parts(client, told, notebook):
    sources = [told.text(notebook, OWLS, f"Part {number}") for number in range(4)]

    answer = client.get(f"/notebooks/{notebook}/sources", params={"limit": 2, "offset": 1}).json()

    assert (sources[2:0:-1], 4) == ([each["id"] for each in answer["sources"]], answer["total"])
    assert (404, "not_found") == code(client.get("/notebooks/nowhere/sources"))
