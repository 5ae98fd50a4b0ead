# SPDX-License-Identifier: Apache-2.0
"""What is made of a driver that answers, lies, breaks off or hangs; through a real library."""

import os
import subprocess
import sys
import time

import pytest

from beast_ops.errors import BusyError, CommandError
from beast_ops.gpu import nvml
from beast_ops.gpu.child import Child
from beast_ops.gpu.codes import CODES
from beast_ops.gpu.read import read
from tests.fake_nvml import made

GIB = 1 << 30


def kinds(reading):
    return [each.kind for each in reading.troubles]


def plug_in(base, *, driver=None, address="0000:01:00.0", kind="0x030000"):
    """Let *base* show a GPU of NVIDIA's, as sysfs does."""
    folder = base / "sys/bus/pci/devices" / address
    folder.mkdir(parents=True)
    (folder / "vendor").write_text("0x10de\n")
    (folder / "class").write_text(f"{kind}\n")
    if driver:
        (base / "sys/bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
        (folder / "driver").symlink_to(f"../../drivers/{driver}")


def load(base, line):
    """Let *base* show a driver that the kernel has loaded."""
    (base / "proc/driver/nvidia").mkdir(parents=True)
    text = f"{line}\nGCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)\n"
    (base / "proc/driver/nvidia/version").write_text(text)


def test_this_machine_is_read_without_harm():
    found = read()

    assert found.devices == () or found.present


def test_a_host_without_any_library_has_no_gpu(base, monkeypatch):
    monkeypatch.setenv("BEAST_NVML", str(base / "libnvidia-ml.so.1"))

    assert not read(base).present


def test_a_device_is_read_whole(ask):
    answers = {
        "count": 1,
        "0.name": "NVIDIA GeForce RTX 4090",
        "0.total": 24 * GIB,
        "0.used": 9 * GIB,
        "0.gpu": 42,
        "0.degrees": 61,
    }
    (found,) = ask(answers, {os.getpid(): str(8 * GIB)}).devices

    assert ("NVIDIA GeForce RTX 4090", 0, "nvidia") == (found.name, found.index, found.vendor)
    assert (24 * GIB, 9 * GIB, 0.42, 61) == (found.total, found.used, found.busy, found.celsius)
    assert ("0000:01:00.0", False) == (found.bus, found.mig)
    (holder,) = found.holders  # once, though it stands in two lists
    assert (os.getpid(), 8 * GIB) == (holder.pid, holder.bytes)
    assert "python" in holder.name


def test_eight_devices_are_read(ask):
    found = ask({"count": 8, **{f"{number}.used": number * GIB for number in range(8)}})

    assert [number * GIB for number in range(8)] == [each.used for each in found.devices]
    assert 8 == len({each.uuid for each in found.devices})


def test_a_driver_before_2021_lists_processes_too(ask, tmp_path, needs):
    needs("cc")
    old = made(tmp_path / "old", old=True)
    found = ask({"count": 1}, {4711: "1000", 4712: "-"}, fake=old)

    assert [(4711, 1000), (4712, None)] == [
        (each.pid, each.bytes) for each in found.devices[0].holders
    ]


def test_a_divided_device_tells_less_and_is_well(ask):
    found = ask({"count": 1, "0.divided": 1, "0.busy": 3, "0.list": 4})

    assert [] == kinds(found)
    assert (True, None, None) == (
        found.devices[0].mig,
        found.devices[0].busy,
        found.devices[0].holders,
    )


def test_a_device_without_memory_of_its_own_is_well(ask):
    found = ask({"count": 1, "0.memory": 3})

    assert [] == kinds(found)
    assert None is found.devices[0].total


@pytest.mark.parametrize(
    "answers",
    [{"0.total": 0, "0.used": 0}, {"0.total": 5, "0.used": 6}],
    ids=["none at all", "more than there is"],
)
def test_memory_that_makes_no_sense_is_not_known(ask, answers):
    (found,) = ask({"count": 1, **answers}).devices

    assert (None, None) == (found.total, found.used)


def test_a_name_may_be_anything(ask):
    (found,) = ask(
        {"count": 1, "0.name": 'NV"\\\x01\udcff'.encode(errors="surrogateescape")}
    ).devices

    assert found.name


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_at_the_start_is_understood(ask, base, code):
    plug_in(base)
    found = ask({"init": code})

    assert [CODES[code][0]] == kinds(found)
    assert f"NVML {code}" in found.troubles[0].message
    assert () == found.devices


def test_a_code_that_is_not_known_is_a_trouble_all_the_same(ask):
    assert ["failed"] == kinds(ask({"init": 4242}))


def test_no_gpu_at_all_is_no_trouble(ask):
    assert not ask({"init": 28}).present
    assert not ask({"init": 9}).present  # the library alone, as a disk image may have it


def test_a_card_that_the_driver_does_not_see_is_lost(ask, base):
    plug_in(base)

    assert ["lost"] == kinds(ask({"count": 0}))


def test_a_mismatch_names_both_versions(ask, base):
    load(
        base, "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC"
    )
    (found,) = ask({"init": 18}).troubles

    assert "mismatch" == found.kind
    assert "the kernel has 535.129.03, the library is 570.86.15" in found.message


def test_a_mismatch_is_seen_before_it_hurts(ask, base):
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build"
    load(base, line)

    assert ["mismatch"] == kinds(ask({"count": 1}))


def test_one_lost_device_among_others_is_named(ask):
    found = ask({"count": 3, "1.handle": 15})

    assert [0, 2] == [each.index for each in found.devices]
    assert [("lost", "GPU 1")] == [(each.kind, each.subject) for each in found.troubles]


def test_a_device_that_is_lost_between_two_calls_is_named(ask):
    assert ["lost"] == kinds(ask({"count": 1, "0.memory": 15}))


def test_a_gpu_without_the_driver_is_a_trouble(base, monkeypatch):
    monkeypatch.setenv("BEAST_NVML", str(base / "libnvidia-ml.so.1"))
    plug_in(base, kind="0x030200")  # a 3D controller, as those without a plug for a screen are

    assert ["driver"] == kinds(read(base))


@pytest.mark.parametrize("driver", ["vfio-pci", "pci-stub", "pciback", "nouveau"])
def test_a_card_that_is_for_something_else_is_no_trouble(base, monkeypatch, driver):
    monkeypatch.setenv("BEAST_NVML", str(base / "libnvidia-ml.so.1"))
    plug_in(base, driver=driver)
    plug_in(base, driver="snd_hda_intel", address="0000:01:00.1", kind="0x040300")

    assert not read(base).present


def test_a_library_that_cannot_be_loaded_is_a_trouble(base, tmp_path, monkeypatch):
    path = tmp_path / "libnvidia-ml.so.1"
    path.write_bytes(b"\x7fELF of something else")
    monkeypatch.setenv("BEAST_NVML", str(path))

    assert ["failed"] == kinds(read(base))


@pytest.mark.parametrize("call", ["nvmlInit_v2", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_hangs_is_left_alone(ask, call):
    begun = time.monotonic()
    found = ask({"count": 1, "hang": call}, seconds=0.5)

    assert ["hangs"] == kinds(found)
    assert time.monotonic() - begun < 3


def test_a_slow_driver_is_waited_for(ask):
    assert [] == kinds(ask({"count": 1, "slow": 1}))


def test_a_library_that_breaks_off_takes_nobody_along(ask):
    (found,) = ask({"crash": 1}).troubles

    assert ("failed", True) == (found.kind, "signal 6" in found.message)


class Unkillable:
    """A program that waits in the kernel: no signal reaches it."""

    def __init__(self, _=None):
        self.ended = None
        self.stdout = None

    def poll(self):
        return self.ended

    def kill(self):
        pass


def test_behind_one_that_cannot_be_killed_no_other_is_started(base):
    begun = []

    def begin(argv):
        begun.append(Unkillable(argv))
        return begun[-1]

    child = Child(begin)
    assert ["hangs"] == kinds(read(base, 0.1, child))
    assert ["hangs"] == kinds(read(base, 0.1, child))
    assert 1 == len(begun)
    with pytest.raises(BusyError):
        child.run(["x"], 0.1)
    begun[0].ended = -9
    assert ["hangs"] == kinds(read(base, 0.1, child))

    assert 2 == len(begun)


class Says:
    """A child that prints this, or fails with that."""

    def __init__(self, text):
        self.text = text

    def run(self, _argv, _seconds):
        return self.text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"library": true, "devices": [{}]}',
        b'{"library": true, "devices": [{"index": -1}]}',
        b'{"library": true, "devices": [3]}',
    ],
)
def test_a_library_that_says_nonsense_is_a_trouble(base, text):
    assert ["failed"] == kinds(read(base, child=Says(text)))


def test_a_library_of_something_else_is_a_trouble(base, monkeypatch):
    monkeypatch.setenv("BEAST_NVML", "libc.so.6")
    (found,) = read(base).troubles

    assert ("failed", "has no call nvmlInit_v2") == (found.kind, found.message)


def test_elsewhere_than_on_linux_nothing_is_known(base, monkeypatch):
    plug_in(base)
    monkeypatch.setattr(sys, "platform", "darwin")

    assert not read(base).present


def test_a_program_that_cannot_be_started_is_said_so():
    with pytest.raises(CommandError, match="could not start"):
        Child().run(["/nonexistent"], 1.0)


@pytest.fixture
def spoken(library):
    """Return what the library says of these answers, in this process."""

    def speak(answers):
        library.says(answers)
        found, why = nvml.opened(("libnvidia-ml.so.of.nowhere", str(library.path)))
        assert ("", True) == (why, found is not None)
        return nvml.told(found)

    return speak


def test_what_the_library_says_is_handed_on_as_it_is(spoken, library):
    answers = {"count": 2, "1.handle": 15, "0.process": "4711:-", "0.divided": 1}
    found = spoken(answers)

    assert (str(library.path), "570.86.15") == (found["file"], found["driver"])
    first, second = found["devices"]
    assert [{"pid": 4711, "bytes": None, "name": ""}] * 2 == first["holders"]
    assert {"index": 1, "failed": "nvmlDeviceGetHandleByIndex_v2", "code": 15} == second


@pytest.mark.parametrize(
    ("answers", "call"),
    [({"init": 9}, "nvmlInit_v2"), ({"counting": 999}, "nvmlDeviceGetCount_v2")],
)
def test_the_call_that_failed_is_named(spoken, answers, call):
    found = spoken(answers)

    assert (call, []) == (found["failed"], found["devices"])


def test_a_device_that_tells_no_memory_is_handed_on_without(spoken):
    (shared,) = spoken({"count": 1, "0.memory": 3})["devices"]
    (lost,) = spoken({"count": 1, "0.memory": 15, "0.list": 4})["devices"]

    assert not {"failed", "total"} & shared.keys()
    assert ("nvmlDeviceGetMemoryInfo", 15) == (lost["failed"], lost["code"])


def test_an_old_library_is_asked_as_it_knows(tmp_path, needs):
    needs("cc")
    old = made(tmp_path / "old", old=True)
    old.says({"count": 1}, {os.getpid(): "5"})
    found, _ = nvml.opened((str(old.path),))
    ((device),) = nvml.told(found)["devices"]

    assert {os.getpid()} == {each["pid"] for each in device["holders"]}


def test_a_library_without_lists_of_processes_has_none():
    opened, _ = nvml.opened(("libc.so.6",))

    with pytest.raises(nvml.CallError):
        nvml._holders(opened, None, "Compute")


def test_where_the_system_does_not_tell_files_nothing_is_known(tmp_path):
    assert "" == nvml.file_of(tmp_path / "maps")
    (tmp_path / "maps").write_text("7f00-7f01 r-xp 00000000 08:01 42    /usr/lib/libc.so.6\n")
    assert "" == nvml.file_of(tmp_path / "maps")


def test_why_a_library_cannot_be_loaded_is_kept(tmp_path):
    path = tmp_path / "libnvidia-ml.so.1"
    path.write_bytes(b"nonsense")

    found, why = nvml.opened((str(path), str(tmp_path / "missing.so")))
    assert (None, True) == (found, "libnvidia-ml.so.1" in why)


def test_the_reader_needs_nothing_of_ours(library):
    library.says({"count": 1})
    script = "beast_ops/gpu/nvml.py"
    done = subprocess.run(
        [sys.executable, "-IS", script],
        env={"BEAST_NVML": str(library.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert '"library": true' in done.stdout
    assert "" == done.stderr
