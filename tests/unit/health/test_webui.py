# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.cards import Health
from beast_ops.health import webui
from beast_ops.health.model import Status
from beast_ops.testing import Canned, a_service, fake_service, secrets

WELL = Canned({"status": True})
GIVEN = {"admin_email": "admin@localhost", "admin_password": "right"}


class Application:
    """What the application answers, as far as one looks."""

    def __init__(self):
        self.password, self.token, self.models = "right", "t1", [{"id": "a"}, {"id": "b"}]
        self.answers = {
            "/health": WELL,
            "/health/db": WELL,
            "/api/v1/auths/signin": self.sign_in,
            "/api/models": self.listed,
        }

    def sign_in(self, asked):
        body = json.loads(asked.body)
        if (body["email"], body["password"]) != ("admin@localhost", self.password):
            return Canned({"detail": "The email or password provided is incorrect."}, status=400)
        return Canned({"token": self.token})

    def listed(self, asked):
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Canned({"detail": "Not authenticated"}, status=401)
        return Canned({"data": self.models})


@pytest.fixture
def application():
    webui._logins.clear()
    return Application()


@pytest.fixture
def judge(look, application):
    """Serve the application, and judge it once or several times."""

    def judging(given=GIVEN, *, thorough=True, times=1, between=lambda: None):
        with fake_service(application.answers) as fake:
            health = Health(path="/health", deep="webui")
            service = a_service("w", fake.address, health=health, secrets=secrets("admin_password"))
            checks = []
            for _ in range(times):
                checks.append(look(service, given, thorough=thorough))
                between()
        tried = [asked.path for asked in fake.asked].count("/api/v1/auths/signin")
        return checks, tried

    return judging


def test_a_look_does_not_log_in(judge):
    (check,), tried = judge(thorough=False)

    assert (Status.HEALTHY, "answers, and so does its database") == (check.status, check.message)
    assert 0 == tried


def test_a_gate_logs_in_and_sees_the_models(judge):
    (check,), _ = judge()

    assert (Status.HEALTHY, "lets the administrator in, models: 2") == (check.status, check.message)


@pytest.mark.parametrize("path", ["/health", "/health/db"])
@pytest.mark.parametrize("body", [{"status": False}, {}, [], b"<html>"])
def test_only_what_it_says_of_its_health_counts(path, body, judge, application):
    application.answers[path] = Canned(body)

    (check,), _ = judge(thorough=False)

    assert Status.UNHEALTHY is check.status
    assert f"{path} does not say that it is well" in check.message


def test_the_password_that_does_not_fit_is_unhealthy_and_not_shown(judge):
    (check,), _ = judge({**GIVEN, "admin_password": "hunter2"})

    assert Status.UNHEALTHY is check.status
    assert "the administrator cannot log in" in check.message
    assert "hunter2" not in check.message


def test_a_login_is_kept_for_the_next_look(judge):
    checks, tried = judge(times=5)

    assert [Status.HEALTHY] * 5 == [check.status for check in checks]
    assert 1 == tried


def test_a_failure_is_believed_for_a_while_for_only_15_logins_may_be_tried(judge):
    checks, tried = judge({**GIVEN, "admin_password": "wrong"}, times=30)

    assert [Status.UNHEALTHY] * 30 == [check.status for check in checks]
    assert 1 == len({check.message.partition(" (")[0].rstrip(".") for check in checks})
    assert 1 == tried


def test_a_failure_is_not_believed_for_ever(judge, monkeypatch, application):
    monkeypatch.setattr(webui, "BELIEVED_SECONDS", 0)
    application.password = "not yet"

    def appear():
        application.password = "right"

    checks, tried = judge(times=2, between=appear)

    assert [Status.UNHEALTHY, Status.HEALTHY] == [check.status for check in checks]
    assert 2 == tried


def test_a_token_that_is_not_good_any_more_is_replaced(judge, application):
    def change():
        application.token = "t2"

    checks, tried = judge(times=2, between=change)

    assert [Status.HEALTHY] * 2 == [check.status for check in checks]
    assert 2 == tried


def test_a_login_without_a_token_is_none(judge, application):
    application.answers["/api/v1/auths/signin"] = Canned({"detail": "moved"})

    (check,), _ = judge()

    assert Status.UNHEALTHY is check.status
    assert "gave no token" in check.message


def test_the_page_instead_of_the_models_is_a_fault(judge, application):
    application.answers["/api/models"] = Canned(b"<!doctype html>")

    (check,), _ = judge()

    assert Status.UNHEALTHY is check.status
    assert "lists no models" in check.message


@pytest.mark.parametrize("lost", ["admin_email", "admin_password"])
def test_without_the_login_at_hand_it_is_degraded(lost, judge):
    (check,), _ = judge({name: value for name, value in GIVEN.items() if name != lost})

    assert Status.DEGRADED is check.status
    assert "cannot be read" in check.message
