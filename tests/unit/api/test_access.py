# SPDX-License-Identifier: Apache-2.0
"""Tokens, codes and sessions, asked of the running API."""

import http.client
import re
import uuid

import pytest

from beast_ops.api.rules import SAFE

HTML = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def made(client):
    """Return what makes a token of a scope; all are revoked in the end."""
    names = []

    def make(scope, **more):
        name = f"t-{uuid.uuid4().hex[:8]}"
        answer = client.post("/tokens", json={"name": name, "scope": scope, **more})
        assert answer.status_code == 201, answer.text
        names.append(name)
        return answer.json()

    yield make
    for name in names:
        client.delete(f"/tokens/{name}")


@pytest.fixture
def browser(stack, client):
    """Return what opens a browser that is logged in as the operator."""
    opened = []

    def log_in(by=client):
        page = stack.client(token="", origin=stack.address)
        opened.append(page)
        code = by.post("/auth/codes").json()["code"]
        answer = page.post("/session", json={"code": code})
        assert answer.status_code == 201, answer.text
        return page

    yield log_in
    for page in opened:
        page.close()


def test_a_token_opens_what_its_scope_says(stack, made):
    expected = {"read": (200, 403, 403), "write": (200, 404, 403), "admin": (200, 404, 200)}
    for scope, (look, change, manage) in expected.items():
        with stack.client(made(scope)["token"]) as holder:
            assert look == holder.get("/collections").status_code
            assert change == holder.delete("/jobs/none").status_code
            assert manage == holder.get("/tokens").status_code
            assert holder.get("/metrics").status_code == 403


def test_a_token_is_shown_once_and_its_last_use_is_told(stack, client, made):
    token = made("read", days=1)
    with stack.client(token["token"]) as holder:
        holder.get("/collections")

    listed = client.get("/tokens")

    (found,) = [each for each in listed.json()["tokens"] if each["name"] == token["name"]]
    assert found["used"] is not None
    assert found["expires"] > found["created"]
    assert token["token"] not in listed.text


def test_the_file_has_no_token(stack, made):
    token = made("admin")["token"]
    folder = stack.around.data / "api"

    content = b"".join(path.read_bytes() for path in folder.iterdir())

    assert token.encode() not in content
    assert b"the-token" not in content
    assert b"tokens" in content


@pytest.mark.parametrize("name", ["operator", "metrics", "UPPER", "a/b", "", "x" * 65])
def test_names_that_no_token_has(client, name):
    assert client.post("/tokens", json={"name": name}).status_code == 422


def test_a_name_is_taken_once(client, made):
    name = made("read")["name"]

    assert client.post("/tokens", json={"name": name}).status_code == 409


def test_a_revoked_token_opens_nothing_nor_do_its_sessions(stack, client, made, browser):
    token = made("read")
    with stack.client(token["token"]) as holder:
        page = browser(holder)
        code = holder.post("/auth/codes").json()["code"]
        assert page.get("/session").json()["name"] == token["name"]

        assert client.delete(f"/tokens/{token['name']}").status_code == 204

        assert holder.get("/collections").status_code == 401
        assert page.get("/session").status_code == 401
        assert page.post("/session", json={"code": code}).status_code == 401
    assert client.delete(f"/tokens/{token['name']}").status_code == 404


def test_a_code_is_good_once(stack, client):
    code = client.post("/auth/codes").json()["code"]
    with stack.client(token="", origin=stack.address) as page:
        assert page.post("/session", json={"code": code.lower().replace("-", " ")}).is_success
        assert page.post("/session", json={"code": code}).status_code == 401


def test_the_cookie_is_for_this_host_and_no_script(stack, client):
    code = client.post("/auth/codes").json()["code"]
    with stack.client(token="") as page:
        cookie = page.post("/session", json={"code": code}).headers["set-cookie"].lower()

    assert re.match(r"beast=[\w-]{43};", cookie)
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert "domain" not in cookie


def test_a_session_looks_and_changes_from_its_own_pages_alone(stack, browser):
    page = browser()
    assert page.get("/tokens").status_code == 200
    assert page.delete("/jobs/none").status_code == 404
    strangers = [
        {"origin": "http://evil.example"},
        {"origin": stack.address.replace("http", "https")},
        {"origin": stack.address.replace("127.0.0.1", "localhost")},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "same-site"},
    ]
    for headers in strangers:
        assert page.delete("/jobs/none", headers=headers).status_code == 403, headers
        assert page.get("/tokens", headers=headers).status_code == 200
    same = {"origin": "null", "sec-fetch-site": "same-origin"}
    assert page.delete("/jobs/none", headers=same).status_code == 404


def test_a_stranger_cannot_log_somebody_in(stack, client):
    code = client.post("/auth/codes").json()["code"]
    with stack.client(token="", origin="http://evil.example") as page:
        assert page.post("/session", json={"code": code}).status_code == 403


def test_a_session_counts_at_its_own_host_alone(stack, browser):
    page = browser()
    cookie = page.cookies["beast"]
    with stack.client(token="", cookie=f"other=1; beast={cookie}") as other:
        assert other.get("/session").status_code == 200
        assert other.get("/session", headers={"host": "localhost"}).status_code == 401
    with stack.client(token="", cookie=f"__Host-beast={cookie}") as other:
        assert other.get("/session").status_code == 401


def test_logging_out_ends_the_session(stack, browser):
    page = browser()
    cookie = page.cookies["beast"]

    gone = page.delete("/session")

    assert gone.status_code == 204
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    with stack.client(token="", cookie=f"beast={cookie}") as other:
        assert other.get("/session").status_code == 401


def test_a_token_counts_before_the_cookie(browser):
    page = browser()

    assert page.get("/session", headers={"authorization": "Bearer nope"}).status_code == 401


def test_people_are_led_to_where_they_log_in(anyone):
    led = anyone.get("/collections", headers=HTML)
    assert (led.status_code, led.headers["location"]) == (303, "/login?to=%2Fcollections")
    assert anyone.get("/collections").status_code == 401
    assert anyone.post("/search", headers=HTML, json={"query": "x"}).status_code == 401


@pytest.mark.parametrize(
    ("to", "where"),
    [("/jobs?x=1", "/jobs?x=1"), ("//evil.example", "/"), ("/\\evil", "/"), ("http://e", "/")],
)
def test_one_is_led_nowhere_but_into_this_host(stack, client, to, where):
    code = client.post("/auth/codes").json()["code"]
    with stack.client(token="") as page:
        assert where == page.post("/session", json={"code": code, "to": to}).json()["to"]


def test_changes_are_noted_with_who_and_what(client, browser):
    client.delete("/jobs/first")
    browser().delete("/jobs/second")
    client.post("/search", json={"query": "cats"})

    noted = client.get("/changes", params={"limit": 5}).json()

    told = [
        (each["who"], each["method"], each["path"], each["status"]) for each in noted["changes"]
    ]
    assert ("operator (browser)", "DELETE", "/jobs/second", 404) == told[0]
    assert ("operator", "DELETE", "/jobs/first", 404) in told
    assert not [each for each in told if each[2] == "/search"]
    older = client.get("/changes", params={"limit": 5, "before": noted["next"]}).json()
    assert {each["id"] for each in older["changes"]}.isdisjoint(
        each["id"] for each in noted["changes"]
    )


def test_every_route_says_who_may_ask_for_it(stack):
    from beast_ops.api.app import guarded

    table = guarded(stack.around).rules.table

    assert len(table) > 25
    assert [] == [ruled.path for ruled in table if ruled.declared is None]
    changing = [each for each in table if each.methods - SAFE and each.rule.scope is None]
    assert ["/session"] == [each.path for each in changing]


def asked(stack, method, path, token):
    headers = {"content-type": "application/json"}
    with stack.client(token, **headers) as holder:
        return holder.request(method, path).status_code


def test_every_route_refuses_who_may_not(stack, made):
    """No effect can follow: whoever may is asked with a body that is too large."""
    from beast_ops.access.model import Scope
    from beast_ops.api.app import guarded

    holders = {None: "", "metrics": "the-metrics-token"}
    holders |= {scope: made(scope)["token"] for scope in ("read", "write", "admin")}
    found, wanted = {}, {}
    for ruled in guarded(stack.around).rules.table:
        path = re.sub(r"{[^}]*}", "none", ruled.path)
        for method in ruled.methods - {"HEAD"}:
            for holder, token in holders.items():
                place = (method, ruled.path, holder)
                wanted[place] = expected(ruled.rule.scope, holder, Scope)
                found[place] = status(stack, method, path, token)
    assert len(found) > 120
    assert wanted == {place: code if code in (401, 403) else 0 for place, code in found.items()}


def expected(scope, holder, scopes):
    if scope is None:
        return 0
    if holder is None:
        return 401
    if scopes.METRICS in (scope, scopes[holder.upper()]):
        return 0 if scope is scopes[holder.upper()] else 403
    return 0 if scopes[holder.upper()] >= scope else 403


def status(stack, method, path, token):
    """Return how an answer begins; some never end."""
    connection = http.client.HTTPConnection(stack.address.removeprefix("http://"), timeout=20)
    connection.putrequest(method, path)
    if token:
        connection.putheader("authorization", f"Bearer {token}")
    if method != "GET":
        connection.putheader("content-length", str(10**12))
    connection.endheaders()
    answer = connection.getresponse().status
    connection.close()
    return answer


def test_a_number_that_no_change_can_have_is_refused(client):
    assert 422 == client.get("/changes", params={"before": 2**63}).status_code
