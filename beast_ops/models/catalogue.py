# SPDX-License-Identifier: Apache-2.0
"""The catalogue that comes with the program: well-known models, each fact with its source."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .entry import Entry

FILE = Path(__file__).with_name("catalogue.yml")
GIGA = 10**9
PULLED = "pulled"
SOURCED = ("parameters", "context", "license")
MADE = ("sizes", "scores", "cache")  # what is not written as it is kept


def mark() -> str:
    """Return what tells this catalogue from earlier and later ones."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


@cache
def catalogue() -> tuple[Entry, ...]:
    """Return its models, in their order."""
    import yaml

    with FILE.open(encoding="utf-8") as file:
        found = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    sources = found["sources"]
    return tuple(_entry(each, sources) for each in found["models"])


def _entry(said: Mapping[str, Any], sources: Mapping[str, str]) -> Entry:
    values = {key: value for key, value in said.items() if key not in {*SOURCED, *MADE}}
    whose: dict[str, str] = {}
    if "cache" in said:
        layers, heads, length, source = said["cache"]
        values["cache"] = layers * heads * length * 2  # a key and a value of each token
        whose["cache"] = sources[source]
    for key in SOURCED:
        if key in said:
            value, source = said[key]
            values[key] = value if key == "license" else round(float(value))
            whose[key] = sources[source]
    for name, (score, source) in said.get("scores", {}).items():
        values.setdefault("scores", {})[name] = score
        whose[f"scores.{name}"] = sources[source]
    values["sizes"] = list(_sizes(said.get("sizes", {}), sources))
    addresses = dict.fromkeys([*whose.values(), *(each["source"] for each in values["sizes"])])
    values |= {"sources": whose, "source": next(iter(addresses), "")}
    return Entry.model_validate_json(json.dumps(values))


def _sizes(
    said: Mapping[str, Mapping[str, float]], sources: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for source, ways in said.items():
        for name, giga in ways.items():
            quantization = "" if name == PULLED else name
            yield {
                "quantization": quantization,
                "bytes": round(giga * GIGA),
                "source": sources[source],
            }
