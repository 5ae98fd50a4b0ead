# SPDX-License-Identifier: Apache-2.0
"""Which models a token may use: under every name the server takes for them, and no other."""

import pytest

from beast_ops.access.rules import ModelRules, plain


@pytest.mark.parametrize(
    "name",
    [
        *("llama3.2", "llama3.2:latest", "LLAMA3.2", "library/llama3.2", "llama3.2:8b-q4_K_M"),
        *(
            "registry.ollama.ai/library/llama3.2:latest",
            "https://registry.ollama.ai/library/llama3.2",
        ),
    ],
)
def test_a_model_is_allowed_under_all_its_names(name):
    assert ModelRules(("llama3.2",)).allows(name)


@pytest.mark.parametrize(
    "name",
    [
        *("llama3", "llama3.2x", "other/llama3.2", "my.host/library/llama3.2", "", "../llama3.2"),
        *(
            "llama3.2\n",
            "llama3.2 ",
            "x/../llama3.2",
            "llama3.2@sha256:00",
            "llama3.2\x00",
            "\u017f",
        ),
    ],
)
def test_no_other_is(name):
    assert not ModelRules(("llama3.2",)).allows(name)


@pytest.mark.parametrize(
    ("pattern", "name", "allowed"),
    [
        ("qwen*", "qwen3:8b", True),
        ("qwen*:8b", "qwen3:8b", True),
        ("qwen*:8b", "qwen3", False),
        ("qwen?", "qwen33", False),
        ("*", "host:5000/me/mine:x", True),
        ("me/*", "me/mine", True),
        ("me/*", "you/mine", False),
        ("host:5000/me/*", "host:5000/me/mine:x", True),
        ("QWEN3", "qwen3:8b", True),
        ("[q]wen3", "qwen3", False),
    ],
)
def test_patterns_stand_for_what_they_say(pattern, name, allowed):
    assert allowed is ModelRules((pattern,)).allows(name)


def test_without_a_list_every_name_is_allowed_and_with_an_empty_one_none():
    assert ModelRules().allows("any thing")
    assert not ModelRules(()).allows("llama3.2")


def test_a_name_is_told_with_its_tag():
    assert "llama3.2:latest" == plain("Library/Llama3.2")
