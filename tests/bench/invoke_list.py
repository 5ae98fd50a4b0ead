# SPDX-License-Identifier: Apache-2.0
"""How long `invoke --list` takes: `python tests/bench/invoke_list.py [ROUNDS]`.

Peer: a task file with as many empty tasks of the same names. Both are asked in turn, each in a
process of its own. Target: at most 1.3 of the peer (median of rounds).
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from invoke.collection import Collection

CLONE = Path(__file__).resolve().parents[2]
ROUNDS = 15
TARGET = 1.3


def empty(names: list[str]) -> str:
    """Return a task file with an empty task for each of *names*."""
    tasks = (
        f'@task(name="{name}")\ndef task_{number}(context):\n    """Do nothing."""\n'
        for number, name in enumerate(names)
    )
    return "\n\n".join(["from invoke import task", *tasks])


def listing(argv: list[str], folder: Path) -> tuple[float, int]:
    """Return how long *argv* took in *folder*, and how many lines it printed."""
    began = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return time.perf_counter() - began, len(done.stdout.splitlines())


def main(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the figures."""
    sys.path.insert(0, str(CLONE))
    names = list(Collection.from_module(import_module("tasks")).task_names)
    invoke = [sys.executable, "-m", "invoke", "--list"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tasks.py").write_text(empty(names))
        ways = {
            "peer": (invoke, Path(folder)),
            "ours": (invoke, CLONE),
            "door": ([sys.executable, "-P", "-m", "beast_ops.cli", "--list"], CLONE),
        }
        lines = {name: listing(*way)[1] for name, way in ways.items()}
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                took[name].append(listing(*way)[0])
    ratio = statistics.median(took["ours"]) / statistics.median(took["peer"])
    return {
        "summary": {
            **{f"{name}_ms": round(statistics.median(t) * 1000, 1) for name, t in took.items()},
            **{f"{name}_min_ms": round(min(t) * 1000, 1) for name, t in took.items()},
            "ratio": round(ratio, 3),
            "met": ratio <= TARGET and min(lines.values()) >= len(names),
        },
        "tasks": len(names),
        "load": os.getloadavg(),
        "versions": {"python": platform.python_version(), "invoke": version("invoke")},
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS), indent=2))
