# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beast_ops.clock import Clock
from beast_ops.errors import SettingsError
from beast_ops.settings import FRESH_SECONDS, Strict, Watched, explain, load, variable


class Inner(Strict):
    seconds: float
    folders: dict[str, str] = {}


class Some(Strict):
    port: int
    inner: Inner = Inner(seconds=1.0)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_a_file_becomes_a_value(tmp_path):
    path = written(tmp_path / "s.json", {"port": 1, "inner": {"seconds": 2}})

    assert Some(port=1, inner=Inner(seconds=2.0)) == load(Some, path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "port: Field required"),
        ({"port": "1"}, "port: Input should be a valid integer"),
        ({"port": True}, "port: Input should be a valid integer"),
        ({"port": 1.5}, "port: Input should be a valid integer"),
        ({"port": 1, "prot": 2}, "prot: Extra inputs are not permitted"),
        ({"port": 1, "inner": {"seconds": "x"}}, "inner.seconds: Input should be a valid number"),
        ({"port": 1, "inner": {"seconds": 1, "folders": {"a": 1}}}, "inner.folders.a: "),
        ([], "the file: Input should be an object"),
        (b"", "the file: Invalid JSON"),
        (b"{", "the file: Invalid JSON"),
        (b"\xff", "the file: Invalid JSON"),
    ],
)
def test_what_is_wrong_is_named(content, said, tmp_path):
    path = written(tmp_path / "s.json", content)

    with pytest.raises(SettingsError) as caught:
        load(Some, path)

    assert said in str(caught.value)
    assert str(path) == caught.value.subject


def test_all_that_is_wrong_is_named_at_once(tmp_path):
    path = written(tmp_path / "s.json", {"prot": 1, "inner": {}})

    with pytest.raises(SettingsError, match=r"port: .*; inner\.seconds: .*; prot: "):
        load(Some, path)


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_says_what_to_type(kind, tmp_path):
    path = tmp_path if kind == "folder" else tmp_path / "none"

    with pytest.raises(SettingsError, match="cannot read settings: ") as caught:
        load(Some, path)

    assert "Run: ./beast deploy" == caught.value.hint


def test_settings_do_not_change_under_our_hands():
    with pytest.raises(ValidationError):
        Some(port=1).port = 2


SECRET = "hunter2-hunter2"


@given(
    st.recursive(
        st.sampled_from([SECRET, f"{SECRET}\n", [SECRET]]),
        lambda inner: (
            st.dictionaries(st.sampled_from(["port", "inner", "seconds"]), inner)
            | st.lists(inner, max_size=2)
        ),
        max_leaves=5,
    )
)
def test_an_explanation_never_shows_a_value(content):
    with pytest.raises(ValidationError) as caught:
        Some.model_validate(content)

    assert SECRET not in explain(caught.value)


def test_an_explanation_of_broken_json_shows_nothing_of_it():
    with pytest.raises(ValidationError) as caught:
        Some.model_validate_json(f'{{"port": {SECRET}'.encode())

    assert SECRET not in explain(caught.value)


class Ticking:
    """A clock that goes on when told so."""

    def __init__(self):
        self.time = 0.0
        self.clock = Clock(monotonic=lambda: self.time)


@pytest.fixture
def ticking():
    return Ticking()


@pytest.fixture
def watched(tmp_path, ticking):
    path = written(tmp_path / "s.json", {"port": 1})
    return Watched(lambda found: load(Some, found), path, ticking.clock)


def replaced(path, content):
    written(path.with_name("new"), content)
    path.with_name("new").replace(path)


def test_a_change_is_seen_after_a_while(watched, ticking, tmp_path):
    assert 1 == watched.get().port
    replaced(tmp_path / "s.json", {"port": 2})

    assert 1 == watched.get().port
    ticking.time += FRESH_SECONDS

    assert 2 == watched.get().port


def test_a_link_that_is_switched_is_a_change(tmp_path, ticking):
    for number in (1, 2):
        written(tmp_path / f"{number}.json", {"port": number})
    (tmp_path / "current").symlink_to("1.json")
    watched = Watched(lambda path: load(Some, path), tmp_path / "current", ticking.clock)
    assert 1 == watched.get().port

    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("2.json")
    ticking.time += FRESH_SECONDS

    assert 2 == watched.get().port


def test_what_did_not_change_is_not_read_again(watched, ticking):
    first = watched.get()
    ticking.time += FRESH_SECONDS

    assert first is watched.get()


def test_settings_that_vanish_are_an_error_until_they_are_back(watched, ticking, tmp_path):
    watched.get()
    (tmp_path / "s.json").rename(tmp_path / "aside")
    ticking.time += FRESH_SECONDS

    for _ in range(2):
        with pytest.raises(SettingsError):
            watched.get()

    (tmp_path / "aside").rename(tmp_path / "s.json")
    assert 1 == watched.get().port


def test_a_variable_of_the_environment_is_returned():
    assert "/r" == variable({"BEAST_ROOT": "/r"}, "BEAST_ROOT")


@pytest.mark.parametrize("environ", [{}, {"BEAST_ROOT": ""}])
def test_a_variable_that_is_missing_is_named(environ):
    with pytest.raises(SettingsError, match="missing in the environment") as refused:
        variable(environ, "BEAST_ROOT")

    assert "BEAST_ROOT" == refused.value.subject
