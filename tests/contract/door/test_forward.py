# SPDX-License-Identifier: Apache-2.0
"""The front door asks the real API who may pass, and nothing of the login goes further."""

import asyncio
import json
from contextlib import contextmanager

import httpx
import pytest

from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings
from beast_ops.audit.access import refusals
from beast_ops.card_parts import Route
from beast_ops.cards import Health, Publish, read_services
from beast_ops.health import routes as check
from beast_ops.health.deep import CHECKS, Sight
from beast_ops.health.model import Status
from beast_ops.health.standpoint import Standpoint
from beast_ops.testing import a_service, an_installation, free_port, serving
from tests.contract.door.conftest import DOMAIN, PASSWORD, THE_API, USER

TOKEN = "the-token"
PAGE = {"Accept": "text/html,*/*"}
GUARDED = Route(host="guarded", auth="forward", admin=("/api/pull",))


def an_api(folder, ports, door="http://localhost:1"):
    """Return what an API is made of that knows a door, and what it guards."""
    place = an_installation(
        folder / "root",
        a_service(
            "traefik",
            inside=door,
            publish=tuple(Publish(address="127.0.0.1", port=port, target=1) for port in ports),
            route=Route(host="traefik", auth="basic"),
            health=Health(path="/ping", deep="routes"),
        ),
        a_service("guarded", route=GUARDED),
        a_service("beast-api", f"http://127.0.0.1:{free_port()}", health=Health(deep="api")),
        secrets={
            "beast-api/token": TOKEN,
            "beast-api/metrics_token": "m",
            "traefik/users": f"{USER}:hash",
            "traefik/password": PASSWORD,
        },
    )
    contract = read_services(place.services).model_copy(update={"domain": DOMAIN})
    place.services.write_text(contract.model_dump_json(), encoding="utf-8")
    settings = place.config / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"access": {"guesses": 5}}), encoding="utf-8")
    return place, Surroundings(
        root=place.root,
        services=place.services,
        data=place.data / "1",
        settings=settings,
        secrets=place.secrets / "beast-api",
        vectors_url="http://127.0.0.1:1",
        vectors_key=None,
        models_url=None,
    )


class Both:
    """A running door, and the API it asks."""

    def __init__(self, door, place, address):
        self.door, self.place, self.address = door, place, address

    def get(self, path="/", **more):
        return self.door.get("guarded", path, **more)

    def log_in(self, host="guarded"):
        """Return the cookie of a browser that logged in at the name of the service."""
        with httpx.Client(base_url=self.address, trust_env=False) as operator:
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            code = operator.post("/auth/codes", headers=bearer).json()["code"]
        origin = {"Origin": f"http://{host}.{DOMAIN}"}
        done = self.door.get(
            host, "/.beast/session", method="POST", json={"code": code}, headers=origin
        )
        assert done.status_code == 201, done.text
        return done.cookies["beast"]


@contextmanager
def both(start, folder, kind="none", door="http://localhost:1"):
    place, around = an_api(folder, [1], door)
    with serving(build(around)) as address:
        there = address.removeprefix("http://")
        with start(kind, change=lambda text: text.replace(THE_API, there)) as started:
            yield Both(started, place, address)


@pytest.fixture(scope="module")
def asked(start, tmp_path_factory):
    with both(start, tmp_path_factory.mktemp("forward")) as running:
        yield running


def test_programs_pass_with_a_token_that_goes_no_further(asked):
    without = asked.get()
    passed = asked.get(headers={"Authorization": f"Bearer {TOKEN}"})
    password = asked.get(auth=(USER, PASSWORD))

    assert [401, 200, 401] == [each.status_code for each in (without, passed, password)]
    behind = passed.json()["headers"]
    assert "Authorization" not in behind
    assert ("operator", "admin") == (behind["X-Beast-User"], behind["X-Beast-Scope"])
    assert TOKEN not in passed.text


def test_people_are_led_to_log_in_at_the_same_name(asked):
    led = asked.get("/graph?x=1", headers=PAGE)

    assert led.status_code == 303
    place = f"http://guarded.{DOMAIN}/.beast/login?to=%2Fgraph%3Fx%3D1"
    assert place == led.headers["Location"]


def test_a_session_passes_and_its_cookie_goes_no_further(asked):
    cookie = asked.log_in()

    passed = asked.get(headers={"Cookie": f"theirs=1; beast={cookie}; more=2"})
    alone = asked.get(headers={"Cookie": f"beast={cookie}"})

    assert "theirs=1; more=2" == passed.json()["headers"]["Cookie"]
    assert "Cookie" not in alone.json()["headers"]
    assert cookie not in passed.text


def test_nobody_writes_who_he_is(asked):
    cookie = asked.log_in()
    lies = {"X-Beast-User": "root", "X-Beast-Scope": "root", "Authorization": "Basic eDp5"}

    assert 401 == asked.get(headers=lies).status_code
    del lies["Authorization"]
    passed = asked.get(headers={**lies, "Cookie": f"beast={cookie}"})

    assert "operator" == passed.json()["headers"]["X-Beast-User"]
    assert "root" not in passed.text


def test_a_session_of_one_name_opens_no_other(asked):
    cookie = asked.log_in()
    with httpx.Client(base_url=asked.address, trust_env=False) as page:
        page.headers["cookie"] = f"beast={cookie}"

        assert 401 == page.get("/session").status_code


def test_below_the_prefix_there_is_the_login_and_nothing_else(asked):
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/.beast/tokens", "/.beast/session/x", "/.beast/"):
        assert f'"path": "{path}"' in asked.get(path, headers=bearer).text  # the service's own
    # The same name, asked without the door's rules in between.
    with httpx.Client(base_url=asked.address, trust_env=False) as page:
        headers = {**bearer, "Host": f"guarded.{DOMAIN}"}
        assert 403 == page.get("/tokens", headers=headers).status_code


def test_a_page_of_another_site_changes_nothing(asked):
    cookie = asked.log_in()
    evil = {"Cookie": f"beast={cookie}", "Origin": "http://evil.example"}
    good = {**evil, "Origin": f"http://guarded.{DOMAIN}"}

    found = [
        asked.get("/x", method="POST", headers=headers, content=b"x").status_code
        for headers in (evil, good)
    ]

    assert [403, 200] == found


def test_what_only_an_admin_may_is_refused_to_others(asked):
    with httpx.Client(base_url=asked.address, trust_env=False) as operator:
        operator.headers["authorization"] = f"Bearer {TOKEN}"
        made = operator.post("/tokens", json={"name": "writer", "scope": "write"}).json()
        reader = operator.post("/tokens", json={"name": "reader", "scope": "read"}).json()
        writes = {"Authorization": f"Bearer {made['token']}"}
        reads = {"Authorization": f"Bearer {reader['token']}"}

        def post(path, headers):
            return asked.get(path, method="POST", headers=headers, content=b"x").status_code

        assert [200, 403] == [post("/api/chat", writes), post("/api/chat", reads)]
        assert 200 == asked.get("/api/pull", headers=reads).status_code
        for path in ("/api/pull", "/api/pull/x", "//api//pull", "/api/%70ull", "/x/../api/pull"):
            assert 403 == post(path, writes), path
        assert 200 == post("/api/pull", {"Authorization": f"Bearer {TOKEN}"})
        noted = operator.get("/changes").json()["changes"]
    assert f"guarded.{DOMAIN}/api/pull" == noted[0]["path"]


def test_the_metrics_token_passes_nowhere(asked):
    assert 403 == asked.get(headers={"Authorization": "Bearer m"}).status_code


def test_what_is_open_stays_open(asked):
    assert 200 == asked.get("/open").status_code


def test_a_lockout_hits_one_client(start, tmp_path):
    with both(start, tmp_path) as running:

        def guess(source, shown="guess"):
            headers = {"Authorization": f"Bearer {shown}", "X-Forwarded-For": source}
            return running.get(headers=headers)

        # The door of this machine stands behind a proxy that it believes, which is us.
        found = [guess("10.9.9.9").status_code for _ in range(7)]
        other = guess("10.8.8.8")
        right = guess("10.9.9.9", TOKEN)
        spoofed = running.get(
            headers={"Authorization": "Bearer x", "X-Forwarded-For": "10.7.7.7, 10.9.9.9"}
        )

    assert [401] * 5 + [429] * 2 == found
    assert 401 == other.status_code
    assert 200 == right.status_code  # 256 bits are not guessed: who has it is let in
    assert 429 == spoofed.status_code


def test_a_stranger_who_plays_the_door_is_not_believed(start, tmp_path):
    with both(start, tmp_path, door="http://door.invalid:1") as running:
        bearer = {"Authorization": f"Bearer {TOKEN}"}

        assert 404 == running.get(headers=bearer).status_code


def test_over_tls_the_cookie_is_held_to_its_host(start, tmp_path):
    from tests.contract.door.test_traefik_double import over_tls

    with both(start, tmp_path, "local_ca") as running:
        with httpx.Client(base_url=running.address, trust_env=False) as operator:
            operator.headers["authorization"] = f"Bearer {TOKEN}"
            code = operator.post("/auth/codes").json()["code"]
        led = over_tls(running.door, "guarded")
        done = post_over_tls(running.door, "guarded", {"code": code})
        cookie = done.headers["set-cookie"]

    assert 401 == led.status_code
    assert cookie.startswith("__Host-beast=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "max-age=31536000" in done.headers["strict-transport-security"]


def post_over_tls(started, host, body):
    import ssl

    trusting = ssl.create_default_context(cafile=str(started.folder / "ca/ca.crt"))
    with httpx.Client(verify=trusting, trust_env=False) as client:
        return client.post(
            f"https://127.0.0.1:{started.ports['websecure']}/.beast/session",
            headers={"Host": f"{host}.{DOMAIN}", "Origin": f"https://{host}.{DOMAIN}"},
            extensions={"sni_hostname": f"{host}.{DOMAIN}"},
            json=body,
        )


def test_while_the_api_is_away_nobody_passes(start):
    with start("none", change=lambda text: text.replace(THE_API, f"127.0.0.1:{free_port()}")) as on:
        found = on.get("guarded", headers={"Authorization": f"Bearer {TOKEN}"})

    assert 500 == found.status_code


def test_without_an_api_the_password_of_the_door_is_asked_for(start):
    with start("alone") as door:
        assert 401 == door.get("guarded").status_code
        assert 200 == door.get("guarded", auth=(USER, PASSWORD)).status_code


def test_the_deep_check_and_the_audit_know_this_way(start, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "SETTLE_SECONDS", 0.6)
    with both(start, tmp_path) as running:
        place = running.place
        found = read_services(place.services)
        front = found.service("traefik").model_copy(
            update={
                "publish": (Publish(address="127.0.0.1", port=running.door.ports["web"], target=1),)
            }
        )
        services = found.model_copy(
            update={"services": (front, found.service("guarded"), found.service("beast-api"))}
        )
        here = Standpoint(place.root, place.data, place.secrets)

        def look():
            sight = Sight(front, client=None, key=None, services=services, standpoint=here)
            return asyncio.run(CHECKS["routes"](sight))

        well = look()
        audited = asyncio.run(refusals(services, place.secrets))
        (place.secrets / "beast-api/token").write_text("another")
        wrong = look()

    assert Status.HEALTHY is well.status, well.message
    assert [] == [each.message for each in audited if each.name == "login-missing"]
    assert Status.UNHEALTHY is wrong.status
    assert f"guarded.{DOMAIN} answers 401" in wrong.message
