# SPDX-License-Identifier: Apache-2.0
"""Kill a change of versions at each of its steps: `python killed_versions.py FOLDER FIRST STRIDE`.

Python tells every change of a file system before it happens. A child process makes the change
and kills itself before the step with a certain number; then what is left is judged, and the
change is made again in full. Prints the last step that was tried.
With the stride 1 every step from the first on is tried.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from beast_ops.models.subjects import FileSubject, StoreSubject
from beast_ops.models.versions import Versions
from tests.ollama_store import put_model

CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "fcntl.ioctl"}
os.fsync = os.fstat  # what a process wrote outlives its kill without it
OLD, NEW = b"old weights " * 50, b"new weights " * 50


def is_change(event, args):
    if event == "open":
        path, mode, flags = args
        del path, mode
        return bool(flags and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in CHANGES


def die_before(step):
    left = step

    def hook(event, args):
        nonlocal left
        if is_change(event, args):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(hook)


class World:
    """A model with an old version that is kept, and a new one that is in force."""

    def __init__(self, folder, kind):
        shutil.rmtree(folder, ignore_errors=True)
        self.root, self.file = folder / "models", folder / "files" / "model.gguf"
        self.kind, self.versions = kind, Versions(folder / "versions")
        self.subject = FileSubject(self.file)
        if kind == "model":
            self.subject = StoreSubject(self.root, "tiny:1b")
        self.put(OLD)
        self.old = self.versions.snapshot(self.subject)
        self.put(NEW)
        self.new = self.subject.parts()[0][1].sha256

    def put(self, content):
        if self.kind == "model":
            put_model(self.root, "tiny:1b", content)
        else:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            half = self.file.with_suffix(".half")
            half.write_bytes(content)
            half.replace(self.file)

    def act(self, verb):
        if verb == "snapshot":
            self.versions.snapshot(self.subject)
        else:
            self.versions.rollback(self.subject, self.old.version)

    def judge(self, verb):
        """Nothing is lost, nothing is half, and what is in force is the old or the new."""
        now = self.subject.parts()[0][1].sha256  # reads and checks every part
        assert now in ({self.new} if verb == "snapshot" else {self.new, self.old.sha256})
        kept = self.versions.all(self.subject.model)
        assert {each.sha256 for each in kept} <= {self.old.sha256, self.new}
        assert self.old.sha256 in {each.sha256 for each in kept}
        assert [] == [part for each in kept for part in self.versions.verify(each)]
        if now == self.old.sha256:
            assert self.new in {each.sha256 for each in kept}

    def judge_whole(self, verb):
        self.judge(verb)
        wanted = {self.old.sha256, self.new}
        assert wanted == {each.sha256 for each in self.versions.all(self.subject.model)}
        folder = self.versions.path("x").parents[1]
        names = {path.name for path in folder.parent.rglob("*") if path.is_file()}
        assert not [name for name in names if "part" in name or name.startswith(".")]
        if verb == "rollback":
            assert self.old.sha256 == self.subject.parts()[0][1].sha256
        blobs = [path.read_bytes() for path in folder.glob("blobs/*")]
        assert len(blobs) == len({hashlib.sha256(each).digest() for each in blobs})


def killed(folder, kind, verb, step):
    """Return whether the change was killed before *step*."""
    world = World(folder, kind)
    child = os.fork()
    if child == 0:
        die_before(step)
        world.act(verb)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        world.judge_whole(verb)
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    world.judge(verb)
    world.act(verb)
    world.judge_whole(verb)
    return True


def main(folder, first, stride):
    counts = {}
    for kind in ("file", "model"):
        for verb in ("snapshot", "rollback"):
            step = first
            while killed(folder / "world", kind, verb, step):
                step += stride
            counts[f"{verb} {kind}"] = step
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
