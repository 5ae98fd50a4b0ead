# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

from beast_ops.api.gpu_figures import MODELS, GpuFigures
from beast_ops.api.metrics import Figures
from beast_ops.gpu.judge import Case
from beast_ops.gpu.model import KINDS, Device, Reading, Trouble
from beast_ops.gpu.speeds import Pace
from beast_ops.health.gpus import Seen, finding
from beast_ops.health.model import Check, Report, Status
from beast_ops.llm.listing import InMemory

GIB = 1 << 30
CARD = Device(index=0, vendor="nvidia", total=24 * GIB, used=9 * GIB, busy=0.42, celsius=61)
OTHER = Device(index=0, vendor="amd", total=16 * GIB, used=0)


def details(*devices, claims=None, paces=(), troubles=()):
    case = Case(Reading(devices=devices, troubles=troubles), claims, paces)
    return finding(Seen(case, troubles)).details


def shown(figures):
    return {
        (sample.name.removeprefix("ai_beast_"), *sample.labels.values()): sample.value
        for metric in figures.collect()
        for sample in metric.samples
    }


def test_before_anybody_looked_nothing_is_shown():
    assert {} == shown(GpuFigures())


def test_a_check_that_found_nothing_out_shows_nothing():
    figures = GpuFigures()
    figures.show(details(CARD))
    figures.show({})

    assert {} == shown(figures)


def test_without_a_gpu_that_is_shown():
    figures = GpuFigures()
    figures.show(details())

    assert 0 == shown(figures)["gpu_devices",]
    assert {0} == {shown(figures)["gpu_findings", kind] for kind in KINDS}


def test_devices_and_speeds_are_shown_as_far_as_they_are_known():
    figures = GpuFigures()
    claims = {"a:1": InMemory(8 * GIB, 8 * GIB)}
    figures.show(details(CARD, OTHER, claims=claims, paces=(Pace("a:1", 80.0, 90.0),)))
    found = shown(figures)

    assert (2, 9 * GIB, 16 * GIB) == (
        found["gpu_devices",],
        found["gpu_memory_used_bytes", "0"],
        found["gpu_memory_total_bytes", "amd-0"],
    )
    assert (0.42, 61) == (
        found["gpu_utilization_ratio", "0"],
        found["gpu_temperature_celsius", "0"],
    )
    assert ("gpu_temperature_celsius", "amd-0") not in found
    assert (8 * GIB, 9 * GIB) == (found["gpu_claimed_bytes",], found["gpu_held_bytes",])
    assert (80, 90) == (
        found["model_tokens_per_second", "a:1"],
        found["model_usual_tokens_per_second", "a:1"],
    )


def test_each_kind_of_trouble_is_there_or_not():
    figures = GpuFigures()
    figures.show(details(troubles=(Trouble(kind="lost", message="x"),)))
    found = shown(figures)

    assert {"lost"} == {kind for kind in KINDS if found["gpu_findings", kind]}


def test_models_are_bounded():
    figures = GpuFigures()
    figures.show(details(paces=tuple(Pace(f"m{number}", 1.0) for number in range(MODELS + 9))))

    assert MODELS == sum(key[0] == "model_tokens_per_second" for key in shown(figures))


def test_a_scrape_shows_the_last_check_and_asks_nobody():
    figures = Figures()
    check = Check("gpu", Status.HEALTHY, "", details(CARD), 1.0)
    figures.show_health(Report(datetime.now(UTC), (check,)))

    for accept in ("", "application/openmetrics-text"):
        assert b'ai_beast_gpu_memory_used_bytes{gpu="0"}' in figures.text(accept)[0]
