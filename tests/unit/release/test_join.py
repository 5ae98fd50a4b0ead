# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import read_card
from beast_ops.errors import CardError
from beast_ops.keys import Handover
from beast_ops.release.join import address, inside, is_contained, join, runs_here


def a_card(name, **said):
    return read_card({"name": name, "role": name.replace("-", "_"), **said})


def a_container(name, **said):
    return a_card(name, **{"image": f"made/{name}:1", "user": "1:1", **said})


STORE = a_container(
    "store",
    port=6333,
    container_port=80,
    secrets={"key": {}},
    offers={"vectors": {"port": 6333, "key": "key"}},
)
WANTS = {"vectors": {"url": "STORE_URL", "key": "STORE_KEY_FILE"}}


def composed(*cards):
    return join(cards, "/r/secrets", "compose")


def test_in_a_container_others_are_found_by_name_and_by_the_port_inside():
    found = composed(STORE, a_container("reader", wants=WANTS))["reader"]

    assert {
        "STORE_URL": "http://store:80",
        "STORE_KEY_FILE": "/run/secrets/vectors_key",
    } == found.environment
    assert (Handover("reader", "vectors_key", "store", "key"),) == found.handovers


def test_who_runs_on_the_host_finds_them_through_the_loopback():
    reader = a_card("reader", place="host", process=["reader"], wants=WANTS)

    assert {
        "STORE_URL": "http://127.0.0.1:6333",
        "STORE_KEY_FILE": "/r/secrets/reader/vectors_key",
    } == composed(STORE, reader)["reader"].environment


def test_the_embedded_runtime_knows_the_loopback_alone():
    store = a_card("store", process=["store"], **STORE.model_dump(include={"port", "offers"}))
    store = store.model_copy(update={"secrets": STORE.secrets})
    reader = a_card("reader", process=["reader"], wants=WANTS)

    found = join([store, reader], "/r/secrets")["reader"]
    assert "http://127.0.0.1:6333" == found.environment["STORE_URL"]


@pytest.mark.parametrize(
    ("said", "here", "within"),
    [
        ({"port": 1}, "http://127.0.0.1:1", "http://x:1"),
        ({"port": 1, "container_port": 2}, "http://127.0.0.1:1", "http://x:2"),
        ({"container_port": 2}, None, "http://x:2"),
        ({}, None, None),
        ({"port": 1, "place": "host"}, "http://127.0.0.1:1", None),
        ({"external": "https://a.example/x/"}, "https://a.example/x", "https://a.example/x"),
        (
            {"external": "http://127.0.0.1:11434/v1"},
            "http://127.0.0.1:11434/v1",
            "http://host.docker.internal:11434/v1",
        ),
        (
            {"external": "http://localhost"},
            "http://localhost",
            "http://host.docker.internal",
        ),
        (
            {"external": "http://[::1]:8"},
            "http://[::1]:8",
            "http://host.docker.internal:8",
        ),
    ],
)
def test_a_service_has_an_address_here_and_one_for_containers(said, here, within):
    card = a_container("x", **said)

    assert (here, within) == (address(card), inside(card))


def test_an_offer_on_a_port_of_its_own_keeps_that_port():
    card = a_container(
        "x",
        port=1,
        container_port=2,
        offers={"main": {"port": 1}, "side": {"port": 7, "scheme": "https"}},
    )

    assert ["http://x:2", "https://x:7"] == [inside(card, each) for each in card.offers.values()]
    assert ["http://127.0.0.1:1", "https://127.0.0.1:7"] == [
        address(card, each) for each in card.offers.values()
    ]


def test_a_key_that_only_a_file_of_secrets_names_is_handed_over_and_set_nowhere():
    reader = a_container(
        "reader",
        wants={"vectors": {"url": "URL"}},
        secret_files={"conf": "key={vectors_key}"},
    )

    found = composed(STORE, reader)["reader"]
    assert (Handover("reader", "vectors_key", "store", "key"),) == found.handovers
    assert {"URL": "http://store:80"} == found.environment


def test_a_key_that_nobody_asks_for_is_not_handed_over():
    reader = a_container("reader", wants={"vectors": {"url": "URL"}})

    assert () == composed(STORE, reader)["reader"].handovers


MEASURED = a_container(
    "to-measure", secrets={"token": {}}, metrics={"path": "/metrics", "key": "token"}
)


def test_who_gathers_metrics_may_read_their_keys():
    keyless = a_container("open", metrics={"path": "/metrics"})
    gatherer = a_container(
        "gatherer",
        gathers=["metrics"],
        secrets={"own": {}},
        metrics={"path": "/metrics", "key": "own"},
    )

    found = composed(MEASURED, keyless, gatherer)
    key = Handover("gatherer", "to_measure_token", "to-measure", "token")
    assert (key,) == found["gatherer"].gathered
    assert (Handover("gatherer", "own", "gatherer", "own"), key) == found["gatherer"].all_handovers
    assert () == found["open"].gathered


def test_who_gathers_something_else_reads_no_keys():
    assert () == composed(MEASURED, a_container("x", gathers=["routes"]))["x"].gathered


def test_two_secrets_under_one_file_name_are_refused():
    reader = a_container(
        "reader", gathers=["metrics"], secrets={"to_measure_token": {}}, user="1:1"
    )

    with pytest.raises(CardError, match="two meanings to to_measure_token"):
        composed(MEASURED, reader)


def test_a_file_of_secrets_may_not_replace_a_secret():
    with pytest.raises(CardError, match="two meanings to key"):
        composed(a_container("x", secrets={"key": {}}, secret_files={"key": "text"}))


def test_a_port_is_published_once_on_a_host():
    door = a_container("door", publish=[{"port": 6333, "target": 80}])

    with pytest.raises(CardError, match="door and store both want port 6333"):
        composed(STORE, door)


def test_ports_inside_may_be_the_same():
    other = a_container("other", port=1, container_port=80, offers={"x": {"port": 6333}})

    assert {"store", "other"} == set(composed(STORE, other))


def test_what_is_published_counts_for_containers_only():
    one, other = (
        a_card(name, process=[name], publish=[{"port": 80, "target": 80}]) for name in "ab"
    )

    assert {"a", "b"} == set(join([one, other], "/r/secrets"))


@pytest.mark.parametrize(
    ("said", "runtimes", "contained"),
    [
        ({"image": "made/x:1", "user": "1:1"}, {"compose"}, True),
        ({"ours": True, "user": "1:1", "process": ["x"]}, {"compose", "embedded"}, True),
        ({"process": ["x"]}, {"embedded"}, False),
        ({"process": ["x"], "place": "host"}, {"compose", "embedded"}, False),
        ({"external": "http://x"}, {"compose", "embedded"}, False),
        (
            {"image": "made/x:1", "user": "1:1", "external": "http://x"},
            {"compose", "embedded"},
            False,
        ),
    ],
)
def test_a_card_says_where_its_service_can_run(said, runtimes, contained):
    card = a_card("x", **said)

    assert runtimes == {each for each in ("compose", "embedded") if runs_here(card, each)}
    assert contained == is_contained(card, "compose")
    assert not is_contained(card, "embedded")
