# SPDX-License-Identifier: Apache-2.0
"""What the host adds to what drivers say: what was there before, and what containers can use."""

import json
import threading

import pytest
import yaml

from beast_ops.clock import Clock
from beast_ops.errors import CommandError
from beast_ops.gpu import contained, since
from beast_ops.gpu.host import FRESH_SECONDS, Host, of
from beast_ops.gpu.model import Device, Reading, Trouble
from beast_ops.testing import a_service, an_installation

ONE = Device(index=0, vendor="nvidia", name="A", uuid="GPU-a")
TWO = Device(index=1, vendor="nvidia", name="B", uuid="GPU-b")
UNKNOWN = "ended with 255: Failed to initialize NVML: Unknown Error"


@pytest.fixture
def boot(tmp_path):
    path = tmp_path / "boot_id"
    path.write_text("first\n")
    return path


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "run"
    found.mkdir()
    return found


def compared(folder, boot, *devices, troubles=()):
    return since.compared(Reading(devices=devices, troubles=troubles), folder, boot).troubles


def test_a_gpu_that_is_gone_since_the_start_was_lost(folder, boot):
    assert () == compared(folder, boot, ONE, TWO)
    (found,) = compared(folder, boot, ONE)

    assert ("lost", "GPU 1 (B)") == (found.kind, found.subject)
    assert () == compared(folder, boot, ONE, TWO)  # and it came back


def test_after_another_start_what_is_there_is_all_that_is_expected(folder, boot):
    compared(folder, boot, ONE, TWO)
    boot.write_text("second\n")

    assert () == compared(folder, boot, ONE)


def test_a_driver_that_says_why_is_not_contradicted(folder, boot):
    compared(folder, boot, ONE)
    why = Trouble(kind="mismatch", message="x")

    assert (why,) == compared(folder, boot, troubles=(why,))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"boot": "first", "devices": 3}'])
def test_what_is_damaged_is_made_anew(folder, boot, content):
    (folder / since.NAME).write_text(content)

    assert () == compared(folder, boot, ONE)
    assert {"GPU-a": "GPU 0 (A)"} == json.loads((folder / since.NAME).read_text())["devices"]


def test_where_nothing_can_be_kept_nothing_is_known(tmp_path, boot):
    assert () == compared(tmp_path / "nowhere", boot, ONE)
    assert () == compared(tmp_path / "nowhere", boot)


def test_a_system_that_does_not_tell_its_start_remembers_nothing(folder, tmp_path):
    missing = tmp_path / "no boot_id"
    compared(folder, missing, ONE)

    assert () == compared(folder, missing)


class Engine:
    """Runs commands in containers, and fails with *said* if that is something."""

    def __init__(self, said):
        self.said, self.argv = said, []

    def run(self, argv, *, seconds):
        assert 0 < seconds < 60
        self.argv.append(list(argv))
        if self.said:
            raise CommandError(self.said, subject=argv[0])
        return ""


@pytest.fixture
def composed(tmp_path, monkeypatch):
    """Return a maker of an installation in containers, whose GPU was given so."""

    def make(overlay, said="", *, runtime="compose"):
        place = an_installation(tmp_path / "root", a_service("models", gpu=True, image="i"))
        content = json.loads(place.services.read_text())
        place.services.write_text(json.dumps({**content, "runtime": runtime}))
        given = {"services": {"models": overlay, "other": {"devices": []}}}
        (place.current / "compose.host.yml").write_text(yaml.safe_dump(given))
        engine, plain = Engine(said), contained.project
        monkeypatch.setattr(
            contained, "project", lambda place: type(plain(place))(place, place.current, engine)
        )
        return place, engine

    return make


NVIDIA = {"deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia"}]}}}}
AMD = {"devices": ["/dev/kfd:/dev/kfd"]}


def test_a_container_that_has_its_gpu_is_well(composed):
    place, engine = composed(NVIDIA)

    assert [] == list(contained.cut_off(place))
    assert ["exec", "-T", "models", "nvidia-smi", "--list-gpus"] == engine.argv[0][-5:]


def test_a_container_that_lost_its_gpu_is_named(composed):
    """What it says is from NVIDIA's notice "Containers losing access to GPUs" (242308)."""
    place, _ = composed(NVIDIA, UNKNOWN)
    (found,) = contained.cut_off(place)

    assert ("cut-off", "models") == (found.kind, found.subject)
    assert "Failed to initialize NVML: Unknown Error" in found.message


def test_a_container_that_may_not_open_amds_device_is_named(composed):
    said = "ended with 2: sh: 1: cannot open /dev/kfd: Operation not permitted"

    assert ["cut-off"] == [each.kind for each in contained.cut_off(composed(AMD, said)[0])]


@pytest.mark.parametrize(
    "said", ['ended with 1: service "models" is not running', "took longer than 8 s"]
)
def test_what_fails_for_another_reason_is_somebody_elses_to_tell(composed, said):
    assert [] == list(contained.cut_off(composed(NVIDIA, said)[0]))


def test_nobody_asks_a_container_that_was_given_none(composed):
    place, engine = composed({"cpus": 2}, UNKNOWN)

    assert ([], []) == (list(contained.cut_off(place)), engine.argv)


@pytest.mark.parametrize("content", ["", "services: 3", "[", "services: {models: null}"])
def test_what_was_written_for_compose_may_be_damaged(composed, content):
    place, engine = composed(NVIDIA, UNKNOWN)
    (place.current / "compose.host.yml").write_text(content)

    assert ([], []) == (list(contained.cut_off(place)), engine.argv)


def test_without_containers_nobody_asks(composed):
    place, engine = composed(NVIDIA, UNKNOWN, runtime="embedded")

    assert ([], []) == (list(contained.cut_off(place)), engine.argv)


def test_where_nothing_is_deployed_nobody_asks(tmp_path):
    from beast_ops.place import Place

    assert [] == list(contained.cut_off(Place(tmp_path)))


def test_the_drivers_are_asked_now_and_then(tmp_path):
    now, asked = [0.0], []
    place = an_installation(tmp_path / "root")

    def ask():
        asked.append(now[0])
        return Reading()

    host = Host(place, ask, lambda _: iter(()), Clock(monotonic=lambda: now[0]))
    for now[0] in (0.0, FRESH_SECONDS - 1, FRESH_SECONDS + 1, FRESH_SECONDS + 2):
        host.look()

    assert [0.0, FRESH_SECONDS + 1] == asked


def test_who_comes_meanwhile_waits_and_asks_nobody(tmp_path):
    asked, begun, go_on = [], threading.Event(), threading.Event()

    def ask():
        asked.append(1)
        begun.set()
        assert go_on.wait(10)
        return Reading(devices=(ONE,))

    place = an_installation(tmp_path / "root")
    host, found = Host(place, ask, lambda _: iter(())), []
    threads = [
        threading.Thread(target=lambda: found.append(host.look()), daemon=True) for _ in range(4)
    ]
    threads[0].start()
    assert begun.wait(10)
    for each in threads[1:]:
        each.start()
    go_on.set()
    for each in threads:
        each.join(10)

    assert ([1], [(ONE,)] * 4) == (asked, [each.devices for each in found])


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(devices=(ONE,)), ["cut-off"]),
        (Reading(), []),
        (
            Reading(devices=(ONE,), troubles=(Trouble(kind="hangs", message="x"),)),
            ["hangs"],
        ),
    ],
    ids=["well", "no GPU", "hangs"],
)
def test_containers_are_asked_where_the_host_has_a_gpu_that_answers(tmp_path, reading, expected):
    place = an_installation(tmp_path / "root")
    cut = Trouble(kind="cut-off", subject="models", message="x")
    found = Host(place, lambda: reading, lambda _: iter([cut])).look()

    assert expected == [each.kind for each in found.troubles]


def test_all_in_one_process_share_what_was_found(tmp_path):
    place = an_installation(tmp_path / "root")

    assert of(place) is of(place)
