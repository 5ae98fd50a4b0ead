# SPDX-License-Identifier: Apache-2.0
"""API, worker and Valkey, killed at random moments of jobs and streams, and started anew.

All of it without a Valkey, too. No job is lost or done twice in effect, whoever follows events
misses none and hears none twice, and a conversation goes on. `--long` runs hundreds of rounds.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from beast_ops import http
from beast_ops.cards import Health
from beast_ops.client import Again, Client
from beast_ops.client.where import at
from beast_ops.errors import ConflictError, MissingError, ServiceError, TransientError
from beast_ops.ingest.client import IngestOptions, ingest
from beast_ops.llm.testing import echo, fake_ollama
from beast_ops.testing import a_service, an_installation, free_port
from beast_ops.vectors.testing import running
from tests import valkey_server

SECONDS = 60.0
PATIENT = Again(attempts=100, seconds=SECONDS)
AWAY = (TransientError, ServiceError, ConflictError, MissingError)


class Kept:
    """A process that is started again whenever it ends, as a supervisor does it."""

    def __init__(self, module, environ, log):
        self.argv, self.environ, self.kills = [sys.executable, "-m", module], environ, 0
        self.log, self.over = log, threading.Event()
        self.process = self._start()
        self.keeper = threading.Thread(target=self._keep)
        self.keeper.start()

    def _start(self):
        with self.log.open("ab") as log:
            return subprocess.Popen(self.argv, env=self.environ, stdout=log, stderr=log)

    def _keep(self):
        while not self.over.wait(0.05):
            if self.process.poll() is not None:
                self.process = self._start()

    def kill(self):
        self.process.kill()
        self.kills += 1

    def end(self):
        self.over.set()
        self.keeper.join()
        self.process.kill()
        self.process.wait()


class KeptServer:
    """A Valkey that is started again whenever it is killed."""

    def __init__(self, folder):
        self.running = valkey_server.running(folder)
        self.server, self.kills = self.running.__enter__(), 0

    def kill(self):
        self.kills += 1
        self.server.kill()
        self.server.start()

    def end(self):
        self.running.__exit__(None, None, None)


class Listener(threading.Thread):
    """One who follows all events, through whatever happens."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.numbers, self.failed = place, [], None

    def run(self):
        try:
            with Client(at(self.place)) as client:
                for event in client.follow(after=0, patience=SECONDS):
                    self.numbers.append(event["number"])
        except Exception as failed:  # noqa: BLE001 - the test tells it
            self.failed = failed


@pytest.fixture(params=["alone", "valkey"])
def stack(request, tmp_path, needs):
    kept, found = {}, {}
    with ExitStack() as opened:
        if request.param == "valkey":
            needs("valkey")
            kept["valkey"] = KeptServer(tmp_path / "valkey")
            opened.callback(kept["valkey"].end)
            found = kept["valkey"].server.environment
        vectors = opened.enter_context(running(tmp_path / "vectors"))
        ollama = opened.enter_context(fake_ollama())
        port = free_port()
        place = an_installation(
            tmp_path / "root",
            a_service("beast-api", f"http://127.0.0.1:{port}", health=Health(deep="api")),
            secrets={
                "beast-api/token": "t",
                "beast-api/metrics_token": "m",
                "beast-api/vectors_key": vectors.key,
            },
        )
        common = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "BEAST_ROOT": str(place.root),
            "BEAST_DATA": str(place.data / "1"),
            "BEAST_SERVICES": str(place.services),
            "BEAST_SECRETS": str(place.secrets / "beast-api"),
            "BEAST_VECTORS_URL": vectors.url,
            "BEAST_VECTORS_KEY_FILE": str(place.secrets / "beast-api" / "vectors_key"),
            "BEAST_MODELS_URL": ollama.url,
            **found,
        }
        settings = {
            "beast_ops.api": {"port": port},
            "beast_ops.jobs": {"embedder": "none", "parsers": 1},
        }
        for module, said in settings.items():
            folder = tmp_path / module
            folder.mkdir()
            (folder / "settings.json").write_text(json.dumps(said))
            kept[module] = Kept(module, {**common, "BEAST_CONFIG": str(folder)}, folder / "log")
            opened.callback(kept[module].end)
        awake(place)
        yield place, kept, ollama


def awake(place):
    until = time.monotonic() + SECONDS
    with http.client(at(place).address) as client:
        while True:
            try:
                if client.get("/health/live").is_success:
                    return
            except http.RequestError:
                pass
            assert time.monotonic() < until, "the API does not come back"
            time.sleep(0.05)


def insisting(act):
    """Do *act* until it is done, as whoever types the same command again."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            return act()
        except AWAY:
            assert time.monotonic() < until
            time.sleep(0.2)


def killing(chance, kept, most):
    """Return a thread that kills one of *kept* at a random moment, or all of them."""
    chosen = chance.choice([*((name,) for name in kept), tuple(kept)])
    after = [chance.uniform(0.0, most) for _ in chosen]

    def run():
        for name, pause in zip(chosen, after, strict=True):
            time.sleep(pause)
            kept[name].kill()

    return threading.Thread(target=run)


def said_in(client, session):
    """Ask, and return what was heard until the answer ended or broke off."""
    heard = ""
    try:
        for message in client.chat.ask(session, text="Who flies by night?"):
            heard += message.data.get("text", "") if message.name == "text" else ""
    except AWAY:
        return heard, False
    return heard, True


def test_nothing_is_lost_or_done_twice_however_often_they_are_killed(stack, tmp_path, seed, rounds):
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    place, kept, ollama = stack
    ollama.answer, ollama.gap = lambda body: [*echo(body), *[" word"] * 20], 0.02
    folder, expected = tmp_path / "documents", {}
    folder.mkdir()
    listener = Listener(place)
    listener.start()
    with Client(at(place), again=PATIENT) as client:
        for number in range(rounds(3, 200)):
            name = f"d{number}.md"
            (folder / name).write_text(f"# Bird {number}\n\nBird number {number} flies by night.\n")
            expected[name] = 1
            killer = killing(chance, kept, 0.8)
            killer.start()
            done = insisting(lambda: ingest(place, [str(folder)], IngestOptions(), lambda _: None))
            killer.join()
            assert {"failed": 0, "seen": len(expected)}.items() <= done["documents"].items()

            session = insisting(lambda: client.chat.begin_on(collection="docs"))["id"]
            killer = killing(chance, kept, 0.6)
            killer.start()
            heard, whole = said_in(client, session)
            killer.join()
            checked(client, session, heard, whole=whole)
            heard, whole = said_in(client, session)
            assert whole, "the conversation does not go on"
            settled(client, listener, len(expected))

        listed = insisting(lambda: client.collections.documents("docs", limit=1000))["documents"]
        assert expected == {each["path"].rpartition("/")[2]: each["chunks"] for each in listed}
        (docs,) = client.collections.list()["collections"]
        assert len(expected) == docs["points"]
    print("kills:", {name: each.kills for name, each in kept.items()})
    assert sum(each.kills for each in kept.values()) >= 2


def checked(client, session, heard, *, whole):
    """Look whether the session has what was *heard*, and nothing twice."""
    kept = insisting(lambda: client.chat.messages(session, limit=100))["messages"]
    asked = [each for each in kept if each["role"] == "user"]
    answers = [each for each in kept if each["role"] == "assistant"]
    assert len(asked) <= 1
    assert len(answers) <= 1
    if whole:
        assert ["done"] == [each["state"] for each in answers]
        assert heard == answers[0]["text"]


def settled(client, listener, documents):
    """Wait until the listener has heard everything there is; it heard nothing twice."""
    until = time.monotonic() + SECONDS
    while True:
        assert listener.failed is None, listener.failed
        events = insisting(lambda: client.events.list(limit=100))["events"]
        newest = {each["number"] for each in events}
        if newest <= set(listener.numbers):
            break
        assert time.monotonic() < until, newest - set(listener.numbers)
        time.sleep(0.1)
    assert listener.numbers == sorted(set(listener.numbers))
    jobs = client.jobs.list(limit=100, kind="ingest")["jobs"]
    assert len(jobs) >= min(documents, 100)
    assert {"done", "held", "cancelled"} >= {each["state"] for each in jobs}
