# SPDX-License-Identifier: Apache-2.0
"""The parts of the double of Traefik that need no running process."""

import asyncio

import pytest

from tests.lab.doubles.traefik.config import Dynamic, Static, read_folder, read_static, seconds
from tests.lab.doubles.traefik.middlewares import build, plain
from tests.lab.doubles.traefik.passwords import crypt, matches, read_users
from tests.lab.doubles.traefik.routing import forwarded, table
from tests.lab.doubles.traefik.rules import parse
from tests.lab.doubles.traefik.schema import ConfigError
from tests.lab.doubles.traefik.wire import Body, Headers, Request, Response

HOST = "Host(`a.lan`)"


class Fed:
    """A stream of what is known."""

    def __init__(self, content):
        self.content = content

    async def read(self, size):
        piece, self.content = self.content[:size], self.content[size:]
        return piece


def request(target="/", host="a.lan", method="GET", body=b"", **headers):
    fields = [("Host", host), *((name.replace("_", "-"), text) for name, text in headers.items())]
    return Request(method, target, Headers(fields), Body(Fed(body), len(body)), peer="10.0.0.9")


@pytest.mark.parametrize(
    ("rule", "asked", "matched"),
    [
        (HOST, {"host": "A.lan:443"}, True),
        (HOST, {"host": "b.lan"}, False),
        ("Host(`*.lan`)", {"host": "b.lan"}, True),
        ("Host(`*.lan`)", {"host": "c.b.lan"}, False),
        ("HostRegexp(`^[ab]\\.lan$`)", {"host": "b.lan"}, True),
        ("Path(`/x`)", {"target": "/x?y"}, True),
        ("Path(`/x`)", {"target": "/x/"}, False),
        ("PathPrefix(`/x`)", {"target": "/xyz"}, True),
        ("PathPrefix(`/x y`)", {"target": "/x%20y/z"}, True),
        ("PathRegexp(`\\.png$`)", {"target": "/a.png"}, True),
        ("Method(`POST`)", {"method": "GET"}, False),
        ("Header(`X-A`, `1`)", {"X_A": "1"}, True),
        ("HeaderRegexp(`x-a`, `^[12]$`)", {"X_A": "3"}, False),
        ("Query(`q`)", {"target": "/?q"}, True),
        ("Query(`q`, `1`)", {"target": "/?q=2"}, False),
        ("QueryRegexp(`q`, `^\\d$`)", {"target": "/?q=2"}, True),
        ("ClientIP(`10.0.0.0/8`)", {}, True),
        (f"!{HOST}", {}, False),
        (f"{HOST} && (Path(`/a`) || Path(`/b`))", {"target": "/b"}, True),
        (f"{HOST} && Path(`/a`) || Path(`/b`)", {"host": "b.lan", "target": "/b"}, True),
        (f"{HOST} && !(Path(`/a`))", {"target": "/a"}, False),
        ('Host("a.lan")', {}, True),
    ],
)
def test_a_rule_matches_what_it_says(rule, asked, matched):
    assert matched == parse(rule)(request(**asked))


@pytest.mark.parametrize(
    "rule",
    [
        *("Hosts(`a`)", "Host()", "Host(`a`, `b`)", "Host('a')", "Host(`a`) &&", "(Host(`a`)"),
        *("Host(`a`) Host(`b`)", "Path(`a`)", "HostRegexp(`(`)", "ClientIP(`a`)", "Host", "&& x"),
    ],
)
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(ConfigError):
        parse(rule)


@pytest.mark.parametrize(
    ("text", "expected"), [("60", 60), (1.5, 1.5), ("1m30s", 90), ("250ms", 0.25), ("1h", 3600)]
)
def test_durations_are_gos(text, expected):
    assert expected == seconds(text)


@pytest.mark.parametrize("text", ["", "soon", "5 s", "-1s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ConfigError):
        seconds(text)


def test_passwords_are_compared_by_the_kind_of_their_hash():
    made = crypt("secret", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.")

    assert matches("secret", made)
    assert not matches("Secret", made)
    assert matches("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")
    assert not matches("secret", "secret")


def test_users_are_read_as_htpasswd_writes_them(tmp_path):
    (tmp_path / "users").write_text("# who\n\n a:1 \nb:2\n", encoding="utf-8")

    assert {"a": "1", "b": "2", "c": "3"} == read_users(str(tmp_path / "users"), ["c:3"])
    for wrong in (["a"], ["a:b:c"]):
        with pytest.raises(ConfigError):
            read_users(None, wrong)
    with pytest.raises(ConfigError):
        read_users(str(tmp_path / "none"), None)


class Through:
    """Run one middleware before something that answers 200 and keeps the request."""

    def __init__(self, kind, **said):
        self.got = None
        self.handler = build("x", {"x": {kind: said}}, self.behind)

    async def behind(self, got):
        self.got = got
        return Response(200, Headers([("Server", "behind")]), await got.body.whole())

    def ask(self, **asked):
        return asyncio.run(self._ask(asked))

    async def _ask(self, asked):
        return await self.handler(request(**asked))


def test_prefixes_come_and_go():
    strip, add = Through("stripPrefix", prefixes=["/api"]), Through("addPrefix", prefix="/v1")
    strip.ask(target="/api/x?y")
    add.ask(target="/x?y")

    assert ("/x?y", "/api") == (strip.got.target, strip.got.headers.get("X-Forwarded-Prefix"))
    assert "/v1/x?y" == add.got.target


def test_only_some_networks_are_let_in():
    assert 200 == Through("ipAllowList", sourceRange=["10.0.0.0/8"]).ask().status
    assert 403 == Through("ipAllowList", sourceRange=["192.168.0.0/16"]).ask().status


def test_custom_headers_are_set_and_removed():
    through = Through(
        "headers",
        customRequestHeaders={"X-Old": "", "X-New": "1"},
        customResponseHeaders={"Server": ""},
        stsSeconds=5,
    )
    answer = through.ask(X_Old="1")

    assert ("", "1") == (through.got.headers.get("X-Old"), through.got.headers.get("X-New"))
    assert [] == answer.headers.all("Server")
    assert [] == answer.headers.all("Strict-Transport-Security")


def test_a_redirect_follows_its_expression():
    through = Through(
        "redirectRegex", regex="^http://a.lan/(.*)$", replacement="https://b.lan/${1}"
    )
    answer = through.ask(target="/x", method="POST")

    assert (307, "https://b.lan/x") == (answer.status, answer.headers.get("Location"))
    assert 200 == through.ask(host="c.lan").status


def test_buffering_refuses_what_is_too_big_and_hands_on_the_rest():
    through = Through("buffering", maxRequestBodyBytes=10)

    assert 413 == through.ask(method="POST", body=b"x" * 11).status
    assert b"x" * 10 == through.ask(method="POST", body=b"x" * 10).content


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("basicAuth", {"users": []}),
        ("basicAuth", {"usersFile": "/nowhere"}),
        ("ipAllowList", {}),
        ("redirectScheme", {}),
        ("addPrefix", {}),
        ("forwardAuth", {"address": "nowhere"}),
        ("rateLimit", {"average": 1, "period": "x"}),
        ("compress", {}),
    ],
)
def test_a_middleware_that_cannot_be_built_is_refused(kind, said):
    with pytest.raises(ConfigError):
        Through(kind, **said)


def test_a_bucket_is_filled_again_and_kept_per_source():
    through = Through("rateLimit", average=50, burst=2)

    async def many():
        first = [(await through.handler(request())).status for _ in range(8)]
        other = request()
        other.peer = "10.0.0.10"
        return first, (await through.handler(other)).status

    first, other = asyncio.run(many())
    assert [200, 200] == first[:2]
    assert 429 in first
    assert 200 == other


def test_a_proxy_that_is_trusted_is_believed_and_others_are_not():
    lies = {"X_Forwarded_For": "1.2.3.4", "X_Forwarded_Proto": "https"}
    believed, ignored = request(**lies), request(**lies)
    forwarded(believed, ("10.0.0.0/8",), insecure=False)
    forwarded(ignored, (), insecure=False)

    assert "1.2.3.4, 10.0.0.9" == believed.headers.get("X-Forwarded-For")
    assert "https" == believed.headers.get("X-Forwarded-Proto")
    assert "10.0.0.9" == ignored.headers.get("X-Forwarded-For")
    assert "http" == ignored.headers.get("X-Forwarded-Proto")


@pytest.mark.parametrize(
    "text",
    [
        "http: {}\n",
        "http: {routers: {}}\n",
        "http: {routers: {a: {rul: x}}}\n",
        "http: {middlewares: {a: {basicAuth: {user: [x]}}}}\n",
        "htp: {routers: {a: {rule: x}}}\n",
        "- 1\n",
        "a: [\n",
        "http: {routers: {a: {rule: '{{ x }}'}}}\n",
    ],
)
def test_a_dynamic_file_that_traefik_would_not_read_is_refused(tmp_path, text):
    (tmp_path / "x.yml").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError):
        read_folder(tmp_path)


def test_files_of_a_folder_add_up_and_others_are_passed_over(tmp_path):
    for name in ("a.yml", "b.yaml", "c.txt"):
        router = f"http: {{routers: {{{name[0]}: {{rule: x}}}}}}\n"
        (tmp_path / name).write_text(router, encoding="utf-8")

    assert {"a", "b"} == read_folder(tmp_path).routers.keys()


def test_the_internal_entry_point_comes_by_itself(tmp_path):
    path = tmp_path / "traefik.yml"
    path.write_text("ping: {}\nentryPoints: {web: {address: ':80'}}\n", encoding="utf-8")
    static = read_static(path)

    assert {"web": 80, "traefik": 8080} == {name: e.port for name, e in static.entries.items()}
    assert 60 == static.entries["web"].read_seconds


def test_a_public_certificate_needs_a_resolver_that_exists():
    router = {"rule": HOST, "service": "noop@internal", "tls": {"certResolver": "acme"}}
    entry = read_entry()
    (made,) = table(Static({"web": entry}, {}), Dynamic(routers={"a": router})).routers

    assert "nonexistent certificate resolver" in made.error
    assert made.handler is None


def read_entry():
    from tests.lab.doubles.traefik.config import EntryPoint

    return EntryPoint("web", ":80", 60, 180, (), insecure=False, middlewares=(), tls=...)


def test_short_answers_are_gos():
    assert b"404 page not found\n" == plain(404, "404 page not found").content
