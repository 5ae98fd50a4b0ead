# SPDX-License-Identifier: Apache-2.0
"""Grafana's ways; those of Open WebUI are in the tests of rotation."""

import base64
import json

import pytest

from beast_ops.cards import Health, Secret, read_services
from beast_ops.errors import ServiceError
from beast_ops.secrets.catalogue import find
from beast_ops.secrets.logins import change, signs_in
from beast_ops.secrets.proof import Lock, opens
from beast_ops.testing import Canned, a_service, fake_service


class Dashboards:
    """What Grafana answers, as far as a password is concerned."""

    def __init__(self):
        self.name, self.password, self.status = "admin", "old", 200
        self.answers = {"/api/user/password": self.update, "/api/org": self.org}

    def _admits(self, asked):
        word = asked.headers["authorization"].removeprefix("Basic ")
        return base64.b64decode(word).decode() == f"{self.name}:{self.password}"

    def org(self, asked):
        return Canned({"id": 1}, status=200 if self._admits(asked) else 401)

    def update(self, asked):
        if not self._admits(asked):
            return Canned({"message": "Invalid username or password"}, status=401)
        if self.status == 200:
            body = json.loads(asked.body)
            assert body["newPassword"] == body["confirmNew"]
            self.password = body["newPassword"]
        return Canned({"message": "User password changed"}, status=self.status)


@pytest.fixture
def dashboards():
    return Dashboards()


@pytest.fixture
def grafana(dashboards):
    with fake_service(dashboards.answers) as fake:
        yield a_service(
            "grafana",
            fake.address,
            secrets={"admin_password": Secret(rotate="api")},
            health=Health(deep="dashboards"),
        )


@pytest.mark.parametrize("present", ["old", "new"])
def test_the_administrator_gets_another_password_once(present, install, grafana, dashboards):
    dashboards.password = present

    change(install(grafana), grafana, "old", "new")

    assert "new" == dashboards.password


@pytest.mark.parametrize("present", ["old", "new"])
def test_the_administrator_may_have_another_name(present, install, grafana, dashboards):
    dashboards.name, dashboards.password = "keeper", present
    place = install(grafana)
    (place.secrets / "grafana").mkdir()
    (place.secrets / "grafana/admin_user").write_text("keeper")
    lock = Lock(place, read_services(place.services), find(place, "grafana/admin_password"))

    change(place, grafana, "old", "new")

    assert ("new", True) == (dashboards.password, opens(lock, "new"))


def test_a_password_that_somebody_changed_there_is_left_alone(install, grafana, dashboards):
    dashboards.password = "hunter2"

    with pytest.raises(ServiceError, match="somebody changed it there"):
        change(install(grafana), grafana, "old", "new")

    assert "hunter2" == dashboards.password


def test_a_refusal_is_told_without_the_words_of_the_answer(install, grafana, dashboards):
    dashboards.status = 500

    with pytest.raises(ServiceError, match="answered 500 to a new password"):
        change(install(grafana), grafana, "old", "new")


@pytest.mark.parametrize(("password", "expected"), [("old", True), ("new", False)])
def test_a_password_is_tried_where_it_is_asked_for(password, expected, install, grafana):
    place = install(grafana)
    lock = Lock(place, read_services(place.services), find(place, "grafana/admin_password"))

    assert expected is opens(lock, password)


@pytest.mark.parametrize("answer", [Canned(status=500), Canned(b"<html>"), Canned([])])
def test_a_login_that_is_neither_good_nor_bad_is_a_fault(answer, install, webui):
    with fake_service({"/api/v1/auths/signin": answer}) as fake:
        service = webui.model_copy(update={"address": fake.address})
        place = install(service)
        (place.secrets / "open-webui").mkdir()
        (place.secrets / "open-webui/admin_email").write_text("admin@localhost")

        with pytest.raises(ServiceError, match="and no token"):
            signs_in(place, service, "hunter2")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_too_busy_to_judge_neither_opens_nor_refuses(status, install, qdrant):
    from beast_ops.cards import read_services
    from beast_ops.secrets.catalogue import find

    with fake_service({"/collections": Canned(status=status)}) as fake:
        place = install(qdrant.model_copy(update={"address": fake.address}))
        lock = Lock(place, read_services(place.services), find(place, "qdrant/api_key"))

        with pytest.raises(ServiceError, match=f"answers {status}"):
            opens(lock, "hunter2")
