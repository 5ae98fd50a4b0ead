# SPDX-License-Identifier: Apache-2.0
import io
import json
import os
import subprocess
import sys

from beast_ops.door import output
from beast_ops.errors import UnavailableError


def test_no_character_stops_the_output(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    output.settle_streams()
    output.line("\U0001f600 \udce9 é")
    sys.stdout.flush()

    assert raw.getvalue() == b"\\U0001f600 \\udce9 \\xe9\n"


def test_streams_that_cannot_be_changed_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    output.settle_streams()

    output.line("x")
    assert sys.stdout.getvalue() == "x\n"


def test_streams_that_were_closed_lead_nowhere():
    code = (
        "import sys; from beast_ops.door import output; output.settle_streams();"
        "print(sys.stdin.read(), file=sys.stderr); output.line('x'); output.complain('y');"
        "sys.stdout.flush()"
    )
    line = f'exec "{sys.executable}" -c "$0" <&- >&- 2>&-'

    done = subprocess.run(["/bin/sh", "-c", line, code], check=False)

    assert done.returncode == 0


def test_json_is_ascii_whatever_the_locale(capsys):
    output.emit({"name": "\U0001f600\udce9"})

    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == {"name": "\U0001f600\udce9"}


def test_an_error_for_machines_says_the_same_as_for_people():
    wrong = UnavailableError("away", subject="api", hint="Wait.")

    expected = {
        "kind": "UnavailableError",
        "message": "away",
        "subject": "api",
        "hint": "Wait.",
        "code": 75,
    }

    assert output.as_json(wrong) == {"error": expected}


def test_what_is_written_after_the_reader_has_gone_goes_nowhere(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)

        output.abandon_stdout()

        output.line("nobody reads this")
        stream.flush()


def test_complaints_come_after_what_was_printed_before():
    program = "from beast_ops.door import output\noutput.line('first'); output.complain('second')"

    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=20, check=True,
    )  # fmt: skip

    assert done.stdout == "first\nbeast: second\n"
