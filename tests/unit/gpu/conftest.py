# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.gpu.child import Child
from beast_ops.gpu.read import read
from tests.conftest import demand
from tests.fake_nvml import made


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """Return a library that stands where NVIDIA's would."""
    demand(["cc"])
    return made(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def base(tmp_path):
    """Return the root of a file system with nothing of any GPU."""
    found = tmp_path / "base"
    found.mkdir()
    return found


@pytest.fixture
def ask(library, base, monkeypatch):
    """Return what reads a library that answers so, by a child of its own."""

    def asking(answers=None, processes=None, *, seconds=8.0, fake=library, child=None):
        fake.says(answers or {}, processes)
        monkeypatch.setenv("BEAST_NVML", str(fake.path))
        return read(base, seconds, child or Child())

    return asking
