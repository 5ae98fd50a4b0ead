# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.compose import gpu
from beast_ops.errors import CommandError

IMAGE = "ollama/ollama:0.32.15"
LISTED = "GPU 0: NVIDIA GeForce RTX 3060 (UUID: GPU-1b2c)\n"
RESERVED = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
NVIDIA = {"deploy": {"resources": {"reservations": {"devices": [RESERVED]}}}}


class Engine:
    """Answers docker's words by their beginning; whatever it was not told fails."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def run(self, argv, *, seconds=60):
        self.asked.append((list(argv), seconds))
        answer = self.answers.get(argv[1], CommandError("ended with 125: no", subject="docker"))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def of(self, verb):
        return [argv for argv, _ in self.asked if argv[1] == verb]


def made(base, *files):
    for file in files:
        path = base / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return base


def vendor(base, number, card="card0"):
    path = base / f"sys/class/drm/{card}/device/vendor"
    path.parent.mkdir(parents=True)
    path.write_text(f"{number}\n")
    return base


def amd(base):
    made(base, "dev/kfd", "dev/dri/renderD128", "dev/dri/card0", "dev/dri/renderD129")
    groups = os.getgroups() or [os.getgid()]
    os.chown(base / "dev/dri/renderD129", -1, groups[-1])
    return base


def test_a_host_without_a_gpu_is_asked_nothing(tmp_path):
    engine = Engine()

    found = gpu.find(IMAGE, engine, tmp_path)

    assert ("none", "there is no GPU", {}) == (found.kind, found.why, found.overlay)
    assert [] == engine.asked


@pytest.mark.parametrize(("number", "name"), [("0x10de", "NVIDIA"), ("0x1002", "AMD")])
def test_a_gpu_without_its_driver_is_none_and_the_reason_says_so(number, name, tmp_path):
    found = gpu.find(IMAGE, Engine(), vendor(tmp_path, number))

    assert "none" == found.kind
    assert name in found.why
    assert "without its driver" in found.why


@pytest.mark.parametrize("number", ["0x8086", "0x1234", ""])
def test_the_graphics_of_a_mainboard_or_a_virtual_machine_are_no_gpu(number, tmp_path):
    made(vendor(tmp_path, number), "dev/dri/card0")

    assert "there is no GPU" == gpu.look(tmp_path).why


def test_a_vendor_that_cannot_be_read_is_nobody(tmp_path):
    (tmp_path / "sys/class/drm/card0/device/vendor").mkdir(parents=True)

    assert "there is no GPU" == gpu.look(tmp_path).why


@pytest.mark.parametrize("sign", gpu.NVIDIA_SIGNS)
def test_nvidia_is_used_when_a_container_sees_it(sign, tmp_path):
    engine = Engine(run=LISTED)

    found = gpu.find(IMAGE, engine, made(tmp_path, sign))

    assert ("nvidia", NVIDIA) == (found.kind, found.overlay)
    assert NVIDIA == gpu.overlay(IMAGE, engine, tmp_path)


def test_the_probe_is_of_the_image_itself_short_and_without_rights(tmp_path):
    engine = Engine(run=LISTED)

    gpu.find(IMAGE, engine, made(tmp_path, "dev/nvidia0"))

    ((argv, seconds),) = engine.asked
    assert gpu.PROBE_SECONDS == seconds
    text = " ".join(argv)
    assert text.endswith(f"--gpus all --entrypoint nvidia-smi {IMAGE} --list-gpus")
    for word in ("--rm", "--pull never", "--network none", "--read-only", "--cap-drop ALL"):
        assert f" {word} " in text


@pytest.mark.parametrize(
    "answer",
    [
        CommandError("ended with 125: could not select device driver", subject="docker"),
        CommandError("ended with 18: Failed to initialize NVML", subject="docker"),
        CommandError("took longer than 60 s", subject="docker"),
        "No devices were found\n",
        "",
    ],
)
def test_a_driver_that_containers_cannot_use_is_never_fatal(answer, tmp_path):
    engine = Engine(run=answer)

    found = gpu.find(IMAGE, engine, made(tmp_path, "dev/nvidiactl"))

    assert ("none", {}) == (found.kind, found.overlay)
    assert "NVIDIA's driver is loaded, but a container cannot use it: " in found.why


def test_a_probe_that_hangs_is_taken_away(tmp_path):
    engine = Engine(run=CommandError("took longer than 60 s", subject="docker"))

    gpu.find(IMAGE, engine, made(tmp_path, "dev/nvidiactl"))

    (run,), (gone,) = engine.of("run"), engine.of("rm")
    assert run[run.index("--name") + 1] == gone[-1]
    assert gone[:3] == ["docker", "rm", "--force"]


def test_an_interrupted_probe_is_taken_away_and_stays_interrupted(tmp_path):
    engine = Engine(run=KeyboardInterrupt(), rm="")

    with pytest.raises(KeyboardInterrupt):
        gpu.find(IMAGE, engine, made(tmp_path, "dev/nvidiactl"))

    assert 1 == len(engine.of("rm"))


@pytest.mark.parametrize("present", [True, False])
def test_amd_gets_its_devices_its_groups_by_number_and_its_own_image(present, tmp_path):
    base = amd(tmp_path)
    engine = Engine(run="", pull="", **({"image": "sha256:1\n"} if present else {}))

    found = gpu.find(IMAGE, engine, base)

    owners = {
        (base / name).stat().st_gid
        for name in ("dev/kfd", "dev/dri/renderD128", "dev/dri/renderD129")
    }
    assert "amd" == found.kind
    assert {
        "image": f"{IMAGE}-rocm",
        "devices": ["/dev/kfd:/dev/kfd", "/dev/dri:/dev/dri"],
        "group_add": [str(number) for number in sorted(owners)],
    } == found.overlay
    assert ([] if present else [f"{IMAGE}-rocm"]) == [argv[-1] for argv in engine.of("pull")]


def test_the_probe_for_amd_asks_for_what_the_service_will_have(tmp_path):
    engine = Engine(run="", image="")

    gpu.find(IMAGE, engine, amd(tmp_path))

    (argv,) = engine.of("run")
    text = " ".join(argv)
    assert "--device /dev/kfd --device /dev/dri --group-add " in text
    assert text.endswith(f"--entrypoint test {IMAGE} -r /dev/kfd -a -w /dev/kfd")


@pytest.mark.parametrize("answers", [{}, {"run": ""}, {"run": "", "image": CommandError("no")}])
def test_amd_without_access_or_without_the_image_is_never_fatal(answers, tmp_path):
    found = gpu.find(IMAGE, Engine(**answers), amd(tmp_path))

    assert ("none", {}) == (found.kind, found.overlay)
    assert "AMD's driver is loaded, but" in found.why


def test_an_image_for_amd_stays_what_it_is_and_a_digest_is_of_the_other_one(tmp_path):
    base, engine = amd(tmp_path), Engine(run="", image="")

    assert f"{IMAGE}-rocm" == gpu.overlay(f"{IMAGE}-rocm", engine, base)["image"]
    assert f"{IMAGE}-rocm" == gpu.overlay(f"{IMAGE}@sha256:0", engine, base)["image"]


def test_a_kernel_for_amd_without_graphics_devices_is_no_gpu(tmp_path):
    assert "none" == gpu.look(made(tmp_path, "dev/kfd")).kind


def test_a_second_look_gets_an_overlay_of_its_own(tmp_path):
    engine = Engine(run=LISTED)
    made(tmp_path, "dev/nvidia0")

    gpu.overlay(IMAGE, engine, tmp_path)["deploy"]["resources"]["reservations"]["devices"][
        0
    ].clear()

    assert NVIDIA == gpu.overlay(IMAGE, engine, tmp_path)
