# SPDX-License-Identifier: Apache-2.0
"""Read bytes as if they were a document of some name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from beast_ops.ingest.parse import Document, parse


@pytest.fixture
def read_as(tmp_path: Path) -> Callable[[str, bytes], Document]:
    def read(name: str, content: bytes) -> Document:
        (tmp_path / "upload").write_bytes(content)
        return parse(tmp_path / "upload", name)

    return read
