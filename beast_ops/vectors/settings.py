# SPDX-License-Identifier: Apache-2.0
"""What the release says about the vector process."""

from typing import Annotated

from pydantic import Field

from beast_ops.settings import Strict


class Settings(Strict):
    """The whole of settings.json of the service `qdrant`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 6333
    optimize_points: Annotated[int, Field(ge=1)] = 20_000
    language: str | None = None  # of the lexical index; the worker's business, tolerated here
