# SPDX-License-Identifier: Apache-2.0
"""Notebooks over HTTP: what one can do with them, and what is refused."""

import pytest

from beast_ops import closed


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_notebook_is_made_shown_changed_and_deleted(client):
    made = client.post("/notebooks", json={"name": "Birds", "description": "All of them"})
    path = f"/notebooks/{made.json()['id']}"
    changed = client.patch(path, json={"name": "Birds and bats"})

    assert 201 == made.status_code
    assert {"name": "Birds", "description": "All of them", "sources": 0}.items() <= (
        made.json().items()
    )
    assert ("Birds and bats", "All of them") == tuple(
        changed.json()[name] for name in ("name", "description")
    )
    assert changed.json() == client.get(path).json()
    assert changed.json()["created"] == made.json()["created"]
    assert 204 == client.delete(path).status_code
    for answer in (client.get(path), client.delete(path), client.patch(path, json={})):
        assert (404, "not_found") == code(answer)


def test_a_name_is_taken_once_and_free_again_after_its_notebook(client, told):
    one, other = told.notebook("Taken"), told.notebook("Free")

    assert (409, "conflict") == code(client.post("/notebooks", json={"name": "Taken"}))
    assert (409, "conflict") == code(client.patch(f"/notebooks/{other}", json={"name": "Taken"}))
    assert client.patch(f"/notebooks/{one}", json={"name": "Taken"}).is_success

    client.delete(f"/notebooks/{one}")
    assert client.patch(f"/notebooks/{other}", json={"name": "Taken"}).is_success
    client.delete(f"/notebooks/{other}")


def test_notebooks_are_listed_in_parts_the_newest_change_first(client, told):
    keys = [told.notebook(f"Listed {number}") for number in range(5)]
    client.patch(f"/notebooks/{keys[0]}", json={"description": "changed"})

    def listed(**query):
        answer = client.get("/notebooks", params={"search": "listed ", **query}).json()
        return [each["id"] for each in answer["notebooks"]], answer["total"]

    newest = [keys[0], *keys[:0:-1]]
    assert (newest, 5) == listed()
    assert (newest[1:3], 5) == listed(limit=2, offset=1)
    assert ([], 5) == listed(offset=5)
    for key in keys:
        client.delete(f"/notebooks/{key}")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("äRZTE", True), ("100%", True), ("0%_x", False), ("%", True), ("_", False), ("'--", False),
    ],
)  # fmt: skip
def test_a_search_finds_letters_of_any_case_and_signs_as_they_are(client, told, search, found):
    key = told.notebook("Ärzte 100% sicher", description="Straße")

    answer = client.get("/notebooks", params={"search": search}).json()

    client.delete(f"/notebooks/{key}")
    assert found == (key in [each["id"] for each in answer["notebooks"]])


BAD = [
    ({}, "name"),
    ({"name": ""}, "name"),
    ({"name": " \t"}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": "a\x1b[2Jb"}, "name"),
    ({"name": "\u202egnp.exe"}, "name"),
    ({"name": 5}, "name"),
    ({"name": None}, "name"),
    ({"name": "x", "description": "d" * 501}, "description"),
    ({"name": "x", "nmae": "y"}, "nmae"),
    ([], "body"),
]


@pytest.mark.parametrize(("body", "named"), BAD, ids=range(len(BAD)))
def test_a_bad_notebook_is_refused_and_the_fault_named(client, body, named):
    answer = client.post("/notebooks", json=body)

    assert (422, "invalid") == code(answer)
    assert named in answer.json()["error"]["message"]


def test_half_a_surrogate_is_no_text(client):
    for raw in (b'{"name": "\\ud800"}', b'{"name": "x", "description": "\\udfff"}'):
        answer = client.post(
            "/notebooks", content=raw, headers={"content-type": "application/json"}
        )
        assert 422 == answer.status_code


def test_the_longest_is_taken(client, told):
    key = told.notebook("é" * 100, description="ü" * 500)

    assert "é" * 100 == client.get(f"/notebooks/{key}").json()["name"]
    client.delete(f"/notebooks/{key}")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=1e9", f"search={'x' * 201}"]
)
def test_a_part_that_is_none_is_refused(client, query):
    assert (422, "invalid") == code(client.get(f"/notebooks?{query}"))


@pytest.mark.parametrize("key", ["x", "..%2f..%2fetc", "%00", "' OR 1=1 --", "x" * 3000])
def test_what_is_no_id_is_not_there(client, key):
    for path in (f"/notebooks/{key}", f"/notebooks/{key}/sources/{key}"):
        assert client.get(path).status_code == 404, path
    body = {"text": "x", "name": "x"}
    assert 404 == client.post(f"/notebooks/{key}/sources", json=body).status_code


def test_while_an_upgrade_proves_itself_nothing_is_taken_and_all_is_shown(stack, client, notebook):
    closed.close(stack.around.data)
    try:
        refused = client.post("/notebooks", json={"name": "x"})
        shown = client.get(f"/notebooks/{notebook}")
    finally:
        (stack.around.data / closed.MARK).unlink()

    assert (503, "unavailable") == code(refused)
    assert shown.is_success


def test_the_routes_are_described(client):
    paths = client.get("/openapi.json").json()["paths"]
    ours = {path: item for path, item in paths.items() if path.startswith("/notebooks")}

    assert len(ours) >= 5
    for path, item in ours.items():
        for method, operation in item.items():
            assert operation["summary"], (path, method)
            assert operation["description"], (path, method)
            if "{" in path:
                assert "404" in operation["responses"], (path, method)
