# SPDX-License-Identifier: Apache-2.0
"""A service of one's own, and a new version of the library, in a clone that changes."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.stack import HERE, await_true, free_port, paragraph

SMALL = {"beast_services": "[ollama, qdrant]"}
INVENTORY = "inventory/local/group_vars/all.yml"


def names(folder: Path) -> list[str]:
    """Return what lies in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def services(clone: Path) -> Path:
    return clone / INVENTORY


def test_a_new_service_is_one_verb_and_one_line(installation, workshop):
    made = installation(clone=workshop)
    port = free_port()
    inventory = services(workshop)
    kept = inventory.read_text()
    # A small stack, said in the inventory, where the line belongs.
    before = kept.replace(
        "  - beast_worker\n  - beast_api\n  - beast_agent\n  - beast_keeper\n", ""
    )
    inventory.write_text(before)

    told = made.must("new-service", "demo", "--port", str(port)).out
    assert "  - demo" in told
    assert 64 == made.run("new-service", "demo").code
    inventory.write_text(before.replace("  - qdrant\n", "  - qdrant\n  - demo\n"))
    done = made.must("deploy", "--set", f"qdrant_port={made.settings['qdrant_port']}")

    assert " demo " in done.out.replace("\n", " ")
    assert {"qdrant", "demo"} == set(made.pids())
    found = {check["name"]: check for check in made.must("health", "--json").json["checks"]}
    assert "healthy" == found["demo"]["status"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        assert 200 == answer.status
    made.must("stop", "demo")
    assert 2 == made.run("health").code

    qdrant = made.pids()["qdrant"]
    data = names(made.root / "data/1")
    inventory.write_text(before)
    gone = made.must("deploy")

    assert "The stack is healthy" in gone.out
    assert {"qdrant": qdrant} == made.pids()
    assert not any("hello" in line or "demo" in line for line in made.processes().values())
    assert data == (names(made.root / "data/1"))
    assert "demo" not in (made.root / "current/services.json").read_text()


def test_the_rules_of_the_house_hold_for_a_new_service(installation, workshop):
    made = installation(clone=workshop)
    made.must("new-service", "demo", "--port", str(free_port()))
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(workshop)}
    environ.pop("COVERAGE_PROCESS_START", None)

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/house",
         "-k", "role"],
        cwd=workshop, env=environ, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "passed" in done.stdout


@pytest.mark.parametrize(
    ("name", "part"),
    [("Demo", "lower-case"), ("qdrant", "qdrant"), ("ansible", "means something else"),
     ("a/../../b", "not a name"), ("beast", "means something else")],
)  # fmt: skip
def test_a_name_that_will_not_do_writes_nothing(installation, workshop, name, part):
    made = installation(clone=workshop)
    before = names(workshop / "roles")

    done = made.run("new-service", name)

    assert 64 == done.code
    assert part in paragraph(done)
    assert before == (names(workshop / "roles"))


def test_a_new_version_of_the_library_gets_an_environment_and_starts_all_anew(
    installation, workshop
):
    made = installation(clone=workshop, settings=SMALL)
    made.deploy()
    first, ran, keeper = made.release, made.pids(), made.supervisord()
    venv = (made.root / "current/venv").resolve()

    module = workshop / "beast_ops/clock.py"
    module.write_text(module.read_text() + "\n# A new version.\n")
    plan = made.must("plan")
    assert venv == (made.root / "current/venv").resolve()
    assert venv.name not in plan.out or "+" in plan.out
    made.must("deploy")

    after = (made.root / "current/venv").resolve()
    assert venv != after
    assert first != made.release
    assert not set(ran.values()) & set(made.pids().values())
    assert keeper != made.supervisord()
    code = "import beast_ops.clock as c; print(open(c.__file__).read())"
    done = subprocess.run(
        [str(after / "bin/python"), "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert "# A new version." in done.stdout
    # The old one stays as long as a release names it, for a way back.
    assert venv.exists()
    await_true(lambda: made.run("health").code == 0)


@pytest.mark.long
def test_an_environment_goes_with_the_last_release_that_names_it(installation, workshop):
    made = installation(clone=workshop, settings=SMALL)
    made.deploy()
    first = made.release
    module = workshop / "beast_ops/clock.py"
    module.write_text(module.read_text() + "\n# A new version.\n")
    for number in range(5):
        assert 2 == len(names(made.root / "venv")) or number == 0
        made.must("deploy", "--set", f"qdrant_optimize_points={30_000 + number}")
    after = (made.root / "current/venv").resolve()
    assert [after.name] == names(made.root / "venv")
    assert 5 == len(made.releases())
    assert first not in made.releases()


def test_the_clone_under_test_is_not_what_runs():
    assert not list((HERE / "roles").glob("demo*"))
