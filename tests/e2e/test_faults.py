# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a deploy, and what happens to one that is disturbed."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.stack import (
    Installation,
    await_true,
    copy_clone,
    free_port,
    listing,
    paragraph,
    processes,
    wipe,
)

NOBODY = 64123
SMALL = {"beast_services": "[ollama, qdrant]"}


@pytest.fixture
def bare(installation):
    return installation()


def refused(made: Installation, words: list[str], code: int, *parts: str, **options) -> None:
    """Assert that a deploy is refused with one paragraph, and that nothing is changed by it."""
    watched = (made.home, made.tmp, made.root.parent)
    before = listing(*watched)

    done = made.run("deploy", *words, **options)

    assert (code, "") == (done.code, done.out if code == 64 and not done.out else ""), done
    told = paragraph(done)
    for part in parts:
        assert part in told, told
    assert before == listing(*watched)
    assert {} == made.processes()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["qdrant_prot=30001"], ["qdrant_prot", "qdrant_port"]),
        (["qdrant_port=many"], ["qdrant_port", "a whole number"]),
        (["qdrant_port=0"], ["port"]),
        (["qdrant_port=70000"], ["port"]),
        (["qdrant_port"], ["name=value"]),
        (["beast_boot=perhaps"], ["beast_boot", "yes or no"]),
        (["beast_runtime=kubernetes"], ["beast_runtime", "embedded"]),
        (["qdrant_api_key=hunter2"], ["qdrant_api_key"]),
        (["beast_services=[beast_api]"], ["beast-api", "vectors", "beast_services"]),
        (["beast_services=[nonsense]"], ["nonsense"]),
        (["beast_services=[]"], ["beast_services"]),
        (["beast_services=[ollama]"], ["beast_services"]),
        (["beast_root=/elsewhere"], ["BEAST_ROOT"]),
        (["beast_worker_chunk_overlap=5000"], ["chunk_overlap", "roles/beast_worker"]),
        (["beast_worker_batch=0"], ["batch", "greater", "roles/beast_worker"]),
        (["ollama_url=ftp://nowhere"], ["address"]),
    ],
    ids=lambda value: value[0] if "=" in value[0] else "",
)
def test_a_wrong_setting_is_named_and_nothing_is_changed(bare, words, parts):
    refused(bare, [each for word in words for each in ("--set", word)], 64, *parts)


def test_a_secret_on_the_command_line_is_not_repeated(bare):
    done = bare.run("deploy", "--set", "qdrant_api_key=hunter2")

    assert "hunter2" not in done.out + done.err


def test_twin_ports_are_refused(bare):
    port = free_port()
    words = ["--set", f"qdrant_port={port}", "--set", f"beast_api_port={port}"]

    refused(bare, words, 64, str(port), "qdrant", "beast-api", "_port=NUMBER")


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken_is_refused(bare, address):
    with socket.socket() as foreign:
        # A connection of a test before that is still dying does not hold the port.
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        foreign.bind((address, bare.settings["qdrant_port"]))
        foreign.listen()

        refused(bare, bare.sets(), 1, str(bare.settings["qdrant_port"]),
                "--set qdrant_port=NUMBER")  # fmt: skip


def test_a_disk_too_small_is_refused(bare):
    refused(bare, bare.sets(host_disk_mib=10**9), 1, "MiB are free", "1000000000 MiB")


@pytest.fixture
def small_disk(ground):
    """Return a function that mounts a small disk."""
    mounted = []

    def mount(megabytes: int) -> Path:
        folder = ground / f"disk-{len(mounted)}"
        folder.mkdir()
        argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run([shutil.which("umount"), "--lazy", str(folder)], check=True)
        folder.rmdir()


@pytest.mark.needs("root")
def test_a_full_disk_is_refused(installation, small_disk):
    made = installation(root=small_disk(8) / "root")

    refused(made, made.sets(), 1, "MiB are free")


@pytest.mark.needs("root")
@pytest.mark.long
def test_a_disk_that_fills_while_packages_are_installed_leaves_nothing(installation, small_disk):
    disk = small_disk(60)
    made = installation(root=disk / "root")

    done = made.run("deploy", *made.sets(host_disk_mib=1))

    assert done.code in (1, 75)
    assert "No space left" in paragraph(done) or "space" in paragraph(done)
    assert [] == list(disk.iterdir())


def test_a_root_that_is_a_file_is_refused(bare):
    bare.root.write_text("a file")
    try:
        refused(bare, bare.sets(), 1, str(bare.root), "not a folder", "BEAST_ROOT=")
    finally:
        bare.root.unlink()


def test_a_root_full_of_other_things_is_refused(bare):
    bare.root.mkdir()
    (bare.root / "holiday.jpg").write_text("a picture")

    refused(bare, bare.sets(), 1, str(bare.root), "holiday.jpg", "BEAST_ROOT=")


@pytest.mark.parametrize("root", ["/usr/share/beast", "/usr/share", "/proc/beast"])
def test_a_root_one_may_not_write_is_refused(installation, root):
    made = installation(root=Path(root), uid=NOBODY if os.geteuid() == 0 else None)
    made.root, before = Path(root), set(os.listdir("/usr/share"))  # noqa: PTH208 - names
    watched = (made.home, made.tmp)
    seen = listing(*watched)

    done = made.run("deploy", *made.sets())
    made.root = made.home / "so that nothing there is removed"

    assert 1 == done.code, done
    assert "BEAST_ROOT=" in paragraph(done)
    assert root in paragraph(done) or str(Path(root).parent) in paragraph(done)
    assert before == set(os.listdir("/usr/share"))  # noqa: PTH208 - names
    assert seen == listing(*watched)


def test_an_index_out_of_reach_is_told_and_nothing_is_changed(bare):
    nowhere = "http://127.0.0.1:1/simple"
    settings = {name: None for name in bare.environ if name.startswith(("PIP_", "UV_"))}
    settings |= {"PIP_INDEX_URL": nowhere, "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}

    refused(bare, bare.sets(), 75, "could not be installed", "package index", env=settings)


@pytest.fixture
def fresh_clone(ground):
    """Return a clone without its environment."""
    path = copy_clone(ground / "fresh clone")
    yield path
    wipe(path)


PYTHONS = {
    "too old": ("print(3.9); exit 3", "which is not a Python 3.11 or newer (it is 3.9)"),
    "without venv": ("print(3.12); exit 4", "apt install python3.12-venv"),
}


@pytest.mark.parametrize("kind", PYTHONS)
def test_a_python_that_will_not_do_is_told_before_anything_is_made(installation, fresh_clone, kind):
    made = installation(clone=fresh_clone)
    text, part = PYTHONS[kind]
    word, code = text.removeprefix("print(").split("); exit ")
    fake = made.home / "python3"
    fake.write_text(f"#!/bin/sh\necho {word}\nexit {code}\n")
    fake.chmod(0o755)
    before = listing(made.home, made.tmp, fresh_clone)

    done = made.run("deploy", *made.sets(), env={"BEAST_PYTHON": str(fake)})

    assert 1 == done.code
    assert part in paragraph(done)
    assert before == listing(made.home, made.tmp, fresh_clone)


def old_python() -> str:
    found = [shutil.which(name) for name in ("python3.10", "python3.9")]
    found += map(str, (Path.home() / ".pyenv/versions").glob("3.[89].*/bin/python3"))
    return next((each for each in found if each and "shims" not in each), "")


def test_a_real_old_python_is_told(installation, fresh_clone):
    if not old_python():
        pytest.skip("no Python older than 3.11 here")
    made = installation(clone=fresh_clone)

    done = made.run("version", env={"BEAST_PYTHON": old_python()})

    assert 1 == done.code
    assert "is not a Python 3.11 or newer" in paragraph(done)
    assert not (fresh_clone / ".venv").exists()


def together(made: Installation, *verbs: list[str]) -> list:
    started = [made.start(*words) for words in verbs]
    return [made.finish(process) for process in started]


def test_two_deploys_at_once_make_one_release(installation):
    made = installation(settings=SMALL)

    both = together(made, ["deploy", *made.sets()], ["deploy", *made.sets()])

    assert 0 in {done.code for done in both}, both
    for done in both:
        assert done.code in (0, 75), done
        assert done.code == 0 or "another operation is under way" in paragraph(done)
    assert 1 == len(made.releases())
    assert set(made.pids()) == {"qdrant"}
    assert "changed=0" in made.must("deploy").out

    # And a deploy while it is removed: either way, the next deploy stands.
    for done in together(made, ["remove", "--yes"], ["deploy"]):
        assert done.code in (0, 75), done
        if done.code:
            paragraph(done)
    assert "healthy" in made.must("deploy").out
    assert set(made.pids()) == {"qdrant"}
    assert 1 == len([line for line in made.processes().values() if "supervisord" in line])


def in_force_is_whole(made: Installation) -> None:
    """Assert that what is in force, if anything, is complete."""
    current = made.root / "current"
    if os.path.lexists(current):
        names = {path.name for path in current.iterdir()}
        assert {"release.json", "services.json", "supervisord.conf", "venv"} <= names
        assert (current / "venv/bin/python").exists()


def kill(made: Installation, process: subprocess.Popen, way: str) -> None:
    """End a deploy in one of four ways."""
    if way == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
    elif way == "door":
        os.kill(process.pid, signal.SIGKILL)
    elif way == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        for pid in processes(made.root):
            os.kill(pid, signal.SIGKILL)


def test_a_deploy_killed_at_any_moment_is_finished_by_the_next(installation, seed, rounds):
    chance, count = random.Random(seed), rounds(5, 50)  # noqa: S311 - moments, not secrets
    made = installation(settings=SMALL)
    began = time.monotonic()
    made.deploy()
    whole, early, ways = time.monotonic() - began, 0, ["interrupt", "door", "group", "all"]
    for number in range(count):
        wanted = 30000 + number
        process = made.start("deploy", *made.sets(qdrant_optimize_points=wanted))
        time.sleep(chance.uniform(0.1, 0.9) * whole)
        early += process.poll() is None
        way = ways[number % len(ways)]
        print({"round": number, "way": way, "running": process.poll() is None})
        if process.poll() is None:
            kill(made, process, way)
        done = made.finish(process, 60)
        if way == "interrupt" and done.code not in (0, 130):
            assert done.code in (1, 75), done
        in_force_is_whole(made)

        began = time.monotonic()
        again = made.deploy(qdrant_optimize_points=wanted)
        whole = (whole + time.monotonic() - began) / 2

        assert "The stack is healthy" in again.out
        assert set(made.pids()) == {"qdrant"}
        made.supervisord()
        release = made.release
        last = [each for each in made.receipts() if each["release"] == release][-1]
        assert "proven" == last["outcome"]
        text = next((made.root / "config/qdrant").glob("*/settings.json")).parent.parent
        assert any(str(wanted) in path.read_text() for path in text.glob("*/settings.json"))
    assert early >= count * 0.6, "too few were killed while they ran"
    assert not list((made.root / "releases").glob(".*"))


def spoil(clone: Path) -> None:
    card = clone / "roles/qdrant/vars/main.yml"
    text = card.read_text()
    spoilt = text.replace("[python, -m, beast_ops.vectors]", "[python, -c, 'exit(\"no luck\")']")
    assert text != spoilt
    card.write_text(spoilt)


def test_a_release_that_does_not_hold_gives_way_to_the_last_proven(installation, workshop):
    made = installation(clone=workshop, settings=SMALL)
    made.deploy()
    release, kept = made.release, (made.root / "settings.yml").read_text()
    card = (workshop / "roles/qdrant/vars/main.yml").read_text()
    spoil(workshop)

    done = made.run("deploy", "--set", "qdrant_optimize_points=777")

    assert 1 == done.code
    assert "no luck" in paragraph(done)
    assert "The last proven release is in force again" in paragraph(done)
    assert release == made.release
    assert {"qdrant"} == set(made.pids())
    await_true(lambda: made.run("health").code == 0)
    assert ["proven", "rolled back"] == [each["outcome"] for each in made.receipts()]
    assert kept == (made.root / "settings.yml").read_text()

    (workshop / "roles/qdrant/vars/main.yml").write_text(card)
    assert "changed=0" in made.must("deploy").out


@pytest.mark.long
def test_a_first_release_that_does_not_hold_is_stopped_and_said_so(installation, workshop):
    made = installation(clone=workshop, settings=SMALL)
    spoil(workshop)

    done = made.run("deploy", *made.sets())

    assert 1 == done.code
    assert "Nothing is running now, and no data was removed" in paragraph(done)
    assert {} == made.processes()
    assert not os.path.lexists(made.root / "current")
    assert ["failed"] == [each["outcome"] for each in made.receipts()]
    logs = made.must("logs")  # as the paragraph says
    assert "no luck" in logs.out
