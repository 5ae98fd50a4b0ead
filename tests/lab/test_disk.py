# SPDX-License-Identifier: Apache-2.0
"""A disk that is full in the middle of a deploy: what ran goes on, and nothing is half done."""

import pytest

from tests.lab import fleet
from tests.lab.stack import ROOT, fresh

pytestmark = pytest.mark.needs("docker")

NAME = "small"
FILLER = f"{ROOT}/filler"


@pytest.fixture(scope="module")
def small(lab, tmp_path_factory):
    """A running store on a host whose installation has a disk of its own."""
    assert lab
    stack = fresh(NAME, tmp_path_factory.mktemp("inventory"), bare=False)
    stack.host("mkdir", "-p", ROOT)
    stack.host("mount", "-t", "tmpfs", "-o", "size=1500m,mode=700", "tmpfs", ROOT)
    # The preflight would refuse before anything begins.
    stack.set(beast_services=["ollama", "qdrant"], host_disk_mib=0)
    done = stack.beast("deploy")
    assert 0 == done.code, done.err
    yield stack
    fleet.remove(NAME)


def filled(stack, *, left):
    """Fill the disk but for *left* KiB."""
    free = int(stack.host("df", "--output=avail", "-k", ROOT).split()[-1])
    stack.host("fallocate", "-l", f"{free - left}KiB", FILLER)


@pytest.mark.parametrize("left", [12, 0])
def test_a_disk_that_is_full_leaves_what_ran(small, left):
    before = small.started(), small.host("readlink", f"{ROOT}/current")
    filled(small, left=left)
    done = small.beast("deploy", "--set", f"qdrant_memory_mib={3000 + left}")

    after = small.started(), small.host("readlink", f"{ROOT}/current")
    health = small.health()
    small.host("rm", FILLER)
    assert 1 == done.code
    assert "No space left on device" in done.err
    assert "Traceback" not in done.err
    assert before == after
    assert {"healthy"} <= {health["qdrant"], health["ollama"]} <= {"healthy", "degraded"}


def test_with_room_again_the_same_command_does_it(small):
    done = small.beast("deploy", "--set", "qdrant_memory_mib=3100")

    assert 0 == done.code, done.err
    assert 3100 * 2**20 == small.containers()["qdrant"]["HostConfig"]["Memory"]
