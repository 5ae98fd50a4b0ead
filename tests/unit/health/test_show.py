# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

from beast_ops.health.model import Check, Report, Status
from beast_ops.health.show import table, visible

REPORT = Report(
    datetime(2026, 1, 2, tzinfo=UTC),
    (
        Check("qdrant", Status.HEALTHY, "ready", {}, 3.4),
        Check("beast-worker", Status.UNHEALTHY, "silent \x1b[2J[bold]x", {}, 1200),
    ),
)


def test_elsewhere_than_on_a_terminal_columns_are_plain():
    expected = (
        "CHECK         STATUS        MS  MESSAGE\n"
        "qdrant        healthy        3  ready\n"
        "beast-worker  unhealthy   1200  silent \\x1b[2J[bold]x\n"
        "Overall: unhealthy"
    )

    assert expected == table(REPORT, terminal=False)


def test_on_a_terminal_there_is_colour_and_nothing_but_ascii():
    shown = table(REPORT, terminal=True)

    assert "\x1b[32mhealthy" in shown
    assert "\x1b[2J" not in shown
    assert "[bold]x" in shown
    assert shown.isascii()


def test_whether_it_is_a_terminal_is_asked_of_standard_output(capsys):
    assert capsys is not None  # which is then no terminal
    assert table(REPORT) == table(REPORT, terminal=False)


def test_what_could_steer_a_terminal_is_shown_instead():
    assert visible("a\x00\x1b\x9b\u202eb\nc") == "a\\x00\\x1b\\x9b\\u202eb\\nc"
    assert visible("Straße, 日本, 🎉") == "Straße, 日本, 🎉"
