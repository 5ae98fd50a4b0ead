# SPDX-License-Identifier: Apache-2.0
"""Carry out a task, and show what tasks have done; text of models cannot steer the terminal."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.cards import read_services
from beast_ops.errors import UsageError
from beast_ops.health.show import visible
from beast_ops.place import Place
from beast_ops.tasks import transcript
from beast_ops.tasks.allow import Wish, allowed
from beast_ops.tasks.conduct import Around, conduct, interrupted
from beast_ops.tasks.hands import HITS, Outside
from beast_ops.tasks.model import Limits, Report, Status, Task
from beast_ops.tasks.speak import Server
from beast_ops.tasks.transcript import Line

from .batches import server_of
from .output import emit, line

WORDS_CHARACTERS = 20_000
SOURCE = "beast-task"
LEAST_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Asked:
    """What the words of the verb ask for."""

    words: str
    model: str
    wish: Wish
    limits: Limits
    openai: str = ""


def carry_out(place: Place, asked: Asked, *, json: bool) -> int:
    """Carry out what was asked for; return 1 unless it is done.

    Raises:
        UsageError: If it makes no sense.
        BeastError: If the model server fails.
    """
    from beast_ops.events.host import bus_of

    place.require_deployed()
    _require_sense(asked)
    task = Task(asked.words, asked.model, allowed(asked.wish, (place.root,)), asked.limits)
    server = Server(asked.openai, openai=True) if asked.openai else Server(server_of(place))

    def find(collection: str, query: str) -> Sequence[Mapping[str, Any]]:
        from beast_ops.search.client import search
        from beast_ops.search.model import SearchOptions

        options = SearchOptions(collection=collection, limit=HITS, whole=True)
        hits: Sequence[Mapping[str, Any]] = search(place, query, options)["hits"]
        return hits

    if not json:
        line(f"Task {task.id}{'' if asked.wish.apply else ', a dry run'}")
    around = Around(
        server=server,
        folder=_folder(place),
        outside=Outside(find),
        publish=bus_of(place, SOURCE).publish,
        show=_nothing if json else _tell,
        ending=interrupted,
    )
    report = conduct(task, around)
    if json:
        emit(report.as_dict())
    return 0 if report.status is Status.DONE else 1


def listed(place: Place, last: int, *, json: bool) -> None:
    """Print one line per task, the newest first."""
    folder = _folder(place.require_deployed())
    found = [_summary(path) for path in transcript.newest(folder, last)]
    if json:
        emit({"tasks": found})
        return
    for each in found:
        words = visible(" ".join(each["words"].split()))[:60]
        dry = "" if each["apply"] else " (dry run)"
        line(f"{each['task']}  {each['at'][:19]}  {each['status']:<9}  {words}{dry}")
    if not found:
        line("There was no task yet.")


def shown(place: Place, task: str, *, json: bool) -> None:
    """Print what *task* did.

    Raises:
        MissingError: If there is none of that name.
    """
    path = transcript.path_of(_folder(place.require_deployed()), task)
    lines = transcript.read(path)
    if json:
        emit({"task": task, "lines": lines})
        return
    for each in lines:
        _tell(each["kind"], each)


def _require_sense(asked: Asked) -> None:
    limits = asked.limits
    if not asked.words.strip() or len(asked.words) > WORDS_CHARACTERS:
        raise UsageError(f"say what is to be done, in at most {WORDS_CHARACTERS} characters")
    if min(limits.steps, limits.tokens, limits.seconds) <= 0:
        raise UsageError("steps, tokens and minutes are at least 1")
    if limits.context < LEAST_CONTEXT:
        raise UsageError(f"less than {LEAST_CONTEXT} tokens are too few", subject="--context")


def _folder(place: Place) -> Path:
    return transcript.folder_in(Path(read_services(place.services).data))


def _summary(path: Path) -> dict[str, Any]:
    lines = transcript.read(path)
    first = lines[0] if lines else {}
    last = lines[-1] if lines else {}
    ended = last.get("report", {}).get("status", "unfinished")
    known = {"words": "", "model": "", "at": "", "apply": False}
    return {"task": path.stem, "status": ended} | {
        name: first.get(name, usual) for name, usual in known.items()
    }


def _nothing(_kind: str, _line: Line) -> None:
    """Show nothing."""


def _tell(kind: str, said: Line) -> None:
    """Print a line of a transcript for people."""
    for each in _told(kind, said):
        line("\n".join(map(visible, each.split("\n"))))
    sys.stdout.flush()


def _told(kind: str, said: Line) -> Iterator[str]:
    match kind:
        case "task":
            yield f"{said['words']}\nby {said['model']}"
        case "plan":
            yield f"Plan:\n{_indented(said['text'])}"
        case "reply" if said["calls"] and said["text"].strip():
            yield _indented(said["text"])
        case "observation":
            yield _done(said)
        case "resumed":
            yield "(It went on after an interruption.)"
        case "report":
            yield from _end(
                Report(**{**said["report"], "status": Status(said["report"]["status"])})
            )


def _done(said: Line) -> str:
    call = said["call"]
    words = said["command"] or said["file"] or _argument(call["arguments"])
    how = "" if said["well"] else f": {said['text'].splitlines()[0]}"
    shown = f"\n{_indented(said['shown'])}" if said["file"] and said["shown"] else ""
    return f"- {call['tool']} {words}{how}{shown}"


def _argument(arguments: Mapping[str, Any]) -> str:
    return " ".join(str(value)[:200] for value in arguments.values())


def _end(report: Report) -> Iterator[str]:
    yield f"\n{report.result}\n"
    would = "" if report.apply else "would be "
    for title, names in ((f"{would}written", report.files), (f"{would}run", report.commands)):
        if names:
            yield f"{title}: {', '.join(names)}"
    used = f"{report.steps} steps, {report.tokens} tokens, {report.seconds:.1f} s"
    yield f"{report.status.value}: {used}"
    if (report.files or report.commands) and not report.apply:
        yield "This was a dry run. To do it, add: --apply"


def _indented(text: str) -> str:
    return "\n".join(f"  {row}" for row in text.strip().split("\n"))
