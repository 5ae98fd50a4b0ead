# SPDX-License-Identifier: Apache-2.0
"""What containers wrote, and what of it may be shown elsewhere."""

import queue
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from beast_ops.errors import BeastError

from .engine import Engine

COMPLAINT = re.compile(r"\b(err|error|fatal|panic|cannot|denied|failed)\b", re.IGNORECASE)
LONGEST = 300
SHORTEST_SECRET = 8  # what is shorter is no secret of ours, and would blot out words


def read(engine: Engine, containers: Mapping[str, str], lines: int) -> Iterator[str]:
    """Yield the last *lines* lines of each of *containers*, labelled if there are several."""
    for name, container in containers.items():
        for line in engine.logs(container, lines):
            yield _labelled(name, line, containers)


def follow(engine: Engine, containers: Mapping[str, str], lines: int) -> Iterator[str]:
    """Yield what `read` does, then every new line, until Ctrl-C or all of them ended."""
    heard: queue.Queue[tuple[str, str | None]] = queue.Queue(maxsize=1000)

    def listen(name: str, container: str) -> None:
        try:
            for line in engine.follow(container, lines):
                heard.put((name, line))
        except BeastError as broken:
            heard.put((name, broken.paragraph()))
        finally:
            heard.put((name, None))

    for name, container in containers.items():
        threading.Thread(target=listen, args=(name, container), daemon=True).start()
    left = set(containers)
    try:
        while left:
            name, line = heard.get()
            if line is None:
                left.discard(name)
            else:
                yield _labelled(name, line, containers)
    except KeyboardInterrupt:
        return


def _labelled(name: str, line: str, containers: Mapping[str, str]) -> str:
    return line if len(containers) == 1 else f"{name:<{max(map(len, containers))}} | {line}"


def telling(lines: Sequence[str]) -> str:
    """Return the one of *lines* that most likely says what is wrong: the last that complains."""
    said = [line.strip() for line in lines if line.strip()]
    complaints = [line for line in said if COMPLAINT.search(line)]
    return (complaints or said or [""])[-1][:LONGEST]


def redacted(secrets: Path, text: str) -> str:
    """Return *text* without any of the secrets below the folder *secrets*."""
    for path in secrets.glob("*/*"):
        try:
            values = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError):
            continue
        for value in values:
            if len(value) >= SHORTEST_SECRET:
                text = text.replace(value, "***")
    return text
