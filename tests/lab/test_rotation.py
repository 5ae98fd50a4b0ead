# SPDX-License-Identifier: Apache-2.0
"""Secrets of a running stack are rotated, and whoever reads them goes on with the new ones."""

import json
import time

import pytest

pytestmark = [pytest.mark.needs("docker")]

TARGETS = (
    "import urllib.request as r;"
    "print(r.urlopen('http://127.0.0.1:9090/api/v1/targets?state=active',timeout=20).read().decode())"
)
SCRAPE_SECONDS = 90


def measured_since(stack, moment):
    """Wait until every target was measured after *moment*; return those that were not well."""
    until = time.monotonic() + SCRAPE_SECONDS
    while True:
        found = json.loads(stack.host("python3", "-c", TARGETS))["data"]["activeTargets"]
        late = [each for each in found if each["lastScrape"][:19] <= moment]
        if (found and not late) or time.monotonic() > until:
            assert found
            assert [] == [each["labels"]["job"] for each in late]
            return {each["labels"]["job"]: each["lastError"] for each in found if each["lastError"]}
        time.sleep(3)


@pytest.mark.parametrize(
    "name", ["qdrant/read_only_key", "beast-api/metrics_token", "qdrant/api_key"]
)
def test_a_rotated_key_opens_for_all_who_read_it(stack, name):
    before = stack.secret(name)
    done = stack.beast("secrets.rotate", name)

    assert 0 == done.code, done.err
    assert "the old one is refused" in done.out
    assert before != stack.secret(name)
    # A measurement from before the rotation would say nothing.
    assert {} == measured_since(stack, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()))
    assert stack.gets_well()


def test_a_rotated_password_opens_for_who_logs_in(stack):
    name = "grafana/admin_password"
    before, started = stack.secret(name), stack.started()
    done = stack.beast("secrets.rotate", name)

    assert 0 == done.code, done.err
    assert "the old one is refused" in done.out
    assert before != stack.secret(name)
    assert started == stack.started()  # it was told to the running service
    assert 0 == stack.beast("deploy").changed


def test_a_rotation_leaves_nothing_to_do_and_no_way_back(stack):
    key = stack.secret("qdrant/api_key")

    assert 0 == stack.beast("deploy").changed
    assert 0 == stack.beast("rollback").code
    assert key == stack.secret("qdrant/api_key")
    assert 0 == stack.beast("deploy").code


def test_a_key_that_encrypts_data_does_not_rotate(stack):
    services = stack.services()
    owner, name = next(
        (each["name"], name)
        for each in services.values()
        for name, secret in each["secrets"].items()
        if secret["rotate"] == "never"
    )

    assert 64 == stack.beast("secrets.rotate", f"{owner}/{name}").code
