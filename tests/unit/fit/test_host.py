# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.errors import CommandError
from beast_ops.fit import host
from beast_ops.fit.facts import MIB


class Tool:
    """Answers like NVIDIA's tool, or fails if it is to say nothing."""

    def __init__(self, text):
        self.text = text

    def run(self, argv, *, seconds):
        assert host.NVIDIA == tuple(argv)
        assert seconds > 0
        if self.text is None:
            raise CommandError("could not start")
        return self.text

    def watch(self, argv, doubt, *, seconds):  # noqa: ARG002 - the shape of a runner
        raise AssertionError


def made(base, *paths):
    for path, text in paths:
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text(text)


@pytest.fixture(autouse=True)
def _linux(monkeypatch):
    monkeypatch.setattr(host.sys, "platform", "linux")


def test_without_a_gpu_there_is_none(tmp_path):
    assert () == host.cards(tmp_path)


@pytest.mark.parametrize(
    ("text", "cards"),
    # One line per GPU, in MiB (nvidia-smi's manual, --query-gpu with csv,noheader,nounits).
    [("24576\n", (24576 * MIB,)), ("8192\n16384\n", (8192 * MIB, 16384 * MIB)),
     ("[N/A]\n", None), ("", None), (None, None)],
)  # fmt: skip
def test_nvidia_tells_by_its_tool_or_not_at_all(tmp_path, text, cards):
    made(tmp_path, ("dev/nvidiactl", ""))

    assert cards == host.cards(tmp_path, Tool(text))


def test_amd_tells_by_files(tmp_path):
    card = "sys/class/drm/card0/device"
    made(tmp_path, ("dev/kfd", ""), ("dev/dri/renderD128", ""), (f"{card}/vendor", "0x1002\n"))

    assert host.cards(tmp_path) is None

    made(tmp_path, (f"{card}/mem_info_vram_total", "17163091968\n"))

    assert (17163091968,) == host.cards(tmp_path)


def test_elsewhere_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(host.sys, "platform", "darwin")

    assert host.cards(tmp_path) is None


def test_this_machine_tells_its_memory_and_its_disk(tmp_path):
    found = host.here([tmp_path / "not" / "yet"])

    stat = os.statvfs(tmp_path)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert pytest.approx(pages, rel=0.01) == found.ram
    assert 0 < found.disk <= stat.f_blocks * stat.f_frsize
    assert host.here([]).disk is None


def test_what_came_in_part_is_counted_by_what_is_there(tmp_path):
    blobs = tmp_path / "ollama" / "blobs"
    blobs.mkdir(parents=True)
    for name in ("sha256-aa-partial", "sha256-bb"):
        with (blobs / name).open("wb") as file:
            file.write(b"a" * 8192)
            file.truncate(1 << 30)

    assert 8192 <= host.here([tmp_path]).begun < 1 << 20
    assert 0 == host.here([tmp_path / "not" / "yet"]).begun
