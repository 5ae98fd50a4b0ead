# SPDX-License-Identifier: Apache-2.0
"""Releases of containers; what holds for both runtimes is in `test_build`."""

import dataclasses

import pytest

from beast_ops.cards import read_card
from beast_ops.keys import Handover
from beast_ops.release.build import Site, build
from beast_ops.secret_files import FilledFile

SITE = Site("beast", "compose", "/r", "1", "v1", {}, domain="d.example")
STORE = {
    "name": "store",
    "role": "store",
    "image": "made/store:1",
    "user": "7:8",
    "port": 10,
    "container_port": 80,
    "config": {"settings.json": {"a": 1}},
    "config_path": "/etc/store",
    "secrets": {"key": {}, "login": {"rotate": "api"}, "token": {"given": True}},
    "secret_files": {"env": "KEY={key}"},
    "volumes": {"vectors": "/data"},
    "metrics": {"path": "/metrics", "key": "key"},
    "offers": {"vectors": {"port": 10, "key": "key"}},
}
API = {
    "name": "api",
    "role": "api",
    "ours": True,
    "user": "7:8",
    "process": ["python", "-m", "api"],
    "port": 11,
    "wants": {"vectors": {"url": "URL", "key": "URL_KEY_FILE"}},
}
EYE = {
    "name": "eye",
    "role": "eye",
    "image": "made/eye:1",
    "exceptions": {"root": "it has no other user"},
    "gathers": ["metrics", "alerts"],
    "live": {"eye.yml": "eye.yml.j2"},
    "live_path": "/etc/eye",
    "alerts": ["eye.yml"],
    "volumes": {"series": "/series"},
}
AGENT = {"name": "agent", "role": "agent", "place": "host", "process": ["agent"], "port": 12}
ALL = (STORE, API, EYE, AGENT)


def made(*cards, **said):
    return build([read_card(card) for card in cards or ALL], dataclasses.replace(SITE, **said))


def with_store(**said):
    return made({**STORE, **said}, API, EYE, AGENT)


def changed(release):
    before = {each.name: each.change for each in made().services}
    return {each.name for each in release.services if each.change != before.get(each.name)}


def test_containers_have_definitions_and_no_process_on_the_host_has():
    assert ["store", "api", "eye"] == list(made().definitions)


def test_each_container_carries_where_it_belongs_and_what_would_change_it():
    release = made()

    for service in release.services:
        if service.contained:
            assert {
                "org.ai-beast.root": "/r",
                "org.ai-beast.service": service.name,
                "org.ai-beast.change": service.change,
            } == release.definitions[service.name]["labels"]


def test_a_service_says_how_it_is_reached_from_both_sides():
    store, api, _, agent = made().services

    assert ("http://127.0.0.1:10", "http://store:80") == (store.address, store.inside)
    assert ("http://127.0.0.1:11", "http://api:11") == (api.address, api.inside)
    assert ("http://127.0.0.1:12", None) == (agent.address, agent.inside)


def test_only_what_runs_on_the_host_itself_has_a_process():
    release = made()

    assert [None, None, None, ("agent",)] == [each.process for each in release.services]
    assert ["made/store:1", "ai-beast:v1", "made/eye:1", None] == [
        each.image for each in release.services
    ]
    assert "/r/secrets/agent" == release.services.service("agent").environment["BEAST_SECRETS"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"image": "made/store:2"}, {"store"}),
        ({"digest": f"sha256:{'a' * 64}"}, {"store"}),
        ({"command": ["--more"]}, {"store"}),
        ({"environment": {"A": "1"}}, {"store"}),
        ({"config": {"settings.json": {"a": 2}}}, {"store"}),
        ({"resources": {"memory_mib": 99}}, {"store"}),
        ({"health": {"probe": ["true"]}}, {"store"}),
        ({"port": 13, "offers": {"vectors": {"port": 13, "key": "key"}}}, {"store"}),
        ({"container_port": 81}, {"store", "api"}),
        ({"secret_files": {"env": "KEY='{key}'"}}, {"store"}),
        ({"volumes": {"vectors": "/data", "more": "/more"}}, {"store"}),
        ({"user": "9:9"}, {"store"}),
        # What others read anew by themselves:
        ({"metrics": {"path": "/other", "key": "key"}}, set()),
        ({"alerts": ["a.yml"]}, set()),
        ({"route": {"host": "x", "auth": "own"}}, set()),
        ({"health": {"path": "/ready"}}, set()),
    ],
)
def test_a_change_of_a_card_restarts_whom_it_must_and_nobody_else(said, expected):
    assert expected == changed(with_store(**said))


def test_values_and_templates_of_live_files_restart_nobody():
    eye = {**EYE, "values": {"days": 2}, "live": {"eye.yml": "other.j2", "more.yml": "more.j2"}}

    assert set() == changed(made(STORE, API, eye, AGENT))


def test_a_rotated_key_restarts_all_its_readers():
    """Prometheus was seen to go on with the key it read first, whatever the file holds."""
    release = made(versions={"store/key": 2})

    assert Handover("eye", "store_key", "store", "key") in release.handovers
    assert {"store", "api", "eye"} == changed(release)


def test_a_secret_that_its_service_takes_by_itself_restarts_nobody():
    assert set() == changed(made(versions={"store/login": 2}))


def test_a_new_environment_restarts_what_is_ours_and_no_other_container():
    assert {"api", "agent"} == changed(made(venv="v2"))


def test_one_more_service_restarts_no_other():
    more = {"name": "more", "role": "more", "image": "made/more:1", "user": "1:1", "port": 20}
    more |= {"metrics": {"path": "/m"}, "route": {"host": "more", "auth": "own"}}

    assert {"more"} == changed(made(*ALL, more))


def test_the_domain_restarts_nobody_by_itself():
    release = made(domain="other.example")

    assert set() == changed(release)
    assert {"project": "beast", "domain": "other.example"} == release.shaped[0].variables["site"]


def test_volumes_and_secrets_belong_to_the_user_of_their_container():
    release = made()

    assert {"vectors": "7:8", "series": "0:0"} == release.volumes
    assert {"store": "7:8", "api": "7:8", "eye": "0:0"} == release.owners


def test_the_host_learns_what_to_fill_in_and_what_is_given():
    release = made()

    assert (FilledFile("store", "env", "KEY={key}"),) == release.filled
    assert ("store/token",) == release.given


def test_the_key_of_an_optional_want_is_empty_if_nobody_offers_it():
    wants = {"vectors": {"url": "URL"}, "talk": {"url": "TALK_URL", "optional": True}}
    text = "A='{vectors_key}' B='{talk_key}' C='{talk_key|bcrypt}'"
    reader = {**API, "name": "reader", "port": 99, "wants": wants, "secret_files": {"env": text}}

    [told] = [each for each in made(STORE, reader).filled if each.reader == "reader"]
    assert "A='{vectors_key}' B='' C=''" == told.text


def test_files_that_are_gathered_are_named_once():
    assert [("eye", "rules/eye-eye.yml")] == [(each.service, each.path) for each in made().verbatim]
    assert [("eye", "eye.yml")] == [(each.service, each.path) for each in made().shaped]


def test_the_embedded_runtime_has_nothing_of_containers():
    release = made(STORE, {**API, "wants": {}}, EYE, AGENT, runtime="embedded")

    assert ({}, (), (), {}, ()) == (
        release.definitions,
        release.verbatim,
        release.shaped,
        release.owners,
        release.filled,
    )
    assert ["api", "agent"] == [each.name for each in release.services if each.process]


def test_what_is_elsewhere_is_not_run_and_nothing_of_it_is_published():
    away = {**STORE, "external": "http://127.0.0.1:10", "publish": [{"port": 443, "target": 1}]}
    release = made(away, API)
    store = release.services.service("store")

    assert ["api"] == list(release.definitions)
    assert (None, (), (), "http://host.docker.internal:10") == (
        store.image,
        store.ports,
        store.publish,
        store.inside,
    )


def test_a_key_that_was_never_rotated_does_not_make_who_measures_start_anew():
    more = {**STORE, "name": "more", "role": "more", "port": 20, "offers": {}}

    assert {"more"} == changed(made(*ALL, more))
