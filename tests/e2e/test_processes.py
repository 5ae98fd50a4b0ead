# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, left alone, changed: who comes back, who stays, who ends."""

import fcntl
import os
import pty
import random
import signal
import termios
import time
from pathlib import Path

import pytest

from beast_ops.declared import declared
from tests.e2e.stack import HERE, PROCESSES, await_true, free_port

ALL = frozenset(PROCESSES)
API, WORKER, VECTORS = {"beast-api"}, {"beast-worker"}, {"qdrant"}
AGENT, KEEPER = {"beast-agent"}, {"beast-keeper"}

# What each setting changes: a value other than the default, and who must be started anew.
RESTARTS = {
    "qdrant_port": (None, ALL - KEEPER - AGENT),  # the others learn a new address
    "qdrant_optimize_points": (20001, VECTORS),
    "beast_api_port": (None, API),
    "beast_api_hosts": ("[beast.example]", API),
    "beast_api_folders": ("{papers: /usr/share/doc}", API),
    "beast_api_upload_mib": (201, API),
    "beast_api_chat_model": ("llama3.2", API),
    "beast_api_chat_context": (8192, API),
    "beast_api_chat_similar": (0.97, API),
    "beast_api_access": ("{guesses: 10}", API),
    "beast_api_limits": ("{search: 61}", API),
    "beast_api_models_folder": ("/usr/share", API),
    "beast_api_rerank": ("{candidates: 20}", API),
    "beast_worker_models_folder": ("/usr/share", WORKER),
    "beast_worker_embed_cache_megabytes": (100, WORKER),
    "beast_worker_chunk_characters": (1201, WORKER),
    "beast_worker_chunk_overlap": (201, WORKER),
    "beast_worker_batch": (127, WORKER),
    "beast_worker_embed_at_once": (3, WORKER),
    "beast_worker_parsers": (1, WORKER),
    "beast_worker_parse_seconds": (61, WORKER),
    "beast_worker_parse_megabytes": (1025, WORKER),
    "beast_worker_embedder": ("none", WORKER),
    "beast_worker_embed_model": ("other", WORKER),
    "beast_worker_language": ("german", WORKER),
    "beast_worker_tasks": ("{steps: 13}", WORKER),
    "beast_agent_seconds": (6.0, set()),
    "beast_keeper_backup_enabled": (True, KEEPER),
    "beast_keeper_backup_at": ("02:59", KEEPER),
    "beast_keeper_keep_days": (31, KEEPER),
    "beast_keeper_keep_count": (61, KEEPER),
    "beast_keeper_drill_enabled": (False, KEEPER),
    "beast_keeper_drill_day": ("monday", KEEPER),
    "beast_keeper_drill_at": ("03:59", KEEPER),
    "ollama_url": ("http://127.0.0.1:11435", API | WORKER),
    # The service is not among those of a workstation.
    "beast_watcher_folders": ("[{folder: /usr/share/doc, collection: docs}]", set()),
    "host_disk_mib": (1, set()),
    "host_memory_mib": (1, set()),
}
# Not to be tried out here: they say what and where the installation is.
ELSEWHERE = {"beast_root", "beast_settings", "beast_project", "beast_runtime", "beast_services",
             "beast_boot", "ollama_mode"}  # fmt: skip
# What only containers have; tests/contract/compose says what each of these restarts.
CONTAINERS = {
    *(f"qdrant_{what}" for what in ("image", "version", "memory_mib", "cpus")),
    *(f"ollama_{what}" for what in ("image", "version", "memory_mib", "cpus", "port", "models")),
    *(f"ollama_{what}" for what in ("context_length", "keep_alive", "max_loaded", "parallel")),
    *(
        f"beast_gateway_{what}"
        for what in ("port", "body_mib", "blob_mib", "at_once", "per_minute")
    ),
    "beast_gateway_trusted_proxies",
    *(
        f"beast_{who}_{what}"
        for who in ("api", "worker", "gateway")
        for what in ("memory_mib", "cpus")
    ),
    *("beast_domain", "beast_worker_folders", "host_image_mib"),
}


def test_every_setting_has_a_line_in_the_table():
    roles = ("beast", "host", "ollama", "qdrant")
    known = {name for name in declared(HERE) if name.startswith(roles)}

    assert known == RESTARTS.keys() | ELSEWHERE | CONTAINERS


def restarted(stack, name):
    """Set *name*, come back, and return who was started anew each time, and who should be."""
    value, expected = RESTARTS[name]
    found = []
    kept = (stack.root / "settings.yml").read_text()
    for step in ("change", "back"):
        before = stack.pids()
        if step == "change":
            stack.must("deploy", "--set", f"{name}={free_port() if value is None else value}")
        else:
            (stack.root / "settings.yml").write_text(kept)
            stack.must("deploy")
        after = stack.pids()
        assert ALL == after.keys()
        found.append({each for each in after if after[each] != before[each]})
    return found, expected


def test_only_what_a_setting_changes_is_started_anew(stack, seed, rounds):
    names = random.Random(seed).sample(sorted(RESTARTS), rounds(2, len(RESTARTS)))  # noqa: S311 - a sample

    for name in names:
        found, expected = restarted(stack, name)
        assert [expected, expected] == found, name


@pytest.mark.long
@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_is_back_and_the_others_stay(stack, name):
    before = stack.pids()

    os.kill(before[name], signal.SIGKILL)

    await_true(lambda: stack.pids().get(name) not in (None, before[name]))
    await_true(lambda: stack.run("health").code == 0)
    after = stack.pids()
    assert {name} == {each for each in ALL if after[each] != before[each]}


def restarts(stack):
    states = stack.must("status", "--json").json["processes"]
    return {each["name"]: each["restarts"] for each in states}


def test_all_processes_killed_at_once_are_back_and_counted(stack):
    before, counted, keeper = stack.pids(), restarts(stack), stack.supervisord()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    await_true(lambda: stack.pids().keys() == ALL and not set(stack.pids().values())
               & set(before.values()))  # fmt: skip
    await_true(lambda: stack.run("health").code == 0)
    after = restarts(stack)
    assert all(after[name] > counted[name] for name in ALL), (counted, after)
    assert keeper == stack.supervisord()


def test_a_killed_supervisord_leaves_no_orphan_and_the_next_deploy_works(stack):
    release = stack.release

    os.kill(stack.supervisord(), signal.SIGKILL)

    await_true(lambda: not stack.processes(), 15)
    assert {"stopped"} == {each["state"] for each in
                           stack.must("status", "--json").json["processes"]}  # fmt: skip
    assert "The stack is healthy" in stack.must("deploy").out
    assert release == stack.release
    assert ALL == stack.pids().keys()


def test_everything_killed_at_once_is_put_right_by_the_next_deploy(stack):
    for pid in stack.processes():
        os.kill(pid, signal.SIGKILL)

    assert "The stack is healthy" in stack.must("deploy").out
    assert ALL == stack.pids().keys()


def test_the_stack_outlives_the_terminal_it_was_started_from(stack):
    stack.must("down")
    terminal, end = pty.openpty()

    def own():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = stack.start("start", stdin=end, stdout=end, stderr=end, preexec_fn=own)
    os.close(end)
    await_true(lambda: process.poll() is not None, 60)
    os.close(terminal)  # the kernel hangs up

    assert 0 == process.returncode
    before = stack.pids()
    time.sleep(1)
    assert ALL == before.keys()
    assert before == stack.pids()
    await_true(lambda: stack.run("health").code == 0)


def test_no_process_of_the_stack_runs_from_the_clone(stack):
    for pid in stack.processes():
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert os.fsencode(stack.clone) not in environ + words
        assert str(stack.clone) not in str(Path(f"/proc/{pid}/cwd").readlink())
