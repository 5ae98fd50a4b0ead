# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops import keys
from beast_ops.cards import Health, Metrics, Secret
from beast_ops.testing import Canned, a_service, an_installation, fake_service

MASTER = bytes(range(32))


@pytest.fixture
def install(tmp_path):
    """Make an installation of some services, with a master key and a record of who reads what."""

    def installing(*services, filled=()):
        place = an_installation(tmp_path / "root", *services)
        place.run.mkdir()
        place.secrets.mkdir(mode=0o700, exist_ok=True)
        keys.write_atomically(place.secrets / "master.key", MASTER)
        handovers = [
            (service.name, name, service.name, name)
            for service in services
            for name in service.secrets
        ]
        record = {
            "content": "0",
            "venv": "0",
            "generation": "1",
            "handovers": handovers,
            "filled": list(filled),
        }
        (place.current / "release.json").write_text(json.dumps(record))
        return place

    return installing


def derived(name, version):
    return keys.derive(MASTER, *name.split("/"), version)


class Store:
    """A vector store that takes what *good* holds."""

    def __init__(self, *good):
        self.good = set(good)
        self.answers = {"/collections": self.listed, "/metrics": self.figures}

    def listed(self, asked):
        return Canned({"result": {}}, status=200 if asked.headers["api-key"] in self.good else 401)

    def figures(self, asked):
        key = asked.headers["authorization"].removeprefix("Bearer ")
        return Canned(b"up 1\n", status=200 if key in self.good else 403)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def qdrant(store):
    """Serve the store; give its service."""
    with fake_service(store.answers) as fake:
        yield a_service(
            "qdrant",
            fake.address,
            secrets={"api_key": Secret(), "read_only_key": Secret()},
            health=Health(deep="vectors"),
            metrics=Metrics(path="/metrics", key="read_only_key"),
        )


class Application:
    """What Open WebUI answers, as far as a password is concerned."""

    def __init__(self):
        self.password, self.status = derived("open-webui/admin_password", 1), 200
        self.answers = {
            "/api/v1/auths/signin": self.sign_in,
            "/api/v1/auths/update/password": self.update,
        }

    def sign_in(self, asked):
        body = json.loads(asked.body)
        if (body["email"], body["password"]) != ("admin@localhost", self.password):
            return Canned({"detail": f"not {body['password']}"}, status=400)
        return Canned({"token": "t"})

    def update(self, asked):
        body = json.loads(asked.body)
        assert "Bearer t" == asked.headers["authorization"]
        if body["password"] != self.password or self.status != 200:
            return Canned({"detail": f"not {body['new_password']}"}, status=self.status)
        self.password = body["new_password"]
        return Canned(body=b"true")


@pytest.fixture
def application():
    return Application()


@pytest.fixture
def webui(application):
    """Serve the application; give its service."""
    with fake_service(application.answers) as fake:
        yield a_service(
            "open-webui",
            fake.address,
            secrets={
                "admin_password": Secret(rotate="api"),
                "secret_key": Secret(rotate="never"),
                "mail_password": Secret(given=True),
            },
            health=Health(deep="webui"),
        )
