# SPDX-License-Identifier: Apache-2.0
"""Two real vector stores are asked the same; one of them has lost something."""

import json
import sys
from pathlib import Path
from uuid import UUID

import pytest

from beast_ops import http
from beast_ops.cards import Health, Services
from beast_ops.errors import CommandError
from beast_ops.evals import beside
from beast_ops.evals.beside import Side
from beast_ops.ingest.space import Space
from beast_ops.ingest.store import Point, PointStore, first
from beast_ops.runner import LocalRunner
from beast_ops.testing import Passage, a_service, fill, secrets
from beast_ops.vectors.testing import running
from tests import tiny_models

CATS = Passage("Cats sleep most of the day.", "/docs/cats.md")
DOGS = Passage("Dogs bark at night.", "/docs/dogs.md")
QUESTIONS = """\
questions:
  - {question: "Who sleeps all day?", sources: cats.md, phrases: most of the day}
  - {question: "Who barks at night?", sources: dogs.md, phrases: bark at night}
"""
GOLDEN = "golden questions: docs"
CLONE = Path(__file__).parents[3]


class FromHere(LocalRunner):
    """Runs our interpreter where it finds this very library."""

    def run(self, argv, *, seconds=60):
        return super().run([word for word in argv if word != "-I"], seconds=seconds)


def compare(golden, one, other):
    return beside.compare(golden, one, other, Path(sys.executable), FromHere(CLONE))


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    with running(folder / "full") as full, running(folder / "poor") as poor:
        for server, passages in ((full, (CATS, DOGS)), (poor, (CATS,))):
            with http.client(server.url, headers={"api-key": server.key}) as client:
                fill(client, "docs", passages)
        yield side(full.url, folder / "full"), side(poor.url, folder / "poor")


def side(url, folder):
    """Return a release with a store, its key where the secrets of a release lie."""
    vectors = a_service("store", url, health=Health(deep="vectors"), secrets=secrets("api_key"))
    own = folder / "of-the-release"
    (own / "store").mkdir(parents=True)
    if (folder / "secrets" / "api_key").exists():
        (own / "store" / "api_key").write_text((folder / "secrets" / "api_key").read_text())
    return Side(
        Services(project="beast", runtime="embedded", root="/", data="/data", services=(vectors,)),
        own,
    )


@pytest.fixture
def golden(tmp_path):
    (tmp_path / "docs.yaml").write_text(QUESTIONS)
    return tmp_path


def test_what_is_found_as_well_as_live_passes(stores, golden):
    full, _ = stores

    (check,) = compare(golden, full, full)

    assert check == {
        "name": GOLDEN, "status": "healthy", "message": "recall@5 1.000 of 2, live 1.000",
    }  # fmt: skip


def test_what_lost_passages_fails_and_says_by_how_much(stores, golden):
    full, poor = stores

    (check,) = compare(golden, poor, full)

    assert check["status"] == "unhealthy"
    assert check["message"] == "recall@5 0.500 of 2, live 1.000"


def test_more_than_live_passes(stores, golden):
    full, poor = stores

    (check,) = compare(golden, full, poor)

    assert check["status"] == "healthy"
    assert check["message"] == "recall@5 1.000 of 2, live 0.500"


def test_a_collection_that_is_in_no_backup_is_no_fault_of_it(stores, golden):
    full, _ = stores
    (golden / "docs.yaml").rename(golden / "others.yaml")

    (check,) = compare(golden, full, full)

    assert check["status"] == "healthy"
    assert "no such collection" in check["message"]


def test_live_that_is_down_is_nothing_to_compare_with(stores, golden, tmp_path):
    full, _ = stores

    (check,) = compare(golden, full, side("http://127.0.0.1:9", tmp_path / "down"))

    assert check["status"] == "healthy"
    assert "recall@5 1.000 of 2; nothing live to compare with" in check["message"]


def test_a_store_beside_that_does_not_answer_fails(stores, golden, tmp_path):
    full, _ = stores

    (check,) = compare(golden, side("http://127.0.0.1:9", tmp_path / "down"), full)

    assert check["status"] == "unhealthy"


def test_questions_with_a_slip_are_told_and_fail_no_drill(stores, golden):
    full, _ = stores
    (golden / "docs.yaml").write_text("questions:\n  - question: Why?\n")

    (check,) = compare(golden, full, full)

    assert check["status"] == "degraded"
    assert "line 2, questions.0.sources: Field required" in check["message"]


def test_without_questions_nothing_is_asked(tmp_path, stores):
    assert [] == compare(tmp_path / "none", *stores)


def test_a_model_that_runs_in_the_stack_itself_finds_what_no_word_does(tmp_path):
    tiny_models.embedder(tmp_path / "models" / "tiny")
    space = Space("fastembed", "tiny", 8, "english")
    with running(tmp_path / "full") as server, PointStore(server.url, server.key) as store:
        store.make("docs", first("docs"), space)
        dense = [1.0] + [0.0] * 7
        payload = {"text": CATS.text, "source": "file://h/docs/cats.md", "path": "/docs/cats.md"}
        store.upsert(first("docs"), [Point(str(UUID(int=1)), payload, ([7], [1.0]), dense)])
        (tmp_path / "docs.yaml").write_text(
            "questions:\n  - {question: zzz qqq, sources: cats.md}\n"
        )
        without = side(server.url, tmp_path / "full")
        api = a_service("any", config="any/1", ours=True)
        services = without.services.model_copy(
            update={"root": str(tmp_path), "services": (*without.services.services, api)}
        )
        settings = tmp_path / "config" / "any" / "1" / "settings.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps({"models_folder": str(tmp_path / "models")}))

        (by_words,) = compare(tmp_path, without, without)
        (by_vectors,) = compare(tmp_path, without, Side(services, without.secrets))

    assert by_words["message"] == "recall@5 0.000 of 1, live 0.000"
    assert by_vectors["message"] == "recall@5 1.000 of 1, live 1.000"


@pytest.mark.parametrize("said", ["", "no JSON", "{}", "[]", '{"figures": {"mrr": 1}}'])
def test_an_environment_that_cannot_ask_fails_no_drill(golden, stores, said):
    class Strange:
        def run(self, _argv, *, seconds):
            assert seconds
            return said

    (check,) = beside.compare(golden, *stores, Path("python"), Strange())

    assert check["status"] == "degraded"


def test_an_older_environment_fails_no_drill(golden, stores):
    class Older:
        def run(self, argv, **_):
            raise CommandError("ended with 1: No module named beast_ops.evals", subject=argv[0])

    (check,) = beside.compare(golden, *stores, Path("python"), Older())

    assert check["status"] == "degraded"
    assert "No module named" in check["message"]
