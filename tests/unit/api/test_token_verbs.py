# SPDX-License-Identifier: Apache-2.0
"""The verbs of tokens, on a running API."""

import json

import pytest

from beast_ops.door import tokens
from beast_ops.door.tokens import Wanted
from beast_ops.errors import ConflictError, MissingError, UsageError


def test_a_token_is_made_listed_and_revoked(stack, capsys):
    tokens.create(stack.place, Wanted("verb", "write", 30), json=False)
    value, said = capsys.readouterr().out.splitlines()
    assert said.startswith("verb may write, until 20")
    with stack.client(value) as holder:
        assert holder.get("/session").json()["name"] == "verb"

    tokens.show_all(stack.place, json=False)
    listed = capsys.readouterr().out
    assert "verb  write  used 20" in listed
    assert value not in listed

    with pytest.raises(ConflictError) as taken:
        tokens.create(stack.place, Wanted("verb"), json=False)
    assert "tokens.revoke verb" in taken.value.hint

    tokens.revoke(stack.place, "verb")
    assert capsys.readouterr().out == "verb opens nothing any more.\n"
    with stack.client(value) as holder:
        assert holder.get("/session").status_code == 401


def test_machines_read_the_same(stack, capsys):
    tokens.create(stack.place, Wanted("machine"), json=True)
    made = json.loads(capsys.readouterr().out)
    tokens.show_all(stack.place, json=True)
    listed = json.loads(capsys.readouterr().out)["tokens"]
    tokens.revoke(stack.place, "machine")

    (found,) = [token for token in listed if token["name"] == "machine"]
    assert found.items() <= made.items()
    assert made["expires"] is None


def test_without_any_the_first_step_is_named(stack, capsys):
    tokens.show_all(stack.place, json=False)

    assert "tokens.create" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("nope", "root"),
        Wanted("nope", "metrics"),
        Wanted("nope", "read", -1),
        Wanted("nope", per_minute=-1),
    ],
)
def test_what_cannot_be_is_refused(stack, wanted):
    with pytest.raises(UsageError):
        tokens.create(stack.place, wanted, json=False)


def test_a_token_is_held_to_models_and_a_rate(stack, capsys):
    wanted = Wanted("held", "write", models=" llama3.2, qwen*:8b ,", per_minute=30)
    tokens.create(stack.place, wanted, json=False)
    said = capsys.readouterr().out.splitlines()[1]
    tokens.show_all(stack.place, json=False)
    listed = capsys.readouterr().out
    tokens.show_all(stack.place, json=True)
    (found,) = json.loads(capsys.readouterr().out)["tokens"]
    tokens.revoke(stack.place, "held")

    assert said.startswith("held may write, models llama3.2 qwen*:8b, 30 a minute.")
    assert "held  write  never used, models llama3.2 qwen*:8b, 30 a minute" in listed
    assert (["llama3.2", "qwen*:8b"], 30) == (found["models"], found["per_minute"])


def test_a_model_that_can_be_none_is_refused(stack):
    with pytest.raises(UsageError):
        tokens.create(stack.place, Wanted("nope", models="two words"), json=False)


def test_what_is_not_there_is_named(stack):
    with pytest.raises(MissingError) as missing:
        tokens.revoke(stack.place, "no-such")

    assert "tokens.list" in missing.value.hint
