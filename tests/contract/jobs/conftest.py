# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.valkey_server import Server


@pytest.fixture
def server(tmp_path: Path, needs: Callable[..., None]) -> Iterator[Server]:
    """A real server, up."""
    needs("valkey")
    folder = tmp_path / "valkey"
    folder.mkdir()
    found = Server(folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
