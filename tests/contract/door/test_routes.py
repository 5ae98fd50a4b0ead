# SPDX-License-Identifier: Apache-2.0
"""The deep check of the front door, against the double with the routes of the role."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beast_ops.card_parts import Health, Publish, Route
from beast_ops.cards import Services
from beast_ops.certificates import Wanted, ensure
from beast_ops.health import routes as check
from beast_ops.health.deep import CHECKS, Sight
from beast_ops.health.model import Status
from beast_ops.health.standpoint import Standpoint
from beast_ops.testing import a_service
from tests.contract.door.conftest import DOMAIN, PASSWORD, USER


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(check, "SETTLE_SECONDS", 0.6)


def look(started, *others, domain=DOMAIN, certified=True, word=PASSWORD):
    """Return what the deep check says of the door *started* and some services behind it."""
    secrets = started.folder / "checked"
    door = secrets / "traefik"
    door.mkdir(parents=True, exist_ok=True)
    (door / "users").write_text(f"{USER}:hash\n", encoding="utf-8")
    (door / "password").write_text(word, encoding="utf-8")
    if not (secrets / "ca").exists():
        (secrets / "ca").symlink_to(started.folder / "ca")
    ports = [started.ports["web"], started.ports["websecure"]][: 2 if certified else 1]
    front = a_service(
        "traefik",
        route=Route(host="traefik", auth="basic"),
        health=Health(path="/ping", deep="routes"),
        publish=tuple(Publish(address="127.0.0.1", port=port, target=1) for port in ports),
        certificate=() if certified else None,
    )
    found = Services(
        project="beast",
        runtime="compose",
        root=str(started.folder),
        data=str(started.folder),
        domain=domain,
        services=(front, *others),
    )
    standpoint = Standpoint(Path(found.root), Path(found.data), secrets)
    sight = Sight(front, client=None, key=None, services=found, standpoint=standpoint)
    return asyncio.run(CHECKS["routes"](sight))


def behind(name, auth="own", host="", **more):
    return a_service(name, route=Route(host=host or name, auth=auth), **more)


def test_routes_that_lead_where_they_should_are_healthy(secure):
    found = look(secure, behind("ollama", "basic"), behind("chat"))

    assert "routes that lead where they should: 3" == found.message
    assert Status.HEALTHY is found.status
    ends = datetime.fromisoformat(found.details["certificate_ends"])
    assert timedelta(days=300) < ends - datetime.now(UTC) < timedelta(days=400)
    assert {f"{name}.{DOMAIN}" for name in ("traefik", "ollama", "chat")} == set(
        found.details["routes"]
    )


def test_they_are_looked_at_without_tls_where_there_is_none(plain):
    found = look(plain, behind("ollama", "basic"), certified=False)

    assert Status.HEALTHY is found.status
    assert {"routes"} == found.details.keys()


def test_a_route_that_nobody_rendered_is_unhealthy(secure):
    found = look(secure, behind("missing"))

    assert (Status.UNHEALTHY, f"missing.{DOMAIN} answers 404") == (found.status, found.message)


def test_nobody_behind_a_route_is_unhealthy_and_of_an_optional_service_a_nuisance(secure):
    needed, optional = look(secure, behind("gone")), look(secure, behind("gone", optional=True))

    assert (Status.UNHEALTHY, f"gone.{DOMAIN} answers 502") == (needed.status, needed.message)
    assert Status.DEGRADED is optional.status


def test_a_route_that_should_ask_for_a_password_and_does_not_is_unhealthy(secure):
    found = look(secure, behind("chat", "basic"))

    assert Status.UNHEALTHY is found.status
    assert f"chat.{DOMAIN} answers 200 to who has no password" == found.message


def test_a_password_that_is_refused_is_unhealthy(secure):
    found = look(secure, word="another")

    assert (Status.UNHEALTHY, f"traefik.{DOMAIN} answers 401") == (found.status, found.message)
    assert "another" not in repr(found)


def test_a_certificate_of_another_authority_is_unhealthy(start, tmp_path):
    with start("local_ca") as started:
        ensure(tmp_path / "other", Wanted((DOMAIN,), tmp_path / "x"))
        (started.folder / "checked").mkdir()
        (started.folder / "checked/ca").symlink_to(tmp_path / "other")
        found = look(started)

    assert Status.UNHEALTHY is found.status
    assert f"the certificate for traefik.{DOMAIN} is not believed" in found.message


def test_a_certificate_about_to_end_is_told(secure, monkeypatch):
    monkeypatch.setattr(check, "SOON", timedelta(days=400))
    found = look(secure)

    assert Status.DEGRADED is found.status
    assert "the certificate ends on 20" in found.message


def test_a_route_that_comes_a_moment_later_is_waited_for(start, monkeypatch):
    monkeypatch.setattr(check, "SETTLE_SECONDS", 5.0)
    with start("none", change=lambda text: text.replace(f"chat.{DOMAIN}", "later")) as started:
        path = started.live / "dynamic.yml"
        made = started.live / ".next"
        made.write_text(path.read_text(encoding="utf-8").replace("later", f"chat.{DOMAIN}"))
        ask = check.Entrance.ask

        async def once(self, *words, **more):
            answer = await ask(self, *words, **more)
            if answer.status == 404 and made.exists():
                os.replace(made, path)  # noqa: PTH105 - as a deploy does it
            return answer

        monkeypatch.setattr(check.Entrance, "ask", once)
        found = look(started, behind("chat"), certified=False)

    assert Status.HEALTHY is found.status, found.message


def test_a_front_door_that_is_down_is_unhealthy(start):
    with start("none") as started:
        pass
    found = look(started, certified=False)

    assert Status.UNHEALTHY is found.status
    assert f"the front door does not answer for traefik.{DOMAIN}" in found.message


def test_without_a_front_door_nothing_is_known(plain):
    assert Status.UNKNOWN is look(plain, domain=None).status
