# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.card_parts import Publish
from beast_ops.cards import Services
from beast_ops.place import Place
from beast_ops.testing import a_service


@pytest.fixture
def place(tmp_path):
    """An installation."""
    return Place(tmp_path / "beast")


@pytest.fixture
def services(place):
    """A release whose door is open at two ports and whose store is on loopback."""
    door = a_service("door", publish=tuple(Publish(port=port, target=port) for port in (80, 443)))
    store = a_service("store", "http://127.0.0.1:6333")
    return Services(
        project="beast",
        runtime="compose",
        root=str(place.root),
        data=str(place.root / "data/1"),
        domain="lan",
        services=(door, store),
    )
