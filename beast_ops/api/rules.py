# SPDX-License-Identifier: Apache-2.0
"""Who may ask for what: the rule of a route stands at the route, and all rules are one table.

The table is made from the application itself and finds a route as the application does: the
first that matches. A route without a rule is for admins alone, and fails a test.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from starlette.routing import BaseRoute

from beast_ops.access.model import Principal, Scope

OPEN = None
CACHE_SECONDS = 1.0  # what a worker does shows no later
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ENDPOINT = TypeVar("ENDPOINT")
Limit = Literal["chat", "transform", "search", "ingest", "default", ""]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks of who asks for it.

    Attributes:
        scope: The least scope; `OPEN` if nothing has to be shown.
        guests: Whether it is answered under the names of services that only the login guards.
        noted: Whether it is noted as a change; what only reads never is.
        limit: By which limit it is counted; none if empty.
        secret: Whether the answer holds a secret, and is kept nowhere.
        cache: For how many seconds the answer to a GET may be given again to who got it.
    """

    scope: Scope | None
    guests: bool = False
    noted: bool = True
    limit: Limit = "default"
    secret: bool = False
    cache: float = 0.0

    def admits(self, principal: Principal | None) -> bool:
        """Return whether *principal* may pass."""
        if self.scope is OPEN:
            return True
        if principal is None:
            return False
        if Scope.METRICS in (self.scope, principal.scope):
            return self.scope is principal.scope
        return principal.scope >= self.scope


UNRULED = Rule(Scope.ADMIN)
NOWHERE = Rule(Scope.READ)  # what is not there: told to whoever may read what is


def needs(scope: Scope | None, **more: Any) -> Callable[[ENDPOINT], ENDPOINT]:
    """Return what gives an endpoint, or a mounted application, its rule.

    Args:
        scope: The least scope, or `OPEN`.
        more: The other fields of `Rule`.
    """
    rule = Rule(scope, **more)

    def give(endpoint: ENDPOINT) -> ENDPOINT:
        endpoint.__rule__ = rule  # type: ignore[attr-defined] # functions take attributes
        return endpoint

    return give


@dataclass(frozen=True, slots=True)
class Ruled:
    """A route and its rule; `None` if nobody gave it one."""

    route: BaseRoute
    path: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    declared: Rule | None

    @property
    def rule(self) -> Rule:
        """The rule in force."""
        return self.declared or UNRULED


class Rules:
    """The rules of all routes of an application."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Read the rules off *routes*, in the order in which they are tried."""
        self.table = tuple(_ruled(routes))
        self._exact: dict[tuple[str, str], Ruled] = {}

    def find(self, method: str, path: str) -> Ruled | None:
        """Return the route that *method* and *path* lead to, `None` if there is none.

        What is open is so for every method, to be told which there are.
        """
        known = self._exact.get((method, path))
        if known is not None:
            return known
        other = None
        for ruled in self.table:
            if not ruled.pattern.match(path):
                continue
            if ruled.methods and method not in ruled.methods:
                other = ruled if ruled.rule.scope is OPEN else other
            else:
                if ruled.path == path:  # as many as there are routes, whatever strangers send
                    self._exact[method, path] = ruled
                return ruled
        return other

    def is_open(self, path: str, method: str = "GET") -> bool:
        """Return whether the route declared as *path* wants nothing shown."""
        return any(
            ruled.rule.scope is OPEN
            for ruled in self.table
            if ruled.path == path and (method in ruled.methods or not ruled.methods)
        )


def _ruled(routes: Sequence[BaseRoute]) -> Iterator[Ruled]:
    for route in routes:
        endpoint = getattr(route, "endpoint", None) or getattr(route, "app", None)
        path = str(getattr(route, "path", ""))
        pattern = getattr(route, "path_regex", None)
        if pattern is None:
            raise TypeError(f"no rule can be made for {route!r}")
        methods = frozenset(getattr(route, "methods", None) or ())
        yield Ruled(route, path, methods, pattern, getattr(endpoint, "__rule__", None))
