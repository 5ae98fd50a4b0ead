# SPDX-License-Identifier: Apache-2.0
"""The types of the Python client, out of the schemas of the API's description; pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_QUALIFIED = re.compile(r"\w+__routes_(\w+)__(\w+)")


def called(name: str) -> str:
    """Return how a type is called: of two schemas of one name, each after its routes."""
    found = _QUALIFIED.fullmatch(name)
    return f"{found[1].title()}{found[2]}" if found else name


def gathered(description: Schema) -> dict[str, Schema]:
    """Return all schemas with fields by the name of their type, those within others as well."""
    found: dict[str, Schema] = {}
    for name, schema in description["components"]["schemas"].items():
        found[called(name)] = schema
    holders = [*found.values(), description["paths"]]
    for schema in _inline(holders):
        found.setdefault(schema["title"], schema)
    return found


def _inline(value: Any) -> Iterator[Schema]:
    if isinstance(value, Mapping):
        if value.get("type") == "object" and "properties" in value and "title" in value:
            yield value
        for each in value.values():
            yield from _inline(each)
    elif isinstance(value, list):
        for each in value:
            yield from _inline(each)


def expression(schema: Schema, *, given: bool = False) -> str:
    """Return the type of what *schema* takes.

    Args:
        schema: The schema.
        given: Whether it is sent, so that any sequence is good.
    """
    if "$ref" in schema:
        return called(str(schema["$ref"]).rsplit("/", 1)[-1])
    if several := schema.get("enum"):
        return f"Literal[{', '.join(map(_quoted, several))}]"
    if "const" in schema:
        return f"Literal[{_quoted(schema['const'])}]"
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(expression(each, given=given) for each in either))
    return _composed(schema, given=given)


def _composed(schema: Schema, *, given: bool) -> str:
    kind = schema.get("type")
    if kind == "array":
        inner = expression(schema["items"], given=given) if schema.get("items") else "Any"
        return f"{'Sequence' if given else 'list'}[{inner}]"
    if kind == "object":
        if "properties" in schema and "title" in schema:
            return called(str(schema["title"]))
        more = schema.get("additionalProperties")
        inner = expression(more, given=given) if isinstance(more, Mapping) and more else "Any"
        return f"dict[str, {inner}]"
    return PLAIN.get(str(kind), "Any")


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def definition(name: str, schema: Schema, *, given: bool = False) -> list[str]:
    """Return the lines that define the type *name*."""
    if "properties" not in schema:
        return [f"{name} = {expression(schema, given=given)}", ""]
    said = " ".join(str(schema.get("description", name)).partition("\n\n")[0].split())
    lines = [f"class {name}(TypedDict):", f'    """{said}"""', ""]
    for field, each in schema["properties"].items():
        kind = expression(each, given=given)
        needed = field in schema.get("required", ())
        lines.append(f"    {field}: {kind if needed else f'NotRequired[{kind}]'}")
    return [*lines, "", ""]


def reached(description: Schema, part: str) -> set[str]:
    """Return the types that the *part* of operations leads to: `requestBody` or `responses`."""
    known = gathered(description)
    found: set[str] = set()
    waiting = [
        operation.get(part) for item in description["paths"].values() for operation in item.values()
    ]
    while waiting:
        for name in set(_names(waiting.pop())) - found:
            found.add(name)
            waiting.append(known.get(name))
    return found


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str) and "/schemas/" in value["$ref"]:
            yield called(value["$ref"].rsplit("/", 1)[-1])
        if value.get("type") == "object" and "properties" in value and "title" in value:
            yield called(str(value["title"]))
        for each in value.values():
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)
