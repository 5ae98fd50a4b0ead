# SPDX-License-Identifier: Apache-2.0
"""What the gateway tells Prometheus, and what the token for that opens."""

import shutil
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beast_ops import http

BLOB = "/api/blobs/sha256:" + "0b" * 32
TOTAL = "ai_beast_gateway_requests_total"


def page(door, who="metrics"):
    with door.client(who and door.token(who)) as client:
        return client.get("/metrics")


def told(door):
    """Return every figure by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page(door).text)
        for sample in family.samples
    }


def requests(found, method, route, status):
    labels = {"method": method, "route": route, "status": str(status)}
    return found.get((TOTAL, *sorted(labels.items())), 0)


def test_it_is_counted_what_was_asked_and_how_it_ended(door):
    before = told(door)
    with door.client("token-of-worker") as client:
        client.post("/api/chat", json={"model": "llama3.2"})
        client.head(BLOB)
        client.get("/made/up/1")
        client.get("/made/up/2")
    with door.client("wrong") as client:
        client.get("/api/tags")
    after = told(door)

    def more(*which):
        return requests(after, *which) - requests(before, *which)

    assert 1 == more("POST", "/api/chat", 200)
    assert 1 == more("HEAD", "/api/blobs", 200)
    assert 2 == more("GET", "other", 404)
    assert 1 == more("GET", "/api/tags", 401)
    assert not [each for each in after if "made" in str(each) or BLOB in str(each)]
    assert 0 == after[("ai_beast_gateway_requests_running",)]


def test_who_hangs_up_is_counted_as_gone_and_what_runs_as_running(door, recorder):
    recorder.lines, recorder.gap = 1000, 0.05
    before = requests(told(door), "POST", "/api/chat", 499)
    with (
        door.client("token-of-worker") as client,
        client.stream("POST", "/api/chat", json={"model": "llama3.2"}) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        assert 1 == told(door)[("ai_beast_gateway_requests_running",)]
    assert recorder.given_up.wait(10)

    for _ in range(100):
        if before + 1 == requests(told(door), "POST", "/api/chat", 499):
            break
        time.sleep(0.05)
    else:
        raise AssertionError(told(door))


def test_the_token_of_the_figures_opens_nothing_else(door, recorder):
    with door.client("token-of-metrics") as client:
        codes = [client.get("/api/tags").status_code, client.post("/api/chat").status_code]

    assert [403, 403] == codes
    assert not recorder.asked


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("stranger", 401), ("worker", 403)])
def test_nobody_else_sees_them(door, who, status):
    assert status == page(door, who).status_code


def test_they_are_as_prometheus_wants_them(door, needs):
    needs("promtool")
    found = subprocess.run(
        [shutil.which("promtool"), "check", "metrics"],
        input=page(door).content,
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (found.returncode, found.stderr)


def test_looking_is_not_counted(door):
    told(door)
    with http.client(door.address) as client:
        client.get("/health/live")

    assert not [each for each in told(door) if "/metrics" in str(each) or "/health" in str(each)]
