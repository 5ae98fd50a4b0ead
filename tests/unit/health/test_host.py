# SPDX-License-Identifier: Apache-2.0
import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from beast_ops.errors import CommandError
from beast_ops.health import engine, host
from beast_ops.health.model import Status

GIB = 1 << 30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


LIMITS = [
    (100.0, Status.HEALTHY),
    (20.0, Status.HEALTHY),
    (19.9, Status.DEGRADED),
    (10.0, Status.DEGRADED),
    (9.9, Status.UNHEALTHY),
    (0.0, Status.UNHEALTHY),
]


@pytest.mark.parametrize(("percent", "status"), LIMITS)
def test_disk_is_judged_by_its_free_share(percent, status, tmp_path, monkeypatch):
    free = int(10 * percent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1000, 1000 - free, free))

    assert status is host.disk(tmp_path).status


def test_what_is_kept_for_root_or_beyond_a_quota_counts_neither_as_free_nor_as_used(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total=1000, used=300, free=100))

    found = host.disk(tmp_path)

    assert Status.HEALTHY is found.status
    assert "25 % free" in found.message


@pytest.mark.parametrize(("percent", "status"), LIMITS)
def test_memory_is_judged_by_what_is_available(percent, status, tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(
        f"MemTotal: 1000000 kB\nMemFree: 5 kB\nMemAvailable: {int(percent * 10000)} kB\n"
    )

    assert status is host.memory(meminfo).status


def test_a_root_that_does_not_exist_yet_is_judged_by_its_parent(tmp_path, monkeypatch):
    usages = {tmp_path: Usage(1000, 400, 600)}
    monkeypatch.setattr(shutil, "disk_usage", usages.__getitem__)

    found = host.disk(tmp_path / "not" / "yet")

    assert 600 == found.details["free_bytes"]
    assert str(tmp_path / "not" / "yet") == found.details["path"]


def test_the_message_has_share_and_size(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(200 * GIB, 150 * GIB, 50 * GIB))

    assert host.disk(tmp_path).message == "25 % free (50.0 of 200.0 GiB)"


class Mac:
    answers = {
        "sysctl": "17179869184\n",
        "vm_stat": "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               100000.\n"
        "Pages active:                             400000.\n"
        "Pages inactive:                           200000.\n"
        "Pages speculative:                         14288.\n",
    }

    def run(self, argv, *, seconds=60):
        assert seconds < engine.SECONDS
        return self.answers[argv[0]]


class NoMac:
    def run(self, argv, *, seconds=60):
        raise CommandError("could not start", subject=f"{argv[0]} {seconds}")


def test_macos_says_it_by_vm_stat():
    found = host.memory(Path("/nowhere"), Mac())

    assert Status.HEALTHY is found.status
    assert found.details["available_bytes"] == 314288 * 16384


def test_a_system_that_does_not_tell_is_unknown():
    found = host.memory(Path("/nowhere"), NoMac())

    assert Status.UNKNOWN is found.status
    assert "does not tell" in found.message


def test_both_looks_are_made_on_this_machine(tmp_path):
    report = asyncio.run(engine.run(host.probes(tmp_path)))

    assert ["disk", "memory"] == [check.name for check in report.checks]
    assert Status.UNKNOWN not in {check.status for check in report.checks}
