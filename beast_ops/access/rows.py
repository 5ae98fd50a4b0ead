# SPDX-License-Identifier: Apache-2.0
"""A token as its table has it."""

import json
from typing import Any

from sqlalchemy import RowMapping

from .model import Scope, Token
from .rules import ModelRules


def token_of(row: RowMapping) -> Token:
    """Return the token that *row* holds."""
    models = row["models"]
    return Token(
        hash=row["hash"],
        name=row["name"],
        scope=Scope[row["scope"].upper()],
        created=row["created"],
        expires=row["expires"],
        used=row["used"],
        rules=ModelRules(None if models is None else tuple(json.loads(models)), row["per_minute"]),
    )


def row_of(token: Token) -> dict[str, Any]:
    """Return the row that holds *token*."""
    models = token.rules.models
    return {
        "hash": token.hash,
        "name": token.name,
        "scope": token.scope.word,
        "created": token.created,
        "expires": token.expires,
        "used": token.used,
        "models": None if models is None else json.dumps(models),
        "per_minute": token.rules.per_minute,
    }
