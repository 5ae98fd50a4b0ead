# SPDX-License-Identifier: Apache-2.0
"""Real processes read real files; the bad readers are put into their way by a site hook."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from beast_ops.errors import BeastError, DocumentError
from beast_ops.ingest import pool as pools
from beast_ops.ingest import pool_child, pool_reader
from beast_ops.ingest import pool_wire as wire
from beast_ops.ingest.parse import Document, Section
from beast_ops.ingest.parse.model import About
from beast_ops.ingest.pool import ParserPool
from tests.e2e import office

SECONDS = 20
MADE = "2000-01-01T00:00:00Z"  # as the PDFs of the tests say

# What the processes do with documents of these names, instead of reading them.
HOOK = """
import os, signal, sys, time
from beast_ops.ingest import pool_child
from beast_ops.ingest.parse import Document, Section

read = pool_child.parse

def parse(path, name):
    what = name.rpartition("/")[2].partition(".")[0]
    if what == "sleep": time.sleep(60)
    if what == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if what == "leave": os._exit(3)
    if what == "print": print("noise"); sys.stdout.flush(); os.write(1, b"more noise")
    if what == "stdin": assert sys.stdin.read() == ""
    if what == "bloat": return [bytearray(1 << 20) for _ in range(4000)]
    if what == "grow": globals()["held"] = bytearray(b"x") * (200 << 20)
    if what == "exhaust": held = bytearray(b"x") * (200 << 20); os.kill(os.getpid(), signal.SIGSEGV)
    if what == "write": open(os.environ["HOME_OF_TEST"] + "/written", "w").write("x" * 9999)
    if what == "large": return Document("txt", None, (Section((), "x" * (65 << 20)),))
    if what == "pid": return Document("txt", None, (Section((), str(os.getpid())),))
    if what == "environment": return Document("txt", None, (Section((), repr(dict(os.environ))),))
    if what == "once":
        mark = str(path) + ".once"
        if os.path.exists(mark): return read(path, name)
        os.unlink(str(path) + ".first"); os.rename(str(path) + ".spare", mark)
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "killed": os.kill(os.getpid(), signal.SIGKILL)
    return read(path, name)

pool_child.parse = parse
pool_child.main(sys.argv)
"""


@pytest.fixture
def hooked(tmp_path, monkeypatch):
    """Have the processes obey `HOOK`; return a function that makes a document for it."""
    (tmp_path / "hook.py").write_text(HOOK)
    start = pool_reader.subprocess.Popen

    def popen(argv, **how):
        how["env"]["HOME_OF_TEST"] = str(tmp_path)
        return start([argv[0], str(tmp_path / "hook.py"), *argv[3:]], **how)

    monkeypatch.setattr(pool_reader.subprocess, "Popen", popen)

    def document(name):
        path = tmp_path / name
        path.write_text("<p>text")
        return (name, path, f"{path}.html")

    return document


def texts(results):
    return {
        key: outcome.sections[0].text if isinstance(outcome, Document) else str(outcome)
        for key, outcome, _ in results
    }


def test_documents_of_all_formats_come_back_with_their_keys(tmp_path):
    (tmp_path / "0").write_text("plain")
    (tmp_path / "1").write_text("<h1>page</h1>")
    (tmp_path / "2").write_bytes(office.pdf(["paper"]))
    names = ["a.txt", "b.html", "c.pdf", "gone.pdf", "gone.txt"]

    with ParserPool(2, SECONDS, 1024) as pool:
        found = {
            key: outcome
            for key, outcome, _ in pool.map(
                (name, tmp_path / str(number), name) for number, name in enumerate(names)
            )
        }

    assert [
        Document("txt", None, (Section((), "plain"),)),
        Document("html", None, (Section(("page",), "page"),)),
        Document("pdf", None, (Section((), "paper", 1),), About(None, MADE, MADE)),
    ] == [found[name] for name in names[:3]]
    for name in names[3:]:
        assert isinstance(found[name], DocumentError)
        assert "cannot read it: No such file or directory" == str(found[name])
        assert name == found[name].subject


def test_a_bad_document_costs_only_itself(hooked):
    bad = ["crash", "leave", "good1", "killed", "good2", "print", "stdin", "write", "good3"]

    with ParserPool(2, SECONDS, 1024) as pool:
        found = texts(pool.map(map(hooked, bad)))

    assert {
        "crash": "the reader crashed (signal 11)",
        "leave": "the reader crashed (code 3)",
        "killed": "the reader was killed (signal 9)",
        **dict.fromkeys(["good1", "good2", "good3", "print", "stdin"], "text"),
    } == {key: text for key, text in found.items() if key != "write"}
    assert found["write"].startswith(("cannot read it: File too large", "the reader crashed"))


def test_reading_may_not_take_too_long(hooked):
    begun = time.monotonic()

    with ParserPool(1, 2.0, 1024) as pool:
        found = texts(pool.map(map(hooked, ["sleep", "good"])))

    assert {"sleep": "reading it took longer than 2 s", "good": "text"} == found
    assert time.monotonic() - begun < SECONDS


def test_reading_may_not_need_too_much_memory(hooked):
    with ParserPool(1, SECONDS, 300) as pool:
        found = texts(pool.map(map(hooked, ["bloat", "good", "large"])))

    assert {
        "bloat": "reading it needed more than 300 MiB",
        "good": "text",
        "large": "its text is larger than 64 MiB",
    } == found


def test_how_large_the_worker_itself_became_is_not_held_against_a_document(hooked):
    ballast = bytearray(os.urandom(1 << 20) * 200)  # more than half of what a reader may take

    with ParserPool(1, SECONDS, 300) as pool:
        found = texts(pool.map(map(hooked, ["leave", "crash"])))

    assert len(ballast) == 200 << 20
    assert {
        "leave": "the reader crashed (code 3)",
        "crash": "the reader crashed (signal 11)",
    } == found


def test_a_document_is_innocent_when_somebody_kills_its_process(hooked, tmp_path):
    document = hooked("once")
    for ending in ("first", "spare"):
        (tmp_path / f"once.{ending}").touch()

    with ParserPool(1, SECONDS, 1024) as pool:
        assert {"once": "text"} == texts(pool.map([document]))


def test_a_process_is_used_again_and_replaced_after_a_while(hooked, monkeypatch):
    monkeypatch.setattr(pool_reader, "DOCUMENTS_MOST", 3)

    with ParserPool(1, SECONDS, 1024) as pool:
        pids = [texts(pool.map([hooked("pid")]))["pid"] for _ in range(5)]

    assert len(set(pids[:3])) == 1
    assert len(set(pids[3:])) == 1
    assert pids[0] != pids[4]


def test_a_process_that_needed_much_is_replaced_for_the_next_document(hooked):
    with ParserPool(1, SECONDS, 300) as pool:
        names = ["pid", "good", "pid", "grow", "pid"]
        pids = [texts(pool.map([hooked(name)]))[name] for name in names]

    assert pids[0] == pids[2] != pids[4]
    assert "text" == pids[1] == pids[3]


# A process that is small itself: what starts others hands down how large it ever was.
SMALL = """
import os, subprocess, sys
from pathlib import Path
from beast_ops.ingest import pool_reader
from beast_ops.ingest.pool import ParserPool

start, folder = subprocess.Popen, sys.argv[1]

def popen(argv, **how):
    how["env"]["HOME_OF_TEST"] = folder
    return start([argv[0], f"{folder}/hook.py", *argv[3:]], **how)

pool_reader.subprocess.Popen = popen
with ParserPool(1, 20, 300) as pool:
    for _, outcome, _ in pool.map([("exhaust", Path(folder) / "exhaust", "/exhaust.html")]):
        print(outcome)
"""


def test_a_crash_with_much_memory_in_use_is_a_lack_of_it(tmp_path):
    (tmp_path / "hook.py").write_text(HOOK)
    (tmp_path / "exhaust").write_text("<p>text")
    argv = [sys.executable, "-c", SMALL, str(tmp_path)]

    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)

    assert "reading it needed more than 300 MiB" == done.stdout.strip()


def test_processes_end_with_the_pool_even_while_they_work(hooked):
    begun = time.monotonic()
    with ParserPool(2, 60, 1024) as pool:
        (pid,) = texts(pool.map([hooked("pid")])).values()
        results = pool.map(map(hooked, ["sleep", "good", "good", "good"]))
        next(results)

    assert time.monotonic() - begun < SECONDS
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_who_waits_for_a_slow_document_may_give_up(hooked, monkeypatch):
    monkeypatch.setattr(pools, "LOOK_SECONDS", 0.05)
    begun = time.monotonic()

    def give_up():
        raise InterruptedError

    with ParserPool(1, 60, 1024) as pool, pytest.raises(InterruptedError):
        next(pool.map([hooked("sleep")], give_up))

    assert time.monotonic() - begun < SECONDS


def test_processes_see_no_secrets_of_the_worker(hooked, monkeypatch):
    monkeypatch.setenv("BEAST_SECRETS", "/somewhere")

    with ParserPool(1, SECONDS, 1024) as pool:
        (environment,) = texts(pool.map([hooked("environment")])).values()

    assert "BEAST_SECRETS" not in environment


def test_no_more_is_taken_than_is_needed(tmp_path):
    (tmp_path / "a").write_text("<p>text")
    taken = 0

    def items():
        nonlocal taken
        for taken in range(1, 1001):
            yield taken, tmp_path / "a", "a.html"

    with ParserPool(2, SECONDS, 1024) as pool:
        results = pool.map(items())
        for _ in range(3):
            next(results)
        assert taken <= 3 + 2 * pools.AHEAD
        results.close()
        assert taken <= 3 + 2 * pools.AHEAD


def test_what_nobody_waits_for_is_not_read(hooked):
    with ParserPool(1, 0.6, 1024) as pool:
        results = pool.map(map(hooked, ["pid", *["sleep"] * 3]))
        next(results)
        results.close()
        begun = time.monotonic()

        assert {"other": "text"} == texts(pool.map([hooked("other")]))
        # Reading the other two as well would take 1.8 s at least.
        assert time.monotonic() - begun < 1.7


def test_a_machine_that_starts_no_processes_is_no_fault_of_the_documents(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("<p>text")
    monkeypatch.setattr(pool_reader.sys, "executable", str(tmp_path / "missing"))

    with ParserPool(1, SECONDS, 1024) as pool, pytest.raises(BeastError, match="cannot start"):
        list(pool.map([(1, tmp_path / "a", "a.html")]))


def test_a_pool_that_reads_nothing_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_reader.sys, "executable", str(tmp_path / "missing"))
    (tmp_path / "a").write_text("text")

    with ParserPool(1, SECONDS, 1024) as pool:
        assert {1: "text"} == texts(pool.map([(1, tmp_path / "a", "a.txt")]))


def test_a_large_plain_text_is_read_in_a_process(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("word " * 60_000)
    monkeypatch.setattr(pools, "parse", None)

    with ParserPool(1, SECONDS, 1024) as pool:
        assert {1: "word " * 60_000} == texts(pool.map([(1, tmp_path / "a", "a.txt")]))


def test_a_process_ends_when_whoever_started_it_is_gone():
    code = (
        "import subprocess, sys, os\n"
        "from beast_ops.ingest.pool_reader import _start\n"
        "print(_start(1024).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=SECONDS
    )

    assert -signal.SIGKILL == done.returncode
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and Path(f"/proc/{done.stdout.strip()}").exists():
        time.sleep(0.01)
    assert not Path(f"/proc/{done.stdout.strip()}").exists()


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    "frame",
    [
        wire.HEADER.pack(1 << 40),
        wire.HEADER.pack(3) + b"{]x",
        wire.HEADER.pack(3) + b"[1]",
        wire.HEADER.pack(4) + b"null",
    ],
)
def test_nonsense_from_a_process_is_the_end_of_it(pipe, frame):
    os.write(pipe[1], frame)

    with pytest.raises(wire.EndedError):
        wire.receive(pipe[0])


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"sections": 1},
        {"sections": [], "title": None},
        {"sections": [[1]], "title": "", "type": ""},
        {"sections": [], "title": "", "type": "", "note": None, "about": []},
        {"sections": [], "title": "", "type": "", "note": None, "about": {"size": 1}},
    ],
)
def test_a_message_without_a_document_is_nonsense(message):
    with pytest.raises(wire.EndedError):
        wire.as_document(message)


def test_a_document_survives_the_pipe():
    sections = (Section(("a", "b"), "text\u2028\U0001f418", 7), Section((), "x"))
    document = Document("pdf", "T", sections, About("Ada", None, "2024", "en"), "a note")

    assert document == wire.as_document(json.loads(wire.pack(wire.as_message(document))[8:]))


def test_a_frame_larger_than_a_pipe_arrives_whole(pipe):
    frame = wire.pack({"text": "x" * 1_000_000})
    writer = threading.Thread(target=wire.send, args=(pipe[1], frame))
    writer.start()

    assert {"text": "x" * 1_000_000} == wire.receive(pipe[0], time.monotonic() + SECONDS)
    writer.join()


def test_a_deadline_that_passed_is_late(pipe):
    with pytest.raises(wire.LateError):
        wire.receive(pipe[0], time.monotonic() - 1)


@pytest.mark.parametrize(
    ("content", "name", "answer", "last"),
    [
        (
            b"text",
            "a.txt",
            {
                "type": "txt",
                "title": None,
                "sections": [[[], "text", None]],
                "about": dict.fromkeys(("author", "created", "revised", "language")),
                "note": None,
            },
            False,
        ),
        (b"", "a.txt", {"error": "empty"}, False),
    ],
)
def test_a_process_answers_each_question(tmp_path, content, name, answer, last):
    (tmp_path / "0").write_bytes(content)
    question = {"path": os.fsencode(tmp_path / "0").hex(), "name": name.encode().hex()}

    frame, over = pool_child._answer(question, 1 << 20)  # we are large ourselves

    assert (answer, last) == (json.loads(frame[8:]), over)


def test_a_process_that_ran_out_of_memory_says_so_and_ends(monkeypatch):
    def parse(*_):
        raise MemoryError

    monkeypatch.setattr(pool_child, "parse", parse)

    frame, over = pool_child._answer({"path": "", "name": ""}, 1024)

    assert ({"memory": True}, True) == (json.loads(frame[8:]), over)
