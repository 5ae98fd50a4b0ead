# SPDX-License-Identifier: Apache-2.0
"""What replies mean, however they are written."""

import json
import time

import pytest

from beast_ops.llm.talk import called
from beast_ops.tasks.understand import AT_ONCE, LARGEST, TEXT_CHARACTERS, understand
from tests.unit.tasks.stage import call, reply

KNOWN = frozenset({"read", "write"})
SAID = '{"name": "read", "arguments": {"path": "a"}}'


def calls(*given, text=""):
    found = understand(reply(*given, text=text), KNOWN, 3)
    return [(each.tool, dict(each.arguments), each.wrong) for each in found.calls]


def test_calls_come_as_the_server_has_them():
    found = understand(reply(call("read", path="a"), call("x"), text="Let me see"), KNOWN, 3)

    assert ("Let me see", 0) == (found.text, found.left_out)
    assert [("read", "call-3-0"), ("x", "call-3-1")] == [(e.tool, e.id) for e in found.calls]


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        f"  [{SAID}]\n",
        f"I will look.\n```json\n{SAID}\n```\nThen I go on.",
        f"```\n{SAID}\n```",
        f"<tool_call>\n{SAID}\n</tool_call>",
        '{"name": "read", "parameters": {"path": "a"}}',
        '{"function": {"name": "read", "arguments": "{\\"path\\": \\"a\\"}"}}',
    ],
)
def test_calls_that_stand_in_the_text_are_found(text):
    assert [("read", {"path": "a"}, "")] == calls(text=text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is done.",
        f"One would write {SAID} here.",
        '{"name": "rm", "arguments": {}}',
        '{"name": ["read"], "arguments": {}}',
        '{"name": "read"}',
        '{"path": "a"}',
        "[" * 100_000,
        "{" * 100_000,
        '{"name": "read", "arguments": ' + "[" * 50_000 + "]" * 50_000 + "}",
        "```json\nnothing\n```",
        "1" * 5000,
    ],
)
def test_other_text_is_only_text(text):
    assert [] == calls(text=text)


@pytest.mark.parametrize(
    "arguments", ["{", "[1]", '"path"', "[" * 100_000, "nonsense", 5, True, ["a"]]
)
def test_arguments_that_are_no_object_are_wrong(arguments):
    given = called("read", arguments)

    assert [("read", {}, "its arguments are no JSON object")] == calls(given)


def test_arguments_in_text_or_missing_are_read():
    assert {"path": "a"} == called("read", '{"path": "a"}').arguments
    assert {} == called("read", None).arguments == called("read", "").arguments


def test_what_no_json_can_carry_is_wrong():
    deep = {"path": [[[[[[[[[]]]]]]]]]}

    assert "its arguments are too deep" == calls(call("read", **deep))[0][2]
    assert "its arguments are too large" == calls(call("write", text="x" * (LARGEST + 1)))[0][2]
    assert "its arguments are no JSON object" == calls(call("read", line=float("nan")))[0][2]


def test_halves_of_characters_do_no_harm():
    found = understand(reply(call("re\ud800ad", path="\udfff", more={"\ud800": 1})), KNOWN, 1)

    said = json.dumps([found.calls[0].tool, found.calls[0].arguments], ensure_ascii=False)
    assert '["re\ufffdad", {"path": "\ufffd", "more": {"\ufffd": 1}}]' == said
    assert b"\xef\xbf\xbd" == understand(reply(text="\ud800"), KNOWN, 1).text.encode()


@pytest.mark.parametrize(
    "part", ["```json\n", "```json\nx", "\n", " ", "<tool_call>", "</tool_call>", "{", "```"]
)
def test_no_text_takes_long(part):
    begun = time.monotonic()

    calls(text="```json\n" + part * 100_000)
    calls(text="<tool_call>" + part * 100_000)

    assert time.monotonic() - begun < 2


def test_too_many_calls_and_too_much_text_are_cut():
    found = understand(reply(*[call("read")] * 20, text="x" * 200_000), KNOWN, 1)

    assert (AT_ONCE, 20 - AT_ONCE) == (len(found.calls), found.left_out)
    assert TEXT_CHARACTERS == len(found.text)
