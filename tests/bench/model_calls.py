# SPDX-License-Identifier: Apache-2.0
"""What calls of models cost beside the model: `python tests/bench/model_calls.py [REPEATS]`.

* `overhead`: a call that does nothing, through guard and pace, with the key of its answer.
  Target: 60 µs.
* `batches`: N requests, some at once, of a server in a process of its own that takes a fixed
  time, with everything switched on, against `ceil(N / C) * T`, a plain gather and LangChain's
  `abatch`. Source of the sizes: 10 and 20 requests, 5 at once, 4.5 s each, at a hundredth.
  Target: 1.05 of the ideal for what is ours: of the shortest runs, for other load only adds.
* `cache`: an answer in memory (target: 3 µs) and in the file, against diskcache (target: 1.5
  times its time).

All in turn, so that what else the machine does falls on all of them.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parents[2]))

from beast_ops import http  # noqa: E402 - the line above finds it
from beast_ops.llm.answers import AnswerCache, Limits, key_of  # noqa: E402 - likewise
from beast_ops.llm.batch import Task, run_batch  # noqa: E402 - likewise
from beast_ops.llm.chat import ChatServer, Request, Turn  # noqa: E402 - likewise
from beast_ops.llm.remembered import Remembering  # noqa: E402 - likewise
from beast_ops.llm.testing import WRITES  # noqa: E402 - likewise
from beast_ops.llm.wire import Terms  # noqa: E402 - likewise
from beast_ops.resilience import Guard, Guards  # noqa: E402 - likewise
from beast_ops.resilience.policy import CHAT  # noqa: E402 - likewise

PEERS = HERE.with_name("peers_models.txt")
SECONDS, AT_ONCE, SIZES = 0.045, 5, (10, 20, 100)
SCALED = replace(CHAT, rate=CHAT.rate * 100)  # the time is a hundredth, so calls are as frequent
CALLS, HITS = 5000, 5000
TEXT = "x" * 800
OVERHEAD, IDEAL, MEMORY, FILE = 60e-6, 1.05, 3e-6, 1.5
SERVER = f"""
import sys
from beast_ops.llm.testing import fake_ollama
with fake_ollama() as double:
    double.first, double.answer = {SECONDS}, lambda body: ["yes"]
    print(double.url, flush=True)
    sys.stdin.read()
"""
ASK = """
import asyncio, json, sys, time
import httpx
url, count, most, model = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
async def main():
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        async def ask(number):
            said = [{"role": "user", "content": f"q{number}"}]
            answer = await client.post("/api/chat", json={"model": model, "messages": said})
            lines = [json.loads(line) for line in answer.text.splitlines()]
            return "".join(each["message"]["content"] for each in lines)
        await client.get("/api/tags")
        %s
asyncio.run(main())
"""
GATHER = """
        turn = asyncio.Semaphore(most)
        async def one(number):
            async with turn:
                return await ask(number)
        begun = time.perf_counter()
        found = await asyncio.gather(*map(one, range(count)))
        print(json.dumps([time.perf_counter() - begun, found]))
"""
LANGCHAIN = """
        from langchain_core.runnables import RunnableLambda
        chain = RunnableLambda(ask)
        await chain.ainvoke(0)
        begun = time.perf_counter()
        found = await chain.abatch(list(range(count)), config={"max_concurrency": most})
        print(json.dumps([time.perf_counter() - begun, found]))
"""
DISKCACHE = """
import sys, tempfile, time
from diskcache import Cache
count, text = int(sys.argv[1]), sys.argv[2]
with tempfile.TemporaryDirectory() as folder, Cache(folder) as cache:
    keys = [f"{number:064x}" for number in range(200)]
    for key in keys: cache.set(key, text, expire=3600)
    begun = time.perf_counter()
    for number in range(count): assert cache.get(keys[number % 200]) == text
    print((time.perf_counter() - begun) / count)
"""


def main(repeats: int = 5) -> dict[str, Any]:
    """Return medians and ratios of *repeats* runs of every way, in turn."""
    peers, took = environment(), defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory(prefix="beast-bench-") as scratch, server() as url:
        for number in range(repeats):
            took["overhead"].append(overhead())
            for way, seconds in cached(Path(scratch) / str(number)).items():
                took[way].append(seconds)
            took["diskcache"].append(float(run(peers, DISKCACHE, str(HITS), TEXT)))
            for count in SIZES:
                took[f"ours {count}"].append(batch(url, count, Path(scratch) / f"{number}-{count}"))
                for way, script in (("gather", GATHER), ("langchain", LANGCHAIN)):
                    words = (url, str(count), str(AT_ONCE), WRITES)
                    seconds, found = json.loads(run(peers, ASK % script, *words))
                    assert ["yes"] * count == found
                    took[f"{way} {count}"].append(seconds)
    return figures(took)


def environment() -> Path:
    """Return the interpreter of the peers' own environment, made on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    python = cache / "ai-beast-bench" / "model-calls" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(PEERS)]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    return python


def run(python: Path, script: str, *words: str) -> str:
    """Return what *script* prints in the environment of the peers."""
    quiet = {**os.environ, "LANGSMITH_TRACING": "false"}
    argv = [str(python), "-c", script, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120, env=quiet)
    return done.stdout


@contextmanager
def server():
    """Serve the double in a process of its own; yield where."""
    argv, pipe = [sys.executable, "-c", SERVER], subprocess.PIPE
    clone = HERE.parents[2]
    with subprocess.Popen(argv, cwd=clone, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(20)


def overhead() -> float:
    """Return seconds of a call that does nothing, with all that stands before it."""
    body = ChatServer.body(Request(WRITES, (Turn("user", TEXT),), {"temperature": 0}))

    async def nothing() -> None:
        return None

    async def many() -> float:
        guard = Guard("it", replace(CHAT, rate=1e9, burst=1000))
        await guard.run(nothing)
        begun = time.perf_counter()
        for _ in range(CALLS):
            key_of("0" * 64, "/api/chat", body)
            await guard.run(nothing)
        assert CALLS + 1 == guard.figures().outcomes["answered"]
        return (time.perf_counter() - begun) / CALLS

    return asyncio.run(many())


def batch(url: str, count: int, file: Path) -> float:
    """Return seconds of a batch of *count* requests, each of which is asked."""
    tasks = [
        Task(str(each), Request(WRITES, (Turn("user", f"q{each}"),), {"temperature": 0}))
        for each in range(count)
    ]

    async def all_() -> float:
        async with http.async_client(url, seconds=60) as client:
            models = Remembering(ChatServer(client, Terms(guards=Guards(), policy=SCALED)), cache)
            await run_batch(
                [Task("warm", Request(WRITES, (Turn("user", "warm"),)))], models, AT_ONCE
            )
            begun = time.perf_counter()
            found = await run_batch(tasks, models, AT_ONCE)
            took = time.perf_counter() - begun
        assert [("yes", "model")] * count == [(each.text, each.source) for each in found]
        return took

    with AnswerCache(file) as cache:
        return asyncio.run(all_())


def cached(folder: Path) -> dict[str, float]:
    """Return seconds of an answer that is in memory, and of one that is in the file."""
    keys = [key_of("0" * 64, "/api/chat", {"number": number}) for number in range(200)]

    def each(get: Callable[[bytes], str | None]) -> float:
        begun = time.perf_counter()
        for number in range(HITS):
            assert get(keys[number % 200]) == TEXT
        return (time.perf_counter() - begun) / HITS

    found = {}
    for way, limits in (("memory", Limits()), ("file", Limits(memory_entries=0))):
        with AnswerCache(folder / way, limits) as cache:
            for key in keys:
                cache.put(key, TEXT)
            found[way] = each(cache.get)
    return found


def figures(took: dict[str, list[float]]) -> dict[str, Any]:
    """Return what is compared."""
    batches = {}
    for count in SIZES:
        ideal = math.ceil(count / AT_ONCE) * SECONDS
        batches[count] = {
            way: {
                "best": round(min(took[f"{way} {count}"]) / ideal, 3),
                "median": round(median(took[f"{way} {count}"]) / ideal, 3),
            }
            for way in ("ours", "gather", "langchain")
        }
    alone = ("overhead", "memory", "file", "diskcache")
    micro = {name: round(median(took[name]) * 1e6, 2) for name in alone}
    ratio = min(took["file"]) / min(took["diskcache"])
    met = {
        "overhead": min(took["overhead"]) <= OVERHEAD,
        "batches": all(each["ours"]["best"] <= IDEAL for each in batches.values()),
        "memory": min(took["memory"]) <= MEMORY,
        "file": ratio <= FILE,
    }
    return {
        "microseconds": micro,
        "file_to_diskcache": round(ratio, 2),
        "batches_to_ideal": batches,
        "load": os.getloadavg()[0],
        "summary": {"met": all(met.values()), **met},
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2])), indent=2))
