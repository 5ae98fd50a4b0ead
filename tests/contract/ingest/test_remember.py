# SPDX-License-Identifier: Apache-2.0
"""No vector is made twice, whatever it is made for; with a real model on disk, if a tiny one."""

from dataclasses import replace

import numpy as np
import pytest

from beast_ops.jobs.table import JobTable
from tests import tiny_models

WORDS = ["cat", "dog", "key", "vault", "moon", "sun"]
TEXTS = {f"d{number}_txt": f"{word} {WORDS[number - 1]}" for number, word in enumerate(WORDS)}


@pytest.fixture
def filled(bench, tmp_path):
    """Return a bench with a model that reads six words, and what makes another with it."""
    tiny_models.embedder(tmp_path / "models" / "tiny", longest=8)
    tiny_models.embedder(tmp_path / "models" / "other", dimension=4, longest=200)
    made = bench(embedder="fastembed", embed_model="tiny", models_folder=str(tmp_path / "models"))
    made.write(**TEXTS)
    return made


def figures(passages, made, remembered, cut=0):
    return {"passages": passages, "made": made, "remembered": remembered, "cut": cut}


def other_collection(bench):
    made = replace(bench, collection=f"{bench.collection}-other", files={}, times={})
    made.write(**{f"renamed{number}_txt": text for number, text in enumerate(TEXTS.values())})
    return made


def dense(bench):
    return {point["payload"]["text"]: point["vector"]["dense"] for point in bench.points().values()}


def reembed(bench, what, model="other"):
    wish = {"collection": bench.collection, "what": what, "embedder": "fastembed", "model": model}
    with JobTable(bench.around.jobs) as jobs:
        name = jobs.add("reembed", wish)
    bench.work()
    job = bench.job(name)
    assert job.result is not None, job.error
    return job.result


def test_another_collection_gets_the_vectors_that_are_known(filled):
    first = filled.ingest()
    again = other_collection(filled)
    second = again.ingest()

    assert figures(6, 6, 0) == first["embedded"]
    assert figures(6, 0, 6) == second["embedded"]
    assert dense(filled).keys() == dense(again).keys()
    for text, vector in dense(filled).items():
        assert np.allclose(vector, dense(again)[text])


def test_equal_chunks_of_one_run_are_embedded_once(filled):
    settings = filled.around.settings.model_copy(update={"embed_model": "other"})
    filled.around = replace(filled.around, settings=settings)
    same = f"# Same\n\n{'cat dog ' * 20}"
    filled.write(**{f"e{n}_md": f"{same}\n\n# Own\n\n{'moon sun ' * 18}{n}" for n in range(10)})

    embedded = filled.ingest()["embedded"]

    assert figures(26, 17, 9) == embedded
    assert 26 == len(filled.points())


def test_to_embed_anew_and_back_makes_no_vector_again(filled):
    filled.ingest()
    assert figures(6, 6, 0) == reembed(filled, "fill")["embedded"]
    assert "embedded" in reembed(filled, "switch")
    reembed(filled, "drop")

    assert figures(6, 0, 6) == reembed(filled, "fill", "tiny")["embedded"]
    reembed(filled, "drop")


def test_a_damaged_cache_costs_vectors_and_nothing_else(filled):
    filled.ingest()
    for path in filled.around.embeddings.parent.glob("embeddings.sqlite*"):
        path.write_bytes(b"scrambled" * 999)
    again = other_collection(filled)

    assert figures(6, 6, 0) == again.ingest()["embedded"]
    assert again.counts(seen=6, unchanged=6) == again.ingest()["documents"]


def test_other_weights_under_the_same_name_are_another_model(filled, tmp_path):
    filled.ingest()
    tiny_models.embedder(tmp_path / "models" / "tiny", longest=7)

    assert figures(6, 6, 0) == other_collection(filled).ingest()["embedded"]


def test_without_room_for_it_nothing_is_kept(filled, bench):
    settings = filled.around.settings.model_copy(update={"embed_cache_megabytes": 0})
    filled.around = replace(filled.around, settings=settings)

    assert figures(6, 6, 0) == filled.ingest()["embedded"]
    assert not filled.around.embeddings.exists()
    hashed = bench("hashed")
    hashed.write(**TEXTS)
    assert figures(6, 6, 0) == hashed.ingest()["embedded"]
    assert not hashed.around.embeddings.exists()


def test_a_passage_that_is_too_long_is_stored_whole_and_its_owner_told(filled):
    filled.write(long_txt="cat dog key vault moon sun " * 4 + "\n")

    result = filled.ingest()

    line = next(each for each in result["results"] if each["path"] == "/docs/long.txt")
    assert line["ok"]
    assert "longer than the embedding model reads at once: 1 passage;" in line["note"]
    assert 1 == result["embedded"]["cut"]
    assert 7 == result["embedded"]["passages"]
    assert all(np.linalg.norm(vector) > 0.9 for vector in dense(filled).values())


def test_what_the_model_wants_to_read_first_is_recorded(filled, tmp_path):
    prompts = {"query": "query: ", "document": "passage: "}
    tiny_models.embedder(tmp_path / "models" / "tiny", **prompts)
    filled.ingest()

    said = filled.ask("GET", f"/collections/{filled.physical()}")["config"]["metadata"]

    assert prompts == said["prefixes"]
    assert ("fastembed", "tiny", 8) == (said["embedder"], said["model"], said["dimension"])


def test_another_dimension_under_the_same_name_is_refused(filled, tmp_path):
    filled.ingest()
    tiny_models.embedder(tmp_path / "models" / "tiny", dimension=4)
    filled.write(new_txt="sun")
    job = filled.send()
    filled.work()

    assert "the collection has 8" in filled.job(job).error
