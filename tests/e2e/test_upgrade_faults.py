# SPDX-License-Identifier: Apache-2.0
"""Whatever an upgrade runs into, it goes back by itself: release and data are what they were.

Each test makes a newer version of this program, has something go wrong at one point of the way,
and compares everything with before; the receipt names the step, and how far it got.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e import backups, knowledge, upgrades
from tests.e2e.backups import State
from tests.e2e.disks import ROOM, mounted, shrink
from tests.e2e.knowledge import wait_for
from tests.e2e.stack import processes
from tests.e2e.upgrades import MOMENT_SECONDS, STEP, Before, migrate, renew, said, staged

NEVER = "import time; time.sleep(3600)\n"
ROTTEN = """    op.execute("DELETE FROM workers")
    op.execute("UPDATE jobs SET state = 'lost'")
    raise RuntimeError("the new tables do not fit")
"""
WRITING = """    op.execute(
        "INSERT INTO jobs (id, kind, payload, state, created, changed)"
        " VALUES ('new', 'none', '{}', 'done', 1e10, 1e10)"
    )
"""
LOST = "1 rows of jobs in jobs/jobs.sqlite"
HARMFUL = """    op.execute("DELETE FROM jobs")
"""


@pytest.fixture(scope="module")
def home(build, _workshop, tmp_path_factory):
    """Return an installation that knows a few documents, and what it knows."""
    stack = build(_workshop)
    stack.deploy()
    state = State(tmp_path_factory.mktemp("documents"), "amber")
    backups.write_documents(state.folder, "amber", range(30))
    state.ingest(stack)
    yield stack, state
    stack.clear()


@pytest.fixture
def before(home, workshop):
    stack, state = home
    assert workshop == stack.clone
    stack.must("deploy")  # which is nothing to do, but after a test that failed
    return Before.look(stack, state)


def judged(before, done, phase, *parts):
    """Assert that an upgrade failed in *phase*, said *parts*, and left everything as it was."""
    said(done, *parts)
    assert STEP in done.out
    receipt = before.receipt()
    assert receipt["outcome"] in {"failed", "rolled back"}
    assert (STEP, phase) == (receipt["details"]["step"], receipt["details"]["failed_at"])
    assert before.release == receipt["previous"]
    for part in parts:
        assert part in receipt["message"], receipt
    assert "" == before.fault()


def test_packages_that_are_not_to_be_had_stop_nothing(before, workshop):
    renew(workshop)
    ran = backups.births(before.stack)
    nowhere = "http://127.0.0.1:1/simple"
    settings = {name: None for name in before.stack.environ if name.startswith(("PIP_", "UV_"))}
    settings |= {"PIP_INDEX_URL": nowhere, "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}

    done = before.stack.run("upgrade", env=settings)

    judged(before, done, "fetch", "could not be installed")
    assert 75 == done.code
    assert ran == backups.births(before.stack)


def test_a_migration_that_fails_leaves_the_data_of_before(before, workshop):
    migrate(workshop, ROTTEN)

    done = before.stack.run("upgrade")

    judged(before, done, "switch", "did not prove itself")
    assert "rolled back" == before.receipt()["outcome"]


def test_a_migration_that_loses_rows_before_its_service_dies_loses_none(before, workshop):
    jobs = upgrades.kept_jobs(before.stack)
    assert jobs
    upgrades.hasten(workshop)
    migrate(workshop, HARMFUL)
    dies = "    def run(self, *_) -> None:\n        raise SystemExit('gone')\n\n    def old(self"
    upgrades.write(
        workshop,
        "beast_ops/jobs/worker.py",
        lambda text: text.replace("    def run(self", dies),
    )

    done = before.stack.run("upgrade")

    judged(before, done, "switch", "beast-worker")
    assert jobs == upgrades.kept_jobs(before.stack)


def test_a_version_that_never_gets_well_is_taken_back_and_what_it_wrote_is_named(before, workshop):
    upgrades.hasten(workshop)
    migrate(workshop, WRITING)
    upgrades.write(workshop, upgrades.WORKER, lambda text: NEVER + text)

    done = before.stack.run("upgrade")

    judged(before, done, "switch", "beast-worker: no worker reports itself")
    assert f"Written meanwhile, and gone: {LOST}" in done.err
    assert LOST in before.receipt()["details"]["lost"]


def strike(stack, moment, act):
    """Begin an upgrade, do *act* at the *moment* it has come to, and wait for its end."""
    process = stack.start("upgrade")
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(stack.finish, process)
        wait_for(lambda: moment(stack) or ended.done(), MOMENT_SECONDS)
        assert not ended.done(), ended.result()
        act()
        return ended.result()


def generation_is_new(stack):
    return len(list((stack.root / "data").glob("[0-9]*"))) > 1


def partial(stack):
    return list((stack.root / "backups").glob(".partial-*"))


def test_a_store_that_dies_beside_the_stack_is_told(before, workshop):
    renew(workshop)
    stack = before.stack

    done = strike(stack, backups.aside, lambda: knowledge.kill(list(backups.aside(stack))))

    judged(before, done, "copy")


def test_a_store_that_dies_for_good_before_its_backup_is_told(before, workshop):
    renew(workshop)
    stack = before.stack
    stores = [stack.pids()["qdrant"]]

    def quiet(stack):
        return len(stack.processes()) and not _alive(stack, "beast_ops.jobs")

    done = strike(stack, quiet, lambda: _keep_killing(stack, stores))

    judged(before, done, "backup")


def _alive(stack, module):
    return [pid for pid, line in stack.processes().items() if f"-m {module}" in line]


def _keep_killing(stack, pids):
    """Kill a store whenever supervisord starts it again, until the backup has ended."""
    before, until = _backups(stack), time.monotonic() + MOMENT_SECONDS
    while time.monotonic() < until and _backups(stack) == before:
        knowledge.kill([*pids, *_alive(stack, "beast_ops.vectors")])
        time.sleep(0.02)


def _backups(stack):
    return sorted((stack.root / "receipts").glob("*-backup.json"))


def test_when_all_processes_die_in_the_middle_they_run_again(before, workshop):
    renew(workshop)
    stack = before.stack

    def end_all():
        knowledge.kill([stack.supervisord(), *backups.aside(stack)])

    done = strike(stack, backups.aside, end_all)

    judged(before, done, "copy")


@pytest.mark.parametrize(
    ("moment", "phase"),
    [(partial, "backup"), (staged, "copy"), (generation_is_new, "switch")],
    ids=["backup", "copy", "switch"],
)
def test_a_disk_that_fills_in_the_middle_costs_nothing(small, workshop, tmp_path, moment, phase):
    small.clone = workshop
    small.deploy()
    state = State(tmp_path / "documents", "amber")
    backups.write_documents(state.folder, "amber", range(20))
    state.ingest(small)
    before = Before.look(small, state)
    renew(workshop)
    folder = small.root.parent

    done = strike(small, moment, lambda: shrink(folder, 0))

    assert "" == mounted(folder, f"remount,size={ROOM}")
    assert "No space left" in done.err or "no room" in done.err or "full" in done.err, done.err
    judged(before, done, phase)


def test_what_is_accepted_meanwhile_is_kept_whether_it_holds_or_not(before, workshop):
    stack, taken, ended = before.stack, set(), threading.Event()

    def knock():
        while not ended.is_set():
            taken.add(upgrades.opened(stack))
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        knocking = pool.submit(knock)
        try:
            renew(workshop, NEVER)
            failed = stack.run("upgrade")
            assert 1 == failed.code, failed
            assert not upgrades.lost(stack, taken - {""})
            upgrades.write(workshop, upgrades.WORKER, lambda text: text.replace(NEVER, "# well\n"))
            upgrades.take_time(workshop)
            stack.must("upgrade")
        finally:
            ended.set()
        knocking.result()
    assert len(taken) > 10
    assert not upgrades.lost(stack, taken - {""})
    wait_for(lambda: upgrades.opened(stack), 10)
    assert "" == before.state.fault(stack)


def test_a_job_that_waited_is_not_taken_by_who_is_only_tried(before, workshop):
    """What was uploaded for it is not copied, and gone once the job is done."""
    stack, word = before.stack, "zanzibar"
    os.kill(stack.pids()["beast-worker"], signal.SIGSTOP)  # it takes no job, and is killed in time
    job = upgrades.waiting(stack, word)
    upgrades.hasten(workshop)
    upgrades.write(workshop, "beast_ops/api/__main__.py", lambda text: NEVER + text)

    done = stack.run("upgrade")

    assert 1 == done.code, done
    assert "beast-api" in done.err
    found = upgrades.became(stack, job)
    assert ("done", 1) == (found["state"], found["result"]["documents"]["ingested"]), found
    assert backups.finds(stack, word)
    before.state.ingest(stack)


def test_killed_at_any_moment_the_next_one_settles(before, workshop, seed, rounds):
    dice, wanted, within = random.Random(seed), rounds(4, 40), 0  # noqa: S311 - moments, not secrets
    stack, state, whole = before.stack, before.state, 0.0
    for number in range(wanted + 1):
        upgrades.write(workshop, upgrades.WORKER, lambda text, n=number: f"# {n}\n{text}")
        if number:
            process = stack.start("upgrade", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after = dice.uniform(0.05, 0.95) * whole
            time.sleep(after)
            within += process.poll() is None
            way = ("group", "all", "host")[number % 3]
            kill(stack, process, way)
            print(f"round {number}: {way} killed after {after:.1f} of {whole:.1f} s")
        begun = time.monotonic()
        stack.must("upgrade")
        whole = whole or time.monotonic() - begun
        assert "" == state.fault(stack), stack.said[-1]
        assert not upgrades.leftovers(stack)
        assert not backups.aside(stack)
        # Of older generations only what was carried over stays.
        assert len(list(stack.root.glob("data/*/knowledge"))) <= 2
        assert stack.is_up()
        assert 0 == stack.run("drift").code, stack.said[-1].out
        assert upgrades.opened(stack)
    assert within >= wanted * 0.7
    told = [each for each in upgrades.receipts(stack) if each["message"] == "interrupted"]
    assert all(each["details"]["failed_at"] for each in told)
    print(f"{wanted} upgrades killed, {within} before their end, {len(told)} receipts of it")


def kill(stack, process, way):
    """End an upgrade: all that the verb started, all of the stack as well, or its host's side."""
    if way == "host":
        doomed = [pid for pid, line in processes(stack.root).items() if "beast_ops.release" in line]
        knowledge.kill(doomed)
    if way == "all":
        knowledge.kill(list(stack.processes()))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
