# SPDX-License-Identifier: Apache-2.0
"""Requests that are counted in a real Valkey: together, and alone when it is gone."""

import json
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from beast_ops import counting, http
from beast_ops.api.app import build
from beast_ops.testing import serving
from tests.valkey_server import PASSWORD

LIMITS = {"per_second": 1000, "burst": 1000, "default": 6}
PATH = "/session"


@pytest.fixture
def two(stack, tmp_path, server):
    """Return what serves two APIs that share their data and a Valkey; yields two clients."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"limits": LIMITS}))
    url = f"redis://127.0.0.1:{server.port}"
    around = replace(
        stack.around,
        settings=settings,
        data=tmp_path / "data",
        queue_url=url,
        queue_key=server.key,
    )

    @contextmanager
    def serve():
        with serving(build(around)) as one:
            operator = {"authorization": "Bearer the-token"}
            with http.client(one, headers=operator) as first:
                token = first.post("/tokens", json={"name": "one"}).json()["token"]
            headers = {"authorization": f"Bearer {token}"}
            with (
                serving(build(around)) as other,
                http.client(one, headers=headers) as a,
                http.client(other, headers=headers) as b,
            ):
                yield a, b

    return serve


def asked(*clients):
    return [client.get(PATH).status_code for client in clients]


def test_two_processes_count_together(two):
    with two() as (a, b):
        found = asked(a, b, a, b, a, b)
        refused = b.get(PATH)

    assert [200] * 6 == found
    assert 429 == refused.status_code
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert ("6", "0") == tuple(refused.headers[f"ratelimit-{x}"] for x in ("limit", "remaining"))


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_without_it_each_counts_alone_and_nobody_waits(two, server, how, caplog):
    with two() as (a, b):
        assert [200] * 4 == asked(a, a, b, b)
        (server.kill if how == "killed" else server.hold)()
        begun = time.monotonic()
        alone = asked(*[a] * 5)

    assert [200] * 4 + [429] == alone  # what was counted in Valkey was counted here, too
    assert time.monotonic() - begun < 3 * counting.SHARED_SECONDS + 1
    assert "counted here alone" in caplog.text
    assert PASSWORD not in caplog.text


def test_once_it_is_back_they_count_together_again(two, server, monkeypatch):
    monkeypatch.setattr(counting, "AGAIN_SECONDS", 0.2)
    with two() as (a, b):
        server.kill()
        assert [200] == asked(a)
        server.start()
        time.sleep(0.4)
        assert [200] * 3 == asked(a, a, a)
        last = b.get(PATH)

    assert "2" == last.headers["ratelimit-remaining"]
