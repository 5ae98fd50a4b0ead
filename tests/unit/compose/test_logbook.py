# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.compose import logbook
from beast_ops.errors import UnavailableError


class Engine:
    """An engine whose containers wrote what they are told to have written."""

    def __init__(self, **written):
        self.written = written

    def logs(self, container, lines):
        return self.written[container][-lines:]

    def follow(self, container, lines):
        for line in self.written[container][-lines:]:
            if isinstance(line, BaseException):
                raise line
            yield line


BOTH = Engine(a=["a1", "a2"], b=["b1"])


def test_one_is_read_as_it_is():
    assert ["a1", "a2"] == list(logbook.read(BOTH, {"eye": "a"}, 9))


def test_several_are_told_apart():
    assert ["eye   | a2", "store | b1"] == list(logbook.read(BOTH, {"eye": "a", "store": "b"}, 1))


def test_followed_lines_come_of_all_until_all_ended():
    found = list(logbook.follow(BOTH, {"eye": "a", "store": "b"}, 9))

    assert ["eye   | a1", "eye   | a2", "store | b1"] == sorted(found)


def test_one_that_breaks_off_says_so_and_does_not_keep_the_others_waiting():
    engine = Engine(a=["a1", UnavailableError("Docker does not answer")], b=["b1"])

    assert {"eye   | a1", "eye   | Docker does not answer.", "store | b1"} == set(
        logbook.follow(engine, {"eye": "a", "store": "b"}, 9)
    )


def test_ctrl_c_ends_it_without_a_trace():
    found = logbook.follow(BOTH, {"eye": "a"}, 9)
    next(found)

    with pytest.raises(StopIteration):
        found.throw(KeyboardInterrupt)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ""),
        (["", "  "], ""),
        (["starting", "ready"], "ready"),
        (["starting", "ERROR: no such file", "bye"], "ERROR: no such file"),
        (["level=error msg=first", "panic: second", "stopped"], "panic: second"),
        (["permission denied", "terror is no error-word", "x"], "terror is no error-word"),
        (["terrific", "done"], "done"),
        (["x" * 1000], "x" * logbook.LONGEST),
    ],
)
def test_the_line_that_tells_most_is_the_last_that_complains(lines, expected):
    assert expected == logbook.telling(lines)


@pytest.fixture
def secrets(tmp_path):
    for name, content in (
        ("api/token", b"secret-of-the-api"),
        ("store/env", b"KEY='other-secret-value' user"),
        ("store/short", b"short"),
        ("store/bytes", b"\xff\xfe\x00binary"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_no_secret_is_shown_however_often_it_was_written(secrets):
    text = "bad token secret-of-the-api, again secret-of-the-api."

    assert "bad token ***, again ***." == logbook.redacted(secrets, text)


def test_words_too_short_to_be_secrets_stay(secrets):
    assert "a short user" == logbook.redacted(secrets, "a short user")


def test_a_folder_among_them_and_what_is_missing_hide_nothing(secrets):
    (secrets / "given/api").mkdir(parents=True)

    assert "***" == logbook.redacted(secrets, "secret-of-the-api")
    assert "as it is" == logbook.redacted(secrets / "none", "as it is")
