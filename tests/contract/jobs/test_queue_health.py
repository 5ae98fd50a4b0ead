# SPDX-License-Identifier: Apache-2.0
"""The check of Valkey, on a real one."""

import asyncio
from pathlib import Path

import pytest

from beast_ops.cards import Health
from beast_ops.health import report
from beast_ops.health.model import Check, Status
from beast_ops.health.standpoint import Standpoint
from beast_ops.testing import a_service, an_installation
from tests.valkey_server import PASSWORD, Server


def look(root: Path, port: int, key: str | None) -> list[Check]:
    """Look from inside a container whose process has *key*."""
    service = a_service(
        "valkey", None, health=Health(deep="queue"), inside=f"http://127.0.0.1:{port}"
    )
    place = an_installation(root, service)
    inside = Standpoint(place.root, place.data / "1", place.secrets, inside=True)
    found = report.read_services(place.services)
    seen = asyncio.run(report.survey(found, lambda _: key, machine=False, standpoint=inside))
    return list(seen.checks)


def test_it_answers_whoever_has_the_password(server: Server, tmp_path: Path) -> None:
    (check,) = look(tmp_path / "root", server.port, PASSWORD)

    assert (Status.HEALTHY, "answers") == (check.status, check.message)


def test_a_wrong_password_is_told_and_not_repeated(server: Server, tmp_path: Path) -> None:
    (check,) = look(tmp_path / "root", server.port, "wrong-one")

    assert Status.UNHEALTHY is check.status
    assert "WRONGPASS" in check.message
    assert "wrong-one" not in check.message


def test_who_has_no_password_does_not_look(server: Server, tmp_path: Path) -> None:
    assert [] == look(tmp_path / "root", server.port, None)


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_one_that_is_gone_is_unhealthy(server: Server, tmp_path: Path, how: str) -> None:
    (server.kill if how == "killed" else server.hold)()

    (check,) = look(tmp_path / "root", server.port, PASSWORD)

    assert Status.UNHEALTHY is check.status
