# SPDX-License-Identifier: Apache-2.0
import sys
import time

import pytest

from beast_ops.errors import CommandError
from beast_ops.runner import TAIL_CHARACTERS, LocalRunner


def script(text):
    return [sys.executable, "-c", text]


def test_what_a_command_prints_comes_back():
    assert "hello\n" == LocalRunner().run(["echo", "hello"])


def test_words_reach_the_command_as_they_are():
    words = ["a b", "$HOME", "*", "'", '"', ";", "%s", "\n", "ü😀"]

    printed = LocalRunner().run([*script("import sys; print(sys.argv[1:])"), *words])

    assert f"{words!r}\n" == printed


def test_nothing_is_read_from_our_input():
    assert "''\n" == LocalRunner().run(script("import sys; print(repr(sys.stdin.read()))"))


def test_folder_and_environment_are_those_given(tmp_path):
    runner = LocalRunner(cwd=tmp_path, environ={"X": "1"})

    assert f"{tmp_path}\n" == runner.run(["/bin/pwd"])
    assert "X=1\n" == runner.run(["/usr/bin/env"])


def test_a_bad_end_tells_code_and_last_words():
    with pytest.raises(CommandError, match=r"^ended with 3: oh no$") as caught:
        LocalRunner().run(["sh", "-c", "echo oh no >&2; exit 3"])

    assert "sh" == caught.value.subject


def test_what_was_only_printed_counts_as_last_words():
    with pytest.raises(CommandError, match=r"^ended with 1: oh no$"):
        LocalRunner().run(["sh", "-c", "echo oh no; exit 1"])


def test_long_complaints_are_cut():
    with pytest.raises(CommandError) as caught:
        LocalRunner().run(script("import sys; sys.exit('x' * 100_000 + 'end')"))

    assert str(caught.value).endswith("end")
    assert len(str(caught.value)) < TAIL_CHARACTERS + 50


def test_arguments_are_never_in_the_error():
    with pytest.raises(CommandError) as caught:
        LocalRunner().run(["false", "hunter2"])

    assert "hunter2" not in caught.value.paragraph()


def test_bytes_that_are_no_text_do_no_harm():
    assert "�\n" == LocalRunner().run(["printf", "\\377\\n"])


def test_a_program_that_is_not_there_is_said_so():
    with pytest.raises(CommandError, match="could not start: No such file"):
        LocalRunner().run(["/nonexistent/program"])


@pytest.mark.parametrize("text", ["sleep 30", "sleep 30 & wait", "trap '' TERM; sleep 30 & wait"])
def test_a_command_has_a_deadline_even_if_its_children_hold_the_pipe(text):
    began = time.monotonic()

    with pytest.raises(CommandError, match=r"took longer than 0\.2 s"):
        LocalRunner().run(["sh", "-c", text], seconds=0.2)

    assert time.monotonic() - began < 3
