# SPDX-License-Identifier: Apache-2.0
import hashlib
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from beast_ops.compose import image
from beast_ops.errors import CommandError
from beast_ops.place import Place

NAME = "ai-beast:0123456789ab"


class Docker:
    """Answers what a host without pip and without our image would."""

    def __init__(self, *, here=False, failure=""):
        self.here, self.failure = here, failure
        self.asked, self.context = [], {}

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        self.asked.append(list(argv))
        if argv[1:3] == ["image", "inspect"] and not self.here:
            raise CommandError("no such image", subject="docker")
        if argv[1] == "-m":
            raise CommandError("no module named pip", subject=argv[0])
        if argv[1] == "build":
            self._build(argv)
        return ""

    def _build(self, argv):
        folder = Path(argv[-1])
        files = [path for path in folder.rglob("*") if path.is_file()]
        self.context = {str(path.relative_to(folder)): path.read_text() for path in files}
        self.folder = folder
        if self.failure:
            raise CommandError(f"ended with 1: {self.failure}", subject="docker")

    def built(self):
        return [argv for argv in self.asked if argv[1] == "build"]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    source = place.venv / "0123456789ab" / "source"
    source.mkdir(parents=True)
    (source / "ai_beast-1.2.3-py3-none-any.whl").write_text("wheel")
    (source / "stack.txt").write_text("lock")
    (source / "Dockerfile").write_text("FROM x")
    return place


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    monkeypatch.setattr(image.index, "settings", lambda _: {})
    for name in image.PROXIES:
        monkeypatch.delenv(name, raising=False)


def test_the_name_is_that_of_the_environment():
    assert image.name("0123456789ab") == NAME


def test_an_image_that_is_here_is_not_built(place):
    docker = Docker(here=True)

    assert not image.ensure(place, NAME, docker)
    assert [] == docker.built()


def test_a_missing_image_is_built_of_what_the_release_shipped(place):
    docker = Docker()

    assert image.ensure(place, NAME, docker)
    assert {
        "ai_beast-1.2.3-py3-none-any.whl",
        "requirements/stack.txt",
        "Dockerfile",
        "beast_ops/compose/slim.py",
    } <= set(docker.context)
    assert "lock" == docker.context["requirements/stack.txt"]
    assert not docker.folder.exists()


def test_an_image_says_what_it_is_made_of(place):
    docker = Docker()
    image.ensure(place, NAME, docker)
    words = docker.built()[0]

    assert NAME == words[words.index("--tag") + 1]
    assert "org.ai-beast.environment=0123456789ab" == words[words.index("--label") + 1]
    assert "VERSION=1.2.3" in words
    assert "SOURCE_DATE_EPOCH=315532800" in words


@pytest.mark.parametrize("gone", ["stack.txt", "Dockerfile", "ai_beast-1.2.3-py3-none-any.whl"])
def test_what_is_incomplete_is_not_built(place, gone):
    docker = Docker()
    (place.venv / "0123456789ab" / "source" / gone).unlink()

    with pytest.raises(CommandError, match="not complete"):
        image.ensure(place, NAME, docker)
    assert [] == docker.built()


def test_a_build_that_fails_says_why_and_what_to_do_and_no_password(place):
    docker = Docker(failure="cannot reach https://me:s3cret@index.example/simple")

    with pytest.raises(CommandError) as failed:
        image.ensure(place, NAME, docker)
    assert "https://***@index.example" in str(failed.value)
    assert "docker load" in failed.value.hint
    assert failed.value.__cause__ is None
    assert not docker.folder.exists()


def test_a_proxy_is_handed_over_by_its_name_alone(place, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.example")
    docker = Docker()
    image.ensure(place, NAME, docker)
    words = docker.built()[0]

    assert "HTTPS_PROXY" in words
    assert not any("s3cret" in word for word in words)


URL = "https://me:s3cret@index.example/simple"


@pytest.mark.parametrize("failure", ["", "no space left"], ids=["built", "failed"])
def test_no_stage_that_saw_a_password_is_kept(place, monkeypatch, failure):
    monkeypatch.setattr(image.index, "settings", lambda _: {"index-url": URL})
    docker = Docker(failure=failure)
    with suppress(CommandError):
        image.ensure(place, NAME, docker)
    last = docker.asked[-1]

    assert URL in docker.context["pip.conf"]
    assert not any("s3cret" in word for argv in docker.asked for word in argv)
    assert ["image", "prune"] == last[1:3]
    assert ["label=org.ai-beast.stage"] == [word for word in last if "label" in word]


def test_packages_are_kept_for_the_next_image_of_the_same_lock_file(place):
    docker = Docker()
    image.ensure(place, NAME, docker)
    lock = hashlib.sha256(b"lock").hexdigest()

    assert f"LOCK={lock}" in docker.built()[0]
    assert f"label!=org.ai-beast.lock={lock}" in docker.asked[-1]
    assert "label=org.ai-beast.stage" in docker.asked[-1]


IMPORTING = """
import importlib, pkgutil, sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"the image has no {name}", name=name)

# What a program starts with, what a migration runs, and what only a terminal on the host shows.
ELSEWHERE = ("__main__", ".migrations.", ".show")
GONE = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Gone())
for package in sys.argv[2:]:
    there = importlib.import_module(package)
    for each in pkgutil.walk_packages(there.__path__, f"{package}."):
        if not any(part in each.name for part in ELSEWHERE):
            importlib.import_module(each.name)
"""
CALLED = {"markdown-it-py": "markdown_it"}


def test_what_runs_in_the_image_imports_nothing_that_was_taken_out_of_it():
    """The image is slim: what only hosts use is uninstalled there, after the lock file's all."""
    recipe = (Path(__file__).parents[3] / "Dockerfile").read_text(encoding="utf-8")
    words = re.search(r"uninstall --quiet --yes([^&]*)&&", recipe)
    gone = [CALLED.get(word, word) for word in words[1].replace("\\", " ").split()]
    assert {"docker", "supervisor"} <= set(gone)
    rooms = [f"beast_ops.{name}" for name in ("api", "dashboard", "jobs", "ingest", "search")]
    argv = [sys.executable, "-c", IMPORTING, ",".join(gone), *rooms]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    assert 0 == done.returncode, done.stderr[-500:]
