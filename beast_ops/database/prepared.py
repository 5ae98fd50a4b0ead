# SPDX-License-Identifier: Apache-2.0
"""Statements that are said so often that putting them into words each time would cost more."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.sql.expression import ClauseElement

_Result = CursorResult[*tuple[Any, ...]]
_NAMED = dialect(paramstyle="named")


class Prepared:
    """A statement that is put into words once: half of what SQLAlchemy takes.

    What hands back many rows gains nothing by it, because there the rows cost most.

    Attributes:
        text: The words.
    """

    def __init__(self, statement: ClauseElement) -> None:
        """Put *statement* into words; its values without one are given when it is said."""
        compiled = statement.compile(dialect=_NAMED)
        self.text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def say(self, connection: Connection, values: Mapping[str, object]) -> _Result:
        """Execute it on *connection* with *values* by their names."""
        return connection.exec_driver_sql(self.text, {**self._fixed, **values})

    def say_all(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Execute it on *connection* once for each of *rows*, of which there must be some."""
        connection.exec_driver_sql(self.text, [{**self._fixed, **values} for values in rows])
