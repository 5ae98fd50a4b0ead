# SPDX-License-Identifier: Apache-2.0
"""A task from its first word to its report, with a model that does as the test says."""

import pytest

from beast_ops.tasks.model import Status
from tests.unit.tasks.stage import DONE, PLAN, Script, Stage, call, reply


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


WRITE = reply(call("write", path="sandbox/sum.md", text="Once a year.\n"))
READ = reply(call("read", path="notes/a.md"))


def test_a_dry_run_reads_and_tells_what_it_would_write(stage):
    before = stage.files()
    script = Script([PLAN, READ, WRITE, reply(call("read", path="sandbox/sum.md")), DONE])

    report = stage.run(script)

    assert (Status.DONE, "It is done.", False) == (report.status, report.result, report.apply)
    assert (("sandbox/sum.md",), {"read": 2, "write": 1}) == (report.files, report.tools)
    assert (4, 75) == (report.steps, report.tokens)
    assert before == stage.files()
    assert "Rotate the keys" in script.told()[0]
    assert "Once a year." in script.told()[2]


def test_with_apply_files_are_written(stage):
    script = Script([PLAN, READ, WRITE, DONE])

    report = stage.run(script, stage.task(apply=True))

    assert report.apply
    assert b"Once a year.\n" == stage.files()["out/sum.md"]
