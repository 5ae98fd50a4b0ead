# SPDX-License-Identifier: Apache-2.0
"""Installations that end-to-end tests share, or have for themselves."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.disks import ROOM, mounted
from tests.e2e.stack import Installation, copy_clone, sweeper, wipe

NOBODY = 64123  # a user nobody is, for what needs another one


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """Return a folder that every user may look into, on one file system with all the rest."""
    folder = Path(tempfile.mkdtemp(prefix="beast-e2e-"))
    folder.chmod(0o755)
    with sweeper(folder):
        yield folder
    assert not folder.exists()


@pytest.fixture(scope="session")
def cache() -> dict[str, str]:
    """Return where uv and pip keep downloads: where the tester's do, whatever the home."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return {
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(folder / "uv")),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(folder / "pip")),
    }


@pytest.fixture(scope="session")
def clone(ground: Path, cache: dict[str, str]) -> Path:
    """Return a clone with its environment made; tests leave it as it is."""
    path = copy_clone(ground / "clone")
    made = Installation(path, ground / "maker", ground / "nowhere", extra=cache)
    made.must("version", seconds=600)
    made.clear()
    return path


Factory = Callable[..., Installation]


@pytest.fixture(scope="session")
def build(ground: Path, cache: dict[str, str]) -> Factory:
    """Return a maker of installations that nothing stands in yet."""
    numbers = itertools.count(1)

    def make(clone: Path, **options: object) -> Installation:
        base = ground / f"{next(numbers):03}"
        base.mkdir()
        if options.get("uid") is not None:
            os.chown(base, options["uid"], options["uid"])
        options = {"home": base / "home", "root": base / "root", "extra": dict(cache), **options}
        return Installation(clone, **options)

    return make


@pytest.fixture
def installation(build: Factory, clone: Path) -> Iterator[Factory]:
    """Return a maker of installations for one test; afterwards nothing of them is left."""
    made: list[Installation] = []

    def make(**options: object) -> Installation:
        made.append(build(options.pop("clone", clone), **options))
        return made[-1]

    yield make
    for each in made:
        each.clear()


@pytest.fixture(scope="session")
def _running(build: Factory, clone: Path) -> Iterator[Installation]:
    made = build(clone)
    made.deploy()
    yield made
    made.clear()


@pytest.fixture
def stack(_running: Installation) -> Installation:
    """Return the deployed and running installation that tests share."""
    if not _running.is_up():
        _running.must("deploy")
    return _running


@pytest.fixture(scope="session")
def _workshop(ground: Path, cache: dict[str, str]) -> Path:
    path = copy_clone(ground / "workshop")
    made = Installation(path, ground / "worker", ground / "nowhere", extra=cache)
    made.must("version", seconds=600)
    made.clear()
    return path


@pytest.fixture
def workshop(_workshop: Path) -> Iterator[Path]:
    """Return a clone that a test may change; afterwards it is what it was."""
    kept = ("beast_ops", "roles", "molecule", "inventory")
    yield _workshop
    for name in kept:
        shutil.rmtree(_workshop / name, ignore_errors=True)
    again = copy_clone(_workshop.with_name("again"))
    for name in kept:
        if (again / name).exists():
            (again / name).rename(_workshop / name)
    wipe(again)


@pytest.fixture
def small(installation, ground, needs):
    """Return an installation whose root is a file system of its own."""
    needs("root")
    folder = ground / "small"
    folder.mkdir()
    if why := mounted(folder, f"size={ROOM}"):
        pytest.skip(f"nothing can be mounted here: {why}")
    stack = installation(root=folder / "root")
    yield stack
    stack.clear()
    subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=False)
    folder.rmdir()
