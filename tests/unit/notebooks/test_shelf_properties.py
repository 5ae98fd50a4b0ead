# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to notebooks and sources in whatever order, they are what a simple model is.

The shelf, the intake and the job table are real; who reads, and the vector store, are a double
that does as the worker does: it takes a job, stores or removes passages, and notes the end. The
process of the API may end at any moment, also in the middle of bringing a source in.
"""

import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from beast_ops.database import Database
from beast_ops.errors import BeastError, ConflictError, DocumentError, MissingError
from beast_ops.ingest.intake import Intake, read_manifest
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.table import JobTable
from beast_ops.notebooks.fetch import Fetched
from beast_ops.notebooks.model import COLLECTION, notebooks_file
from beast_ops.notebooks.rows import SourceRows
from beast_ops.notebooks.schema import SCHEMA
from beast_ops.notebooks.shelf import Shelf
from beast_ops.notebooks.store import Notebooks, Page

ALL = Page(limit=100)
NAMES = some.sampled_from(["a.txt", "b.txt", "c d.md"])
CONTENTS = some.sampled_from([b"good", b"bad", b""])
STEPS = ("row", "job", "written", "started")
REASON = "it cannot be read"


class PowerCutError(Exception):
    """The process ended here."""


@dataclass
class Book:
    """What a notebook should be."""

    name: str
    sources: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # name and content


class Desk(RuleBasedStateMachine):
    """A person with notebooks, a worker that comes when it likes, and a process that is killed."""

    books = Bundle("books")
    sources = Bundle("sources")

    def __init__(self) -> None:
        super().__init__()
        self.data = Path(tempfile.mkdtemp())
        self.model: dict[str, Book] = {}
        self.passages: dict[str, bytes] = {}  # what the store has, by source
        self.open()

    def open(self) -> None:
        self.database = Database(notebooks_file(self.data), SCHEMA)
        self.jobs = JobTable(jobs_file(self.data))
        self.intake = Intake(self.data, reserve=0)
        self.rows = SourceRows(self.database)
        self.notebooks = Notebooks(self.database)
        self.shelf = Shelf(self.data, self.rows, self.intake, self.jobs, self.fetch)

    def fetch(self, _: str) -> Fetched:
        raise DocumentError("no way out")  # pages are fetched in threads: not for this model

    def close(self) -> None:
        for each in (self.shelf, self.intake, self.jobs, self.database):
            each.close()

    def teardown(self) -> None:
        self.settle_all()
        self.nothing_is_left_over()
        self.close()
        shutil.rmtree(self.data)

    @rule(target=books, name=some.sampled_from(["one", "two", "three"]))
    def make(self, name: str) -> str:
        if any(book.name == name for book in self.model.values()):
            with pytest.raises(ConflictError):
                self.notebooks.create(name)
            return next(key for key, book in self.model.items() if book.name == name)
        key = self.notebooks.create(name).id
        self.model[key] = Book(name)
        return key

    @rule(book=books, name=some.sampled_from(["one", "four"]))
    def rename(self, book: str, name: str) -> None:
        taken = any(key != book and each.name == name for key, each in self.model.items())
        if book not in self.model or taken:
            with pytest.raises(BeastError):
                self.notebooks.update(book, name, None)
        else:
            self.notebooks.update(book, name, None)
            self.model[book].name = name

    @rule(book=books)
    def burn(self, book: str) -> None:
        if self.model.pop(book, None) is None:
            with pytest.raises(MissingError):
                self.notebooks.delete(book)
        else:
            self.notebooks.delete(book)

    @rule(target=sources, book=books, name=NAMES, content=CONTENTS)
    def add(self, book: str, name: str, content: bytes) -> tuple[str, str]:
        there = self.model.get(book)
        if there is None or name in {each for each, _ in there.sources.values()}:
            with pytest.raises(BeastError), self.shelf.arrival(book, "file", name) as arrival:
                arrival.write(content)
            return book, "none"
        with self.shelf.arrival(book, "file", name) as arrival:
            arrival.write(content)
        there.sources[arrival.source.id] = (name, content)
        return book, arrival.source.id

    @rule(book=books, name=NAMES)
    def hang_up(self, book: str, name: str) -> None:
        with suppress(BeastError, ConnectionError), self.shelf.arrival(book, "file", name) as some_:
            some_.write(b"half")
            raise ConnectionError

    @rule(book=books, name=NAMES, where=some.sampled_from(STEPS))
    def die_while_adding(self, book: str, name: str, where: str) -> None:
        """The process is killed in the middle of `add`, whose client never hears of it."""
        with pytest.MonkeyPatch.context() as patch:
            self.break_at(patch, where)
            with suppress(BeastError, PowerCutError), self.shelf.arrival(book, "file", name) as a:
                a.write(b"good")
        self.die()

    def break_at(self, patch: pytest.MonkeyPatch, where: str) -> None:
        """Have everything after *where* not happen."""

        def dead(*_: object, **__: object) -> None:
            raise PowerCutError

        intake = self.intake
        patch.setattr(self.rows, "step", dead)
        if where == "row":
            patch.setattr(intake, "open_job", dead)
        elif where == "job":
            patch.setattr(intake, "receive", dead)
        elif where == "written":
            patch.setattr(intake, "start", dead)

    @rule()
    def die_while_sending_away(self) -> None:
        """The process is killed between noting who takes passages away, and having it done."""
        with pytest.MonkeyPatch.context() as patch:
            self.break_at(patch, "row")
            with suppress(PowerCutError):
                self.shelf.settle(self.physical())
        self.die()

    @rule()
    def die(self) -> None:
        self.close()
        self.open()
        self.shelf.resume()

    @rule(source=consumes(sources))
    def drop(self, source: tuple[str, str]) -> None:
        book, key = source
        known = self.model.get(book, Book("")).sources
        if known.pop(key, None) is None:
            with pytest.raises(MissingError):
                self.rows.delete(book, key)
        else:
            self.rows.delete(book, key)

    @rule()
    def look(self) -> None:
        self.shelf.settle(self.physical())

    def physical(self) -> str:
        return f"{COLLECTION}--1"

    @rule(killed=some.booleans())
    def work(self, *, killed: bool) -> None:
        self.do_next(killed=killed)

    def do_next(self, *, killed: bool = False) -> bool:
        """Do the next job as the worker does; *killed*, its effects are there, its end is not."""
        job = self.jobs.claim("w")
        if job is None:
            return False
        manifest = read_manifest(self.data / "uploads" / job.id)
        lines = []
        for place, entry in enumerate(manifest.documents):
            content = (self.data / "uploads" / job.id / str(place)).read_bytes()
            good = content != b"bad"
            if good:
                self.passages[entry.source] = content
            error = None if good else REASON
            lines.append({"ok": good, "chunks": int(bool(content)), "error": error})
        for source in manifest.gone:
            self.passages.pop(source, None)
        if killed:
            self.jobs.give_back(job)
        else:
            self.jobs.finish(job, {"results": lines})
        return True

    def settle_all(self) -> None:
        for _ in range(10):
            while self.do_next():
                pass
            self.shelf.settle(self.physical())

    @invariant()
    def what_is_there_is_what_was_made(self) -> None:
        found, total = self.notebooks.page(ALL)
        assert {key: book.name for key, book in self.model.items()} == {
            each.id: each.name for each in found
        }
        assert total == len(found)
        for each in found:
            listed, count = self.rows.page(each.id, ALL)
            expected = {key: name for key, (name, _) in self.model[each.id].sources.items()}
            assert expected == {source.id: source.name for source in listed}
            assert (len(expected), len(expected)) == (count, each.sources)

    @invariant()
    def what_is_ready_is_in_the_store(self) -> None:
        for key, book in self.model.items():
            for source in self.rows.page(key, ALL)[0]:
                content = book.sources[source.id][1]
                seen, state = self.shelf.seen(source)
                if state == "ready":
                    assert self.passages[source.uri] == content != b"bad"
                    assert seen.passages == int(bool(content))
                if state == "failed":
                    assert (content, seen.reason) == (b"bad", REASON)

    def nothing_is_left_over(self) -> None:
        """Once all has settled, the store has exactly what the model has, and all is known."""
        expected = {}
        for key, book in self.model.items():
            for source in self.rows.page(key, ALL)[0]:
                content = book.sources[source.id][1]
                assert ("failed" if content == b"bad" else "ready") == self.shelf.seen(source)[1]
                if content != b"bad":
                    expected[source.uri] = content
        assert expected == self.passages
        assert not self.shelf.is_busy()


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
