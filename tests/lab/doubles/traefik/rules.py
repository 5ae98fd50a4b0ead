# SPDX-License-Identifier: Apache-2.0
"""The rules of routers: parsed once, asked for each request."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from .schema import ConfigError

Rule = Callable[[Any], bool]

TOKEN = re.compile(r"\s*(&&|\|\||!|\(|\)|,|`[^`]*`|\"(?:[^\"\\]|\\.)*\"|[A-Za-z]+)")


def parse(text: str) -> Rule:
    """Return the rule that *text* is.

    Raises:
        ConfigError: If it is none.
    """
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        found = TOKEN.match(text, position)
        if found is None:
            raise ConfigError(f"error while parsing rule {text}: at {position}")
        tokens.append(found[1])
        position = found.end()
    parser = _Parser(tokens, text)
    rule = parser.alternatives()
    if parser.tokens:
        raise parser.error()
    return rule


class _Parser:
    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens = tokens
        self.text = text

    def error(self) -> ConfigError:
        return ConfigError(f"error while parsing rule {self.text}")

    def take(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def alternatives(self) -> Rule:
        found = [self.conjunction()]
        while self.take("||"):
            found.append(self.conjunction())
        return lambda request: any(each(request) for each in found)

    def conjunction(self) -> Rule:
        found = [self.single()]
        while self.take("&&"):
            found.append(self.single())
        return lambda request: all(each(request) for each in found)

    def single(self) -> Rule:
        if self.take("!"):
            inner = self.single()
            return lambda request: not inner(request)
        if self.take("("):
            inner = self.alternatives()
            if not self.take(")"):
                raise self.error()
            return inner
        return self.matcher()

    def matcher(self) -> Rule:
        if not self.tokens:
            raise self.error()
        name = self.tokens.pop(0)
        if name not in MATCHERS or not self.take("("):
            raise ConfigError(f"unsupported function: {name}, in rule {self.text}")
        words = []
        while not self.take(")"):
            if not self.tokens or self.tokens[0][0] not in '`"':
                raise self.error()
            words.append(self.tokens.pop(0)[1:-1])
            if not self.take(",") and self.tokens[:1] != [")"]:
                raise self.error()
        least, most, make = MATCHERS[name]
        if not least <= len(words) <= most:
            raise ConfigError(f"unexpected number of parameters; got {len(words)}: {name}")
        try:
            return make(*words)
        except (re.error, ValueError) as wrong:
            raise ConfigError(f"error while adding rule {self.text}: {wrong}") from wrong


def _host(name: str) -> Rule:
    wanted = name.lower()
    if not wanted.isascii():
        raise ValueError("invalid value for Host matcher")
    if wanted.startswith("*."):
        return lambda request: request.host.partition(".")[2] == wanted[2:]
    return lambda request: request.host == wanted


def _path(path: str) -> Rule:
    _slash(path)
    return lambda request: unquote(request.path) == path


def _prefix(path: str) -> Rule:
    _slash(path)
    return lambda request: unquote(request.path).startswith(path)


def _slash(path: str) -> None:
    if not path.startswith("/"):
        raise ValueError(f"path {path!r} does not start with a '/'")


def _method(name: str) -> Rule:
    return lambda request: request.method == name.upper()


def _header(key: str, value: str) -> Rule:
    return lambda request: value in request.headers.all(key)


def _header_like(key: str, pattern: str) -> Rule:
    wanted = re.compile(pattern)
    return lambda request: any(wanted.search(value) for value in request.headers.all(key))


def _query(key: str, value: str = "") -> Rule:
    return lambda request: value in _values(request, key)


def _query_like(key: str, pattern: str) -> Rule:
    wanted = re.compile(pattern)
    return lambda request: any(wanted.search(value) for value in _values(request, key))


def _values(request: Any, key: str) -> list[str]:
    return parse_qs(request.query, keep_blank_values=True).get(key, [])


def _client(network: str) -> Rule:
    wanted = ipaddress.ip_network(network, strict=False)
    return lambda request: ipaddress.ip_address(request.peer) in wanted


def _like(pattern: str, of: Callable[[Any], str]) -> Rule:
    wanted = re.compile(pattern)
    return lambda request: bool(wanted.search(of(request)))


MATCHERS: dict[str, tuple[int, int, Callable[..., Rule]]] = {
    "Host": (1, 1, _host),
    "HostRegexp": (1, 1, lambda pattern: _like(pattern, lambda request: request.host)),
    "Path": (1, 1, _path),
    "PathPrefix": (1, 1, _prefix),
    "PathRegexp": (1, 1, lambda pattern: _like(pattern, lambda request: unquote(request.path))),
    "Method": (1, 1, _method),
    "Header": (2, 2, _header),
    "HeaderRegexp": (2, 2, _header_like),
    "Query": (1, 2, _query),
    "QueryRegexp": (2, 2, _query_like),
    "ClientIP": (1, 1, _client),
}
