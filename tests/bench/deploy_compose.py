# SPDX-License-Identifier: Apache-2.0
"""Deploys of the whole stack in containers: `python tests/bench/deploy_compose.py [REPEATS]`.

On a fresh host of the lab, in turn and as whole processes:

* nothing to do: ours against pyinfra rendering the same files and `docker compose up -d`. The
  peer renders on this machine, which spares it the way to the host. Target: at most three times.
* first deploy, images present: ours against `docker compose up --wait` of the very same file,
  both after everything was taken down. Target: at most 1.3 times.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE))

from tests.bench import deploy_noop as noop  # noqa: E402 - the clone is on the path only now
from tests.lab import fleet, lab, stack  # noqa: E402 - likewise

HOST = "bench-one"
TIMES_PEER, TIMES_PLAIN = 3.0, 1.3


def main(repeats: int = 5) -> dict[str, Any]:
    """Return the medians and ratios of *repeats* runs in turn."""
    lab.up(("trixie",))
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch:
        folder = Path(scratch)
        made = stack.fresh(HOST, folder / "inventory")
        try:
            _must(made.beast("deploy"))
            idle = _in_turn({"ours": lambda: _idle(made), "peer": _peer(made, folder)}, repeats)
            first = _first(made, repeats)
            files = len(_rendered(made))
        finally:
            fleet.remove(HOST)
    return _figures(idle, first, files)


def _figures(
    idle: Mapping[str, Sequence[float]], first: Mapping[str, Sequence[float]], files: int
) -> dict[str, Any]:
    median = {
        "nothing_to_do": {name: statistics.median(took) for name, took in idle.items()},
        "first": {name: statistics.median(took) for name, took in first.items()},
    }
    times_peer = median["nothing_to_do"]["ours"] / median["nothing_to_do"]["peer"]
    times_plain = median["first"]["ours"] / median["first"]["plain"]
    return {
        "files": files,
        "median_s": {
            kind: {name: round(value, 2) for name, value in found.items()}
            for kind, found in median.items()
        },
        "ours_per_peer": round(times_peer, 2),
        "ours_per_plain": round(times_plain, 2),
        "met": times_peer <= TIMES_PEER and times_plain <= TIMES_PLAIN,
        "load": os.getloadavg(),
    }


def _in_turn(ways: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    for way in ways.values():
        way()
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - begun)
    return took


def _must(done: stack.Done) -> stack.Done:
    if done.code:
        raise SystemExit(done.err or done.out)
    return done


def _idle(made: stack.Stack) -> None:
    assert _must(made.beast("deploy")).changed == 0


def _rendered(made: stack.Stack) -> dict[str, str]:
    """Return the files our deploy rendered, each a template of one variable for the peer."""
    roots = f"{stack.ROOT}/current/ {stack.ROOT}/config {stack.ROOT}/live"
    listed = made.host("sh", "-c", f"find {roots} -type f ! -name release.json").split()
    texts = {path.strip("/").replace("/", "-"): made.host("cat", path) for path in listed}
    return {name: text.replace(stack.ROOT, "{{ beast_root }}") for name, text in texts.items()}


def _peer(made: stack.Stack, folder: Path) -> Callable[[], None]:
    plain = {
        name: text.replace("{{", "{{ '{{' }}").replace(
            "{{ '{{' }} beast_root }}", "{{ beast_root }}"
        )
        for name, text in _rendered(made).items()
    }
    render = noop._pyinfra(folder, plain)
    current = f"{stack.ROOT}/current"
    up = ["docker", "exec", HOST, "docker", "compose", "-f", f"{current}/compose.yml"]
    up += ["-f", f"{current}/compose.host.yml"]

    def peer() -> None:
        render()
        subprocess.run([*up, "up", "-d"], check=True, capture_output=True, timeout=600)

    return peer


def _first(made: stack.Stack, repeats: int) -> dict[str, list[float]]:
    """Return how long it takes from nothing that runs, for ours and for Compose alone."""
    current = f"{stack.ROOT}/current"
    compose = f"docker compose -f {current}/compose.yml -f {current}/compose.host.yml"
    took: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(repeats):
        made.host("sh", "-c", f"{compose} down")
        begun = time.perf_counter()
        made.host("sh", "-c", f"{compose} up -d --wait", seconds=900)
        took["plain"].append(time.perf_counter() - begun)
        _must(made.beast("remove", "--yes"))
        begun = time.perf_counter()
        _must(made.beast("deploy"))
        took["ours"].append(time.perf_counter() - begun)
    return took


if __name__ == "__main__":
    figures = main(*map(int, sys.argv[1:2]))
    print(json.dumps(figures, indent=2))
