# SPDX-License-Identifier: Apache-2.0
"""The verbs of a running stack: what they print, and how they end."""

import json
import os
import signal
import time
import urllib.request

import pytest

from tests.e2e.stack import PROCESSES, await_true, paragraph

WITH_JSON = {"status": 0, "health": 0, "open": 0, "version": 0, "history": 0, "drift": 0}
REFUSED = {"status --json --nonsense": 64, "search x --collection none --json": 64}


@pytest.mark.parametrize("words", WITH_JSON)
def test_with_json_nothing_but_json_is_printed(stack, words):
    done = stack.run(*words.split(), "--json")

    assert WITH_JSON[words] == done.code, done.err
    assert isinstance(json.loads(done.out), dict)
    assert done.err == ""


@pytest.mark.parametrize("words", REFUSED)
def test_with_json_even_a_refusal_is_json_and_a_paragraph_beside_it(stack, words):
    done = stack.run(*words.split())

    assert REFUSED[words] == done.code, done.err
    assert {"kind", "message", "subject", "hint", "code"} == done.json["error"].keys()
    assert done.json["error"]["message"] in paragraph(done)


@pytest.mark.parametrize("words", ["status", "health", "logs", "start", "stop", "restart", "open",
                                   "drift", "search x", "ingest ."])  # fmt: skip
def test_where_nothing_is_installed_each_verb_says_what_to_type(installation, words):
    bare = installation()

    done = bare.run(*words.split())

    assert done.code == 64
    assert "./beast deploy" in paragraph(done)
    assert not bare.root.exists()


def test_where_nothing_is_installed_down_is_content(installation):
    bare = installation()

    assert bare.run("down").code == 0
    assert not bare.root.exists()


def test_status_tells_each_process_in_the_order_of_their_start(stack):
    done = stack.must("status")

    lines = [line.split() for line in done.out.splitlines()]
    assert list(PROCESSES) == [line[0] for line in lines]
    assert {"running"} == {line[1] for line in lines}


def test_health_has_its_contract(stack):
    found = stack.must("health", "--json").json

    assert ["status", "timestamp", "checks"] == list(found)
    assert "healthy" == found["status"]
    names = [check["name"] for check in found["checks"]]
    assert ["ollama", *PROCESSES, "disk", "memory", "backup", "gpu"] == names
    for check in found["checks"]:
        assert ["name", "status", "message", "details", "duration_ms"] == list(check)


def test_open_prints_an_address_that_answers(stack):
    address, code = stack.must("open").out.strip().splitlines()

    assert address == f"{stack.api}/login"
    assert code.startswith("Code: ")
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own
        assert 200 == answer.status


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "logs"])
def test_an_unknown_service_is_refused_with_the_names_there_are(stack, verb):
    before = stack.pids()

    done = stack.run(verb, "nobody")

    assert 64 == done.code
    told = paragraph(done)
    assert all(name in told for name in ("nobody", *PROCESSES))
    assert before == stack.pids()


def test_what_was_stopped_by_hand_is_a_difference(stack):
    stack.must("stop", "beast-worker")
    done = stack.run("drift")
    stack.must("start", "beast-worker")

    assert 1 == done.code
    assert "service  beast-worker is stopped." in done.out.splitlines()
    assert 0 == stack.run("drift").code


def test_history_shows_the_deploy_that_made_it(stack):
    assert " deploy    proven " in stack.must("history", "--last", "1").out


def test_one_service_stops_and_starts_alone(stack):
    before = stack.pids()

    assert stack.must("stop", "beast-api").out == "beast-api stopped.\n"
    sick = stack.run("health", "--json")
    assert (2, "unhealthy") == (sick.code, sick.json["status"])
    assert stack.pids().keys() == set(PROCESSES) - {"beast-api"}
    assert stack.run("search", "x").code == 75  # nobody answers; it may, later
    assert stack.must("start", "beast-api").out == "beast-api started.\n"

    after = stack.pids()
    assert {"beast-api"} == {name for name in after if after[name] != before[name]}
    await_true(lambda: stack.run("health").code == 0)


def test_a_restart_gives_every_process_a_new_number(stack):
    before = stack.pids()

    stack.must("restart")

    after = stack.pids()
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


def test_down_ends_all_and_deploy_brings_the_same_release_back(stack):
    release = stack.release

    stack.must("down")

    assert {} == stack.processes()
    assert {"stopped"} == {each["state"] for each in
                           stack.must("status", "--json").json["processes"]}  # fmt: skip
    assert 2 == stack.run("health").code
    assert stack.must("down").code == 0
    assert 64 == stack.run("stop", "qdrant").code
    assert "./beast start" in paragraph(stack.run("start", "qdrant"))

    again = stack.must("deploy")

    assert "The stack is healthy" in again.out
    assert release == stack.release
    assert set(PROCESSES) == stack.pids().keys()


def test_logs_follow_until_interrupted(stack):
    process = stack.start("logs", "beast-api", "--follow", "--lines", "1")
    time.sleep(1)
    stack.must("restart", "beast-api")
    os.kill(process.pid, signal.SIGINT)
    done = stack.finish(process, 10)

    assert 0 == done.code  # it was asked to go on until then
    assert "Finished server process" in done.out
    assert "Traceback" not in done.err
    await_true(lambda: stack.run("health").code == 0)


def test_logs_of_all_are_labelled(stack):
    lines = stack.must("logs", "--lines", "2").out.splitlines()

    assert {"qdrant", "beast-api"} <= {line.partition("|")[0].strip() for line in lines}
    assert all(" | " in line for line in lines)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nonsense"], "nonsense"),
        (["statsu"], "./beast status"),
        (["status", "--nonsense"], "--nonsense"),
        (["deploy", "surplus"], "surplus"),
        (["ingest"], "PATH"),
        (["render"], "FOLDER"),
    ],
)
def test_wrong_words_end_with_64_and_name_the_word(stack, words, part):
    done = stack.run(*words)

    assert 64 == done.code
    assert part in paragraph(done)


def test_a_render_writes_the_release_and_starts_nothing(stack):
    folder = stack.tmp / "rendered"

    stack.must("render", str(folder))

    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"services.json", "supervisord.conf"} <= found
    contract = (stack.root / "current/services.json").read_text()
    assert contract == (folder / "services.json").read_text()
