# SPDX-License-Identifier: Apache-2.0
"""The host's side as it is called: words and standard input in, one line of JSON out."""

import io
import json
import os

import pytest

from beast_ops.errors import BusyError, UsageError
from beast_ops.release import __main__ as program
from beast_ops.release.apply import apply
from beast_ops.release.observe import Observed


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def answer(capsys, *words):
    code = program.main(words)
    out = capsys.readouterr().out
    assert 1 == len(out.splitlines())
    return code, json.loads(out)


def test_it_tells_what_stands(tmp_path, capsys):
    assert (0, Observed().model_dump(mode="json")) == answer(capsys, "observe", str(tmp_path))


def test_whatever_it_writes_is_private(tmp_path):
    program.main(["observe", str(tmp_path)])

    (tmp_path / "a").touch()
    assert 0o600 == (tmp_path / "a").stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (BusyError("another operation", hint="Wait."), (75, "another operation. Wait.")),
        (UsageError("strange", subject="x"), (64, "strange (x).")),
        (OSError(28, "No space left on device", "/f"), (1, "No space left on device (/f).")),
        (OSError(5, "Input/output error"), (1, "Input/output error ({root}).")),
    ],
)
def test_an_error_is_an_answer_too(error, expected, tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setitem(program.VERBS, "observe", fail)
    code, said = answer(capsys, "observe", str(tmp_path))

    assert (expected[0], expected[1].format(root=tmp_path)) == (code, said["error"])
    assert code == said["exit"]


def test_an_environment_that_is_just_removed_may_be_tried_again(tmp_path, capsys, monkeypatch):
    def load(*_):
        import beast_ops.not_there_any_more  # noqa: F401 - it is to fail

    monkeypatch.setitem(program.VERBS, "observe", load)
    code, said = answer(capsys, "observe", str(tmp_path))

    assert (75, 75) == (code, said["exit"])
    assert "removed meanwhile" in said["error"]
    assert "Type the same command again" in said["error"]


@pytest.fixture
def hands(fake, monkeypatch, request):
    """Let the program act with fake hands."""
    from beast_ops.health import report
    from beast_ops.runtime import control

    request.getfixturevalue("runs")
    monkeypatch.setattr(control, "apply", fake.hands.start)
    monkeypatch.setattr(control, "down", fake.hands.stop)
    monkeypatch.setattr(report, "gate", fake.hands.gate)
    monkeypatch.setattr(program, "_boot", fake.hands.boot)
    return fake


def test_it_applies_the_shipment_on_standard_input(place, ship, hands, capsys, monkeypatch):
    shipped = ship(boot=True).model_dump_json().encode()
    for already in (False, True):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(shipped)))

        code, said = answer(capsys, "apply", str(place.root))

        assert (0, already, f"1-{ship().content}") == (code, said["already"], said["release"])
    assert ["start one", "gate one", "boot=True one"] == hands.log


@pytest.mark.parametrize("words", [(), ("--data",)])
def test_it_removes_and_can_tell_before(words, place, ship, hands, capsys):
    apply(place, ship(), hands.hands)

    code, planned = answer(capsys, "remove", *words, "--dry-run", str(place.root))
    assert (0, True) == (code, place.services.exists())

    assert (0, planned) == answer(capsys, "remove", *words, str(place.root))
    assert not place.services.exists()

    again = answer(capsys, "remove", *words, str(place.root))[1]
    assert (False, []) == (again["changed"], again["gone"])
