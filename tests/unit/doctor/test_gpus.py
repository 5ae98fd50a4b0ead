# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.doctor import fix, gpus
from beast_ops.gpu.judge import Case
from beast_ops.gpu.model import KINDS, Reading, Trouble
from beast_ops.health.gpus import Seen

IDS = {
    "mismatch": "BEAST-D901",
    "lost": "BEAST-D902",
    "hangs": "BEAST-D903",
    "driver": "BEAST-D904",
    "failed": "BEAST-D905",
    "cut-off": "BEAST-D906",
    "fallback": "BEAST-D907",
    "slow": "BEAST-D908",
    "on-cpu": "BEAST-D909",
    "orphans": "BEAST-D910",
}


def trouble(kind, subject="store"):
    return Trouble(kind=kind, subject=subject, message="what was seen")


@pytest.fixture
def seen(monkeypatch):
    """Let the look at the GPUs find these troubles."""

    def let(*found):
        monkeypatch.setattr(gpus, "look", lambda *_: Seen(Case(Reading()), found))

    return let


def test_every_kind_of_trouble_has_its_diagnosis():
    assert set(KINDS) == set(IDS) == set(gpus.CHECKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trouble_is_diagnosed(scene, seen, kind):
    seen(trouble(kind))
    (found,) = gpus.gpus(scene())

    assert (IDS[kind], "store", "store: what was seen") == (found.id, found.subject, found.evidence)


def test_a_trouble_of_nothing_in_particular_is_told_as_it_is(scene, seen):
    seen(trouble("mismatch", ""))
    (found,) = gpus.gpus(scene())

    assert "what was seen" == found.evidence


def test_without_services_nobody_looks(scene, seen):
    seen(trouble("lost"))
    without = scene()
    object.__setattr__(without, "services", None)

    assert [] == list(gpus.gpus(without))


def test_on_this_machine_the_look_is_made_without_harm(scene):
    assert [] == [each for each in gpus.gpus(scene()) if each.id not in IDS.values()]


def test_a_container_that_lost_its_gpu_is_made_anew(place, scene, seen, monkeypatch):
    seen(trouble("cut-off"))
    restarted = []

    class Runtime:
        def restart(self, _, name):
            restarted.append(name)

    monkeypatch.setattr(fix, "of", lambda _: Runtime())
    monkeypatch.setattr(fix, "cut_off", lambda _: iter([trouble("cut-off")] * 2))

    assert ["BEAST-D906: made anew: store."] == fix.fix(place, gpus.gpus(scene()))
    assert ["store"] == restarted


def test_one_that_has_it_again_is_left_alone(place, scene, seen, monkeypatch):
    seen(trouble("cut-off"))
    monkeypatch.setattr(fix, "cut_off", lambda _: iter(()))

    assert ["BEAST-D906: made anew: nothing."] == fix.fix(place, gpus.gpus(scene()))
