# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import read_card
from beast_ops.errors import CardError
from beast_ops.release.gather import offered, routes, shaped, targets, verbatim


def a_card(name, **said):
    plain = {"name": name, "role": name.replace("-", "_"), "image": f"made/{name}:1", "user": "1:1"}
    return read_card({**plain, **said})


EYE = a_card(
    "eye",
    port=9090,
    live_path="/etc/eye",
    live={"eye.yml": "eye.yml.j2", "rules/own.yml": "own.yml.j2"},
    values={"days": 3},
    gathers=["metrics", "alerts", "dashboards", "routes"],
    secrets={"own": {}},
    metrics={"path": "/metrics", "key": "own"},
    alerts=["eye.yml"],
)
STORE = a_card(
    "the-store",
    port=1,
    container_port=2,
    secrets={"key": {}},
    metrics={"path": "/m", "key": "key"},
    alerts=["a.yml", "b.yml"],
    dashboards=["d.json"],
    route={"host": "store", "auth": "basic", "open": ["/x"]},
)
SITE = {"project": "p", "domain": "d"}


def target(card):
    return targets([card], EYE)


def test_a_target_is_where_containers_reach_its_metrics_and_what_opens_them():
    assert [
        {
            "name": "the-store",
            "address": "the-store:2",
            "path": "/m",
            "key_file": "/run/secrets/the_store_key",
        }
    ] == target(STORE)


def test_who_measures_itself_uses_its_own_secret():
    assert ["/run/secrets/own"] == [each["key_file"] for each in target(EYE)]


@pytest.mark.parametrize(
    ("said", "addresses"),
    [
        ({"port": 1, "metrics": {"path": "/m", "port": 8}}, ["x:8"]),
        ({"metrics": {"path": "/m", "port": 8}}, ["x:8"]),
        ({"metrics": {"path": "/m"}}, []),
        ({"port": 1}, []),
        ({"port": 1, "place": "host", "metrics": {"path": "/m"}}, []),
        ({"external": "http://a.example:3", "metrics": {"path": "/m"}}, ["a.example:3"]),
        (
            {"external": "http://127.0.0.1:3", "metrics": {"path": "/m"}},
            ["host.docker.internal:3"],
        ),
    ],
)
def test_what_cannot_be_measured_is_no_target(said, addresses):
    assert addresses == [each["address"] for each in target(a_card("x", **said))]


def test_metrics_that_are_open_need_no_key():
    assert [None] == [
        each["key_file"] for each in target(a_card("x", port=1, metrics={"path": "/m"}))
    ]


def test_routes_are_what_cards_say_of_them_and_where_they_lead():
    (found,) = routes([EYE, STORE])

    assert ("the-store", "http://the-store:2", "store", "basic", ["/x"]) == tuple(
        found[name] for name in ("name", "address", "host", "auth", "open")
    )


def test_templates_know_where_containers_reach_what_is_offered():
    bell = a_card("bell", port=19093, container_port=9093, offers={"alerting": {"port": 19093}})
    models = a_card("models", external="http://127.0.0.1:11434", offers={"models": {"port": 11434}})
    agent = a_card("agent", place="host", offers={"agent": {"port": 7}})

    assert {
        "alerting": "bell:9093",
        "models": "host.docker.internal:11434",
    } == offered([bell, models, agent])


def test_files_of_all_roles_come_to_who_gathers_them_under_their_services_names():
    found = verbatim([EYE, STORE], "compose")

    assert [
        ("eye", "rules/eye-eye.yml", "eye", "eye.yml"),
        ("eye", "rules/the-store-a.yml", "the_store", "a.yml"),
        ("eye", "rules/the-store-b.yml", "the_store", "b.yml"),
        ("eye", "dashboards/the-store-d.json", "the_store", "d.json"),
    ] == [(each.service, each.path, each.role, each.file) for each in found]


def test_only_what_one_gathers_comes():
    picky = EYE.model_copy(update={"gathers": ("dashboards",)})

    assert ["dashboards/the-store-d.json"] == [
        each.path for each in verbatim([picky, STORE], "compose")
    ]


def test_templates_know_the_site_all_cards_and_the_values_of_their_own():
    found = shaped([EYE, STORE], "compose", SITE)

    assert ["eye.yml", "rules/own.yml"] == [each.path for each in found]
    assert {("eye", "eye")} == {(each.service, each.role) for each in found}
    assert {
        "site": SITE,
        "values": {"days": 3},
        "targets": targets([EYE, STORE], EYE),
        "routes": routes([EYE, STORE]),
        "offers": {},
    } == found[0].variables


@pytest.mark.parametrize("gathering", [verbatim, lambda *given: shaped(*given, SITE)])
def test_only_containers_have_live_files(gathering):
    elsewhere = EYE.model_copy(update={"external": "http://x"})

    assert [] == gathering([EYE, STORE], "embedded")
    assert [] == gathering([elsewhere, STORE], "compose")


@pytest.mark.parametrize("said", [{"gathers": ["routes"]}, {"live": {"a": "a.j2"}}])
def test_live_files_without_a_place_are_refused(said):
    with pytest.raises(CardError, match="no live_path"):
        shaped([a_card("x", **said)], "compose", SITE)
