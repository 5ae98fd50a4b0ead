# SPDX-License-Identifier: Apache-2.0
"""The API as the process that supervisord starts, beside a real vector process."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from beast_ops import http
from beast_ops.cards import Health
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.search.client import search
from beast_ops.search.model import SearchOptions
from beast_ops.testing import Passage, a_service, an_installation, fill, free_port, secrets
from beast_ops.vectors.testing import running

SECRETS = {"token": "the-token", "metrics_token": "the-metrics-token", "vectors_key": ""}
SECONDS = 30


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    with running(tmp_path_factory.mktemp("vectors")) as server:
        with http.client(server.url, headers={"api-key": server.key}) as client:
            fill(client, "docs", (Passage("Cats sleep most of the day."),))
        yield server


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def place(vectors, port, tmp_path_factory):
    root = tmp_path_factory.mktemp("installation") / "with space"
    api = Health(path="/health/live", deep="api")
    store = Health(path="/readyz", deep="vectors")
    given = {f"beast-api/{name}": value or vectors.key for name, value in SECRETS.items()}
    made = an_installation(
        root,
        a_service("qdrant", vectors.url, health=store, secrets=secrets("api_key")),
        a_service("beast-api", f"http://127.0.0.1:{port}", health=api),
        secrets={**given, "qdrant/api_key": vectors.key},
    )
    (root / "config").mkdir()
    (root / "config" / "settings.json").write_text(json.dumps({"port": port}))
    return made


def environment(place, vectors, **changed):
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C",
        "BEAST_ROOT": str(place.root),
        "BEAST_SERVICES": str(place.services),
        "BEAST_DATA": str(place.data / "1"),
        "BEAST_CONFIG": str(place.config),
        "BEAST_SECRETS": str(place.secrets / "beast-api"),
        "BEAST_VECTORS_URL": vectors.url,
        "BEAST_VECTORS_KEY_FILE": str(place.secrets / "beast-api" / "vectors_key"),
        **changed,
    }


@contextmanager
def started(place, vectors, port):
    """Run the API until the block ends."""
    process = subprocess.Popen(
        (sys.executable, "-m", "beast_ops.api"),
        env=environment(place, vectors),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        with http.client(f"http://127.0.0.1:{port}") as client:
            wait(lambda: answers(client, "/health/live") == 200)
            yield process, client
    finally:
        process.kill()
        process.communicate()


def answers(client, path):
    try:
        return client.get(path).status_code
    except http.RequestError:
        return 0


def wait(until):
    deadline = time.monotonic() + SECONDS
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_serves_survives_the_store_and_ends_when_told(place, vectors, port):
    with started(place, vectors, port) as (process, client):
        assert answers(client, "/health/ready") == 200
        assert "server" not in client.get("/health/live").headers
        assert search(place, "sleeping cats", SearchOptions())["hits"]
        assert report.gate(place).status is Status.HEALTHY

        vectors.kill()
        wait(lambda: answers(client, "/health/ready") == 503)
        assert answers(client, "/health/live") == 200
        assert report.gate(place).status is Status.UNHEALTHY

        vectors.start()
        wait(lambda: answers(client, "/health/ready") == 200)
        assert search(place, "sleeping cats", SearchOptions())["hits"]

        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)

    assert time.monotonic() - begun < 5
    text = output.decode()
    assert "Application shutdown complete" in text
    assert "Traceback" not in text
    for value in (*SECRETS.values(), vectors.key):
        assert not value or value not in text


def test_it_starts_before_the_store_does(place, vectors, port):
    vectors.kill()
    try:
        with started(place, vectors, port) as (_, client):
            assert answers(client, "/health/ready") == 503
            vectors.start()
            wait(lambda: answers(client, "/health/ready") == 200)
    finally:
        if vectors.process is None:
            vectors.start()


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"BEAST_SECRETS": "/nowhere"}, 64, "cannot read a secret"),
        ({"BEAST_CONFIG": "/nowhere"}, 64, "cannot read settings"),
        ({"BEAST_VECTORS_URL": ""}, 64, "(BEAST_VECTORS_URL)"),
    ],
)
def test_what_it_cannot_start_with_is_one_paragraph(place, vectors, changed, code, reason):
    done = subprocess.run(
        (sys.executable, "-m", "beast_ops.api"),
        env=environment(place, vectors, **changed),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert code == done.returncode
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_one_line(place, vectors, port):
    import socket

    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            (sys.executable, "-m", "beast_ops.api"),
            env=environment(place, vectors),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
