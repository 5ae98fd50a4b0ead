# SPDX-License-Identifier: Apache-2.0
"""Where the API is, as far as anybody says."""

import pytest

from beast_ops.cards import Health
from beast_ops.client.where import Where, found
from beast_ops.errors import BeastError, NotDeployedError, UsageError
from beast_ops.testing import a_service, an_installation

HERE = "https://ai.example.org"


def test_what_is_said_counts_before_the_environment():
    environ = {"BEAST_API_URL": "https://other.example.org", "BEAST_API_TOKEN": "other"}

    assert Where(HERE, "mine") == found(HERE, "mine", environ=environ)
    assert Where("https://other.example.org", "mine") == found(token="mine", environ=environ)


def test_the_environment_may_name_a_file(tmp_path):
    (tmp_path / "token").write_text("in-a-file\n")
    environ = {"BEAST_API_URL": f"{HERE}/", "BEAST_API_TOKEN_FILE": str(tmp_path / "token")}

    assert Where(HERE, "in-a-file") == found(environ=environ)
    with pytest.raises(BeastError, match="cannot read a secret"):
        found(environ=environ | {"BEAST_API_TOKEN_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("said", "missing"),
    [({"address": HERE}, "a token is missing"), ({"token": "t"}, "an address is missing")],
)
def test_a_token_is_sent_nowhere_by_guess(said, missing):
    with pytest.raises(UsageError, match=missing):
        found(**said, environ={})


def test_else_the_files_of_the_installation_say_it(tmp_path):
    api = a_service("beast-api", "http://127.0.0.1:8700", health=Health(deep="api"))
    place = an_installation(tmp_path / "here", api, secrets={"beast-api/token": "its-own"})

    expected = Where("http://127.0.0.1:8700", "its-own")
    assert expected == found(place=place, environ={})
    assert expected == found(environ={"BEAST_ROOT": str(place.root)})
    with pytest.raises(NotDeployedError):
        found(environ={"BEAST_ROOT": str(tmp_path / "nothing")})


def test_a_token_is_not_shown():
    assert "secret" not in repr(Where(HERE, "secret"))
