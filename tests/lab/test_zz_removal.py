# SPDX-License-Identifier: Apache-2.0
"""The end of an installation; runs last, because it takes the stack of the other tests away."""

import pytest

from tests.lab.stack import ROOT

pytestmark = pytest.mark.needs("docker")


def test_a_removal_takes_all_but_data(stack):
    if not stack.tries("test", "-e", f"{ROOT}/secrets/versions"):  # no other test rotated one
        assert 0 == stack.beast("secrets.rotate", "beast-api/metrics_token").code
    stack.host("docker", "run", "-d", "--name", "stranger", "debian:trixie-slim", "sleep", "900")
    done = stack.beast("remove", "--yes")

    assert 0 == done.code, done.err
    assert {} == stack.containers()
    assert stack.tries("docker", "inspect", "stranger")
    assert stack.tries("test", "-d", f"{ROOT}/data/1")
    assert stack.tries("test", "-f", f"{ROOT}/secrets/master.key")
    assert not stack.tries("test", "-e", f"{ROOT}/current")
    assert not stack.tries("test", "-e", "/usr/local/bin/beast")


def test_what_was_kept_is_taken_up_again_with_the_secrets_as_they_were_rotated(stack):
    key, versions = stack.read("secrets/qdrant/api_key"), stack.read("secrets/versions")

    done = stack.beast("deploy")

    assert 0 == done.code, done.err
    assert (key, versions) == (stack.read("secrets/qdrant/api_key"), stack.read("secrets/versions"))


def test_a_purge_after_a_removal_leaves_nothing(stack):
    assert 0 == stack.beast("remove", "--yes").code
    done = stack.beast("remove", "--data", "--yes")

    assert 0 == done.code, done.err
    assert not stack.tries("test", "-e", ROOT)
    assert {} == stack.containers()
