# SPDX-License-Identifier: Apache-2.0
"""A real vector process for the tests of this room."""

from collections.abc import Iterator

import pytest

from beast_ops.vectors.testing import Server, running


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("vectors")) as server:
        yield server
