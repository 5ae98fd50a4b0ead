# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.errors import DocumentError
from tests.e2e import samples

VTT = """WEBVTT
Kind: captions
Language: de

NOTE 00:00 a remark --> not shown

STYLE
::cue { color: red }

00:59.000 --> 01:01.000 align:start
<v.loud Ada>{\\an8}Hello <i>there</i>
second line

first-cue
100:00:01.500 --> 100:00:02.000
second line
<00:00:01.600><c>third</c>
"""


def test_lines_stand_below_the_minute_in_which_they_are_shown(read_as):
    document = read_as("a.srt", samples.srt(["One.", "Two.", "Three.", "Four."]))

    assert [
        (("00:00:00",), "One.\nTwo."),
        (("00:01:00",), "Three."),
        (("00:02:00",), "Four."),
    ] == [(each.heading, each.text) for each in document.sections]
    assert ("subtitles", None) == (document.type, document.about.language)


def test_marks_notes_and_repetitions_are_left_out(read_as):
    document = read_as("a.vtt", VTT.encode())

    assert [
        (("00:00:00",), "Ada: Hello there\nsecond line"),
        (("100:00:00",), "third"),
    ] == [(each.heading, each.text) for each in document.sections]
    assert "de" == document.about.language


@pytest.mark.parametrize("content", [b"WEBVTT\n\ntext\n", b"1\n00:00:01,000 --> 00:00:02,000\n\n"])
def test_without_a_line_there_are_no_subtitles(read_as, content):
    with pytest.raises(DocumentError, match="no subtitles found"):
        read_as("a.vtt", content)
