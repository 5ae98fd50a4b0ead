# SPDX-License-Identifier: Apache-2.0
"""On a fresh Debian 13, with its own Python and the newest ansible-core, without Docker."""

import subprocess
from datetime import UTC, datetime

import pytest

from tests.lab import fleet
from tests.lab.shell import CLONE, docker

pytestmark = pytest.mark.needs("docker")

NAME, HOME = "newest", "/home/someone"
PACKAGES = "python3 python3-venv git"
SECONDS = 1500


def typed(words, seconds=SECONDS):
    """Type *words* in the clone, as a user who is not root, and return what is printed."""
    return docker(
        *("exec", "--user", "someone", "--workdir", f"{HOME}/clone", "--env", f"HOME={HOME}"),
        *(NAME, "bash", "-c", words),
        seconds=seconds,
    )


def of_today(room):
    """Return one of four parts of *room*, another one each day, and say which."""
    day = datetime.now(UTC).timetuple().tm_yday
    names = sorted(path.name for path in (CLONE / room).iterdir() if path.name[:2] != "__")
    part = " ".join(f"{room}/{name}" for name in names[day % 4 :: 4] if "conftest" not in name)
    print(part)
    return part


@pytest.fixture(scope="module")
def clone(lab):
    """A clone in the home of a user of a host of its own."""
    assert lab
    fleet.boot(fleet.Host(NAME, "trixie", "bare"))
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {PACKAGES}"
    docker("exec", NAME, "sh", "-c", install)
    docker("exec", NAME, "useradd", "--create-home", "--shell", "/bin/bash", "someone")
    git = ["git", "-C", str(CLONE), "bundle", "create", "--quiet", "-", "HEAD"]
    bundle = subprocess.run(git, capture_output=True, check=True).stdout
    whole = f"cat > {HOME}/bundle && git clone --quiet {HOME}/bundle {HOME}/clone"
    docker("exec", "-i", "--user", "someone", NAME, "sh", "-c", whole, feed=bundle)
    yield
    fleet.remove(NAME)


@pytest.mark.usefixtures("clone")
def test_it_is_the_newest_that_we_promise():
    said = typed("./beast version")

    assert "Python 3.13." in said
    assert "ansible-core 2.21." in said


@pytest.mark.usefixtures("clone")
def test_the_stack_lives_and_is_removed():
    typed("./beast deploy && ./beast ingest README.md")

    assert "private" in typed("./beast search 'private AI stack' --json")
    assert "changed=0" in typed("./beast deploy")
    typed("./beast remove --data --yes")


@pytest.mark.usefixtures("clone")
def test_the_tests_pass_there(rounds):
    rooms = rounds(f"{of_today('tests/unit')} tests/house", "tests/unit tests/house tests/contract")

    said = typed(f"./beast test {rooms} -q --no-cov 2>&1 | tail -n 40; test $PIPESTATUS = 0")

    assert "passed" in said
