# SPDX-License-Identifier: Apache-2.0
import shlex

import pytest


class Programs:
    """The programs of a made-up host: a folder that is its whole PATH."""

    def __init__(self, folder):
        self.folder = folder
        self.told = {}

    def answers(self, program, asked, text):
        """Let *program* say *text* to words that begin with *asked*."""
        self._write(program, asked, f"printf %s {shlex.quote(text)}")

    def fails(self, program, asked, complaint, code=1):
        """Let *program* complain of words that begin with *asked*."""
        self._write(program, asked, f"printf %s {shlex.quote(complaint)} >&2; exit {code}")

    def runs(self, program, asked, script):
        """Let *program* run *script* for words that begin with *asked*."""
        self._write(program, asked, script)

    def _write(self, program, asked, script):
        cases = self.told.setdefault(program, {})
        cases[asked] = script
        arms = [f"{shlex.quote(words)}*) {does} ;;" for words, does in cases.items()]
        lines = ["#!/bin/sh", 'case "$*" in', *arms, "*) exit 127 ;;", "esac"]
        (self.folder / program).write_text("\n".join(lines) + "\n")
        (self.folder / program).chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Return the programs of a host that has none yet."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return Programs(folder)
