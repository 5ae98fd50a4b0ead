# SPDX-License-Identifier: Apache-2.0
"""Services of the release that show a token of their own."""

import pytest

from beast_ops.access.model import Scope
from beast_ops.access.services import tokens, told
from beast_ops.api.gate import Gate, Tokens
from beast_ops.api.limiter import FREE
from beast_ops.errors import BeastError, SettingsError


def test_what_each_may_do_is_told_by_the_release():
    found = told({"BEAST_CLIENTS": "open-webui=read,beast-worker=admin"})

    assert {"open-webui": Scope.READ, "beast-worker": Scope.ADMIN} == found
    assert {} == told({})


@pytest.mark.parametrize("text", ["open-webui", "open-webui=metrics", "open-webui=", "a=read,b=no"])
def test_what_nobody_may_be_is_refused(text):
    with pytest.raises(SettingsError, match="says what nobody may be"):
        told({"BEAST_CLIENTS": text})


def test_each_has_a_file_with_its_token(tmp_path):
    (tmp_path / "client_open_webui").write_text("its-own")

    assert {"open-webui": b"its-own"} == tokens(tmp_path, {"open-webui": Scope.READ})
    with pytest.raises(BeastError, match="cannot read a secret") as caught:
        tokens(tmp_path, {"other": Scope.READ})
    assert caught.value.subject.endswith("client_other")


def test_a_service_is_known_by_its_token_and_may_what_the_release_says():
    gate = Gate(Tokens(b"all", b"figures", {"open-webui": b"its-own"}), {"open-webui": Scope.READ})

    found = gate._by_token(b"its-own")

    assert ("service open-webui", Scope.READ, "service") == (found.name, found.scope, found.kind)
    assert "its-own" not in repr(found)
    assert found.kind in FREE  # all who use it come with one token
    assert gate._by_token(b"its-owm") is None
