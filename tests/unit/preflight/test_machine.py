# SPDX-License-Identifier: Apache-2.0
import platform
import time

import pytest

from beast_ops.preflight import machine
from beast_ops.preflight.machine import CLOCK, check_clock, check_gpu, check_processor
from tests.unit.preflight.asking import ids


@pytest.mark.parametrize("name", ["x86_64", "amd64", "AMD64", "aarch64", "arm64"])
def test_a_processor_that_images_are_made_for_is_welcome(name):
    assert [] == list(check_processor(name))


@pytest.mark.parametrize("name", ["armv7l", "i686", "riscv64", "ppc64le", "s390x"])
def test_another_processor_is_refused(name):
    (finding,) = check_processor(name)

    assert ("processor-unsupported", True) == (finding.id, finding.blocks)
    assert (
        f"The processor is of the kind {name}; the images are made for x86_64 and aarch64."
        == finding.message
    )
    assert "Take another machine." == finding.hint


def test_the_processor_of_this_machine_is_asked_if_none_is_named(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "armv6l")

    assert ["processor-unsupported"] == ids(check_processor())


@pytest.mark.parametrize("skew", [0, 30, -30, 29.9])
def test_a_clock_that_is_nearly_right_is_welcome(skew):
    assert [] == list(check_clock(1000.0, 1000.0 + skew, kept=True))


@pytest.mark.parametrize(
    ("skew", "words"), [(31, "31 s ahead"), (-31, "31 s behind"), (86400, "86400 s ahead")]
)
@pytest.mark.parametrize("kept", [True, False])
def test_a_clock_that_is_wrong_is_warned_of(skew, words, kept):
    (finding,) = check_clock(1000.0, 1000.0 + skew, kept=kept)

    assert ("clock-wrong", False) == (finding.id, finding.blocks)
    assert (
        f"The clock of this machine is {words}; certificates, logins and alerts depend on it."
        == finding.message
    )
    assert CLOCK == finding.hint
    assert "apt install systemd-timesyncd" in finding.hint


@pytest.mark.parametrize("asked", [None, 1000.0])
def test_a_clock_that_nobody_keeps_right_is_warned_of(asked):
    (finding,) = check_clock(asked, 1000.0, kept=False)

    assert ("clock-unkept", False) == (finding.id, finding.blocks)
    assert "Nothing keeps the clock of this machine right." == finding.message
    assert CLOCK == finding.hint


def test_a_clock_that_is_kept_and_not_compared_is_welcome():
    assert [] == list(check_clock(None, 1000.0, kept=True))


def test_the_clock_is_the_machine_s():
    assert time.time() == pytest.approx(machine.clock(), abs=5)


class Kernel:
    def __init__(self, state):
        self.state = state

    def adjtimex(self, timex):
        assert bytes(len(timex)) == timex.raw
        return self.state


@pytest.mark.parametrize(("state", "expected"), [(0, True), (4, True), (5, False), (-1, True)])
def test_the_kernel_says_whether_the_clock_is_kept(state, expected, monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: Kernel(state))

    assert expected == machine.is_kept()


def test_a_kernel_that_cannot_be_asked_is_believed(monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: object())

    assert machine.is_kept()


DRIVERS = ["dev/nvidiactl", "proc/driver/nvidia/version"]
CARD = "sys/class/drm/card0/device"
SLOT = "sys/bus/pci/devices/0000:01:00.0"


def there(base, path, text=""):
    (base / path).parent.mkdir(parents=True, exist_ok=True)
    (base / path).write_text(text)


def gpu(base):
    return list(check_gpu(wanted=True, base=base))


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_gpu_that_containers_cannot_use_is_warned_of(driver, tmp_path):
    there(tmp_path, driver)

    (finding,) = gpu(tmp_path)

    assert ("gpu-without-toolkit", False) == (finding.id, finding.blocks)
    assert "There is an NVIDIA GPU, but containers cannot use it" in finding.message
    assert "models will run on the CPU." in finding.message
    assert "Install the package nvidia-container-toolkit" in finding.hint


@pytest.mark.parametrize("tool", machine.TOOLKIT)
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_gpu_that_containers_can_use_is_welcome(driver, tool, tmp_path, programs):
    there(tmp_path, driver)
    programs.answers(tool, "", "")

    assert [] == gpu(tmp_path)


@pytest.mark.parametrize("kind", ["0x030000", "0x030200"])
def test_a_gpu_without_any_driver_is_warned_of(kind, tmp_path):
    there(tmp_path, f"{SLOT}/vendor", "0x10de\n")
    there(tmp_path, f"{SLOT}/class", f"{kind}\n")

    (finding,) = gpu(tmp_path)

    assert ("gpu-without-driver", False) == (finding.id, finding.blocks)
    assert (
        "There is an NVIDIA GPU without its driver; models will run on the CPU." == finding.message
    )
    assert "Install the driver (550 or newer)" in finding.hint


def test_a_gpu_with_the_driver_of_the_kernel_alone_is_warned_of(tmp_path):
    there(tmp_path, f"{CARD}/vendor", "0x10de\n")

    assert ["gpu-without-driver"] == ids(gpu(tmp_path))


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [("0x8086", "0x030000"), ("0x1002", "0x030000"), ("0x10de", "0x040300"), ("0x10de", None)],
)
def test_other_devices_are_no_nvidia_gpu(vendor, kind, tmp_path):
    there(tmp_path, f"{SLOT}/vendor", f"{vendor}\n")
    if kind:
        there(tmp_path, f"{SLOT}/class", f"{kind}\n")

    assert [] == gpu(tmp_path)


def test_a_device_that_does_not_tell_is_no_gpu(tmp_path):
    (tmp_path / CARD / "vendor").mkdir(parents=True)

    assert [] == gpu(tmp_path)


def test_a_gpu_that_no_service_wants_is_not_looked_for(tmp_path):
    there(tmp_path, DRIVERS[0])

    assert [] == list(check_gpu(wanted=False, base=tmp_path))
