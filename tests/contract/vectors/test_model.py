# SPDX-License-Identifier: Apache-2.0
"""Random histories against a model: a dictionary, filtered and ranked by plain Python."""

import itertools
import math
import random

import pytest
from qdrant_client import models

KINDS, SIZE = ["a", "b", "c"], 3


class Model:
    """What the collection should hold: id to vector and payload."""

    def __init__(self):
        self.points = {}

    def matching(self, test):
        return {n for n, (_, payload) in self.points.items() if test(payload)}

    def nearest(self, query, chosen, limit):
        ranked = sorted(
            (-sum(a * b for a, b in zip(query, self.points[n][0], strict=True)), n) for n in chosen
        )
        return [(n, -score) for score, n in ranked[:limit]]


def payload(chance):
    made = {}
    if chance.random() < 0.8:
        made["kind"] = chance.choice(KINDS)
    if chance.random() < 0.8:
        made["n"] = chance.randint(-5, 5)
    if chance.random() < 0.3:
        made["tags"] = chance.sample(KINDS, chance.randint(0, 3))
    return made


def condition(chance, depth=2):
    """Return a random condition, and the same as a function of a payload."""
    match chance.randint(0, 6 if depth else 4):
        case 0:
            kind = chance.choice(KINDS)
            return models.FieldCondition(key="kind", match=models.MatchValue(value=kind)), (
                lambda p: p.get("kind") == kind
            )
        case 1:
            low, high = sorted((chance.randint(-5, 5), chance.randint(-5, 5)))
            return models.FieldCondition(key="n", range=models.Range(gte=low, lt=high)), (
                lambda p: "n" in p and low <= p["n"] < high
            )
        case 2:
            some = chance.sample(KINDS, 2)
            return models.FieldCondition(key="tags", match=models.MatchAny(any=some)), (
                lambda p: bool(set(p.get("tags", [])) & set(some))
            )
        case 3:
            empty = models.IsEmptyCondition(is_empty=models.PayloadField(key="tags"))
            return empty, lambda p: not p.get("tags")
        case 4:
            n = chance.randint(-5, 5)
            return models.FieldCondition(key="n", match=models.MatchValue(value=n)), (
                lambda p: p.get("n") == n
            )
        case _:
            return compound(chance, depth - 1)


def compound(chance, depth=2):
    parts = {
        clause: [condition(chance, depth) for _ in range(chance.randint(0, 2))]
        for clause in ("must", "should", "must_not")
    }

    def test(p):
        must, should, must_not = (
            [holds(p) for _, holds in parts[clause]] for clause in ("must", "should", "must_not")
        )
        return all(must) and (any(should) or not should) and not any(must_not)

    conditions = {clause: [each for each, _ in listed] or None for clause, listed in parts.items()}
    return models.Filter(**conditions), test


def change(chance, client, name, model):
    ids = chance.sample(range(60), chance.randint(1, 12))
    there = [n for n in ids if n in model.points]
    match chance.randint(0, 6):
        case 0 | 1 | 2:
            new = {n: ([chance.gauss(0, 1) for _ in range(SIZE)], payload(chance)) for n in ids}
            client.upsert(
                name,
                [models.PointStruct(id=n, vector=v, payload=p) for n, (v, p) in new.items()],
            )
            model.points |= new
        case 3:
            client.delete(name, ids)
            for n in ids:
                model.points.pop(n, None)
        case 4:
            chosen, test = compound(chance, 1)
            few = models.Filter(must=[chosen, models.HasIdCondition(has_id=ids)])
            client.delete(name, models.FilterSelector(filter=few))
            for n in model.matching(test) & set(ids):
                del model.points[n]
        case 5 if there:
            fields = payload(chance)
            client.set_payload(name, fields, points=there)
            for n in there:
                vector, before = model.points[n]
                model.points[n] = (vector, before | fields)
        case 6 if there:
            client.delete_payload(name, ["kind", "tags"], points=there)
            for n in there:
                vector, before = model.points[n]
                model.points[n] = (vector, {"n": before["n"]} if "n" in before else {})


def check(chance, client, name, model):
    chosen, test = compound(chance)
    expected = model.matching(test)
    query = [chance.gauss(0, 1) for _ in range(SIZE)]
    limit = chance.randint(1, 15)

    scrolled = {each.id: each.payload for each in client.scroll(name, chosen, limit=100)[0]}
    found = client.query_points(name, query=query, query_filter=chosen, limit=limit).points

    assert scrolled == {n: model.points[n][1] for n in expected}
    assert client.count(name, chosen).count == len(expected)
    ranked = model.nearest(query, expected, limit)
    assert [each.score for each in found] == pytest.approx([s for _, s in ranked], abs=1e-5)
    assert [each.id for each in found] == [n for n, _ in ranked] or ties(ranked)


def ties(ranked):
    scores = [score for _, score in ranked]
    return any(math.isclose(a, b, abs_tol=1e-5) for a, b in itertools.pairwise(scores))


@pytest.mark.parametrize("indexed", [False, True], ids=["without indexes", "with indexes"])
@pytest.mark.parametrize("seed", range(3))
def test_a_random_history_leaves_what_the_model_says(client, name, seed, indexed):
    print("seed", seed)
    chance, model = random.Random(seed), Model()  # noqa: S311 - reproducible, not secret
    client.create_collection(name, models.VectorParams(size=SIZE, distance=models.Distance.DOT))
    if indexed:
        for key, kind in {"kind": "keyword", "n": "integer", "tags": "keyword"}.items():
            client.create_payload_index(name, key, kind)

    for _ in range(60):
        change(chance, client, name, model)
        check(chance, client, name, model)
