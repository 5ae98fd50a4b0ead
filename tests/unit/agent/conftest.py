# SPDX-License-Identifier: Apache-2.0
"""An installation with one service in a container, one on the host and one elsewhere."""

import pytest

from beast_ops.cards import Health
from beast_ops.testing import a_service, an_installation


@pytest.fixture
def place(tmp_path):
    return an_installation(
        tmp_path / "root",
        a_service("beast-api", "http://127.0.0.1:1", health=Health(deep="api"), user="1000:1000"),
        a_service("store", image="store:1"),
        a_service("beast-agent", place="host", process=("python",)),
        a_service("elsewhere", "http://127.0.0.1:2", external=True),
        secrets={"store/api_key": "s3cret-of-the-store"},
    )
