# SPDX-License-Identifier: Apache-2.0
"""Operations with real children; only what they do is short."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beast_ops import receipts
from beast_ops.agent.ledger import KEPT, LOST, Ledger, Operation, tail
from beast_ops.agent.operations import AT_ONCE, Operations
from beast_ops.errors import BusyError, CommandError, MissingError
from beast_ops.keeper.child import Child, words_of
from beast_ops.lease import lease

WAIT_SECONDS = 20.0
SLEEP = "import time; print('begun', flush=True); time.sleep(60)"


def until(condition, seconds=WAIT_SECONDS):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def python(words, output):
    """Start a child as a verb is started, which lacks what only the tests' own terminal has."""
    verb = words_of(["-c", *words])
    argv = [*verb[: verb.index("-m")], *verb[verb.index("-c") :]]
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return Child(argv, os.environ, handle)
    finally:
        os.close(handle)


@pytest.fixture
def told():
    return []


@pytest.fixture
def operations(place, told):
    found = Operations(place, start=python, tell=lambda each: told.append((each.kind, each.state)))
    yield found
    found.close()


def ended(operations, operation):
    def found():
        now = operations.ledger.find(operation.id)
        return now if now.state != "running" else None

    return until(found)


def test_an_operation_runs_and_is_written_down(operations, place, told):
    begun = operations.begin("backup", ["print('kept')"])
    assert "running" == begun.state
    done = ended(operations, begun)

    assert ("done", 0, "") == (done.state, done.code, done.error)
    assert done.finished >= done.started
    assert ["kept"] == tail(operations.ledger.output(begun.id))
    until(lambda: len(told) == 2)
    assert [("backup", "running"), ("backup", "done")] == told
    assert 0o600 == operations.ledger.output(begun.id).stat().st_mode & 0o777
    assert [begun.id] == [each.id for each in Ledger(place).newest()]


def test_what_fails_says_why_in_its_own_last_words(operations):
    words = "import sys; print('some'); sys.exit('beast: there is no room (/).')"
    failed = ended(operations, operations.begin("backup", [words]))
    silent = ended(operations, operations.begin("backup", ["import sys; sys.exit(75)"]))

    assert ("failed", 1, "there is no room (/).") == (failed.state, failed.code, failed.error)
    assert "it ended with exit code 75 (busy)" == silent.error


def test_the_receipt_of_an_operation_is_named(operations, place):
    with receipts.recording(place.receipts, "backup"):
        pass
    time.sleep(1.1)  # receipts tell whole seconds
    words = (
        "from pathlib import Path; from beast_ops import receipts;"
        f"r = Path({str(place.receipts)!r})\n"
        "with receipts.recording(r, 'drill'): pass\n"
        "with receipts.recording(r, 'verify') as kept: kept.details = {'name': 'other'}"
    )
    drilled = ended(operations, operations.begin("drill", [words]))
    without = ended(operations, operations.begin("backup", ["pass"]))
    verified = ended(operations, operations.begin("verify", [words], "mine"))

    assert drilled.receipt.endswith("-drill")
    assert without.receipt is None
    assert verified.receipt is None


def test_a_second_one_is_refused_while_the_first_runs(operations):
    first = operations.begin("backup", [SLEEP])
    with pytest.raises(BusyError, match="backup") as refused:
        operations.begin("drill", ["pass"])

    assert first.id == refused.value.subject
    assert [first.id] == [each.id for each in operations.ledger.newest()]


def test_what_only_reads_waits_for_nobody_but_there_is_an_end(operations):
    operations.begin("backup", [SLEEP])
    for _ in range(AT_ONCE - 1):
        operations.begin("verify", [SLEEP])

    with pytest.raises(BusyError):
        operations.begin("verify", ["pass"])


def test_it_is_refused_while_somebody_else_holds_the_installation(operations, place):
    with lease(place.run, "deploy"), pytest.raises(BusyError, match="deploy"):
        operations.begin("backup", ["pass"])

    assert [] == operations.ledger.newest()
    ended(operations, operations.begin("backup", ["pass"]))


def test_what_cannot_be_started_leaves_nothing(place):
    def unable(*_):
        raise OSError(12, "Cannot allocate memory")

    operations = Operations(place, start=unable)
    with pytest.raises(CommandError, match="Cannot allocate memory"):
        operations.begin("backup", ["pass"])

    assert [] == operations.ledger.newest()
    operations.close()


def test_what_runs_when_the_agent_is_stopped_ends_with_it_and_that_is_said(place, told):
    operations = Operations(place, start=python, tell=lambda each: told.append(each.state))
    begun = operations.begin("backup", [SLEEP])
    until(lambda: tail(operations.ledger.output(begun.id)))
    operations.close()
    found = Ledger(place).find(begun.id)

    assert "interrupted" == found.state
    assert "the agent was stopped" in found.error
    assert ["running", "interrupted"] == told
    with pytest.raises(BusyError):
        operations.begin("backup", ["pass"])


AGENT = """
import os, signal, sys, time
from pathlib import Path
from beast_ops.agent import operations
from beast_ops.keeper.child import Child
from beast_ops.place import Place

CHILD = '''
import os, signal, sys, time
from beast_ops.runtime.child import end_with_parent
end_with_parent(signal.SIGTERM, int(sys.argv[1]))
print(os.getpid(), flush=True)
time.sleep(60)
'''

def start(words, output):
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return Child([sys.executable, "-c", CHILD, str(os.getpid())], os.environ, handle)

found = operations.Operations(Place(Path(sys.argv[1])), start=start)
print(found.begin("backup", []).id, flush=True)
time.sleep(60)
"""


def test_an_agent_that_is_killed_takes_its_child_along_and_the_next_says_so(place, told):
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(place.root)], stdout=subprocess.PIPE, text=True
    )
    with agent:
        name = agent.stdout.readline().strip()
        child = int(until(lambda: tail(Ledger(place).output(name)))[0])
        assert "running" == Ledger(place).find(name).state
        agent.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{child}").exists())
    operations = Operations(place, start=python, tell=lambda each: told.append(each.state))

    found = operations.ledger.find(name)
    assert ("interrupted", LOST) == (found.state, found.error)
    assert ["interrupted"] == told
    operations.close()


def test_only_the_newest_are_kept_and_what_runs_stays(place):
    ledger = Ledger(place)
    for number in range(KEPT + 5):
        one = Operation(id=f"x{number:03}", kind="backup", started=f"2026-05-01T00:{number:02}:00")
        ledger.keep(one)
        if number:
            ledger.end(one, 0)

    found = [each.id for each in ledger.newest()]
    assert [f"x{number:03}" for number in range(KEPT + 4, 4, -1)] + ["x000"] == found


def test_what_is_no_record_is_passed_over(place):
    ledger = Ledger(place)
    ledger.keep(Operation(id="a", kind="backup", started="2026-05-01T00:00:00"))
    (place.logs / "operations" / "b.json").write_text("{")

    assert ["a"] == [each.id for each in ledger.newest()]
    with pytest.raises(MissingError):
        ledger.find("b")


def test_of_a_flood_of_words_the_end_is_kept(tmp_path):
    path = tmp_path / "output"
    path.write_text("x" * 100_000 + "\n" + "line\n" * 1000 + "the end\n")

    assert "the end" == tail(path)[-1]
    assert len(tail(path)) == 200
    assert [] == tail(tmp_path / "nothing")


def test_one_that_takes_too_long_is_ended(place, monkeypatch):
    monkeypatch.setattr("beast_ops.agent.operations.DEADLINE_SECONDS", 0.3)
    operations = Operations(place, start=python)
    found = ended(operations, operations.begin("backup", [SLEEP]))
    operations.close()

    assert "interrupted" == found.state
    assert "took longer" in found.error


def test_a_teller_that_fails_stops_nothing(place):
    def fail(_):
        raise ZeroDivisionError

    operations = Operations(place, start=python, tell=fail)
    assert "done" == ended(operations, operations.begin("backup", ["pass"])).state
    operations.close()
