# SPDX-License-Identifier: Apache-2.0
"""Every strategy keeps one contract: what was held comes back, and nothing is left behind."""

import errno
import hashlib
import io
import json
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from beast_ops import http
from beast_ops.backup.extract import extract
from beast_ops.backup.plan import Item
from beast_ops.backup.strategies import Source, Staged, snapshot_api, sqlite, strategy, volume
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.card_parts import State
from beast_ops.cards import Services, read_services
from beast_ops.errors import BeastError, CommandError
from beast_ops.place import Place
from beast_ops.testing import Canned, a_service, an_installation, fake_service
from beast_ops.vectors.testing import running

KEEPER = "keeper"
ROWS, POINTS = 50, 20


class Full:
    """A writer on a full disk."""

    files = bytes = 0

    def add_file(self, *_args, **_more):
        """Refuse."""
        raise OSError(errno.ENOSPC, "No space left on device")

    add_tree = add_stream = add_bytes = add_file


@dataclass
class Runtime:
    """A runtime that does as its script says, and notes what it was asked."""

    exports: Path
    asked: list[str] = field(default_factory=list)
    broken: str = ""

    def _do(self, word: str, name: str) -> None:
        self.asked.append(f"{word} {name}")
        if word == self.broken:
            raise CommandError(f"{word} failed", subject=name)

    def stop(self, _place, name=None):
        """Stop a service."""
        self._do("stop", name)

    def start(self, _place, name=None):
        """Start a service."""
        self._do("start", name)

    def execute(self, _place, name, _argv):
        """Export, half of it if it shall fail."""
        self.exports.mkdir(parents=True)
        (self.exports / "dump").write_text("all of it")
        self._do("execute", name)
        return ""


class Case:
    """One strategy with something to keep; see the subclasses."""

    state: State
    notices = True

    def __init__(self, root: Path, held: ExitStack) -> None:
        """Make an installation below *root*."""
        self.held, self.root = held, root
        self.place: Place = an_installation(root / "place", self.service())
        self.place.run.mkdir()  # the lease is there
        self.item = Item(KEEPER, self.state)
        self.data = self.place.data / "1"
        self.fill(self.data)
        work = self.place.data / "1" / ".backup-1"
        work.mkdir()
        self.source = Source(self.place, self.services(), work, 10**9)

    def service(self):
        """Return the service that keeps it."""
        return a_service(KEEPER, state=(self.state,), volumes=(self.state.volume,))

    def services(self) -> Services:
        """Return the services of the release."""
        return read_services(self.place.services)

    def fill(self, data: Path) -> None:
        """Make what is to be kept."""

    def seen(self, staged: Staged | None = None) -> object:
        """Return what is kept, at its place or where it was brought to."""
        return files_below((staged.data if staged else self.data) / self.item.path)

    def traces(self) -> object:
        """Return everything a strategy may not change."""
        return files_below(self.place.root)

    def spoil(self, staged: Staged) -> None:
        """Change what was brought."""
        path = staged.data / self.item.path
        path.unlink() if path.is_file() else [each.unlink() for each in path.glob("*")]
        if path.is_dir():
            path.rmdir()

    def staged(self, folder: Path) -> Staged:
        """Return what was extracted to *folder*, with whatever must run."""
        return Staged(folder / "data", folder, folder / "secrets", {})


class Database(Case):
    state = State(how="sqlite", volume="box", set="box", file="it.sqlite")
    mode = "wal"

    def fill(self, data):
        (data / "box").mkdir()
        with closing(sqlite3.connect(data / "box/it.sqlite")) as opened, opened:
            opened.execute(f"PRAGMA journal_mode={self.mode}")
            opened.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
            opened.executemany("INSERT INTO notes (text) VALUES (?)", [("note",)] * ROWS)
        # One that stays open keeps the log, as a service would.
        self.held.callback(sqlite3.connect(data / "box/it.sqlite").close)

    def seen(self, staged=None):
        path = (staged.data if staged else self.data) / self.item.path
        with closing(sqlite3.connect(path)) as opened:
            return opened.execute("SELECT * FROM notes ORDER BY id").fetchall()

    def traces(self):
        sides = ("-wal", "-shm")
        return {k: v for k, v in files_below(self.place.root).items() if not k.endswith(sides)}

    def spoil(self, staged):
        with closing(sqlite3.connect(staged.data / self.item.path)) as opened, opened:
            opened.execute("DELETE FROM notes WHERE id = 7")


class DatabaseWithoutLog(Database):
    mode = "delete"


class Files(Case):
    state = State(how="files", volume="box", set="box", file="letters")

    def fill(self, data):
        (data / self.state.volume / "letters/inner").mkdir(parents=True)
        for name in ("a", "b", "inner/ü"):
            (data / self.state.volume / "letters" / name).write_text(name * 100)

    def spoil(self, staged):
        for path in sorted((staged.data / self.item.path).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (staged.data / self.item.path).rmdir()


class OneFile(Files):
    state = State(how="files", volume="box", set="box", file="letters/a")

    def spoil(self, staged):
        (staged.data / self.item.path).unlink()


class Volume(Files):
    state = State(how="volume", volume="box", set="box")


class Command(Case):
    state = State(
        how="command", volume="box", set="box", file="export",
        command=("dump",), undo=("take", "back"),
    )  # fmt: skip

    def fill(self, data):
        (data / "box").mkdir()

    def seen(self, staged=None):
        return files_below(staged.data / "box/export") if staged else {"dump": hashed(b"all of it")}


class Models(Case):
    state = State(how="models", volume="box", set="models")
    notices = False  # what is missing is fetched when the release is put in force

    def service(self):
        listed = {"models": [{"name": "small:1", "digest": "d", "size": 9}]}
        server = self.held.enter_context(
            fake_service({"/api/tags": Canned(body=json.dumps(listed).encode())})
        )
        return a_service(KEEPER, server.address, state=(self.state,), volumes=("box",))

    def fill(self, data):
        root = data / "box/models"
        (root / "blobs").mkdir(parents=True)
        parts = {}
        for name in ("config", "layer"):
            digest = hashed(name.encode())
            (root / f"blobs/sha256-{digest}").write_text(name)
            parts[name] = {"digest": f"sha256:{digest}"}
        manifest = root / "manifests/registry.ollama.ai/library/small/1"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(json.dumps({"config": parts["config"], "layers": [parts["layer"]]}))


class Store(Case):
    state = State(how="snapshot_api", volume="vectors", set="vectors")

    def service(self):
        self.first = self.held.enter_context(running(self.root / "first"))
        return a_service(KEEPER, self.first.url, state=(self.state,))

    def fill(self, _data):
        (self.place.secrets / KEEPER).mkdir(parents=True)
        (self.place.secrets / KEEPER / "api_key").write_text(self.first.key)
        with self.client(self.first) as client:
            for name in ("one", "two"):
                said = {"vectors": {"size": 2, "distance": "Dot"}}
                client.put(f"/collections/{name}", json=said).raise_for_status()
                points = [
                    {"id": n + 1, "vector": [n, 1.0], "payload": {"n": n}} for n in range(POINTS)
                ]
                client.put(
                    f"/collections/{name}/points", params={"wait": "true"}, json={"points": points}
                ).raise_for_status()
            action = {"create_alias": {"alias_name": "uno", "collection_name": "one"}}
            client.post("/collections/aliases", json={"actions": [action]}).raise_for_status()

    def client(self, server):
        return http.client(server.url, headers={"api-key": server.key}, seconds=30)

    def staged(self, folder):
        self.second = self.held.enter_context(running(self.root / "second"))
        (folder / "secrets" / KEEPER).mkdir(parents=True)
        (folder / "secrets" / KEEPER / "api_key").write_text(self.second.key)
        return Staged(folder / "data", folder, folder / "secrets", {KEEPER: self.second.url})

    def seen(self, staged=None):
        with self.client(self.second if staged else self.first) as client:
            asked = {"limit": 100, "with_payload": True, "with_vector": True}
            return [
                client.post(f"/collections/{name}/points/scroll", json=asked).json()["result"]
                for name in ("uno", "one", "two")
            ]

    def snapshots(self):
        with self.client(self.first) as client:
            return [
                client.get(f"/collections/{name}/snapshots").json()["result"]
                for name in ("one", "two")
            ]

    def traces(self):
        return files_below(self.place.root), self.snapshots()

    def spoil(self, _staged):
        with self.client(self.second) as client:
            client.post(
                "/collections/two/points/delete", params={"wait": "true"}, json={"points": [3]}
            ).raise_for_status()


CASES = (Database, DatabaseWithoutLog, Files, OneFile, Volume, Command, Models, Store)


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_below(path: Path) -> dict[str, str]:
    """Return the content of everything below *path*, or of the file itself; folders are empty."""
    if path.is_file():
        return {"": hashed(path.read_bytes())}
    return {
        str(each.relative_to(path)): hashed(each.read_bytes()) if each.is_file() else ""
        for each in path.rglob("*")
        if not (each.is_symlink() and each.is_dir())
    }


@pytest.fixture
def runtime(monkeypatch, tmp_path):
    double = Runtime(tmp_path / "place/data/1/box/export")
    monkeypatch.setattr("beast_ops.runtime.of", lambda *_: double)
    return double


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def case(request, tmp_path, runtime):
    assert not runtime.asked
    with ExitStack() as held:
        yield request.param(tmp_path, held)


def archived(case, folder):
    """Hold, release, write, close, extract; return what was staged, and what must be found."""
    raw = io.BytesIO()
    with ArchiveWriter(raw, {}) as writer, closing(
        strategy(case.item).hold(case.item, case.source)
    ) as held:  # fmt: skip
        held.release()
        facts = json.loads(json.dumps(held.write(writer)))
        writer.finish({})
    raw.seek(0)
    extract(raw, folder)
    return case.staged(folder), facts


def test_what_was_held_comes_back_as_it_was(case, tmp_path):
    before = case.seen()

    staged, facts = archived(case, tmp_path / "stage")
    strategy(case.item).bring(case.item, staged, facts)

    assert before == case.seen(staged)
    assert "" == strategy(case.item).judge(case.item, staged, facts)


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.notices], ids=lambda case: case.__name__, indirect=True
)
def test_what_was_changed_does_not_pass_as_what_was_kept(case, tmp_path):
    staged, facts = archived(case, tmp_path / "stage")
    strategy(case.item).bring(case.item, staged, facts)

    case.spoil(staged)

    assert strategy(case.item).judge(case.item, staged, facts)


def test_nothing_is_left_when_it_is_closed_even_twice(case):
    before = case.traces()

    held = strategy(case.item).hold(case.item, case.source)
    held.release()
    with ArchiveWriter(io.BytesIO(), {}) as writer:
        held.write(writer)
    held.close()
    assert before == case.traces()
    held.close()

    assert before == case.traces()


def test_nothing_is_left_of_what_failed_in_the_middle(case):
    before = case.traces()

    held = strategy(case.item).hold(case.item, case.source)
    with pytest.raises(OSError, match="No space left"):
        held.write(Full())
    held.close()

    assert before == case.traces()


def test_what_was_never_released_is_free_after_it_was_closed(case, tmp_path):
    before = case.seen()

    strategy(case.item).hold(case.item, case.source).close()

    staged, facts = archived(case, tmp_path / "stage")
    strategy(case.item).bring(case.item, staged, facts)
    assert before == case.seen(staged)


@pytest.mark.parametrize("kind", [Database, Files, Volume])
@pytest.mark.usefixtures("runtime")
def test_what_is_not_there_is_kept_as_missing(kind, tmp_path):
    with ExitStack() as held:
        case = kind(tmp_path, held)
        case.spoil(Staged(case.data, tmp_path, tmp_path, {})) if kind is not Database else (
            case.data / case.item.path
        ).unlink()

        staged, facts = archived(case, tmp_path / "stage")

    assert {"missing": True} == facts
    assert "" == strategy(case.item).judge(case.item, staged, facts)


@pytest.mark.parametrize("kind", [Database, DatabaseWithoutLog])
def test_writers_wait_until_the_moment_is_released_and_are_not_in_it(kind, tmp_path):
    with ExitStack() as stack:
        case = kind(tmp_path, stack)
        before = case.seen()
        raw = io.BytesIO()
        with ArchiveWriter(raw, {}) as writer, closing(
            strategy(case.item).hold(case.item, case.source)
        ) as held, closing(
            sqlite3.connect(case.data / case.item.path, timeout=0)
        ) as other:  # fmt: skip
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("DELETE FROM notes")
            other.rollback()
            held.release()
            if kind is Database:
                with other:
                    other.execute("DELETE FROM notes")
            held.write(writer)
            writer.finish({})
        raw.seek(0)
        extract(raw, tmp_path / "stage")

        assert before == case.seen(case.staged(tmp_path / "stage"))


def test_a_volume_is_copied_while_its_service_stands_still(tmp_path, runtime):
    with ExitStack() as held:
        case = Volume(tmp_path, held)
        strategy(case.item).hold(case.item, case.source).close()

    assert [f"stop {KEEPER}", f"start {KEEPER}"] == runtime.asked
    assert not (case.place.run / volume.QUIET).exists()


def test_a_service_is_started_again_when_its_copy_fails(tmp_path, runtime, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("beast_ops.backup.strategies.volume.copy_like", full)
    with ExitStack() as held:
        case = Volume(tmp_path, held)
        with pytest.raises(OSError, match="No space left"):
            strategy(case.item).hold(case.item, case.source)

    assert [f"stop {KEEPER}", f"start {KEEPER}"] == runtime.asked


def test_a_service_that_did_not_stop_is_started_all_the_same(tmp_path, runtime):
    runtime.broken = "stop"
    with ExitStack() as held:
        case = Volume(tmp_path, held)
        with pytest.raises(CommandError, match="stop failed"):
            strategy(case.item).hold(case.item, case.source)

    assert [f"stop {KEEPER}", f"start {KEEPER}"] == runtime.asked
    assert not (case.place.run / volume.QUIET).exists()


@pytest.mark.usefixtures("runtime")
def test_a_copy_that_failed_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    from beast_ops.backup.strategies import copies

    real, calls = copies.copy_file, []

    def full(source, target):
        calls.append(source)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr("beast_ops.backup.strategies.copies.copy_file", full)
    with ExitStack() as held:
        case = Volume(tmp_path, held)
        before = case.traces()
        with pytest.raises(OSError, match="No space left"):
            strategy(case.item).hold(case.item, case.source)

    assert before == case.traces()


def test_an_export_that_fails_leaves_nothing_of_itself(tmp_path, runtime):
    runtime.broken = "execute"
    with ExitStack() as held:
        case = Command(tmp_path, held)
        before = case.traces()
        with pytest.raises(CommandError, match="execute failed"):
            strategy(case.item).hold(case.item, case.source)

    assert before == case.traces()


def test_a_store_that_stumbles_after_a_snapshot_keeps_none(tmp_path, monkeypatch):
    with ExitStack() as held:
        case = Store(tmp_path, held)
        before, calls = case.traces(), []
        real = snapshot_api.Store.count

        def count(self, collection):
            calls.append(collection)
            if len(calls) == 4:  # before and after, of the second collection
                raise BeastError("stumbled")
            return real(self, collection)

        monkeypatch.setattr(snapshot_api.Store, "count", count)
        with pytest.raises(BeastError, match="stumbled"):
            strategy(case.item).hold(case.item, case.source)

        assert before == case.traces()


def test_snapshots_of_a_killed_backup_are_gone_when_the_next_one_is_held(tmp_path):
    with ExitStack() as held:
        case = Store(tmp_path, held)
        before = case.traces()
        killed = strategy(case.item).hold(case.item, case.source)
        killed._store.close()  # what the kernel does for one that is killed, and nothing else
        assert before != case.traces()

        strategy(case.item).hold(case.item, case.source).close()

        assert before == case.traces()


@pytest.mark.parametrize(
    ("free", "code", "words"),
    [
        (0, sqlite3.SQLITE_IOERR_SHMSIZE, "no room is left"),
        (0, sqlite3.SQLITE_CANTOPEN, "no room is left"),
        (0, sqlite3.SQLITE_CORRUPT, "cannot be read"),
        (1 << 30, sqlite3.SQLITE_IOERR_SHMSIZE, "cannot be read"),
    ],
)
def test_a_full_disk_is_not_taken_for_a_damaged_database(free, code, words, tmp_path, monkeypatch):
    room = SimpleNamespace(total=1 << 40, used=0, free=free)
    monkeypatch.setattr(sqlite.shutil, "disk_usage", lambda _: room)
    path = tmp_path / "jobs.sqlite"
    path.touch()
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = code

    def refuse(*_):
        raise failed

    monkeypatch.setattr(sqlite, "_open", refuse)
    with pytest.raises(CommandError, match=words):
        sqlite.HeldDatabase("n", path, tmp_path)
