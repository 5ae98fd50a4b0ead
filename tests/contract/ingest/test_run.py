# SPDX-License-Identifier: Apache-2.0
"""Ingestion from the manifest to the points of a real vector process."""

import os

import pytest

from beast_ops.ingest.order import read_order
from beast_ops.ingest.run import Run
from beast_ops.ingest.sources import uri
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.llm import TextError
from beast_ops.llm.hashing import HashEmbedder

LONG = "\n\n".join(f"Paragraph {number} says what number {number} says." for number in range(40))


def test_documents_become_points_with_text_place_and_both_vectors(bench):
    one = bench()
    one.write(a_md="# Keys\n\nRotate them yearly.", b_txt="Plain words.")

    result = one.ingest()

    assert one.counts(seen=2, ingested=2) == result["documents"]
    points = {point["payload"]["path"]: point for point in one.points().values()}
    keys = points["/docs/a.md"]
    assert ["/docs/a.md", "/docs/b.txt"] == sorted(points)
    assert uri("laptop", "/docs/a.md") == keys["payload"]["source"]
    assert ("md", ["Keys"], 0) == tuple(keys["payload"][k] for k in ("type", "heading", "position"))
    assert {"dense", "text"} == set(keys["vector"])


def test_a_second_run_without_changes_writes_nothing(bench):
    one = bench()
    one.write(a_md=LONG, b_txt="Plain words.")
    first = one.ingest()
    before = one.points()

    second = one.ingest()

    assert one.counts(seen=2, unchanged=2) == second["documents"]
    assert first["chunks"] == second["chunks"]
    assert before == one.points()


def test_a_document_that_was_only_touched_is_unchanged_and_not_asked_for_again(bench):
    one = bench()
    one.write(a_txt="Words.")
    one.ingest()
    one.write(a_txt="Words.")

    assert one.counts(seen=1, unchanged=1) == one.ingest()["documents"]
    assert one.counts(seen=1, unchanged=1) == one.ingest()["documents"]


def test_a_changed_document_has_exactly_its_new_chunks(bench):
    one, other = bench("one"), bench("other")
    one.write(a_md=LONG, b_txt="Stays.")
    one.ingest()
    changed = LONG.replace("Paragraph 20", "Passage 20") + "\n\nA last word."
    one.write(a_md=changed)
    other.write(a_md=changed, b_txt="Stays.")

    result = one.ingest()
    other.ingest()

    assert one.counts(seen=2, ingested=1, unchanged=1) == result["documents"]
    assert other.points() == one.points()


def test_only_chunks_that_differ_are_written(bench, monkeypatch):
    one = bench()
    one.write(a_md=LONG)
    whole = one.ingest()["chunks"]
    written = []
    monkeypatch.setattr(
        "beast_ops.ingest.store.PointStore.upsert",
        lambda _self, _collection, points: written.extend(points),
    )
    one.write(a_md=LONG + "\n\nA last word.")
    one.ingest()

    assert 0 < len(written) <= 2 < whole


def test_documents_that_are_gone_leave_and_others_do_not(bench):
    one = bench()
    one.write(a_md="One.", b_md="Two.", c_md="Three.")
    one.ingest()
    one.remove("b_md")

    result = one.ingest()

    assert one.counts(seen=2, unchanged=2, deleted=1) == result["documents"]
    assert ["One.", "Three."] == one.texts()


def test_nothing_leaves_from_folders_that_were_not_listed_completely(bench):
    one = bench()
    one.write(a_md="One.", b_md="Two.")
    one.ingest()
    one.remove("b_md")

    result = one.ingest(one.manifest(folders=("/docs/sub",)))

    assert one.counts(seen=1, unchanged=1) == result["documents"]
    assert ["One.", "Two."] == one.texts()


def test_what_was_asked_for_by_name_stays_though_its_folder_passes_over_it(bench):
    one = bench()
    one.files["/docs/.hidden/a.txt"] = b"Hidden."
    one.times["/docs/.hidden/a.txt"] = 1
    one.ingest()
    one.files.clear()

    one.ingest()

    assert ["Hidden."] == one.texts()


def test_a_folder_that_is_empty_now_keeps_its_documents_unless_they_shall_go(bench):
    one = bench()
    one.write(a_md="One.", b_md="Two.")
    one.ingest()
    one.files.clear()

    kept = one.ingest()
    left = one.texts()
    gone = one.ingest(one.manifest().model_copy(update={"prune_empty": True}))

    assert one.counts(seen=1, failed=1) == kept["documents"]
    (line,) = kept["results"]
    assert "/docs" == line["path"]
    assert "empty now" in line["error"]
    assert "(2)" in line["error"]
    assert "--prune-empty" in line["error"]
    assert ["One.", "Two."] == left
    assert one.counts(deleted=2) == gone["documents"]
    assert [] == one.texts()


def test_a_document_that_could_not_be_looked_at_is_kept(bench):
    one = bench()
    one.write(a_md="One.", b_md="Two.", c_md="Three.")
    one.ingest()
    one.remove("b_md")
    one.remove("c_md")

    kept = {"kept": (uri("laptop", "/docs/b.md"),)}
    result = one.ingest(one.manifest().model_copy(update=kept))

    assert one.counts(seen=1, unchanged=1, deleted=1) == result["documents"]
    assert ["One.", "Two."] == one.texts()


def test_a_bad_document_is_told_and_keeps_what_it_was(bench):
    one = bench()
    one.write(a_txt="Words.", b_txt="Other words.")
    one.ingest()
    one.write(a_txt=bytes(range(256)) * 4, c_txt="")

    result = one.ingest()

    assert one.counts(seen=3, unchanged=1, failed=2) == result["documents"]
    errors = {line["path"]: line["error"] for line in result["results"]}
    assert {"/docs/a.txt": "not text: looks binary", "/docs/b.txt": None} == {
        path: errors[path] for path in ("/docs/a.txt", "/docs/b.txt")
    }
    assert "empty" in errors["/docs/c.txt"]
    assert ["Other words.", "Words."] == one.texts()


def test_a_document_that_never_came_fails_alone(bench):
    one = bench()
    one.write(a_txt="Words.", b_txt="More words.")
    from beast_ops.ingest.intake import Intake

    intake = Intake(one.around.data)
    opened = intake.open_job(one.manifest(), one.physical())
    upload = intake.receive(opened.job, 0)
    upload.write(b"Words.")
    upload.finish()
    intake.skip(opened.job, 1, "it vanished")
    intake.start(opened.job)
    one.work()

    result = one.job(opened.job).result
    assert one.counts(seen=2, ingested=1, failed=1) == result["documents"]
    assert "it vanished" in [line["error"] for line in result["results"]]


def test_other_settings_of_cutting_read_everything_anew(bench):
    one, other = bench("one"), bench("other", chunk_characters=400)
    one.write(a_md=LONG, b_txt="Short.")
    one.ingest()
    one.around = other.around.__class__(
        data=one.around.data,
        settings=other.around.settings,
        vectors_url=one.around.vectors_url,
        vectors_key=one.around.vectors_key,
        models_url=None,
    )
    one.work()  # a worker with the new settings has started
    other.write(a_md=LONG, b_txt="Short.")

    result = one.ingest()
    other.ingest()

    assert one.counts(seen=2, ingested=2) == result["documents"]
    assert other.points() == one.points()


def test_a_collection_that_was_deleted_is_filled_again(bench):
    one = bench()
    one.write(a_md=LONG)
    one.ingest()
    before = one.points()
    one.ask("DELETE", f"/collections/{one.physical()}")

    result = one.ingest()

    assert one.counts(seen=1, ingested=1) == result["documents"]
    assert before == one.points()


def test_uploads_are_gone_when_the_job_has_ended(bench):
    one = bench()
    one.write(a_txt="Words.")
    one.ingest()

    assert [] == list((one.around.data / "uploads").iterdir())


def test_another_embedder_than_the_collections_is_refused_with_the_way_out(bench):
    one, other = bench("one"), bench("other", embedder="none")
    one.write(a_txt="Words.")
    one.ingest()
    other.collection = one.collection
    other.write(a_txt="Words.")
    name = other.send()
    other.work()

    job = other.job(name)
    assert State.FAILED == job.state
    assert "hash" in job.error
    assert "./beast reembed" in job.error
    assert [] == list((other.around.data / "uploads").iterdir())


@pytest.mark.parametrize("moment", [0, 1, 4])
def test_a_run_that_was_cut_off_anywhere_ends_as_if_it_had_not_been(bench, monkeypatch, moment):
    """Steps of the writer: intend, upsert, delete, settle; each may be the last."""
    one, other = bench("one"), bench("other")
    for each in (one, other):
        each.write(a_md=LONG, b_txt="Words.", c_txt="Gone later.")
    one.ingest()
    other.ingest()
    for each in (one, other):
        each.write(a_md=LONG.replace("number 3", "figure 3"), d_md="New.\n\n" + LONG[::-1])
        each.remove("c_txt")
    cut_off(monkeypatch, moment)
    name = one.send()
    with pytest.raises(PowerCutError):
        one.work()
    monkeypatch.undo()
    make_claimable(one)
    one.work()
    other.ingest()

    assert State.DONE == one.job(name).state
    assert other.points() == one.points()


class PowerCutError(BaseException):
    """Nothing after this happens, no `finally` of ours is relied upon."""


def cut_off(monkeypatch, moment):
    """End everything at the *moment*-th step, or right after it."""
    from beast_ops.ingest.state import DocumentState
    from beast_ops.ingest.store import PointStore

    left = [moment]

    def cutting(method):
        def step(*args, **kwargs):
            if left[0] == 0:
                raise PowerCutError
            left[0] -= 1
            result = method(*args, **kwargs)
            if left[0] == 0:
                raise PowerCutError
            return result

        return step

    for room, names in ((PointStore, ("upsert", "delete")), (DocumentState, ("intend", "settle"))):
        for name in names:
            monkeypatch.setattr(room, name, cutting(getattr(room, name)))


def make_claimable(one):
    from beast_ops.database import Database

    with Database(one.around.jobs) as database, database.writing() as table:
        table.exec_driver_sql("UPDATE jobs SET lease = 0")


def test_a_declared_folder_is_ingested_and_its_problems_are_told(bench, tmp_path):
    one = bench()
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("Words of a folder.")
    (docs / "gone.md").symlink_to("nowhere")
    with JobTable(one.around.jobs) as table:
        name = table.add("ingest", {"collection": one.collection, "folder": str(docs)})
    one.work()

    result = one.job(name).result
    assert one.counts(seen=2, ingested=1, failed=1) == result["documents"]
    assert ["Words of a folder."] == one.texts()


def test_files_of_a_declared_folder_that_are_swapped_after_the_listing_fail_alone(
    bench, tmp_path, monkeypatch
):
    one = bench()
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "secret.md").write_text("Secret.")
    for name in ("a.md", "b.md", "c.md"):
        (docs / name).write_text("Words of a folder.")

    def swapped(*args):
        order = read_order(*args)
        for name in ("b.md", "c.md"):
            (docs / name).unlink()
        os.mkfifo(docs / "b.md")
        (docs / "c.md").symlink_to(tmp_path / "secret.md")
        return order

    monkeypatch.setattr("beast_ops.ingest.run.read_order", swapped)
    with JobTable(one.around.jobs) as table:
        name = table.add("ingest", {"collection": one.collection, "folder": str(docs)})
    one.work()

    result = one.job(name).result
    assert one.counts(seen=3, ingested=1, failed=2) == result["documents"]
    errors = sorted(line["error"] for line in result["results"] if not line["ok"])
    assert ["a link that leads out of the folder", "it is not a file any more"] == errors
    assert ["Words of a folder."] == one.texts()


def test_a_job_that_only_hashes_says_how_far_it_is_and_can_be_cancelled(bench, monkeypatch):
    one = bench()
    one.write(a_txt="Words.", b_txt="More.")
    one.ingest()
    one.write(a_txt="Words.", b_txt="More.")
    name = one.send()
    said = []

    def say(grip, progress):
        said.append(progress)
        with JobTable(one.around.jobs) as table:
            table.cancel(name)
        grip.renew()

    monkeypatch.setattr("beast_ops.jobs.worker.Grip.say", say)
    one.work()

    assert [0] == [progress["done"] for progress in said]
    assert State.CANCELLED == one.job(name).state


def test_a_document_the_model_refuses_leaves_nothing_behind(bench, monkeypatch):
    one = bench()
    one.write(a_md="Good words.", b_md="Other words.")
    one.ingest()
    one.write(b_md="Bad words." + LONG)
    embed = HashEmbedder.embed_documents

    def picky(self, texts):
        rows = embed(self, texts)
        bad = {place: "too long for the model" for place, text in enumerate(texts) if "Bad" in text}
        if bad:
            raise TextError(bad, rows)
        return rows

    monkeypatch.setattr(HashEmbedder, "embed_documents", picky)

    result = one.ingest()

    assert one.counts(seen=2, unchanged=1, failed=1) == result["documents"]
    assert ["Good words."] == one.texts()


def test_uploads_of_jobs_nobody_knows_are_cleared_away(bench):
    one = bench()
    run = Run(one.around)
    run.tidy()
    stray = one.around.data / "uploads" / "stray"
    stray.mkdir(parents=True)
    held = one.send_nothing()
    run.tidy()

    assert not stray.exists()
    assert (one.around.data / "uploads" / held).exists()


def test_every_passage_knows_when_its_file_was_changed_also_those_that_stay_as_they_were(bench):
    one = bench()
    one.write(a_md=LONG, b_md="Stays.")
    one.times = dict.fromkeys(one.times, 1_767_225_599 * 10**9)
    one.ingest()
    assert {"2025-12-31T23:59:59+00:00"} == dates(one)
    one.write(a_md=LONG + "\n\nA last word.")
    one.times["/docs/a.md"] = 1_767_225_600 * 10**9

    one.ingest()

    assert {"2026-01-01T00:00:00+00:00"} == dates(one, "/docs/a.md")
    assert {"2025-12-31T23:59:59+00:00"} == dates(one, "/docs/b.md")


def dates(one, path=None):
    payloads = [point["payload"] for point in one.points().values()]
    return {each["modified"] for each in payloads if path in {None, each["path"]}}


@pytest.mark.parametrize("embedder", ["hash", "none"])
def test_what_was_renamed_or_copied_is_not_read_or_embedded_again(bench, reads, embedder):
    one, other = bench("one", embedder=embedder), bench("other", embedder=embedder)
    text = "# Top\n\nThe words of a text.\n\n## Below\n\n" + "More words. " * 60
    one.write(a_md=text, b_md="Another.")
    one.ingest()
    read, embedded = reads
    read.clear()
    embedded.clear()
    one.write(moved_md=text, copy_md=text)
    one.remove("a_md")

    result = one.ingest()

    assert result["documents"] == one.counts(seen=3, ingested=2, unchanged=1, deleted=1)
    assert ([], []) == reads
    other.write(b_md="Another.", moved_md=text, copy_md=text)
    other.times = one.times
    other.ingest()
    assert {ident: (each["payload"], each["vector"]) for ident, each in one.points().items()} == {
        ident: (each["payload"], each["vector"]) for ident, each in other.points().items()
    }
    assert one.ingest()["documents"] == one.counts(seen=3, unchanged=3)


def test_a_copy_of_another_format_or_of_what_is_read_again_is_read(bench, reads):
    one = bench("one")
    one.write(a_md="# Title\n\nThe words.", b_md="The old words.")
    one.ingest()
    reads[0].clear()
    one.write(a_txt="# Title\n\nThe words.", b_md="The new words.", c_md="The old words.")

    one.ingest()

    assert ["/docs/a.txt", "/docs/b.md", "/docs/c.md"] == sorted(reads[0])


def test_a_run_that_ends_between_two_documents_leaves_no_file_open(bench, monkeypatch):
    """A document may have been looked at, and not yet been handed to whoever reads it."""
    from beast_ops.ingest import reading
    from beast_ops.ingest.twins import Twins

    opened = []

    def noted(*args):
        opened.append(open_content(*args))
        return opened[-1]

    open_content = reading.open_content
    monkeypatch.setattr(reading, "open_content", noted)
    monkeypatch.setattr(Twins, "deliver", raising(PowerCutError))
    one = bench("one")
    one.write(a_md=LONG)
    one.send()

    with pytest.raises(PowerCutError):
        one.work()

    assert [True] == [file.closed for file in opened]


def raising(kind):
    def step(*_args, **_kwargs):
        raise kind

    return step
