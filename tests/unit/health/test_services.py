# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import pytest

from beast_ops.cards import Health
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.testing import Canned, a_service, an_installation, fake_service, free_port

TAGS = "/api/tags"


def look(place):
    return {check.name: check for check in report.gate(place).checks}


@pytest.fixture
def judge(tmp_path):
    """Judge one service by the gate."""

    def judging(service, given=None):
        place = an_installation(tmp_path / "root", service, secrets=given)
        return look(place)[service.name]

    return judging


def test_a_path_that_answers_as_expected_is_healthy(judge):
    with fake_service({"/ping": Canned(status=204)}) as fake:
        check = judge(a_service("s", fake.address, health=Health(path="/ping", status=204)))

    assert (Status.HEALTHY, "answers") == (check.status, check.message)


def test_a_path_that_answers_otherwise_is_unhealthy(judge):
    with fake_service({"/ping": Canned(status=500)}) as fake:
        check = judge(a_service("s", fake.address, health=Health(path="/ping")))

    assert Status.UNHEALTHY is check.status
    assert check.message == "/ping answered 500 instead of 200"


def test_nobody_listening_is_unhealthy_and_says_where(judge):
    address = f"http://127.0.0.1:{free_port()}"
    check = judge(a_service("s", address, health=Health(path="/ping")))

    assert Status.UNHEALTHY is check.status
    assert check.message == f"nobody listens at {address}"


def test_a_service_that_hangs_is_unhealthy_after_its_own_deadline(judge):
    with fake_service({"/ping": Canned(seconds=30)}) as fake:
        begun = time.monotonic()
        check = judge(a_service("s", fake.address, health=Health(path="/ping", seconds=0.2)))
        took = time.monotonic() - begun

    assert Status.UNHEALTHY is check.status
    assert 0.2 <= took < 1


def test_a_service_nothing_is_said_about_is_unknown(judge):
    assert Status.UNKNOWN is judge(a_service("s")).status


def test_an_unknown_deep_check_is_unknown_and_named(judge):
    check = judge(a_service("s", health=Health(deep="alchemy")))

    assert Status.UNKNOWN is check.status
    assert "alchemy" in check.message


def test_a_deep_check_is_not_tried_when_the_path_fails(judge):
    with fake_service({TAGS: Canned({"models": [{"name": "m"}]})}) as fake:
        check = judge(a_service("s", fake.address, health=Health(path="/ping", deep="models")))

    assert Status.UNHEALTHY is check.status
    assert ["/ping"] == [asked.path for asked in fake.asked]


def test_an_optional_service_that_is_absent_is_a_note(judge):
    address = f"http://127.0.0.1:{free_port()}"
    check = judge(a_service("ollama", address, optional=True, health=Health(deep="models")))

    assert Status.HEALTHY is check.status
    assert "no model server" in check.message
    assert check.details["present"] is False


def test_an_optional_service_without_special_words_is_a_note_too(judge):
    address = f"http://127.0.0.1:{free_port()}"
    check = judge(a_service("s", address, optional=True, health=Health(path="/")))

    assert (Status.HEALTHY, "not there; optional") == (check.status, check.message)


@pytest.mark.parametrize(
    "answers",
    [
        {"/": Canned(status=500)},
        {"/": Canned(seconds=30)},
        {"/": Canned(), TAGS: Canned({"models": []})},
        {"/": Canned(), TAGS: Canned(status=500)},
        {"/": Canned(), TAGS: Canned(b"no json")},
    ],
    ids=["fails", "hangs", "has no models", "fails deeply", "says nonsense"],
)
def test_an_optional_service_that_is_there_is_at_worst_degraded(judge, answers):
    with fake_service(answers) as fake:
        health = Health(path="/", deep="models", seconds=0.5)
        check = judge(a_service("s", fake.address, optional=True, health=health))

    assert Status.DEGRADED is check.status


def test_an_optional_service_that_breaks_off_is_degraded(judge):
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def break_off():
            listener.accept()[0].close()

        threading.Thread(target=break_off, daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        check = judge(a_service("s", address, optional=True, health=Health(path="/")))

    assert Status.DEGRADED is check.status


def test_the_api_is_ready_when_it_says_so(judge):
    with fake_service({"/health/ready": Canned({"status": "ready"})}) as fake:
        check = judge(a_service("a", fake.address, health=Health(deep="api")))

    assert (Status.HEALTHY, "ready") == (check.status, check.message)


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"error": {"message": "no store"}}, "no store"), (b"<html>", "answered 503")],
)
def test_an_api_that_is_not_ready_says_why(judge, body, reason):
    with fake_service({"/health/ready": Canned(body, status=503)}) as fake:
        check = judge(a_service("a", fake.address, health=Health(deep="api")))

    assert (Status.UNHEALTHY, f"not ready: {reason}") == (check.status, check.message)


def test_a_model_server_with_a_model_is_healthy(judge):
    with fake_service({TAGS: Canned({"models": [{"name": "gemma3"}]})}) as fake:
        check = judge(a_service("o", fake.address, optional=True, health=Health(deep="models")))

    assert Status.HEALTHY is check.status
    assert check.details["models"] == ["gemma3"]


def test_fifty_services_take_as_long_as_the_slowest(tmp_path):
    with fake_service({"/": Canned(seconds=0.2)}) as fake:
        services = [
            a_service(f"s{number}", fake.address, health=Health(path="/")) for number in range(50)
        ]
        found = report.read_services(an_installation(tmp_path, *services).services)
        begun = time.monotonic()
        seen = asyncio.run(report.survey(found, lambda _: None, machine=False))
        took = time.monotonic() - begun

    assert Status.HEALTHY is seen.status
    assert took < 1  # the exact figure is the benchmark's business


def test_https_keeps_its_certificate_checks():
    from beast_ops.health import services

    plain = services.client([a_service("a", "http://127.0.0.1:1")])
    secure = services.client(
        [a_service("a", "http://127.0.0.1:1"), a_service("b", "https://b.example")]
    )

    def verifies(client):
        return client._transport._pool._ssl_context.verify_mode.name == "CERT_REQUIRED"

    assert not verifies(plain)
    assert verifies(secure)


@pytest.fixture
def certified(tmp_path):
    """Serve TLS with a certificate nobody trusts; give the address."""
    import ssl
    import threading
    from datetime import UTC, datetime, timedelta
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (tmp_path / "pem").write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.handle_error = lambda *_: None  # the client breaks off
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_certificate_we_refuse_is_not_taken_for_absence(judge, certified):
    check = judge(a_service("s", certified, optional=True, health=Health(path="/")))

    assert Status.DEGRADED is check.status
    assert "CERTIFICATE_VERIFY_FAILED" in check.message


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"x" * 100_000])
def test_what_does_not_speak_http_is_unhealthy(judge, said):
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak():
            with listener.accept()[0] as opened:
                opened.sendall(said)

        threading.Thread(target=speak, daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        check = judge(a_service("s", address, health=Health(path="/")))

    assert Status.UNHEALTHY is check.status
    assert "broke off" in check.message
