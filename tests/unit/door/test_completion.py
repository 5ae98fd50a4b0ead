# SPDX-License-Identifier: Apache-2.0
import importlib
import shutil
import subprocess
from pathlib import Path

import pytest
from invoke.collection import Collection

from beast_ops.door import completion
from beast_ops.errors import UsageError


@pytest.fixture(scope="module")
def verbs():
    collection = Collection.from_module(importlib.import_module("tasks"))
    return {name: collection[name] for name in collection.task_names}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["re"], ["reembed", "remove", "render", "restart", "restore"]),
        (["logs", "--f"], ["--follow"]),
        (["--ver"], ["--version"]),
        (["he"], ["health", "help"]),
        (["logs", "qd"], []),
        (["search", "why", "--s"], ["--source"]),
        (["zzz"], []),
    ],
)
def test_words_become_verbs_and_options(verbs, words, expected):
    assert expected == completion.candidates(words, verbs)


def test_nothing_typed_yet_offers_every_verb(verbs):
    assert sorted([*verbs, "help"]) == completion.candidates([""], verbs)
    assert sorted([*verbs, "help"]) == completion.candidates([], verbs)


def test_an_unknown_shell_is_refused():
    with pytest.raises(UsageError, match="no completion"):
        completion.script("tcsh", Path("/beast"))


BASH = """
source /dev/stdin
COMP_WORDS=(beast lo); COMP_CWORD=1
_beast_complete beast lo beast
echo "${COMPREPLY[@]}"
"""
ZSH = "compctl() { }; source /dev/stdin; words=(beast lo); _beast_complete; echo $reply"
FISH = 'source -; complete --do-complete "beast lo"'


@pytest.mark.parametrize(("shell", "program"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)])
def test_the_shell_asks_the_program_beside_it(shell, program, tmp_path, needs):
    if shell != "bash":
        needs(shell)
    door = tmp_path / "a clone" / "beast"
    door.parent.mkdir()
    door.write_text(
        '#!/bin/sh\necho "logs" # $*\n[ "$1 $2 $3" = "--complete -- lo" ] || echo "$*" >&2\n'
    )
    door.chmod(0o755)

    done = subprocess.run(
        [shutil.which(shell), "-c", program],
        input=completion.script(shell, door), capture_output=True, text=True, timeout=20,
        check=False, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    assert done.stdout.split() == ["logs"]
