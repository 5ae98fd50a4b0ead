# SPDX-License-Identifier: Apache-2.0
"""A world around a task, and a server whose model carries one out."""

import pytest

from beast_ops.llm.testing import fake_ollama
from tests.unit.tasks.stage import ABLE, SAID, Stage


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        double.capabilities[ABLE] = ["completion", "tools"]
        answers = iter(SAID)
        double.answer = lambda _: next(answers)
        yield double
