# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from beast_ops.cards import Health, read_services
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.health.standpoint import Standpoint, on_host
from beast_ops.testing import Canned, a_service, an_installation, fake_service, secrets

NOWHERE = "http://127.0.0.1:1"
LISTED = Canned({"result": {"collections": []}})


@pytest.fixture
def inside(tmp_path):
    """Look from inside a container, whose data lie elsewhere than on the host."""
    return Standpoint(
        root=tmp_path / "beast",
        data=tmp_path / "beast" / "data",
        secrets=tmp_path / "run",
        inside=True,
    )


def seen(tmp_path, standpoint, service, key=None, *, machine=False):
    found = read_services(an_installation(tmp_path / "root", service).services)
    looked = report.survey(found, lambda _: key, machine=machine, standpoint=standpoint)
    return {check.name: check for check in asyncio.run(looked).checks}


def within(service, address):
    return service.model_copy(update={"inside": address})


def test_from_inside_a_service_is_asked_where_containers_reach_it(tmp_path, inside):
    with fake_service({"/ping": Canned()}) as fake:
        service = within(a_service("s", NOWHERE, health=Health(path="/ping")), fake.address)
        check = seen(tmp_path, inside, service)["s"]

    assert (Status.HEALTHY, fake.address) == (check.status, check.details["address"])


def test_from_the_host_a_service_is_asked_at_its_address(tmp_path):
    with fake_service({"/ping": Canned()}) as fake:
        service = within(a_service("s", fake.address, health=Health(path="/ping")), NOWHERE)
        check = seen(tmp_path, None, service)["s"]

    assert Status.HEALTHY is check.status


def test_from_inside_a_key_one_may_not_read_leaves_what_the_path_says(tmp_path, inside):
    with fake_service({"/readyz": Canned(), "/collections": Canned(status=403)}) as fake:
        service = within(
            a_service(
                "s", health=Health(path="/readyz", deep="vectors"), secrets=secrets("api_key")
            ),
            fake.address,
        )
        check = seen(tmp_path, inside, service)["s"]

    assert (Status.HEALTHY, "answers") == (check.status, check.message)
    assert ["/readyz"] == [asked.path for asked in fake.asked]


def test_from_inside_a_key_one_may_read_opens_the_deep_check(tmp_path, inside):
    with fake_service({"/readyz": Canned(), "/collections": LISTED}) as fake:
        service = within(
            a_service("s", health=Health(path="/readyz", deep="vectors")), fake.address
        )
        check = seen(tmp_path, inside, service, "the-key")["s"]

    assert "ready, collections: 0" == check.message
    assert fake.asked[-1].headers["api-key"] == "the-key"


@pytest.mark.parametrize(
    "health", [Health(), Health(path="/ping"), Health(deep="vectors")], ids=["none", "path", "deep"]
)
def test_from_inside_what_cannot_be_seen_is_left_to_the_host(tmp_path, inside, health):
    assert {} == seen(tmp_path, inside, a_service("s", NOWHERE, health=health))


def test_from_inside_a_container_that_is_gone_is_unhealthy(tmp_path, inside):
    service = within(a_service("s", health=Health(path="/")), NOWHERE)
    check = seen(tmp_path, inside, service)["s"]

    assert (Status.UNHEALTHY, f"nobody listens at {NOWHERE}") == (check.status, check.message)


def test_from_inside_the_worker_is_looked_for_among_the_data_of_the_container(tmp_path, inside):
    check = seen(tmp_path, inside, a_service("w", health=Health(deep="worker")))["w"]

    assert "no worker reports itself" == check.message


def test_from_inside_the_disk_is_that_of_a_volume(tmp_path, inside):
    (inside.data / "jobs").mkdir(parents=True)
    checks = seen(tmp_path, inside, a_service("s"), machine=True)

    assert str(inside.data / "jobs") == checks["disk"].details["path"]


def test_the_host_looks_from_where_the_release_says(tmp_path):
    found = read_services(an_installation(tmp_path, a_service("s")).services)

    assert on_host(found) == Standpoint(
        root=tmp_path, data=tmp_path / "data" / "1", secrets=tmp_path / "secrets"
    )
