# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops import alerts
from beast_ops.cards import Health, Services
from beast_ops.errors import NotDeployedError
from beast_ops.testing import a_service


def services(*each):
    return Services(project="beast", runtime="compose", root="/r", data="/r/data/1", services=each)


def test_where_nothing_sends_alerts_it_says_so():
    with pytest.raises(NotDeployedError, match="nothing here sends alerts"):
        alerts.send_test(services(a_service("qdrant", address="http://127.0.0.1:1")))


def test_the_alert_says_that_it_is_a_test_and_ends_by_itself():
    from beast_ops.clock import SYSTEM

    made = alerts.alert(SYSTEM)

    assert "TestAlert" == made["labels"]["alertname"]
    assert made["startsAt"] < made["endsAt"]
    assert json.dumps(made)


def test_it_goes_to_whoever_sends_alerts(monkeypatch):
    import httpx

    heard = []

    def answer(request):
        heard.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200)

    def client(url):
        return httpx.Client(base_url=url, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(alerts.http, "client", client)
    sender = a_service("bell", address="http://127.0.0.1:9093", health=Health(deep="alerting"))

    assert "http://127.0.0.1:9093" == alerts.send_test(services(sender))
    assert "/api/v2/alerts" == heard[0][0]
    assert "TestAlert" == heard[0][1][0]["labels"]["alertname"]
