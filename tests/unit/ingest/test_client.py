# SPDX-License-Identifier: Apache-2.0
"""The client against a real API with a real worker behind it; only what cannot be staged there
(an API that is away, a job that fails) is answered from a can."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from beast_ops.cards import Health
from beast_ops.clock import Clock
from beast_ops.errors import (
    ConflictError,
    NotDeployedError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.ingest import client_upload
from beast_ops.ingest.client import GOES_ON, IngestOptions, ingest
from beast_ops.ingest.ignore import Selection
from beast_ops.jobs import client as jobs_client
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.place import Place
from beast_ops.testing import (
    Canned,
    a_service,
    an_installation,
    fake_service,
)


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nFirst.")
    (folder / "b.txt").write_text("Second.")
    return folder


def counts(answer):
    return {name: count for name, count in answer["documents"].items() if count}


def test_documents_are_read_once_and_leave_with_their_files(stack, docs):
    first = stack.ingest(docs, collection="once")
    second = stack.ingest(docs, collection="once")
    (docs / "a.md").unlink()
    third = stack.ingest(docs, collection="once")

    assert {"seen": 2, "ingested": 2} == counts(first)
    assert {"seen": 2, "unchanged": 2} == counts(second)
    assert {"seen": 1, "unchanged": 1, "deleted": 1} == counts(third)
    assert {"collection", "documents", "chunks", "seconds", "results"} == set(first)
    assert {"path", "ok", "chunks", "error", "seconds"} == set(first["results"][0])
    assert (2, "once") == (first["chunks"], first["collection"])
    assert "finding" == stack.events[0]["phase"]


def test_a_link_that_leads_nowhere_now_keeps_its_document(stack, docs, tmp_path):
    (tmp_path / "far.md").write_text("Far away.")
    (docs / "far.md").symlink_to(tmp_path / "far.md")
    stack.ingest(docs, collection="links")
    (tmp_path / "far.md").unlink()
    dangling = stack.ingest(docs, collection="links")
    (tmp_path / "far.md").write_text("Far away.")
    (docs / "far.md").unlink()

    assert {"seen": 3, "unchanged": 2, "failed": 1} == counts(dangling)
    assert {"seen": 2, "unchanged": 2, "deleted": 1} == counts(
        stack.ingest(docs, collection="links")
    )


def test_an_empty_folder_keeps_its_documents_until_told_otherwise(stack, docs):
    stack.ingest(docs, collection="empty")
    for file in docs.iterdir():
        file.unlink()

    assert {"seen": 1, "failed": 1} == counts(stack.ingest(docs, collection="empty"))
    assert {"deleted": 2} == counts(stack.ingest(docs, collection="empty", prune_empty=True))


def test_without_pruning_nothing_leaves(stack, docs):
    stack.ingest(docs, collection="kept")
    (docs / "a.md").unlink()

    assert {"seen": 1, "unchanged": 1} == counts(stack.ingest(docs, collection="kept", prune=False))


def test_what_a_selection_leaves_out_stays_and_what_an_ignore_file_names_leaves(stack, docs):
    stack.ingest(docs, collection="chosen")
    (docs / "c.txt").write_text("Third.")

    chosen = stack.ingest(docs, collection="chosen", selection=Selection(include=("*.txt",)))
    (docs / ".beastignore").write_text("*.txt\n")
    ignored = stack.ingest(docs, collection="chosen")

    assert {"seen": 2, "ingested": 1, "unchanged": 1} == counts(chosen)
    assert {"seen": 1, "unchanged": 1, "deleted": 2} == counts(ignored)


def test_what_is_piped_in_is_read_once_and_replaced_when_it_changes(stack, monkeypatch):
    def send(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return counts(stack.ingest("-", collection="piped", name="note.md"))

    assert {"seen": 1, "ingested": 1} == send(b"# Note\n\nFirst.")
    assert {"seen": 1, "unchanged": 1} == send(b"# Note\n\nFirst.")
    assert {"seen": 1, "ingested": 1} == send(b"# Note\n\nSecond.")
    assert 1 == stack.ingest("-", collection="piped", name="other.md")["documents"]["failed"]


def test_members_of_an_archive_come_change_and_leave_with_it(stack, docs, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    packed = docs / "x.zip"

    def pack(**members):
        with zipfile.ZipFile(packed, "w") as archive:
            for name, text in members.items():
                archive.writestr(f"{name}.md", text)

    def named():
        return counts(stack.ingest(packed, collection="packed"))

    pack(one="First.", two="Second.", three="Third.")
    assert {"seen": 3, "ingested": 3} == named()
    assert {"seen": 3, "unchanged": 3} == named()
    assert {"seen": 2, "ingested": 2} == counts(stack.ingest(docs, collection="packed"))
    pack(one="First.", two="Other.")
    os.utime(packed, (1, 1))
    assert {"seen": 2, "ingested": 1, "unchanged": 1, "deleted": 1} == named()
    whole = stack.ingest(docs, collection="packed", archives=True)
    assert {"seen": 4, "unchanged": 4} == counts(whole)
    assert f"{packed}!/two.md" in {line["path"] for line in whole["results"]}
    packed.write_bytes(b"damaged")
    broken = stack.ingest(docs, collection="packed", archives=True)
    assert {"seen": 3, "unchanged": 2, "failed": 1} == counts(broken)
    packed.unlink()
    assert {"seen": 2, "unchanged": 2} == counts(stack.ingest(docs, collection="packed"))
    gone = stack.ingest(docs, collection="packed", archives=True)
    assert {"seen": 2, "unchanged": 2, "deleted": 2} == counts(gone)


def test_a_member_that_is_damaged_fails_alone(stack, docs, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    packed = docs / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.md", "First and foremost.")
        archive.writestr("two.md", "Second.")
    packed.write_bytes(packed.read_bytes().replace(b"First", b"Worst"))

    answer = stack.ingest(packed, collection="torn")

    assert {"seen": 2, "ingested": 1, "failed": 1} == counts(answer)
    assert ["damaged in its archive (BadZipFile)"] == [
        line["error"] for line in answer["results"] if not line["ok"]
    ]


def test_a_pattern_that_is_none_is_refused_before_anything_is_sent(stack, docs):
    with pytest.raises(UsageError, match="no pattern"):
        stack.ingest(docs, selection=Selection(exclude=("!",)))


def test_what_cannot_even_be_listed_fails_on_its_line(stack, docs):
    (docs / "dangling.txt").symlink_to("nowhere")

    answer = stack.ingest(docs, docs / "missing.txt")

    assert {"seen": 4, "ingested": 2, "failed": 2} == counts(answer)
    assert {
        f"{docs}/dangling.txt": "cannot read it: no such file or directory",
        f"{docs}/missing.txt": "cannot read it: no such file or directory",
    } == {line["path"]: line["error"] for line in answer["results"] if not line["ok"]}


def test_a_file_that_vanishes_before_it_is_sent_fails_on_its_line(stack, docs):
    def show(event):
        if event["phase"] == "uploading":
            (docs / "a.md").unlink(missing_ok=True)

    answer = stack.ingest(docs, collection="vanish", show=show)

    assert {"seen": 2, "ingested": 1, "failed": 1} == counts(answer)
    assert "it vanished before it was read" in [line["error"] for line in answer["results"]]


def test_a_file_that_becomes_a_pipe_or_a_folder_blocks_nobody(stack, docs):
    def show(event):
        if event["phase"] == "uploading" and (docs / "a.md").is_file():
            (docs / "a.md").unlink()
            os.mkfifo(docs / "a.md")
            (docs / "b.txt").unlink()
            (docs / "b.txt").mkdir()

    answer = stack.ingest(docs, collection="pipe", show=show)

    assert {"seen": 2, "failed": 2} == counts(answer)


def test_a_document_larger_than_the_api_takes_in_fails_on_its_line(stack, docs):
    (docs / "large.txt").write_text("word " * stack.upload_bytes)

    answer = stack.ingest(docs, collection="large")

    (failed,) = (line for line in answer["results"] if not line["ok"])
    assert f"{docs}/large.txt" == failed["path"]
    assert "bytes" in failed["error"]
    assert 2 == answer["documents"]["ingested"]


def test_names_of_any_bytes_get_through(stack, tmp_path):
    raw = [b"new\nline.txt", "\U0001f418.txt".encode(), b"not-utf8-\xe9.txt", b"-rf 100%#?.txt"]
    for name in raw:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")

    assert {"seen": 4, "ingested": 4} == counts(stack.ingest(tmp_path, collection="names"))
    assert {"seen": 4, "unchanged": 4} == counts(stack.ingest(tmp_path, collection="names"))


def test_many_documents_are_sent_at_once(stack, tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"Text {number}.")

    answer = stack.ingest(tmp_path, collection="many")

    assert {"seen": 60, "ingested": 60} == counts(answer)
    sent = [event for event in stack.events if event["phase"] == "uploading"]
    assert {"phase": "uploading", "done": 60, "of": 60} == sent[-1]


def test_who_interrupts_while_documents_are_sent_takes_the_job_back_too(stack, tmp_path):
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("text")

    def show(event):
        if event.get("done", 0) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.ingest(tmp_path, collection="interrupted", show=show)

    assert State.CANCELLED == stack.jobs()[0].state


def test_a_job_that_is_gone_is_no_fault_of_the_documents(stack, docs):
    def show(event):
        if event == {"phase": "uploading", "done": 0, "of": 2}:
            with JobTable(stack.data / "jobs" / "jobs.sqlite") as table:
                table.cancel(table.newest(1)[0].id)

    with pytest.raises(ConflictError, match="takes no more documents"):
        stack.ingest(docs, collection="gone", show=show)


def test_nothing_to_do_is_no_job(stack, tmp_path):
    before = len(stack.jobs())

    answer = stack.ingest(tmp_path / "missing.txt")

    assert {"seen": 1, "failed": 1} == counts(answer)
    assert 0 == answer["chunks"]
    assert before == len(stack.jobs())


def test_who_interrupts_the_sending_takes_the_job_back(stack, docs):
    def show(event):
        if event["phase"] == "uploading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.ingest(docs, collection="interrupted", show=show)

    newest = stack.jobs()[0]
    assert State.CANCELLED == newest.state
    assert not (stack.data / "uploads" / newest.id).exists()


@pytest.fixture
def canned(tmp_path):
    """Return what makes an installation whose API answers a job's states one after the other."""
    states = []

    def status(_):
        return states.pop(0) if len(states) > 1 else states[0]

    answers = {"/ingest": Canned({"job": "1", "wanted": []}, 202), "/ingest/1": status}
    with fake_service(answers) as service:
        api = a_service("beast-api", service.address, health=Health(deep="api"))
        place = an_installation(tmp_path / "root", api, secrets={"beast-api/token": "t"})

        def installation(*each):
            states.extend(each)
            return place

        yield installation


def state(name, **more):
    return Canned({"job": "1", "state": name, "progress": {}, "result": None, "error": None} | more)


RESULT = {
    "collection": "docs",
    "documents": {"seen": 2, "ingested": 2, "unchanged": 0, "deleted": 0, "failed": 0},
    "chunks": 2,
    "seconds": 1.0,
    "results": [],
}


class Ticking:
    """A clock on which sleeping is instant."""

    def __init__(self):
        self.seconds = 0.0
        self.clock = Clock(monotonic=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds):
        self.seconds += seconds


def test_an_api_that_is_away_for_a_while_is_waited_for(canned, docs):
    away = Canned({"error": {"message": "starting", "hint": ""}}, 503)
    place = canned(state("running"), away, away, state("done", result=RESULT))

    answer = ingest(place, [str(docs)], IngestOptions(), lambda _: None, Ticking().clock)

    assert 2 == answer["documents"]["ingested"]


def test_an_api_that_stays_away_is_unavailable(canned, docs):
    place = canned(Canned({"error": {"message": "starting", "hint": ""}}, 503))

    with pytest.raises(UnavailableError, match="starting"):
        ingest(place, [str(docs)], IngestOptions(), lambda _: None, Ticking().clock)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (state("failed", error="the store is full"), "the store is full"),
        (state("cancelled"), "the job was cancelled"),
    ],
)
def test_an_ingestion_that_ends_badly_is_an_error(canned, docs, job, reason):
    with pytest.raises(ServiceError, match=reason):
        ingest(canned(job), [str(docs)], IngestOptions(), lambda _: None)


def test_who_interrupts_the_waiting_is_told_that_it_goes_on(canned, docs):
    events = []

    def show(event):
        events.append(event)
        if event["phase"] == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(canned(state("running")), [str(docs)], IngestOptions(), show)

    assert {"phase": "note", "text": GOES_ON} == events[-1]


def test_it_looks_often_at_first_and_seldom_later(canned, docs):
    ticking = Ticking()
    running = [state("running")] * 30

    place = canned(*running, state("done", result=RESULT))
    ingest(place, [str(docs)], IngestOptions(), lambda _: None, ticking.clock)

    assert 15 < ticking.seconds < 30 * jobs_client.LAST_LOOK_SECONDS


def test_without_an_installation_nothing_is_looked_for(tmp_path):
    with pytest.raises(NotDeployedError):
        ingest(Place(tmp_path), ["/"], IngestOptions(), lambda _: None)


def test_reasons_are_words():
    assert "it vanished before it was read" == client_upload._why(FileNotFoundError(2, "x"))
    assert "cannot read it: permission denied" == client_upload._why(
        PermissionError(13, "Permission denied")
    )
    assert "cannot read it: oserror" == client_upload._why(OSError())
