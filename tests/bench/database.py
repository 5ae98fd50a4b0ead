# SPDX-License-Identifier: Apache-2.0
"""Our databases against what is under them: `python tests/bench/database.py [ROUNDS]`.

In turn, on files of their own with the same settings:

* a connection is taken and given back: ours against SQLAlchemy's plain `QueuePool`. Both give a
  `Connection` that executes statements of Core, neither begins a transaction. Target: at most
  what SQLAlchemy's takes.
* one row by its key, and one row written: ours against SQLAlchemy's engine and against the
  `sqlite3` module with a connection that is held. No target; they say what the comfort costs.
* 16 threads take 1,000 connections each: no failure, none left over.
* opening a file that is up to date, and the migration of a new one.
"""

import json
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import (
    TEXT,
    Column,
    Engine,
    MetaData,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
)
from sqlalchemy.pool import QueuePool

from beast_ops.database import Database
from beast_ops.database.connect import connect
from beast_ops.database.prepared import Prepared
from beast_ops.jobs.table import JobTable

ROUNDS = 9
TIMES = 2000
ROWS = 1000
THREADS, CHECKOUTS = 16, 1000
TARGET = 1.0
METADATA = MetaData()
VALUES = Table("kept", METADATA, Column("key", TEXT, primary_key=True), Column("value", TEXT))
GET = select(VALUES.c.value).where(VALUES.c.key == bindparam("wanted"))
PUT = insert(VALUES).prefix_with("OR REPLACE")
PUT_PREPARED = Prepared(PUT.values(key=bindparam("key"), value=bindparam("value")))
PLAIN_GET = "SELECT value FROM kept WHERE key = ?"
PLAIN_PUT = "INSERT OR REPLACE INTO kept VALUES (?, ?)"
VALUE = "x" * 800

Act = Callable[[int], object]


def plain_engine(path: Path) -> Engine:
    """Return SQLAlchemy's own pool over the same connections as ours."""
    return create_engine(
        "sqlite://", creator=lambda: connect(path), poolclass=QueuePool, pool_size=10
    )


def ours(database: Database) -> dict[str, Act]:
    def checkout(_: int) -> None:
        database._pool._give(database._pool._take(1))

    def get(number: int) -> str:
        with database.reading() as table:
            return str(table.execute(GET, {"wanted": f"k{number % ROWS}"}).scalar())

    def put(number: int) -> None:
        with database.writing() as table:
            PUT_PREPARED.say(table, {"key": f"k{number % ROWS}", "value": VALUE})

    return {"checkout": checkout, "get": get, "put": put}


def sqlalchemys(engine: Engine) -> dict[str, Act]:
    def checkout(_: int) -> None:
        engine.connect().close()

    def get(number: int) -> str:
        with engine.connect() as table:
            return str(table.execute(GET, {"wanted": f"k{number % ROWS}"}).scalar())

    def put(number: int) -> None:
        with engine.connect() as table:
            table.exec_driver_sql("BEGIN IMMEDIATE")
            table.execute(PUT, {"key": f"k{number % ROWS}", "value": VALUE})
            table.commit()

    return {"checkout": checkout, "get": get, "put": put}


def plain(held: sqlite3.Connection) -> dict[str, Act]:
    def get(number: int) -> str:
        return str(held.execute(PLAIN_GET, (f"k{number % ROWS}",)).fetchone()[0])

    def put(number: int) -> None:
        held.execute("BEGIN IMMEDIATE")
        held.execute(PLAIN_PUT, (f"k{number % ROWS}", VALUE))
        held.execute("COMMIT")

    return {"get": get, "put": put}


def microseconds(act: Act, times: int = TIMES) -> float:
    begun = time.perf_counter()
    for number in range(times):
        act(number)
    return (time.perf_counter() - begun) / times * 1e6


def crowd(database: Database) -> dict[str, Any]:
    """Have 16 threads read, and write now and then; return how long a checkout took them."""

    def work(number: int) -> None:
        for step in range(CHECKOUTS):
            if step % 100 == number:
                with database.writing() as table:
                    PUT_PREPARED.say(table, {"key": f"k{step}", "value": VALUE})
            else:
                with database.reading():
                    pass

    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    seconds = time.perf_counter() - begun
    pool = database._pool
    return {
        "seconds": round(seconds, 2),
        "us_each": round(seconds / THREADS / CHECKOUTS * 1e6, 1),
        "left_over": pool._opened - len(pool._free),
    }


def opening(folder: Path) -> dict[str, float]:
    """Return how long it takes to open a job table: a new one, and one that is up to date."""
    JobTable(folder / "warm.sqlite").close()  # what is imported counts once
    new = microseconds(lambda number: JobTable(folder / f"{number}.sqlite").close(), 10)
    old = microseconds(lambda _: JobTable(folder / "0.sqlite").close(), 50)
    return {"new_ms": round(new / 1000, 2), "up_to_date_ms": round(old / 1000, 2)}


def main(rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the medians of *rounds*, and ours over each peer's."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(Database(folder / "ours.sqlite"))
        engine = plain_engine(folder / "theirs.sqlite")
        stack.callback(engine.dispose)
        held = connect(folder / "plain.sqlite")
        stack.callback(held.close)
        with database.writing() as table:
            METADATA.create_all(table)
        METADATA.create_all(engine)
        held.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT)")
        ways = {"ours": ours(database), "sqlalchemy": sqlalchemys(engine), "sqlite3": plain(held)}
        for act in ("put", "get", "checkout"):  # warm, and fill
            for way in ways.values():
                microseconds(way.get(act, str))
        found: dict[str, dict[str, list[float]]] = {}
        for _ in range(rounds):
            for act in ("checkout", "get", "put"):
                for name, way in ways.items():
                    if act in way:
                        taken = found.setdefault(act, {}).setdefault(name, [])
                        taken.append(microseconds(way[act]))
        return told(found, {"crowd": crowd(database), "opening": opening(folder)})


def told(found: dict[str, dict[str, list[float]]], more: dict[str, Any]) -> dict[str, Any]:
    def ratio(act: str, peer: str) -> float:
        pairs = zip(found[act]["ours"], found[act][peer], strict=True)
        return round(statistics.median(one / other for one, other in pairs), 2)

    checkout = ratio("checkout", "sqlalchemy")
    return {
        "summary": {
            "checkout_over_sqlalchemy": checkout,
            "get_over_sqlalchemy": ratio("get", "sqlalchemy"),
            "get_over_sqlite3": ratio("get", "sqlite3"),
            "put_over_sqlalchemy": ratio("put", "sqlalchemy"),
            "put_over_sqlite3": ratio("put", "sqlite3"),
            "met": checkout <= TARGET and more["crowd"]["left_over"] == 0,
            **more,
        },
        "us": {
            act: {name: round(statistics.median(taken), 1) for name, taken in ways.items()}
            for act, ways in found.items()
        },
        "versions": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **{name: version(name) for name in ("sqlalchemy", "alembic")},
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS), indent=2))
