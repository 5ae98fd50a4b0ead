# SPDX-License-Identifier: Apache-2.0
"""How often one may ask, answers that are given again, and requests that come again."""

import json
import threading
import time
import uuid
from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.testing import serving

SLOW = {"per_second": 1000, "burst": 1000, "search": 3, "default": 12}


@pytest.fixture
def api(stack, tmp_path):
    """Return what serves an API with limits of its own."""
    from contextlib import contextmanager

    @contextmanager
    def serve(limits):
        settings = tmp_path / "settings.json"
        settings.write_text(json.dumps({"limits": limits}))
        around = replace(stack.around, settings=settings, data=tmp_path / "data")
        with serving(build(around)) as address, Both(address) as opened:
            yield opened

    return serve


class Both:
    """The operator, who is not limited, and one who may read."""

    def __init__(self, address):
        self.address = address
        self.opened = []
        self.operator = self.client("the-token")
        wanted = {"name": f"one-{uuid.uuid4().hex}", "scope": "write"}
        self.made = self.operator.post("/tokens", json=wanted).json()
        self.one = self.client(self.made["token"])

    def client(self, token):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.opened.append(http.client(self.address, headers=headers, seconds=20))
        return self.opened[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.opened:
            each.close()


def test_who_asks_too_often_is_told_when_to_come_back(api):
    with api(SLOW) as both:
        answers = [both.one.post("/search", json={"query": "cats"}) for _ in range(4)]
        other = both.one.get("/collections")

    assert [200, 200, 200, 429] == [each.status_code for each in answers]
    assert ["2", "1", "0", "0"] == [each.headers["ratelimit-remaining"] for each in answers]
    refused = answers[3]
    assert "3" == refused.headers["ratelimit-limit"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert "nosniff" == refused.headers["x-content-type-options"]
    assert 200 == other.status_code
    assert "12" == other.headers["ratelimit-limit"]


def test_each_token_has_its_own_limit_and_the_operator_none(api):
    with api(SLOW) as both:
        second = both.operator.post("/tokens", json={"name": "two"}).json()["token"]
        assert {200, 429} == {both.one.get("/session").status_code for _ in range(13)}
        with both.client(second) as two:
            assert 200 == two.get("/session").status_code
        free = [both.operator.get("/session") for _ in range(30)]
        nobody = both.client("")
        local = [nobody.get("/health/live") for _ in range(30)]

    assert {200} == {each.status_code for each in (*free, *local)}
    assert not [each for each in free if "ratelimit-limit" in each.headers]


def test_a_burst_is_refused_and_soon_forgotten(api):
    with api({"per_second": 10, "burst": 20}) as both:
        begun = time.monotonic()
        found = [both.one.get("/session").status_code for _ in range(25)]
        assert time.monotonic() - begun < 2
        refused = both.one.get("/session")
        wait = int(refused.headers["retry-after"])
        assert 20 <= found.count(200) < 25
        assert wait <= 2
        time.sleep(wait + 2)
        assert 200 == both.one.get("/session").status_code


def test_strangers_are_counted_by_where_they_come_from(stack, tmp_path):
    settings = tmp_path / "settings.json"
    told = {"limits": {"default": 3}, "access": {"trusted_proxies": ["127.0.0.0/8"]}}
    settings.write_text(json.dumps(told))
    around = replace(stack.around, settings=settings, data=tmp_path / "data")
    found = {}
    with serving(build(around)) as address, http.client(address) as nobody:
        for source in (None, "10.0.0.1", "10.0.0.2"):
            headers = {"x-forwarded-for": f"1.2.3.4, {source}"} if source else {}
            found[source] = [
                nobody.get("/openapi.json", headers=headers).status_code for _ in range(4)
            ]

    assert [200] * 4 == found[None]  # from this very host
    assert [200, 200, 200, 429] == found["10.0.0.1"] == found["10.0.0.2"]


def test_an_answer_is_given_again_until_somebody_writes(api):
    with api({}) as both:
        first, again = both.one.get("/jobs"), both.one.get("/jobs")
        assert ["MISS", "HIT"] == [each.headers["x-cache"] for each in (first, again)]
        assert first.content == again.content
        assert "private, no-cache" == again.headers["cache-control"]
        assert "MISS" == both.operator.get("/jobs").headers["x-cache"]
        assert "MISS" == both.one.get("/jobs?limit=1").headers["x-cache"]
        fresh = {"cache-control": "no-cache"}
        assert "MISS" == both.one.get("/jobs", headers=fresh).headers["x-cache"]

        both.operator.delete("/jobs/none")
        assert "MISS" == both.one.get("/jobs").headers["x-cache"]
        time.sleep(1.1)
        assert "MISS" == both.one.get("/jobs").headers["x-cache"]
        assert 401 == both.client("wrong").get("/jobs").status_code
        figures = both.client("the-metrics-token").get("/metrics").text
    assert 'ai_beast_api_cache_total{outcome="hit"} 1.0' in figures
    assert 'ai_beast_api_cache_total{outcome="miss"} 6.0' in figures


def test_who_has_it_already_is_sent_nothing(api):
    with api({}) as both:
        etag = both.one.get("/jobs").headers["etag"]
        same = both.one.get("/jobs", headers={"if-none-match": f'"x", W/{etag}'})
        other = both.one.get("/jobs", headers={"if-none-match": '"x"'})

    assert (304, b"", etag) == (same.status_code, same.content, same.headers["etag"])
    assert 200 == other.status_code


def test_what_is_refused_is_not_kept(client):
    for _ in range(2):
        refused = client.get("/jobs?limit=0")
        assert 422 == refused.status_code
        assert "x-cache" not in refused.headers


def wish(**more):
    return {"what": "fill", "embedder": "hash", **more}


def test_a_request_that_comes_again_has_its_effect_once(api):
    key = {"idempotency-key": "abc"}
    with api({}) as both:
        path = "/collections/docs/reembed"
        first = both.one.post(path, json=wish(), headers=key)
        again = both.one.post(path, json=wish(), headers=key)
        differs = both.one.post(path, json=wish(model="x"), headers=key)
        another = both.operator.post(path, json=wish(), headers=key)
        jobs = both.one.get("/jobs").json()["jobs"]

    assert 202 == first.status_code == again.status_code
    assert first.json() == again.json()
    assert "true" == again.headers["idempotency-replayed"]
    assert "idempotency-replayed" not in first.headers
    assert 422 == differs.status_code
    assert 409 == another.status_code  # another user, so another request: one waits already
    assert 1 == len(jobs)


def test_it_is_so_after_a_restart(api):
    key = {"idempotency-key": "abc"}
    path = "/collections/docs/reembed"
    with api({}) as both:
        first = both.operator.post(path, json=wish(), headers=key)
    with api({}) as both:
        again = both.operator.post(path, json=wish(), headers=key)

    assert first.json() == again.json()
    assert "true" == again.headers["idempotency-replayed"]


def test_what_was_cut_off_is_not_tried_again_unasked(api, tmp_path):
    from sqlalchemy import update

    from beast_ops.access.schema import ANSWERS, SCHEMA
    from beast_ops.database import Database

    key = {"idempotency-key": "abc"}
    path = "/collections/docs/reembed"
    with api({}) as both:
        both.operator.post(path, json=wish(), headers=key)
    with Database(tmp_path / "data/api/access.sqlite", SCHEMA) as kept, kept.writing() as table:
        table.execute(update(ANSWERS).values(status=None))
    with api({}) as both:
        again = both.operator.post(path, json=wish(), headers=key)

    assert 409 == again.status_code
    assert "not known" in again.json()["error"]["message"]


def test_one_that_failed_may_be_tried_again(api, monkeypatch):
    from beast_ops.api import routes_jobs
    from beast_ops.errors import UnavailableError

    key = {"idempotency-key": "abc"}
    path = "/collections/docs/reembed"
    with api({}) as both:
        with monkeypatch.context() as broken:

            def fail(*_):
                raise UnavailableError("not now")

            broken.setattr(routes_jobs, "_add", fail)
            assert 503 == both.one.post(path, json=wish(), headers=key).status_code
        assert 202 == both.one.post(path, json=wish(), headers=key).status_code


def test_at_the_same_time_one_of_them_waits_for_nobody(api, monkeypatch):
    from beast_ops.api import routes_jobs

    real, go = routes_jobs._add, threading.Event()

    def slow(*words):
        go.wait(5)
        return real(*words)

    monkeypatch.setattr(routes_jobs, "_add", slow)
    key = {"idempotency-key": "abc"}
    path = "/collections/docs/reembed"
    found = []
    with api({}) as both:

        def post():
            with both.client(both.made["token"]) as mine:
                found.append(mine.post(path, json=wish(), headers=key).status_code)

        threads = [threading.Thread(target=post) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        go.set()
        for thread in threads:
            thread.join()

    assert [202, 409, 409] == sorted(found)


def test_a_token_is_never_kept_as_an_answer(api, tmp_path):
    with api({}) as both:
        key = {"idempotency-key": "abc"}
        made = both.operator.post("/tokens", json={"name": "kept"}, headers=key)
        again = both.operator.post("/tokens", json={"name": "kept"}, headers=key)

    assert [201, 409] == [made.status_code, again.status_code]
    content = b"".join(path.read_bytes() for path in (tmp_path / "data/api").iterdir())
    assert made.json()["token"].encode() not in content


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(client, key):
    headers = {"idempotency-key": key}
    path = "/collections/docs/reembed"

    assert 400 == client.post(path, json=wish(), headers=headers).status_code


def test_who_guesses_codes_is_locked_out_even_with_a_right_one(stack, tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"access": {"guesses": 3}}))
    around = replace(stack.around, settings=settings, data=tmp_path / "data")
    with serving(build(around)) as address, http.client(address) as page:
        bearer = {"authorization": "Bearer the-token"}
        code = page.post("/auth/codes", headers=bearer).json()["code"]
        wrong = [page.post("/session", json={"code": "2222-2222"}).status_code for _ in range(4)]
        right = page.post("/session", json={"code": code})

    assert [401, 401, 401, 429] == wrong
    assert 429 == right.status_code
    assert 1 <= int(right.headers["retry-after"]) <= 601
