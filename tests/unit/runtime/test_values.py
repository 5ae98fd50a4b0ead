# SPDX-License-Identifier: Apache-2.0
"""supervisord must get back exactly the words that went into its configuration."""

import shlex
from configparser import RawConfigParser
from pathlib import Path

import jinja2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beast_ops.cards import Health, Service, Services
from beast_ops.errors import SettingsError
from beast_ops.place import Place
from beast_ops.runtime.values import command, programs, values, words

TEMPLATE = Path(__file__).parents[3] / "templates/embedded/supervisord.conf.j2"
PLACE = Place(Path("/home/a b/.beast"))
WRITABLE = st.text(
    st.one_of(
        st.sampled_from(" \t\n;#%'\"\\$=,()s[]:"),
        st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"]),
    )
)


def service(name: str, **fields: object) -> Service:
    given_ = {"name": name, "role": "r", "process": ("python", "-m", name), "change": "c1"}
    plain = {"address": None, "external": False, "optional": False, "health": Health()}
    empty = {"environment": {}, "volumes": (), "state": (), "secrets": {}, "metrics": None}
    return Service.model_validate({**plain, **empty, **given_, **fields})


def understood(text: str, section: str) -> list[str]:
    """Read a command the way supervisord 4 does: options.py, read_config and saneget."""
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return shlex.split(parser.get(section, "command") % {"here": "WRONG"})


@given(st.lists(WRITABLE, min_size=1))
@example(["a #b", "x ;y", "%(here)s", "ends with newline\n", "\n\n ", " ", "", "'\"\\", "[x]"])
@settings(deadline=None)
def test_every_word_survives_the_configuration(argv):
    text = f"[program:x]\ncommand = {command('x', argv)}\n\n[program:y]\ncommand = no\n"

    assert argv == understood(text, "program:x")


def test_the_whole_template_gives_every_program_its_words():
    cards = (service("one", environment={"A": "b #c"}), service("two"))
    python = Path("/venv x/bin/python")
    whole = Services(project="p", runtime="embedded", root="/r", data="/d", services=cards)

    text = jinja2.Template(TEMPLATE.read_text()).render(values(PLACE, whole, python))

    found = {name: understood(text, f"program:{name}") for name in ("one", "two")}
    assert {card.name: words(PLACE, card, python) for card in cards} == found
    assert "A=b #c" in found["one"]
    assert "BEAST_CHANGE=c1" in found["one"]
    assert ["/venv x/bin/python", "-m", "one"] == found["one"][-3:]


@pytest.mark.parametrize("text", ["nul\0", "bell\a", "return\r", "\x7f", "\udcff"])
def test_what_no_configuration_can_hold_is_refused_without_its_value(text):
    with pytest.raises(SettingsError) as caught:
        command("one", ["SETTING=value" + text])

    assert ("one", "'SETTING'" in str(caught.value)) == (caught.value.subject, True)
    assert "value" not in caught.value.paragraph()


def test_an_interpreter_with_an_equals_sign_is_not_taken_for_a_variable():
    argv = words(PLACE, service("one"), Path("/a=b/python"))

    assert ["/bin/sh", "-c", 'exec "$@"', "sh", "/a=b/python", "-m", "one"] == argv[-7:]


def test_the_change_hash_cannot_be_overridden():
    argv = words(PLACE, service("one", environment={"BEAST_CHANGE": "no"}), Path("/p"))

    assert ["BEAST_CHANGE=c1"] == [word for word in argv if word.startswith("BEAST_CHANGE")]


def test_a_service_may_not_take_supervisords_name():
    with pytest.raises(SettingsError, match="belongs to the runtime"):
        words(PLACE, service("supervisord"), Path("/p"))


def test_only_processes_of_ours_are_programs():
    cards = [service("ours"), service("far", external=True), service("none", process=None)]

    assert ["ours"] == [card.name for card in programs(cards)]
