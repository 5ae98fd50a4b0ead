# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.audit.published import containers
from beast_ops.errors import CommandError


class Docker:
    """Answers as `docker ps` does."""

    def __init__(self, *told):
        self.told = told

    def run(self, argv, **_):
        assert ["docker", "ps", "--no-trunc"] == argv[:3]
        return "\n".join(json.dumps(each) for each in self.told)


def ps(ports, labels=""):
    return {"ID": "a" * 64, "Names": "web", "Ports": ports, "Labels": labels}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("", []),
        ("80/tcp", []),
        ("0.0.0.0:80->8000/tcp", [("tcp", "0.0.0.0", 80)]),
        (":::80->8000/tcp", [("tcp", "::", 80)]),
        ("[::]:53->53/udp, 9/tcp", [("udp", "::", 53)]),
        ("127.0.0.1:80-81->80-81/tcp", [("tcp", "127.0.0.1", 80), ("tcp", "127.0.0.1", 81)]),
    ],
)
def test_ports_are_read_as_docker_writes_them(told, expected):
    assert expected == list(containers(Docker(ps(told)))[0].ports)


def test_a_container_tells_whose_it_is():
    labels = "org.ai-beast.root=/opt/beast,com.docker.compose.project=beast,other=a=b"
    (found,) = containers(Docker(ps("", labels)))

    assert ("web", "/opt/beast", "beast") == (found.name, found.root, found.project)


def test_no_containers_are_none():
    assert [] == containers(Docker())


def test_no_docker_is_an_error():
    class Missing:
        def run(self, argv, **_):
            raise CommandError("could not start", subject=argv[0])

    with pytest.raises(CommandError):
        containers(Missing())
