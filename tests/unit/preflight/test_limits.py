# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from beast_ops.preflight import place
from beast_ops.preflight.finding import MIB, Wish
from beast_ops.preflight.limits import check_limits, check_models, check_store
from tests.unit.preflight.asking import ids, wish

LOWER = "Lower it: ./beast deploy --set qdrant_memory_mib=NUMBER"
LESS = (
    "Free some space there, or ask for less: fewer services, smaller models. "
    "If you know better, say so in host_image_mib."
)


def limited(tmp_path, text="MemTotal:  1024000 kB\n", **limits):
    (tmp_path / "meminfo").write_text(text)
    asked = Wish(**wish(tmp_path, limits=limits, roles={"qdrant": "qdrant"}))
    return list(check_limits(asked, tmp_path / "meminfo"))


def test_limits_that_fit_together_are_welcome(tmp_path):
    assert [] == limited(tmp_path, qdrant=600, ollama=400)


def test_limits_that_do_not_fit_together_are_warned_of(tmp_path):
    (finding,) = limited(tmp_path, qdrant=600, ollama=401)

    assert ("memory-overcommitted", False) == (finding.id, finding.blocks)
    assert (
        "All services together may take 1001 MiB of memory; this machine has 1000 MiB."
        == finding.message
    )
    assert finding.hint.startswith("Lower the limits of those that need less")
    assert "_memory_mib" in finding.hint


def test_a_limit_of_all_memory_is_welcome_and_one_beyond_it_is_refused(tmp_path):
    assert [] == limited(tmp_path, qdrant=1000)

    refused, warned = limited(tmp_path, qdrant=1001)

    assert ("memory-limit", True) == (refused.id, refused.blocks)
    assert "qdrant may take 1001 MiB of memory; this machine has 1000 MiB." == refused.message
    assert LOWER == refused.hint
    assert ("memory-overcommitted", False) == (warned.id, warned.blocks)


@pytest.mark.parametrize("text", ["", "MemFree: 1 kB\n", "MemTotal: much\n"])
def test_a_machine_that_does_not_tell_its_memory_is_not_judged(text, tmp_path):
    assert [] == limited(tmp_path, text, qdrant=10**6)


@pytest.fixture
def free(monkeypatch):
    """Return what sets how many MiB are free everywhere."""

    def leave(mib):
        usage = shutil.disk_usage("/")._replace(free=mib * MIB)
        monkeypatch.setattr(place.shutil, "disk_usage", lambda _: usage)

    return leave


def stored(tmp_path, present=(), **said):
    asked = Wish(**wish(tmp_path, image_mib={"a/a": 100, "b/b": 900}, **said))
    return list(check_store(asked, tmp_path / "docker" / "not" / "yet", set(present)))


@pytest.mark.parametrize(
    ("mib", "expected"),
    [
        (999, [("disk-images", True)]),
        (1000, [("disk-images", False)]),
        (1199, [("disk-images", False)]),
        (1200, []),
    ],
)
def test_images_that_do_not_fit_are_refused_and_those_that_barely_fit_warned_of(
    mib, expected, tmp_path, free
):
    free(mib)

    found = stored(tmp_path, images=["a/a:1", "b/b:1", "b/b:1"])

    assert expected == [(finding.id, finding.blocks) for finding in found]


def test_too_little_room_says_where_how_much_and_what_to_do(tmp_path, free):
    free(500)

    (finding,) = stored(tmp_path, images=["a/a:1", "b/b:1"])

    assert (
        f"500 MiB are free at {tmp_path}; the images that are to be pulled take about 1000 MiB."
        == finding.message
    )
    assert LESS == finding.hint


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("a/a:1", "a/a:1"),
        ("docker.io/a/a:1", "a/a:1"),
        ("docker.io/library/c:1", "c:1"),
        (f"a/a:1@sha256:{'a' * 64}", f"a/a@sha256:{'a' * 64}"),
        ("made.example:5000/a:1", "made.example:5000/a:1"),
    ],
)
def test_an_image_that_is_there_takes_no_more_room(reference, there, tmp_path, free):
    free(0)

    assert [] == stored(tmp_path, images=[reference], present=[there])
    assert ["disk-images"] == ids(stored(tmp_path, images=[reference], present=["other:1"]))


def test_a_pinned_image_is_not_there_because_its_tag_is(tmp_path, free):
    free(0)

    found = stored(tmp_path, images=[f"a/a:1@sha256:{'a' * 64}"], present=["a/a:1"])

    assert ["disk-images"] == ids(found)


def test_images_and_models_on_one_disk_count_together(tmp_path, free):
    free(2000)

    (finding,) = stored(tmp_path, images=["b/b:1"], models=["llama3.2:3b"])

    assert ("disk-images", True) == (finding.id, finding.blocks)
    assert "the images and models that are to be pulled take about 2700 MiB." in finding.message
    assert LESS == finding.hint


def test_a_model_that_is_there_takes_no_more_room(tmp_path, free):
    free(0)
    kept = tmp_path / "data/1/ollama/models/manifests/registry.ollama.ai/library"
    (kept / "mistral").mkdir(parents=True)
    (kept / "mistral/latest").touch()

    assert [] == stored(tmp_path, models=["mistral"])
    assert [] == stored(tmp_path, models=["mistral:latest"])
    assert ["disk-models"] == ids(stored(tmp_path, models=["mistral:7b"]))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("me/tuned:1", "registry.ollama.ai/me/tuned/1"),
        ("hf.co/me/tuned:Q4_K_M", "hf.co/me/tuned/Q4_K_M"),
        ("made.example:5000/me/tuned", "made.example:5000/me/tuned/latest"),
        ("registry.ollama.ai/library/mistral:7b", "registry.ollama.ai/library/mistral/7b"),
    ],
)
def test_a_model_is_found_whatever_registry_it_came_from(name, kept, tmp_path, free):
    free(0)
    manifest = tmp_path / "data/1/models/models/manifests" / kept
    manifest.parent.mkdir(parents=True)
    assert ["disk-models"] == ids(stored(tmp_path, models=[name]))

    manifest.touch()

    assert [] == stored(tmp_path, models=[name])


def test_nothing_to_pull_needs_no_room(tmp_path, free):
    free(0)

    assert [] == stored(tmp_path)


def modelled(tmp_path, **said):
    (tmp_path / "meminfo").write_text("MemTotal:  8192000 kB\n")
    asked = Wish(**wish(tmp_path, **said))
    return list(check_models(asked, tmp_path / "meminfo", tmp_path))


def test_models_that_fit_and_models_nobody_knows_are_welcome(tmp_path):
    assert [] == modelled(tmp_path)
    assert [] == modelled(tmp_path, models=["strange"], model_memory={"a:8b": 8000})


@pytest.mark.parametrize("said", [{"model_limit": 5000}, {"model_limit": 9000}, {}])
def test_a_model_larger_than_the_memory_it_may_have_is_warned_of(tmp_path, said):
    (finding,) = modelled(tmp_path, model_memory={"small:1b": 1000, "large:70b": 8001}, **said)

    room = min(8000, said.get("model_limit", 8000))
    assert ("model-too-large", False) == (finding.id, finding.blocks)
    assert (
        f"The model large:70b takes about 8001 MiB of memory; it may have {room} MiB."
        == finding.message
    )
    assert "./beast fit --model large:70b" in finding.hint


def test_a_gpu_of_unknown_size_refuses_nothing(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()

    assert [] == modelled(tmp_path, model_memory={"large:70b": 45000})


def test_a_machine_that_does_not_tell_its_memory_warns_of_no_model(tmp_path):
    asked = Wish(**wish(tmp_path, model_memory={"a": 10**6}))

    assert [] == list(check_models(asked, tmp_path / "none", tmp_path))
