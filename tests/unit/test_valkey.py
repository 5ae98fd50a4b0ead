# SPDX-License-Identifier: Apache-2.0
"""How a process is told of Valkey; what it says is tried on a real one elsewhere."""

import socket
import time

import pytest
from redis.exceptions import RedisError

from beast_ops import valkey
from beast_ops.errors import BeastError, SettingsError

SECRET = "nobody-shall-see-this"


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{SECRET}\n")
    return path


def test_without_an_address_there_is_none():
    assert valkey.given({}) is None
    assert valkey.given({valkey.URL: ""}) is None


def test_address_and_password_come_from_the_release(key):
    found = valkey.given({valkey.URL: "redis://valkey:6379", valkey.KEY_FILE: str(key)})

    assert ("valkey", 6379, SECRET) == (found.host, found.port, found.password)


def test_a_port_that_is_not_said_is_the_usual_one():
    assert valkey.Valkey("valkey", valkey.PORT) == valkey.given({valkey.URL: "redis://valkey"})


def test_the_password_is_never_shown(key):
    found = valkey.at("redis://valkey:6379", key)

    assert SECRET not in repr(found)
    assert SECRET not in repr(found.client())


@pytest.mark.parametrize("url", ["http://valkey:6379", "valkey:6379", "redis://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(SettingsError, match="redis://valkey:6379"):
        valkey.at(url, None)


def test_a_password_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(BeastError, match="cannot read a secret"):
        valkey.at("redis://valkey:6379", tmp_path / "none")


def test_nobody_waits_long_for_one_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = valkey.Valkey("127.0.0.1", silent.getsockname()[1]).client()
        begun = time.monotonic()
        with pytest.raises(RedisError):
            client.ping()
        client.close()

    assert time.monotonic() - begun < 2 * valkey.ANSWER_SECONDS + 1
