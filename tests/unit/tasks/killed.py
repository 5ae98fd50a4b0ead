# SPDX-License-Identifier: Apache-2.0
"""Kill a task at each of its steps, and go on with it: run as a program, prints what came of it.

Each attempt is a process of its own, which ends itself at the n-th thing that leaves a trace,
just before it or just after.
"""

import json
import os
import signal
import sys
from pathlib import Path

from beast_ops import runner
from beast_ops.tasks import hands
from tests.unit.tasks.stage import DONE, PLAN, Script, Stage, call, reply

COMMAND = ["sh", "-c", "echo ran >> ran"]
REPLIES = [
    reply(call("read", path="notes/a.md")),
    reply(call("write", path="sandbox/sub/sum.md", text="one"), call("run", argv=COMMAND)),
    reply(call("write", path="sandbox/sub/sum.md", text="two")),
    DONE,
]


class Killer:
    """Ends this process at its *last* trace; a negative one is ended just after that."""

    def __init__(self, last: int) -> None:
        self.last, self.count = last, 0

    def around(self, act):
        def acting(*given, **named):
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            made = act(*given, **named)
            if self.count == -self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            return made

        return acting


class Answers(Script):
    """Answers by how often the model was asked, whoever asked before."""

    def __call__(self, messages, _tools, _seconds):
        asked = sum(each.speaker == "assistant" for each in messages)
        return [PLAN, *REPLIES][asked]


def attempt(base: Path, last: int) -> int:
    """Carry out, or go on with, the task in *base*; return how the process ended."""
    child = os.fork()
    if child == 0:
        killer = Killer(last)
        os.fsync, os.rename = killer.around(os.fsync), killer.around(os.rename)
        stage = Stage(base) if not (base / "notes").exists() else again(base)
        stage.started = killer.around(runner.start)
        try:
            stage.run(
                Answers([PLAN]), stage.task(apply=True, commands=("sh -c 'echo ran >> ran'",))
            )
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def again(base: Path) -> Stage:
    """Return the stage in *base* as it was left."""
    stage = object.__new__(Stage)
    stage.base, stage.shown = base, []
    return stage


def lines(base: Path) -> list[str]:
    path = base / "transcripts" / "0123456789abcdef.jsonl"
    rows = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [row for row in rows if row.endswith("\n")]


def main(base: Path) -> None:
    for sign in (1, -1):
        for number in range(1, 100):
            place = base / f"{number * sign}"
            place.mkdir()
            ended = attempt(place, number * sign)
            before = lines(place)
            attempt(place, 0)
            if ended == 0:
                break
            out = place / "out"
            told = {
                "at": number * sign,
                "ended": ended,
                "before": [json.loads(row)["kind"] for row in before],
                "prefix": before == lines(place)[: len(before)],
                "kinds": [json.loads(row)["kind"] for row in lines(place)],
                "report": json.loads(lines(place)[-1])["report"],
                "ran": (out / "ran").read_text().count("ran") if (out / "ran").exists() else 0,
                "sum": (out / "sub" / "sum.md").read_text()
                if (out / "sub" / "sum.md").exists()
                else None,
                "files": sorted(path.name for path in out.rglob("*") if path.is_file()),
            }
            sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    assert hands.start is runner.start
    main(Path(sys.argv[1]))
