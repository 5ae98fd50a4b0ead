# SPDX-License-Identifier: Apache-2.0
"""Kill a write of the registry at each statement: `python killed_registry.py FOLDER FIRST STRIDE`.

A child process registers anew and kills itself before the statement with a certain number; what
is left must be all old, or all new. Prints the last statement that was tried.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from beast_ops.database import pool
from beast_ops.database.connect import connect
from beast_ops.models.entry import Entry
from beast_ops.models.find import Wanted
from beast_ops.models.registry import Registry

NAMES = ("a:1b", "b:1b", "c:1b")


def entries(word):
    return [Entry(id=name, tags=(word,), description=word) for name in NAMES]


def killing(step):
    left = step

    def count(_statement):
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    def opened(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(count)
        return connection

    return opened


def judge(path):
    with Registry(path) as registry:
        words = {each.description for each in registry.all()}
        assert len(words) == 1, words
        (word,) = words
        wanted = list(NAMES)
        assert wanted == [each.id for each in registry.search(Wanted(word))]
        assert wanted == [each.id for each in registry.search(Wanted(tags=(word,)))]
        other = "new" if word == "old" else "old"
        assert not registry.search(Wanted(other))
        assert not registry.search(Wanted(tags=(other,)))
    return word


def killed(folder, step):
    shutil.rmtree(folder, ignore_errors=True)
    path = folder / "registry.sqlite"
    with Registry(path) as registry:
        registry.register(entries("old"))
    child = os.fork()
    if child == 0:
        pool.connect = killing(step)
        with Registry(path) as registry:
            registry.register(entries("new"))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    word = judge(path)
    if os.WIFEXITED(status):
        assert (os.WEXITSTATUS(status), word) == (0, "new")
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    return True


def main(folder, first, stride):
    step = first
    while killed(folder / "world", step):
        step += stride
    print(json.dumps({"last": step}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
