# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.preflight.outside import Answer, ask


def test_a_program_says_its_lines_without_the_empty_ones(programs):
    programs.answers("ip", "a b", "one\n\n  two\n   \n")

    assert ["one", "  two"] == ask("ip", "a", "b").lines


def test_a_program_that_fails_has_no_lines_but_a_complaint(programs):
    programs.runs("ip", "", "echo half; echo ' Cannot talk ' >&2; exit 3")

    found = ask("ip")

    assert Answer(3, "half\n", "Cannot talk") == found
    assert (False, []) == (found.well, found.lines)


@pytest.mark.usefixtures("programs")
def test_a_program_that_is_not_there_is_silent():
    assert Answer(None, "", "No such file or directory") == ask("ip")


def test_a_program_one_may_not_run_is_silent(programs):
    programs.answers("ip", "", "x")
    (programs.folder / "ip").chmod(0o644)

    assert Answer(None, "", "Permission denied") == ask("ip")


def test_a_program_that_hangs_is_given_up(programs):
    programs.runs("ip", "", "exec /bin/sleep 60")

    assert Answer(None, "", "it did not answer within 0.2 s") == ask("ip", seconds=0.2)


def test_text_that_is_no_text_is_read_all_the_same(programs):
    programs.runs("ip", "", r"printf '\377ok'")

    assert "�ok" == ask("ip").text
