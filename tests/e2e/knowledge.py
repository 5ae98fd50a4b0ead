# SPDX-License-Identifier: Apache-2.0
"""What an installation knows, seen from outside: its API, its vector store, its processes.

Comparisons are exact: two collections are equal if they hold the same points, and two points if
they have the same id, payload and vectors.
"""

import contextlib
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import http
from tests.e2e.stack import Done, Installation

WRITES = re.compile(
    r'rest_responses_total\{endpoint="/collections/\{name\}/points[^"]*",method="(?:PUT|POST)"'
    r'[^}]*\} ([0-9.e+]+)'
)  # fmt: skip
READS = ("/query", "/scroll", "/count", "/search")
PAGE = 500


def secret(stack: Installation, name: str) -> str:
    """Return a secret by `reader/file`."""
    return (stack.root / "secrets" / name).read_text().strip()


def api(stack: Installation, **headers: str) -> http.Client:
    """Return a client of the API that may do everything."""
    token = {"authorization": f"Bearer {secret(stack, 'beast-api/token')}"}
    return http.client(stack.api, headers={**token, **headers}, seconds=30)


def vectors(stack: Installation) -> http.Client:
    """Return a client of the vector store that may do everything."""
    url = f"http://127.0.0.1:{stack.settings['qdrant_port']}"
    return http.client(url, headers={"api-key": secret(stack, "qdrant/api_key")}, seconds=60)


def start_ingest(stack: Installation, *paths: Path, collection: str) -> subprocess.Popen:
    """Start to ingest; `stack.finish` waits for it."""
    words = ("--collection", collection, "--json", *map(str, paths))
    return stack.start("ingest", *words)


def ingest(stack: Installation, *paths: Path, collection: str) -> Done:
    """Ingest to the end."""
    return stack.finish(start_ingest(stack, *paths, collection=collection))


def told(done: Done, *, failed: int = 0) -> dict[str, Any]:
    """Return what an ingestion printed; assert that it ended as it says."""
    assert done.out, f"ended with {done.code}: {done.err}"
    found = done.json
    assert "error" not in found, found
    assert failed == found["documents"]["failed"], [r for r in found["results"] if not r["ok"]]
    assert (1 if failed else 0) == done.code, done.err
    return found


def last_words(done: Done) -> str:
    """Return the paragraph in which an ingestion said why it failed, after its progress."""
    lines = done.err.splitlines()
    assert lines, done
    assert lines[-1].startswith("beast: "), done.err
    assert "Traceback" not in done.err
    return lines[-1]


def search(stack: Installation, query: str, **options: object) -> list[dict[str, Any]]:
    """Return the hits of a search over HTTP."""
    with api(stack) as client:
        answer = client.post("/search", json={"query": query, **options})
        assert answer.status_code == 200, answer.text
        return answer.json()["hits"]


def sources(hits: list[dict[str, Any]]) -> set[str]:
    """Return the paths of *hits*."""
    return {hit["path"] for hit in hits}


def count(client: http.Client, collection: str) -> int:
    """Return how many points *collection* has; 0 if the store is away or does not know it."""
    with contextlib.suppress(http.RequestError):
        answer = client.post(f"/collections/{collection}/points/count", json={"exact": True})
        if answer.status_code == 200:
            return answer.json()["result"]["count"]
    return 0


def points(stack: Installation, collection: str, *, whole: bool = True) -> dict[str, Any]:
    """Return all points of *collection* by id: payload and vectors, or nothing but ids."""
    found: dict[str, Any] = {}
    asked: dict[str, Any] = {"limit": PAGE, "with_payload": whole, "with_vector": whole}
    with vectors(stack) as client:
        while True:
            answer = client.post(f"/collections/{collection}/points/scroll", json=asked)
            assert answer.status_code == 200, answer.text
            page = answer.json()["result"]
            found |= {each["id"]: _plain(each) for each in page["points"]}
            if page["next_page_offset"] is None:
                return found
            asked["offset"] = page["next_page_offset"]


def _plain(point: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return payload and vectors with the dimensions of sparse ones in order."""
    vector = dict(point.get("vector") or {})
    if sparse := vector.get("text"):
        pairs = zip(sparse["indices"], sparse["values"], strict=True)
        vector["text"] = sorted(pairs)
    return json.dumps(point.get("payload"), sort_keys=True), vector


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Return in what two collections differ, in short; nothing if they are equal."""
    less, more = one.keys() - other.keys(), other.keys() - one.keys()
    changed = [ident for ident in one.keys() & other.keys() if one[ident] != other[ident]]
    if not (less or more or changed):
        return ""
    some = [one[i][0][:200] for i in [*less, *changed][:2]] + [
        other[i][0][:200] for i in list(more)[:2]
    ]
    return f"{len(less)} missing, {len(more)} too many, {len(changed)} changed: {some}"


def writes(stack: Installation) -> float:
    """Return how many requests have changed points since the vector store started."""
    with vectors(stack) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(
        float(found[1])
        for line in lines
        if (found := WRITES.match(line)) and not any(f'{name}"' in line for name in READS)
    )


def logs(stack: Installation) -> str:
    """Return what all processes wrote."""
    return "".join(path.read_text(errors="replace") for path in (stack.root / "logs").glob("*.log"))


@contextlib.contextmanager
def quiet(stack: Installation) -> Iterator[None]:
    """Assert that no process writes a traceback or answers 5xx while the block runs."""
    before = len(logs(stack))
    yield
    said = logs(stack)[before:] if len(logs(stack)) >= before else logs(stack)
    assert "Traceback" not in said, said[-4000:]


def kill(pids: list[int]) -> None:
    """End processes at once, without a word."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            import os

            os.kill(pid, signal.SIGKILL)


def uploads(stack: Installation) -> list[Path]:
    """Return the folders of documents that wait to be read."""
    return [path for folder in (stack.root / "data").glob("*/uploads") for path in folder.iterdir()]


@dataclass
class Memory:
    """The most memory a process and all below it held at once, by looking often."""

    root: int
    most_mib: float = 0.0

    def look(self) -> None:
        """Look once."""
        total = sum(_resident(pid) for pid in family(self.root))
        self.most_mib = max(self.most_mib, total)


def family(root: int) -> list[int]:
    """Return *root* and all processes below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text(errors="replace")
                parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(
                    int(folder.name)
                )
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _resident(pid: int) -> float:
    """Return what *pid* alone holds in memory, in MiB."""
    with contextlib.suppress(OSError):
        for line in (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def wait_for(what, seconds: float):
    """Wait until *what* returns something true, and return it; look every 10 ms."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"still {found!r} after {seconds} s"
        time.sleep(0.01)
    return found
