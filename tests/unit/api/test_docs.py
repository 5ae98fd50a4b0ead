# SPDX-License-Identifier: Apache-2.0
from beast_ops.api.docs import page

EVIL = "<script>alert(1)</script>"


def described(**operation):
    return {
        "info": {"title": "T", "version": "1"},
        "paths": {"/a/{b}": {"put": operation}},
        "components": {
            "schemas": {
                "S": {
                    "description": EVIL,
                    "required": ["n"],
                    "properties": {
                        "n": {"type": "integer"},
                        "l": {"type": "array", "items": {"$ref": "#/components/schemas/S"}},
                        "o": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    },
                }
            }
        },
    }


def test_text_of_the_description_stays_text():
    shown = page(described(summary=EVIL, description=EVIL))

    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_parameters_and_answers_are_listed():
    shown = page(
        described(
            parameters=[{"name": "b", "in": "path", "schema": {"type": "string"}}],
            responses={"200": {"description": "Fine"}},
        )
    )

    assert "<code>b</code></th><td>path, string" in shown
    assert "<code>200</code></th><td>Fine" in shown


def test_schemas_are_listed_with_what_they_refer_to():
    shown = page(described())

    assert "integer, required." in shown
    assert "list of S." in shown
    assert "string or null." in shown


def test_the_call_shows_how_to_send_a_file():
    shown = page(described(requestBody={"content": {"application/octet-stream": {}}}))

    assert "curl -X PUT --data-binary @FILE http://127.0.0.1:8787/a/{b}" in shown


def test_the_call_shows_a_body_that_would_do():
    schema = {
        "type": "object",
        "required": ["a", "b", "c", "d"],
        "properties": {
            "a": {"$ref": "#/components/schemas/S"},
            "b": {"type": "array"},
            "c": {"anyOf": [{"type": "boolean"}]},
            "d": {"default": 3},
            "e": {"type": "string"},
        },
    }
    described_ = described(requestBody={"content": {"application/json": {"schema": schema}}})
    described_["components"]["schemas"]["S"] = {"type": "string", "examples": ["x"]}

    shown = page(described_)

    assert "{&quot;a&quot;: &quot;x&quot;, &quot;b&quot;: [], &quot;c&quot;: false, " in shown
    assert "&quot;d&quot;: 3}" in shown
