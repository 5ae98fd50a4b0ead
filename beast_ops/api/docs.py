# SPDX-License-Identifier: Apache-2.0
"""The manual of the API as one page, written from its OpenAPI description.

FastAPI's own pages load scripts from a content delivery network: without a network they stay
white, and with one they hand a stranger's script this origin. Shipping Swagger UI instead
would add 1.5 MB of JavaScript that wants `unsafe-inline`. So the page is written here, on the
server: no script at all, one style sheet named by its hash in the policy, readable offline and
in a text browser. What it cannot do is send requests; it shows them for `curl` instead.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c1c1c;background:#fff}
h2{border-top:1px solid #ddd;padding-top:1rem}code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f4f4f4;padding:.8rem;overflow:auto}table{border-collapse:collapse}
td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}pre{background:#242424}
a{color:#8ab4f8}h2{border-color:#444}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_METHODS = ("get", "post", "put", "patch", "delete")


def page(description: Mapping[str, Any]) -> str:
    """Return the HTML page for an OpenAPI *description*."""
    info = description["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>",
            f"<p>{escape(info.get('description', ''))}</p>",
            '<p>For machines: <a href="/openapi.json">openapi.json</a></p>',
            *_contents(description),
            *_operations(description),
            *_schemas(description),
            "</body></html>",
        )
    )


def _each(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in description["paths"].items():
        for method in _METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))


def _contents(description: Mapping[str, Any]) -> Iterator[str]:
    yield "<table>"
    for method, path, operation in _each(description):
        link = f'<a href="#{_anchor(method, path)}"><code>{method} {escape(path)}</code></a>'
        yield f"<tr><td>{link}</td><td>{escape(operation.get('summary', ''))}</td></tr>"
    yield "</table>"


def _operations(description: Mapping[str, Any]) -> Iterator[str]:
    for method, path, operation in _each(description):
        yield f'<h2 id="{_anchor(method, path)}"><code>{method} {escape(path)}</code></h2>'
        yield f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
        yield f"<pre>{escape(_curl(description, method, path, operation))}</pre>"
        yield "<table>"
        for parameter in operation.get("parameters", ()):
            yield _row(parameter["name"], f"{parameter['in']}, {_kind(parameter['schema'])}")
        for status, said in operation.get("responses", {}).items():
            answer = _named(description, said)
            yield _row(status, f"{answer.get('description', '')} {_schema_of(answer)}".strip())
        yield "</table>"


def _named(description: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what *answer* refers to, or itself."""
    if "$ref" not in answer:
        return answer
    found: Mapping[str, Any] = description["components"]["responses"][
        str(answer["$ref"]).rsplit("/", 1)[-1]
    ]
    return found


def _schemas(description: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in description.get("components", {}).get("schemas", {}).items():
        yield f'<h2 id="{escape(name)}">{escape(name)}</h2>'
        yield f"<p>{escape(schema.get('description', ''))}</p><table>"
        required = schema.get("required", ())
        for field, said in schema.get("properties", {}).items():
            need = ", required" if field in required else ""
            yield _row(field, f"{_kind(said)}{need}. {said.get('description', '')}")
        yield "</table>"


def _row(name: str, text: str) -> str:
    return f"<tr><th><code>{escape(name)}</code></th><td>{escape(text)}</td></tr>"


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    kind = str(schema.get("type", "anything"))
    return f"list of {_kind(schema['items'])}" if kind == "array" and "items" in schema else kind


def _schema_of(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {}).get("application/json", {})
    return f"({_kind(content['schema'])})" if content.get("schema") else ""


def _curl(
    description: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]
) -> str:
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    words += ["-H", "'Authorization: Bearer TOKEN'"] if operation.get("security") else []
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = _example(description, content["application/json"]["schema"])
        words += ["-H", "'Content-Type: application/json'", "-d", f"'{json.dumps(example)}'"]
    elif content:
        words += ["--data-binary", "@FILE"]
    return " ".join([*words, f"http://127.0.0.1:8787{path}"])


def _example(description: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """Return the smallest value that *schema* takes: examples, defaults, required fields."""
    if "$ref" in schema:
        named = description["components"]["schemas"][str(schema["$ref"]).rsplit("/", 1)[-1]]
        return _example(description, named)
    if schema.get("examples"):
        return schema["examples"][0]
    if "anyOf" in schema:
        return _example(description, schema["anyOf"][0])
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "object":
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        return {name: _example(description, fields[name]) for name in required}
    plain: dict[str, Any] = {"array": [], "integer": 1, "number": 1.0, "boolean": False}
    return plain.get(str(schema.get("type")), "…")
