# SPDX-License-Identifier: Apache-2.0
"""Trees as the kernel documents them: Documentation/gpu/amdgpu/driver-misc.rst (memory, product
name), thermal.rst (busy percent) and Documentation/hwmon/sysfs-interface.rst (temperatures)."""

import pytest

from beast_ops.gpu.amd import read

GIB = 1 << 30


@pytest.fixture
def card(base):
    """Return a maker of cards as amdgpu shows them; *without* names files that are missing."""
    (base / "dev").mkdir()
    (base / "dev/kfd").touch()

    def make(number, *, without=(), **content):
        address = base / f"sys/devices/pci0000:00/0000:0{number}:00.0"
        (address / "hwmon/hwmon3").mkdir(parents=True)
        files = {
            "vendor": "0x1002",
            "device": "0x744c",
            "unique_id": f"{number:016x}",
            "mem_info_vram_total": str(24 * GIB),
            "mem_info_vram_used": str(9 * GIB),
            "mem_info_gtt_used": str(GIB),
            "gpu_busy_percent": "97",
            "hwmon/hwmon3/temp1_input": "61000",
        }
        for name, text in {**files, **content}.items():
            if name not in without:
                (address / name).write_text(f"{text}\n")
        folder = base / f"sys/class/drm/card{number}"
        folder.mkdir(parents=True)
        (folder / "device").symlink_to(f"../../../devices/pci0000:00/{address.name}")
        plug = base / f"sys/class/drm/card{number}-DP-1"  # a plug for a screen is no card
        plug.mkdir()
        (plug / "device").symlink_to(f"../card{number}")
        return address

    return make


def test_a_card_is_read_whole(base, card):
    card(1, product_name="AMD Radeon PRO W7900")
    (found,), troubles = read(base)

    assert [] == troubles
    assert ("AMD Radeon PRO W7900", 1, "amd") == (found.name, found.index, found.vendor)
    assert (24 * GIB, 10 * GIB, 0.97, 61) == (found.total, found.used, found.busy, found.celsius)
    assert ("0000:01:00.0", f"{1:016x}") == (found.bus, found.uuid)


def test_what_an_older_kernel_does_not_tell_is_not_known(base, card):
    missing = ("mem_info_gtt_used", "gpu_busy_percent", "hwmon/hwmon3/temp1_input", "unique_id")
    card(0, without=missing)
    ((found,), _) = read(base)

    assert ("AMD 0x744c", "", None, None) == (found.name, found.uuid, found.busy, found.celsius)
    assert 9 * GIB == found.used


def test_without_the_driver_for_computing_no_card_counts(base, card):
    card(0)
    (base / "dev/kfd").unlink()

    assert ([], []) == read(base)


def test_cards_of_others_do_not_count(base, card):
    card(0, vendor="0x8086")
    card(1, without=("mem_info_vram_total",))

    assert ([], []) == read(base)


@pytest.mark.parametrize("said", ["", "-1", "nonsense"])
def test_a_card_that_tells_nothing_any_more_is_lost(base, card, said):
    card(0)
    card(1, mem_info_vram_used=said)
    devices, (trouble,) = read(base)

    assert [0] == [each.index for each in devices]
    assert ("lost", "card 1") == (trouble.kind, trouble.subject)


def test_a_card_whose_files_cannot_be_read_is_lost(base, card):
    card(0, without=("mem_info_vram_used",))
    devices, (trouble,) = read(base)

    assert ([], "lost") == (devices, trouble.kind)
    assert "No such file" in trouble.message
