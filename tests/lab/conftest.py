# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from tests.conftest import demand


@pytest.fixture(scope="session")
def lab():
    """The lab, up; without an engine its tests are left out."""
    demand(["docker"])
    from tests.lab import lab

    lab.up(("trixie",))
    return lab


@pytest.fixture(scope="session")
def untouched(lab, tmp_path_factory):
    """A bare host and the inventory for it; whoever needs a stack deploys it first."""
    from tests.lab import fleet, stack

    assert lab
    name, _, folder = os.environ.get("BEAST_LAB_STACK", "").partition(":")
    if name:  # one that is there already, while tests are being written
        yield stack.Stack(name, Path(folder))
        return
    name = "stack-one"
    yield stack.fresh(name, tmp_path_factory.mktemp("inventory"))
    fleet.remove(name)


@pytest.fixture(scope="session")
def stack(untouched):
    """The whole stack of the example inventory, deployed from a bare host by one command."""
    done = untouched.beast("deploy")
    assert done.code == 0, done.err
    return untouched


@pytest.fixture(scope="session")
def second(lab):
    """Another host beside the stack's, with what looks at it from outside."""
    from tests.lab import fleet
    from tests.lab.shell import docker

    assert lab
    name = "stack-two"
    fleet.boot(fleet.Host(name, "trixie", "bare"))
    install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends nmap curl"
    docker("exec", name, "sh", "-c", install)
    yield name
    fleet.remove(name)
