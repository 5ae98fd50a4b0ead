# SPDX-License-Identifier: Apache-2.0
"""What routes have in common that hand out lists in pages, and how they describe refusals."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import ConfigDict

from .problems import CODES, HINTS, Problem

PAGE, PAGE_MOST = 20, 100
REQUEST = "3b1f0c9d5a5e"  # as refusals are numbered, in examples

Limit = Annotated[int, Query(ge=1, le=PAGE_MOST, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out first.")]


def example(**values: Any) -> ConfigDict:
    """Return the configuration of a model that is described by an example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [values]})


def refusals(**meanings: str) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI describes refusals; *meanings* are named `s404` and so on."""
    said = {int(name[1:]): text for name, text in meanings.items()}
    return {
        status: {
            "model": Problem,
            "description": text,
            "content": {
                "application/json": {
                    "example": {
                        "error": {
                            "code": CODES[status],
                            "message": text,
                            "hint": HINTS[status],
                            "id": REQUEST,
                        }
                    }
                }
            },
        }
        for status, text in said.items()
    }
