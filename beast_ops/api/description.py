# SPDX-License-Identifier: Apache-2.0
"""Complete the OpenAPI description: what FastAPI cannot know stands in the rules of the routes.

How a request is refused before a route sees it follows from its rule and its body; a short
summary is the first sentence of what the route says of itself; examples are put together from
those of the models, and from words for the names of fields.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from beast_ops.access.model import Scope

from .openai_errors import PREFIX as OPENAI
from .openai_errors import OpenAiProblem, fault
from .pages import REQUEST
from .problems import CODES, HINTS, Problem
from .rules import OPEN, SAFE, Ruled, Rules

_MEANS = {
    400: "The body is not valid JSON, broke off, or its Idempotency-Key or length is none",
    401: "A valid token is missing",
    403: "The token is not for this route, or the name that was asked is not this server's",
    404: "There is no such thing",
    408: "The body does not come",
    409: "The state does not allow that, or the Idempotency-Key was used for something else",
    413: "The body is too large",
    415: "The body is not declared as JSON",
    422: "What was sent makes no sense",
    429: "Too many requests of this kind, or too many wrong tokens; see Retry-After",
    503: "Something that is needed does not answer, or takes nothing now",
}
_TEXTS = {
    "at": "2026-05-01T03:00:00Z",
    "code": "2345-6789",
    "collection": "docs",
    "id": REQUEST,
    "job": REQUEST,
    "model": "llama3.2:3b",
    "name": "laptop",
    "path": "/home/ada/notes/keys.md",
    "query": "How do I rotate the keys?",
    "source": "file://host/home/ada/notes/keys.md",
    "text": "Rotate the keys of the store once a year.",
}
_FORMATS = {"date-time": "2026-05-01T03:00:00Z", "uri": "https://example.org/keys"}
_DEEPEST = 8


def completed(description: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """Return *description* with what the *rules* of the routes know besides."""
    components = description.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, never sent
        schemas.pop(name, None)
    for model in (Problem, OpenAiProblem):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    components["responses"] = {
        _key(openai=openai, status=status): _refused(openai=openai, status=status)
        for openai in (False, True)
        for status in _MEANS
    }
    for ruled, operation in _operations(description, rules):
        _complete(operation, ruled, schemas)
    return description


def _operations(
    description: Mapping[str, Any], rules: Rules
) -> Iterator[tuple[Ruled, dict[str, Any]]]:
    by_place = {(each.path, method): each for each in rules.table for method in each.methods}
    for path, item in description["paths"].items():
        for method, operation in item.items():
            # A path with a converter is described without it.
            found = by_place.get((path, method.upper())) or next(
                ruled
                for ruled in rules.table
                if getattr(ruled.route, "path_format", "") == path
                and method.upper() in ruled.methods
            )
            yield found, operation


def _complete(operation: dict[str, Any], ruled: Ruled, schemas: Mapping[str, Any]) -> None:
    operation["security"] = [] if ruled.rule.scope is OPEN else [{"token": []}]
    if getattr(ruled.route, "summary", None) is None:
        said = str(operation.get("description", operation["summary"])).partition("\n\n")[0]
        operation["summary"] = " ".join(said.split()).partition(". ")[0].rstrip(".")
    openai = ruled.path.startswith(OPENAI)
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status in _statuses(operation, ruled):
        link = f"#/components/responses/{_key(openai=openai, status=status)}"
        responses.setdefault(str(status), {"$ref": link})
    for content in _contents(operation):
        if not {"example", "examples"} & set(content):
            content["example"] = example(schemas, content["schema"])


def _statuses(operation: Mapping[str, Any], ruled: Ruled) -> set[int]:
    """Return how a request may be refused before, or as, the route sees it."""
    method = next(iter(ruled.methods - {"HEAD"}))
    body, parameters = operation.get("requestBody"), operation.get("parameters", [])
    found = {403, 429, 503}
    if ruled.rule.scope is not OPEN:
        found.add(401)
    if any(each["in"] == "path" for each in parameters):
        found.add(404)
    if body or parameters:
        found.add(422)
    if method not in SAFE:
        found |= {400, 408, 409, 413}
    if method == "POST":
        found.add(415)
    if ruled.rule.scope is Scope.READ and ruled.path.startswith(("/search", OPENAI)):
        found |= {404, 422}  # a collection or a model that is not there
    return found


def _key(*, openai: bool, status: int) -> str:
    return f"{'OpenAi' if openai else ''}Refused{status}"


def _refused(*, openai: bool, status: int) -> dict[str, Any]:
    code, hint = CODES[status], HINTS[status]
    said: dict[str, Any] = {"code": code, "message": _MEANS[status], "hint": hint, "id": REQUEST}
    body = fault(status, code, _MEANS[status], hint) if openai else {"error": said}
    name = (OpenAiProblem if openai else Problem).__name__
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {
        "description": _MEANS[status],
        "content": {"application/json": {"schema": schema, "example": body}},
    }


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    holders = [operation.get("requestBody", {}), *operation["responses"].values()]
    for holder in holders:
        found = holder.get("content", {}).get("application/json")
        if found is not None and "schema" in found:
            yield found


def example(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], name: str = "", depth: int = 0
) -> Any:
    """Return a value that *schema* takes: its example, or one put together.

    Args:
        schemas: What it may refer to.
        schema: What the value has to be.
        name: The field that has it.
        depth: How deep it lies in another.
    """
    if "$ref" in schema:
        named = schemas[str(schema["$ref"]).rsplit("/", 1)[-1]]
        return example(schemas, named, name, depth + 1)
    if schema.get("examples") and "properties" in schema:
        return _filled(schemas, schema, depth)
    for given in ("example", "const", "default"):
        if given in schema:
            return schema[given]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return example(schemas, either[0], name, depth)
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {key: example(schemas, fields[key], key, depth + 1) for key in _shown(schema)}
    if schema.get("type") == "array":
        items = schema.get("items")
        return [example(schemas, items, name, depth + 1)] if items and depth < _DEEPEST else []
    return _plain(schema, name)


def _filled(schemas: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return the example of a model, with what FastAPI leaves out of it: fields that are null."""
    given: dict[str, Any] = schema["examples"][0]
    fields = schema["properties"]
    missing = {
        key: None
        if {"type": "null"} in fields[key].get("anyOf", ())
        else example(schemas, fields[key], key, depth + 1)
        for key in _shown(schema)
        if key not in given
    }
    return given | missing


def _shown(schema: Mapping[str, Any]) -> list[str]:
    return [key for key in schema.get("properties", {}) if key in schema.get("required", ())]


def _plain(schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type")
    if kind == "string":
        return _FORMATS.get(str(schema.get("format"))) or _TEXTS.get(name, "keys")
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    return {"boolean": False, "null": None}.get(str(kind), {})
