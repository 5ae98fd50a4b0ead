# SPDX-License-Identifier: Apache-2.0
"""Pages as documents, from real servers on this machine."""

import gzip
import time
from pathlib import Path

import pytest

from beast_ops.addresses import networks
from beast_ops.clock import Clock
from beast_ops.errors import DocumentError, UsageError
from beast_ops.ingest import pages as module
from beast_ops.ingest import sitemap
from beast_ops.ingest.client import IngestOptions, ingest
from beast_ops.ingest.gather import Sources, WebOptions, gathered
from beast_ops.ingest.notes import Notes
from beast_ops.ingest.pages import Pages, _as_utf8, _suffix
from beast_ops.ingest.robots import Robots
from beast_ops.web import Web
from tests.unit.test_web import serving

ALLOWED = networks(["127.0.0.1/32"])
OPTIONS = WebOptions(allow=("127.0.0.1/32",), pause=0.0)
NOWHERE = Path("/nowhere")


def page(content, kind="text/html", **headers):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [
        "HTTP/1.1 200 OK", f"content-type: {kind}", f"content-length: {len(content)}",
        "connection: close", *lines, "", "",
    ]  # fmt: skip
    return "\r\n".join(head).encode() + content


def status(code):
    return f"HTTP/1.1 {code} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server():
    with serving() as found:
        found.answers["/"] = page(b"<h1>Home</h1><p>Owls fly by night.</p>")
        yield found


@pytest.fixture
def web():
    with Web(ALLOWED) as found:
        yield found


def paths(server):
    return [each.split()[1] for each in server.asked]


def gather(*urls, sitemap=False):
    options = WebOptions(OPTIONS.allow, sitemap, 0.0)
    with gathered(Sources(list(urls), web=options), NOWHERE) as found:
        return found.documents, found.problems


def test_a_page_is_a_document_called_by_its_address(server):
    (document,), problems = gather(f"{server.url}#top")

    assert [] == problems
    assert f"{server.url}/" == document.source("host")
    assert ".html" == document.suffix()
    assert ["/robots.txt", "/"] == paths(server)


def test_pages_are_ingested_once_and_told_by_their_sites_to_be_the_same(stack, server):
    server.answers["/"] = page(b"<h1>Home</h1><p>Owls fly by night.</p>", etag='"one"')

    def run(collection="pages"):
        done = ingest(
            stack.place, [server.url], IngestOptions(collection, web=OPTIONS), lambda _: None
        )
        return {name: count for name, count in done["documents"].items() if count}

    assert {"seen": 1, "ingested": 1} == run()
    payloads = list(stack.points("pages").values())
    assert {f"{server.url}/"} == {each["path"] for each in payloads}
    assert {"html"} == {each["type"] for each in payloads}
    same = status(304)
    whole = server.answers["/"]

    def conditional(connection):
        connection.sendall(same if 'if-none-match: "one"' in server.asked[-1].lower() else whole)

    server.answers["/"] = conditional
    assert {"seen": 1, "unchanged": 1} == run()
    assert {"seen": 1, "ingested": 1} == run("others")  # it is fetched whole once it is wanted
    server.answers["/"] = page(b"<h1>Home</h1><p>Owls sleep by day.</p>")
    assert {"seen": 1, "ingested": 1} == run()
    server.answers["/"] = status(404)
    assert {"seen": 1, "failed": 1} == run()
    assert stack.points("pages")


def test_robots_are_respected_with_wildcards_and_over_redirects(server):
    rules = b"User-agent: *\nDisallow: /private/\nDisallow: /*.pdf$\nAllow: /private/open\n"
    server.answers["/robots.txt"] = page(rules, "text/plain")
    server.answers["/private/open"] = page(b"<p>Open</p>")
    server.redirect("/way", "/private/x")

    names = ["/private/x", "/a.pdf", "/private/open", "/way"]
    documents, problems = gather(*(f"{server.url}{name}" for name in names))

    assert [f"{server.url}/private/open"] == [each.path for each in documents]
    assert [f"{server.url}{name}" for name in ("/private/x", "/a.pdf", "/way")] == [
        path for path, _ in problems
    ]
    assert {"its robots.txt does not allow it"} == {reason for _, reason in problems}
    assert 1 == paths(server).count("/robots.txt")
    assert not {"/private/x", "/a.pdf"} & set(paths(server))


@pytest.mark.parametrize("answer", [status(503), b"SSH\r\n"])
def test_a_site_that_cannot_say_what_it_allows_is_left_alone(server, answer):
    server.answers["/robots.txt"] = answer

    documents, problems = gather(server.url)

    assert [] == documents
    assert "cannot be fetched" in problems[0][1]


def test_a_site_is_visited_no_more_often_than_it_may(server, web):
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    robots = Robots(web, Clock(monotonic=lambda: now[0], sleep=sleep), 1.0)
    for _ in range(3):
        robots.enter(f"{server.url}/")
    server.answers["/robots.txt"] = page(b"User-agent: *\nCrawl-delay: 60\n", "text/plain")
    slower = Robots(web, Clock(monotonic=lambda: now[0], sleep=sleep), 1.0)
    for _ in range(2):
        slower.enter(f"{server.url}/")

    assert [1.0, 1.0, 10.0] == slept


def test_an_intranet_is_read_only_if_it_is_allowed(server):
    with gathered(Sources([server.url]), NOWHERE) as found:
        assert [(f"{server.url}/", "it lies in a network that is not public")] == found.problems
    assert [] == server.asked


def test_a_sitemap_lists_pages_also_through_others(server):
    def xml(kind, *locs):
        inner = "".join(f"<{kind}><loc> {loc} </loc></{kind}>" for loc in locs)
        top = "sitemapindex" if kind == "sitemap" else "urlset"
        return (
            f'<{top} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{top}>'.encode()
        )

    here = server.url
    index = xml(
        "sitemap", f"{here}/one.xml", f"{here}/two.xml.gz", f"{here}/map.xml", "http://1.1.1.1/x"
    )
    server.answers["/map.xml"] = page(index, "text/xml")
    server.answers["/one.xml"] = page(
        xml("url", f"{here}/", f"{here}/a&amp;b", "http://elsewhere.example/"), "text/xml"
    )
    server.answers["/two.xml.gz"] = page(
        gzip.compress(f"{here}/c\n{here}/\n".encode()), "application/gzip"
    )
    for name in ("/a&b", "/c"):
        server.answers[name] = page(f"<p>{name}</p>".encode())

    documents, problems = gather(f"{here}/map.xml", sitemap=True)

    assert [f"{here}/", f"{here}/a&b", f"{here}/c"] == [each.path for each in documents]
    assert [
        (f"{here}/map.xml", "1 of its pages are of other hosts; they were left out")
    ] == problems


def test_a_sitemap_is_read_up_to_a_limit():
    listed = "\n".join(f"http://x.org/{number}" for number in range(30)).encode()

    found, notes = sitemap.pages("http://x.org/map.txt", lambda _: listed, most=10)

    assert 10 == len(found)
    assert "only the first 10" in notes[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no sitemap"),
        (b"hello", "no sitemap"),
        (b"<urlset><url>", "damaged"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset/>', "defines things"),
        (gzip.compress(bytes(60 << 20)), "too long"),
        (b"\x1f\x8bxxxx", "damaged"),
    ],
    ids=["empty", "text", "torn", "entities", "bomb", "packed"],
)
def test_what_is_no_sitemap_is_refused(content, reason):
    begun = time.monotonic()
    with pytest.raises(DocumentError, match=reason):
        sitemap.pages("http://x.org/map.xml", lambda _: content)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("text/html", "/a", ".html"),
        ("text/html", "/a.php", ".html"),
        ("text/plain", "/a", ".txt"),
        ("text/plain", "/a.md", ".md"),
        ("text/x-python", "/a.py", ".py"),
        ("application/octet-stream", "/a.pdf", ".pdf"),
        ("", "/a.csv", ".csv"),
        ("application/pdf", "/a", ".pdf"),
    ],
)
def test_the_type_decides_how_a_page_is_read(kind, path, expected):
    assert expected == _suffix(kind, path)


@pytest.mark.parametrize("kind", ["image/png", "application/zip", "", "text/unheard-of"])
def test_what_cannot_be_read_is_refused(kind):
    with pytest.raises(DocumentError, match="no reader"):
        _suffix(kind, "/a")


def test_text_in_another_charset_arrives_as_utf8(server):
    text = "<p>Grüße</p>"
    server.answers["/"] = page(text.encode("latin-1"), "text/html; charset=ISO-8859-1")

    with gathered(Sources([server.url], web=OPTIONS), NOWHERE) as found:
        assert text == found.documents[0].open().read().decode("utf-8-sig")
    assert b"\xff" == _as_utf8(b"\xff", "no-such") == _as_utf8(b"\xff", "utf8")


def test_too_much_in_all_is_refused(server, web, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TOTAL_BYTES", 60)
    pages = Pages(web, Notes(tmp_path / "notes"), tmp_path, 0.0)
    pages.page(f"{server.url}/")

    with pytest.raises(DocumentError, match="in all"):
        pages.page(f"{server.url}/")


def test_what_cannot_be_meant_so_is_refused(tmp_path):
    for sources in (
        Sources(["http://user:secret@x.org/"]),
        Sources(["http://x.org/"], web=WebOptions(allow=("intranet",))),
        Sources([str(tmp_path)], web=WebOptions(sitemap=True)),
    ):
        with pytest.raises(UsageError) as wrong, gathered(sources, NOWHERE):
            pass
        assert "secret" not in wrong.value.paragraph()
