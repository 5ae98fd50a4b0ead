# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from beast_ops import entrance as module
from beast_ops.card_parts import Publish
from beast_ops.cards import Services
from beast_ops.certificates import Wanted, ensure
from beast_ops.entrance import entrance, login
from beast_ops.errors import UnavailableError
from beast_ops.testing import Canned, a_service, fake_service, free_port


def front(tmp_path, *ports, address="127.0.0.1", certificate=None):
    publish = tuple(Publish(address=address, port=port, target=port) for port in ports)
    door = a_service("door", publish=publish, certificate=certificate)
    services = Services(
        project="beast", runtime="compose", root="/x", data="/x", services=(a_service("a"), door)
    )
    return entrance(services, tmp_path)


def ask(found, *words, **more):
    return asyncio.run(found.ask(*words, **more))


@contextmanager
def speaking(*answers, context=None):
    """Listen on a port and answer each connection with the next of *answers*."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for answer in answers:
                try:
                    peer, _ = server.accept()
                    with context.wrap_socket(peer, server_side=True) if context else peer as talk:
                        talk.recv(65536)
                        talk.sendall(answer)
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_the_front_door_is_what_publishes(tmp_path):
    plain = front(tmp_path, 80, address="0.0.0.0")
    both = front(tmp_path, 80, 443, certificate=())

    assert ("door", "127.0.0.1", 80, None) == (
        plain.service.name, plain.address, plain.plain, plain.secure,
    )  # fmt: skip
    assert (443, tmp_path / "ca/ca.crt") == (both.secure, both.roots)
    assert front(tmp_path) is None


def test_a_request_names_its_host_and_brings_its_login(tmp_path):
    with fake_service({"/x": Canned(status=204)}) as fake:
        found = front(tmp_path, urlsplit(fake.address).port)
        answer = ask(found, "chat.lan", "/x", login="me:secret")

    assert 204 == answer.status
    assert "chat.lan" == fake.asked[0].headers["host"]
    assert "Basic bWU6c2VjcmV0" == fake.asked[0].headers["authorization"]


def test_header_fields_are_read(tmp_path):
    with speaking(b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n") as port:
        answer = ask(front(tmp_path, port), "a", "/")

    assert (301, "https://x/") == (answer.status, answer.headers["location"])


@pytest.mark.parametrize("said", [b"", b"220 mail\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_what_is_no_answer_is_unavailable(tmp_path, said):
    with (
        speaking(said) as port,
        pytest.raises(UnavailableError, match=r"does not answer for a\.lan"),
    ):
        ask(front(tmp_path, port), "a.lan", "/")


def test_nobody_there_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError):
        ask(front(tmp_path, free_port()), "a", "/")


def test_who_says_nothing_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = front(tmp_path, server.getsockname()[1])
        with pytest.raises(UnavailableError, match=r"within 0\.2 s"):
            ask(found, "a", "/")


@pytest.mark.parametrize(("name", "believed"), [("a.lan", True), ("b.lan", False)])
def test_a_certificate_is_believed_for_its_names_alone(tmp_path, name, believed):
    ensure(tmp_path / "ca", Wanted(("a.lan",), tmp_path / "leaf"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "leaf/tls.pem")
    answer = b"HTTP/1.1 200 OK\r\n\r\n"
    with speaking(*[answer] * (1 if believed else 2), context=context) as port:
        found = ask(front(tmp_path, free_port(), port, certificate=()), name, "/")

    assert 200 == found.status
    assert believed == (found.distrust == "")
    assert believed == (found.ends is not None)


def test_name_and_password_are_read_where_the_door_has_them(tmp_path):
    door = a_service("door")
    assert "" == login(tmp_path, door)
    (tmp_path / "door").mkdir()
    (tmp_path / "door/users").write_text("me:$2b$hash\n", encoding="utf-8")
    (tmp_path / "door/password").write_text("secret\n", encoding="utf-8")

    assert "me:secret" == login(tmp_path, door)
