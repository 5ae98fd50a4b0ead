# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to models and their versions in whatever order, they are what a simple model is.

Files are replaced, lost, kept, rolled back and their versions deleted; so are models of an Ollama,
which also prunes the blobs that none of its manifests names.
"""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from beast_ops.models.manifests import path_of, stored
from beast_ops.models.subjects import FileSubject, StoreSubject
from beast_ops.models.versions import Versions
from tests.ollama_store import put_model

KEEP = 3
NAMES = ("a.gguf", "b.gguf", "tiny:1b", "large:latest")
CONTENTS = [b"one" * 9, b"two" * 9, b"three" * 9, b"four" * 9, b"five" * 9]
names, contents = some.sampled_from(NAMES), some.sampled_from(CONTENTS)


class Disk(RuleBasedStateMachine):
    """Models, what they are now, and their versions from the newest to the oldest."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.root = self.home / "models"
        self.versions = Versions(self.home / "versions", keep=KEEP)
        self.now: dict[str, bytes] = {}
        self.kept: dict[str, list[bytes]] = {name: [] for name in NAMES}

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    def subject(self, name):
        is_file = name.endswith(".gguf")
        return FileSubject(self.home / name) if is_file else StoreSubject(self.root, name)

    def version(self, name, content):
        if name.endswith(".gguf"):
            return hashlib.sha256(content).hexdigest()
        with tempfile.TemporaryDirectory() as folder:
            return hashlib.sha256(put_model(Path(folder), name, content)).hexdigest()

    def _keep(self, name, content):
        self.kept[name] = [content, *(each for each in self.kept[name] if each != content)]

    @rule(name=names, content=contents)
    def replaced(self, name, content):
        if name.endswith(".gguf"):
            (self.home / "half").write_bytes(content)
            (self.home / "half").replace(self.home / name)
        else:
            put_model(self.root, name, content)
        self.now[name] = content

    @rule(name=names)
    def lost(self, name):
        if self.now.pop(name, None) is not None:
            is_file = name.endswith(".gguf")
            (self.home / name if is_file else self.root / "manifests" / path_of(name)).unlink()

    @rule()
    def pruned(self):
        named = {blob.file for model in stored(self.root) for blob in model.blobs}
        for path in (self.root / "blobs").glob("*"):
            if path.name not in named:
                path.unlink()

    @precondition(lambda self: self.now)
    @rule(data=some.data())
    def snapshot(self, data):
        name = data.draw(some.sampled_from(sorted(self.now)))
        made = self.versions.snapshot(self.subject(name))
        self._keep(name, self.now[name])
        del self.kept[name][KEEP:]

        assert self.version(name, self.now[name]) == made.sha256

    @precondition(lambda self: any(self.kept.values()))
    @rule(data=some.data())
    def rollback(self, data):
        name = data.draw(some.sampled_from([name for name in NAMES if self.kept[name]]))
        content = data.draw(some.sampled_from(self.kept[name]))
        done = self.versions.rollback(self.subject(name), self.version(name, content))
        if name in self.now:
            self._keep(name, self.now[name])
        assert (done.before is None) == (name not in self.now)
        self._keep(name, content)
        del self.kept[name][KEEP:]
        self.now[name] = content

    @precondition(lambda self: any(self.kept.values()))
    @rule(data=some.data())
    def deleted(self, data):
        name = data.draw(some.sampled_from([name for name in NAMES if self.kept[name]]))
        content = data.draw(some.sampled_from(self.kept[name]))
        self.versions.delete(self.subject(name).model, self.version(name, content))
        self.kept[name].remove(content)

    @invariant()
    def models_are_what_they_should_be(self):
        for name, content in self.now.items():
            _, (path, *_) = None, [path for path, _ in self.subject(name).parts()]
            if name.endswith(".gguf"):
                assert content == path.read_bytes()
            else:
                assert hashlib.sha256(content).hexdigest() in path.read_text()

    @invariant()
    def versions_are_those_and_whole(self):
        for name in NAMES:
            found = self.versions.all(self.subject(name).model)
            assert [self.version(name, each) for each in self.kept[name]] == [
                each.sha256 for each in found
            ]
            assert not any(self.versions.verify(each) for each in found)

    @invariant()
    def no_content_that_is_kept_lies_there_twice(self):
        blobs = self.versions.path("x").parent
        contents = [path.read_bytes() for path in blobs.glob("*")]
        wanted = {part.sha256 for each in self.versions.all() for part in each.parts}

        assert len(contents) == len(wanted)
        assert wanted == {hashlib.sha256(each).hexdigest() for each in contents}

    @rule()
    def records_are_json(self):
        for path in self.home.glob("versions/records/*/*.json"):
            assert json.loads(path.read_bytes())


def test_versions_are_what_a_simple_model_is(rounds):
    Disk.TestCase.settings = settings(
        max_examples=rounds(8, 300),
        stateful_step_count=rounds(12, 40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Disk.TestCase().runTest()
