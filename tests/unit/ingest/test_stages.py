# SPDX-License-Identifier: Apache-2.0
"""How far each stage is, how fast, and how long it has to go."""

from beast_ops.clock import Clock
from beast_ops.ingest.stages import EMBED, FIND, PARSE, SPAN_SECONDS, STAGES, UPSERT, Stages


class Ticking:
    def __init__(self):
        self.at = 5.0

    def clock(self):
        return Clock(monotonic=lambda: self.at)


def told(stages):
    return {each["stage"]: each for each in stages.told()}


def figures(stages):
    return {name: (each["done"], each["of"], each["eta"]) for name, each in told(stages).items()}


def test_in_the_beginning_nobody_knows_how_many_passages_there_will_be():
    ticking = Ticking()
    stages = Stages(10, ticking.clock())

    unknown = dict.fromkeys(STAGES, (0, None, None))
    assert unknown | {FIND: (0, 10, None), PARSE: (0, 10, None)} == figures(stages)
    assert {0.0} == {each["rate"] for each in told(stages).values()}


def test_passages_are_estimated_by_those_of_the_documents_that_were_cut():
    ticking = Ticking()
    stages = Stages(10, ticking.clock())
    stages.passed(FIND, 8)
    stages.spared(2)
    stages.passed(PARSE, 4)
    for _ in range(4):
        stages.cut(3)
    stages.passed(EMBED, 8)
    stages.passed(UPSERT, 4)
    ticking.at += 2

    assert {
        "find": (8, 10, 1),
        "parse": (4, 8, 2),
        "chunk": (12, 24, 2),
        "embed": (8, 24, 4),
        "upsert": (4, 24, 10),
    } == figures(stages)
    assert 2.0 == told(stages)["upsert"]["rate"]
    assert {"documents", "passages"} == {each["unit"] for each in told(stages).values()}


def test_what_is_done_has_nothing_to_go():
    stages = Stages(1)
    stages.passed(FIND)
    stages.spared()

    assert dict.fromkeys(STAGES, (0, 0, 0)) | {FIND: (1, 1, 0)} == figures(stages)


def test_the_rate_is_that_of_late():
    ticking = Ticking()
    stages = Stages(1000, ticking.clock())
    stages.passed(PARSE, 300)
    for _ in range(int(SPAN_SECONDS) + 5):
        ticking.at += 1
        rate = told(stages)["parse"]["rate"]

    assert 0.0 == rate
