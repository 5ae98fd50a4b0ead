# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from beast_ops.declared import Setting, declared
from beast_ops.deploy import sets
from beast_ops.errors import SettingsError

CLONE = Path(__file__).parents[3]


def a_setting(kind, *choices):
    return Setting("a_b", kind, choices, "a", "")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("qdrant_port=6433", {"qdrant_port": 6433}),
        ("beast_boot=true", {"beast_boot": True}),
        ("beast_boot=no", {"beast_boot": False}),
        ("beast_api_hosts=[a.example, b.example]", {"beast_api_hosts": ["a.example", "b.example"]}),
        ("beast_api_folders={n: /srv/n}", {"beast_api_folders": {"n": "/srv/n"}}),
        ("beast_worker_language=größe", {"beast_worker_language": "größe"}),
        ("beast_worker_language=", {"beast_worker_language": ""}),
        ("beast_worker_language= 'a' ", {"beast_worker_language": " 'a' "}),
        ("ollama_url=http://h:1/?a=b", {"ollama_url": "http://h:1/?a=b"}),
        ("beast_worker_embed_model=yes", {"beast_worker_embed_model": "yes"}),
        ("beast_worker_embed_model=8", {"beast_worker_embed_model": "8"}),
    ],
)
def test_a_word_becomes_a_value_of_the_declared_type(word, expected):
    assert expected == sets.parse(CLONE, [word])


def test_the_last_word_wins():
    assert {"qdrant_port": 2} == sets.parse(CLONE, ["qdrant_port=1", "qdrant_port=2"])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("qdrant_port", "--set takes name=value (qdrant_port)."),
        ("=1", "--set takes name=value (--set)."),
        ("", "--set takes name=value (--set)."),
        ("qdrant_prot=1", "not a setting (qdrant_prot). Did you mean qdrant_port?"),
        ("qdrant_port =1", "not a setting (qdrant_port ). Did you mean qdrant_port?"),
        ("qdrant_port=http", "takes a whole number (qdrant_port)."),
        ("qdrant_port=1.5", "takes a whole number (qdrant_port)."),
        ("qdrant_port=true", "takes a whole number (qdrant_port)."),
        ("qdrant_port=1:20", "takes a whole number (qdrant_port)."),
        ("qdrant_port=0x10", "takes a whole number (qdrant_port)."),
        ("qdrant_port=", "takes a whole number (qdrant_port)."),
        ("beast_boot=1", "takes yes or no (beast_boot)."),
        ("beast_boot=maybe", "takes yes or no (beast_boot)."),
        ("beast_api_hosts=a", "takes a list such as [one, two] (beast_api_hosts)."),
        ("beast_api_hosts=[a", "takes a list such as [one, two] (beast_api_hosts)."),
        ("beast_api_folders=[a]", "takes a mapping such as {name: value} (beast_api_folders)."),
        ("beast_worker_embedder=magic", "takes one of auto, none, ollama, hash"),
        ("beast_root=/x", "cannot be set here (beast_root). BEAST_ROOT="),
        ("beast_settings=/x", "cannot be set here (beast_settings)."),
        ("host_ports={a: 1}", "not a setting (host_ports)."),
        ("project_cards=[]", "not a setting (project_cards)."),
    ],
)
def test_what_is_no_setting_is_refused(word, said):
    with pytest.raises(SettingsError) as caught:
        sets.parse(CLONE, [word])

    assert said in caught.value.paragraph()
    assert 64 == caught.value.exit_code


@pytest.mark.parametrize(
    "name", ["beast_api_token", "qdrant_api_key", "qdrant_read_only_key", "beast_api_metrics_token"]
)
def test_a_secret_has_no_setting_and_is_not_shown(name):
    with pytest.raises(SettingsError) as caught:
        sets.parse(CLONE, [f"{name}=hunter2"])

    assert "hunter2" not in caught.value.paragraph()


def test_one_bad_word_sets_nothing():
    with pytest.raises(SettingsError):
        sets.parse(CLONE, ["qdrant_port=1", "qdrant_prot=1"])


def test_no_python_comes_out_of_a_word():
    with pytest.raises(SettingsError):
        sets.value(a_setting("list"), "!!python/object/apply:os.abort []")


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("1.5", 1.5), ("-2.5", -2.5)])
def test_a_number_may_have_a_fraction(text, expected):
    assert expected == sets.value(a_setting("float"), text)


def test_every_type_the_house_declares_can_be_set():
    kinds = {setting.type for setting in declared(CLONE).values()}

    assert kinds <= {*sets.KINDS, "str", "path"}


@pytest.fixture
def own(tmp_path):
    return tmp_path / "root" / "settings.yml"


def kept(own, changes):
    with sets.proposed(own, changes) as draft:
        sets.keep(own, draft)


def test_without_a_change_there_is_no_draft(own):
    with sets.proposed(own, {}) as draft:
        assert draft is None


def test_a_draft_is_what_is_there_and_what_changes(own):
    own.parent.mkdir()
    own.write_text("a: 1\nb: 2\n")

    with sets.proposed(own, {"b": 3, "c": "größe"}) as draft:
        assert {"a": 1, "b": 3, "c": "größe"} == sets.read(draft)

    assert {"a": 1, "b": 2} == sets.read(own)
    assert not draft.exists()


def test_a_draft_is_nobody_elses(own):
    with sets.proposed(own, {"a": 1}) as draft:
        assert 0o700 == draft.parent.stat().st_mode & 0o777


def test_what_is_kept_is_private_and_says_that_it_wins(own):
    kept(own, {"a": 1})

    assert own.read_text().startswith("# Set from the command line; wins over the inventory.")
    assert 0o600 == own.stat().st_mode & 0o777
    assert 0o700 == own.parent.stat().st_mode & 0o777


def test_a_failed_deploy_leaves_the_settings_as_they_were(own):
    kept(own, {"a": 1})

    with pytest.raises(ZeroDivisionError), sets.proposed(own, {"a": 2}):
        raise ZeroDivisionError

    assert {"a": 1} == sets.read(own)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- a\n", "holds no names and values"),
        (b"text", "holds no names and values"),
        (b"a: [", "cannot read the settings"),
        (b"\xff", "cannot read the settings"),
        (b"!!python/object/apply:os.abort []", "cannot read the settings"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(content, said, own):
    own.parent.mkdir()
    own.write_bytes(content)

    with pytest.raises(SettingsError, match=said):
        kept(own, {"a": 1})

    assert content == own.read_bytes()


def test_a_damaged_file_is_refused_even_if_nothing_changes(own):
    own.parent.mkdir()
    own.write_text("a: [")

    with pytest.raises(SettingsError, match=r"cannot read the settings: .+line 1"):
        kept(own, {})


def test_a_root_that_is_a_file_holds_no_settings(tmp_path):
    (tmp_path / "root").touch()

    assert {} == sets.read(tmp_path / "root/settings.yml")


@pytest.mark.parametrize("content", [b"", b"# mine\n", b"---\n"])
def test_an_empty_file_holds_nothing(content, own):
    own.parent.mkdir()
    own.write_bytes(content)

    assert {} == sets.read(own)


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.integers(),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
NAMES = st.from_regex(r"[a-z]{1,4}_[a-z]{1,6}", fullmatch=True)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES, min_size=1))
def test_what_is_kept_is_what_is_read(before, changes):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "settings.yml"
        own.write_text(yaml.safe_dump(before), encoding="utf-8")

        kept(own, changes)

        assert {**before, **changes} == sets.read(own)
