# SPDX-License-Identifier: Apache-2.0
"""The description of the API is valid, and each operation is described in full."""

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

OPERATIONS_LEAST = 60


@pytest.fixture(scope="module")
def description(anyone):
    return anyone.get("/openapi.json").json()


def operations(description):
    found = [
        (f"{method} {path}", operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]
    assert len(found) >= OPERATIONS_LEAST
    return found


def bodies(description, operation):
    """Return each JSON body that is sent or answered, with references to answers followed."""
    holders = [operation.get("requestBody", {})]
    for answer in operation["responses"].values():
        link = answer.get("$ref")
        known = description["components"]["responses"]
        holders.append(known[link.rsplit("/", 1)[-1]] if link else answer)
    return [
        holder["content"]["application/json"]
        for holder in holders
        if "application/json" in holder.get("content", {})
    ]


def test_it_is_valid(description):
    assert [] == [error.message for error in OpenAPIV31SpecValidator(description).iter_errors()]


def test_each_operation_has_a_summary_that_says_something(description):
    assert [] == [
        name for name, operation in operations(description) if " " not in operation["summary"]
    ]


def test_each_operation_says_how_it_refuses_by_real_statuses(description):
    for name, operation in operations(description):
        statuses = set(operation["responses"])
        assert all(status.isdigit() for status in statuses), name
        assert {"403", "429", "503"} <= statuses, name
        assert bool(operation["security"]) <= ("401" in statuses), name
        if not name.startswith("get "):
            assert {"400", "408", "413"} <= statuses, name


def test_each_body_has_an_example_that_its_schema_takes(description):
    wrong = []
    seen = 0
    for name, operation in operations(description):
        found = bodies(description, operation)
        assert found, name
        for body in found:
            seen += 1
            schema = {**body["schema"], "components": description["components"]}
            examples = [each["value"] for each in body.get("examples", {}).values()]
            examples += [body["example"]] if "example" in body else []
            if not examples:
                wrong.append((name, "no example"))
            for each in examples:
                try:
                    jsonschema.validate(each, schema)
                except jsonschema.ValidationError as failed:
                    wrong.append((name, failed.message))
    assert seen > OPERATIONS_LEAST * 4
    assert [] == wrong
