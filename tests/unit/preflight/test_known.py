# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.preflight.docker import Docker
from beast_ops.preflight.known import BAD, OPEN_WEBUI, VECTORS, check_known

TRAEFIK_3 = "bad-traefik-3-docker-29"
TRAEFIK_2 = "bad-traefik-2-docker-29"
MIGRATION = "bad-open-webui-0.11.2"
FINDS_NOTHING = "bad-open-webui-0.6.16-qdrant"
REFUSES = "bad-open-webui-0.6.34-qdrant-1.15"


def found(*images, engine=""):
    return list(check_known(list(images), Docker(engine=engine)))


def known(*images, engine=""):
    return [finding.id for finding in found(*images, engine=engine)]


@pytest.mark.parametrize(
    ("engine", "traefik", "expected"),
    [
        ("28.5.2", "v3.6.0", []),
        ("29.0.0", "v3.6.0", [TRAEFIK_3]),
        ("29.0.0", "v3.0.0", [TRAEFIK_3]),
        ("29.0.0", "v3.6.1", []),
        ("29.0.0", "v3.7.11", []),
        ("28.5.2", "v2.11.30", []),
        ("29.0.0", "v2.11.30", [TRAEFIK_2]),
        ("29.0.0", "v2.11.31", []),
        ("29.0.0", "v1.7.34", [TRAEFIK_2]),
        ("29.1.3-1", "3.5.0-alpine", [TRAEFIK_3]),
        ("30.0.0", "v3.6.0", [TRAEFIK_3]),
        ("", "v3.6.0", []),
    ],
)
def test_an_old_traefik_is_refused_from_docker_29_on(engine, traefik, expected):
    assert expected == known(f"traefik:{traefik}", engine=engine)


@pytest.mark.parametrize(
    ("release", "expected"),
    [("v0.11.1", []), ("v0.11.2", [MIGRATION]), ("0.11.2-cuda", [MIGRATION]), ("v0.11.3", [])],
)
def test_only_the_open_webui_that_fails_to_migrate_is_refused(release, expected):
    assert expected == known(f"{OPEN_WEBUI}:{release}")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("v0.6.15", []),
        ("v0.6.16", [FINDS_NOTHING]),
        ("v0.6.33", [FINDS_NOTHING]),
        ("v0.6.34", []),
    ],
)
def test_an_open_webui_that_finds_nothing_in_qdrant_is_warned_of(release, expected):
    findings = found(f"{OPEN_WEBUI}:{release}", f"{VECTORS}:v1.14.0")

    assert expected == [finding.id for finding in findings]
    assert not any(finding.blocks for finding in findings)


def test_an_open_webui_without_qdrant_beside_it_is_welcome():
    assert [] == known(f"{OPEN_WEBUI}:v0.6.20")


@pytest.mark.parametrize(
    ("webui", "qdrant", "expected"),
    [
        ("v0.6.34", "v1.15.3", []),
        ("v0.6.34", "v1.15.4", [REFUSES]),
        ("v0.6.34", "v1.15.5-unprivileged", [REFUSES]),
        ("v0.6.34", "v1.15.6", []),
        ("v0.6.35", "v1.15.5", []),
    ],
)
def test_the_qdrant_that_refuses_open_webui_is_refused_with_it_alone(webui, qdrant, expected):
    assert expected == known(f"{OPEN_WEBUI}:{webui}", f"{VECTORS}:{qdrant}")


@pytest.mark.parametrize(
    "reference",
    [
        "docker.io/traefik:v3.5.0",
        "docker.io/library/traefik:v3.5.0",
        "index.docker.io/library/traefik:v3.5.0",
        f"traefik:v3.5.0@sha256:{'a' * 64}",
    ],
)
def test_an_image_is_known_by_any_of_its_names(reference):
    assert [TRAEFIK_3] == known(reference, engine="29.0.0")


@pytest.mark.parametrize(
    "reference",
    ["traefik", "traefik:latest", f"traefik@sha256:{'a' * 64}", "made.example:29/traefik"],
)
def test_what_tells_no_version_is_not_judged(reference):
    assert [] == known(reference, engine="29.0.0")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("v3", []),
        ("v3.6", []),
        ("v3.5", [TRAEFIK_3]),
        ("v2", []),
        ("v2.11", []),
        ("v2.10", [TRAEFIK_2]),
    ],
)
def test_a_tag_that_moves_means_the_newest_of_its_kind(tag, expected):
    assert expected == known(f"traefik:{tag}", engine="29.0.0")


def test_the_newest_of_a_kind_is_not_the_bad_one_in_its_middle():
    assert [] == known(f"{OPEN_WEBUI}:0.11")
    assert [] == known(f"{OPEN_WEBUI}:v0.6.34", f"{VECTORS}:v1.15")


def test_each_bad_pair_of_a_release_is_told():
    images = ("traefik:v3.5.0", f"{OPEN_WEBUI}:v0.11.2")

    assert [TRAEFIK_3, MIGRATION] == known(*images, engine="29.0.0")


@pytest.mark.parametrize(
    ("images", "message", "hint", "blocks"),
    [
        (
            ("traefik:v3.6.0",),
            "Docker 29 answers no client as old as Traefik before 3.6.1 (traefik#12253).",
            "Take Traefik 3.6.1 or newer.",
            True,
        ),
        (
            ("traefik:v2.11.0",),
            "Docker 29 answers no client as old as Traefik before 2.11.31 (traefik#12253).",
            "Take Traefik 2.11.31 or newer.",
            True,
        ),
        (
            (f"{OPEN_WEBUI}:v0.11.2",),
            "Open WebUI 0.11.2 fails while it migrates its database (open-webui#29290).",
            "Take Open WebUI 0.11.1.",
            True,
        ),
        (
            (f"{OPEN_WEBUI}:v0.6.20", f"{VECTORS}:v1.14.0"),
            "Open WebUI 0.6.16 to 0.6.33 finds nothing in Qdrant (open-webui#18155).",
            "Take a newer Open WebUI.",
            False,
        ),
        (
            (f"{OPEN_WEBUI}:v0.6.34", f"{VECTORS}:v1.15.4"),
            "Qdrant 1.15.4 and 1.15.5 refuse what Open WebUI 0.6.34 asks (qdrant#7442).",
            "Take a newer Open WebUI.",
            True,
        ),
    ],
)
def test_a_bad_pair_says_why_and_what_to_take(images, message, hint, blocks):
    (finding,) = found(*images, engine="29.0.0")

    assert (message, hint, blocks) == finding[1:]


def test_every_bad_pair_has_an_id_of_its_own():
    assert len(BAD) == len({bad.id for bad in BAD})
