# SPDX-License-Identifier: Apache-2.0
"""In the end each stage has let through what there was, whatever became of the documents."""

import os

from beast_ops.ingest.tally import Tally
from beast_ops.jobs.table import JobTable


def ingest(one, folder):
    with JobTable(one.around.jobs) as table:
        name = table.add("ingest", {"collection": one.collection, "folder": str(folder)})
    one.work()
    return one.job(name).result


def test_all_stages_are_done_in_the_end(bench, monkeypatch, tmp_path):
    one = bench()
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("same", "touched", "changed"):
        (docs / f"{name}.md").write_text(f"The words of {name}. " * 30)
    ingest(one, docs)
    os.utime(docs / "touched.md", ns=(1, 1))
    (docs / "changed.md").write_text("Other words. " * 30)
    (docs / "copy.md").write_text((docs / "same.md").read_text())
    for name in ("new", "twice"):
        (docs / f"{name}.md").write_text("New words. " * 30)
    (docs / "bad.pdf").write_text("This is none.")
    (docs / "gone.md").symlink_to("nowhere")
    told, result = [], Tally.result

    def telling(tally):
        told.append(tally.progress())
        return result(tally)

    monkeypatch.setattr(Tally, "result", telling)

    found = ingest(one, docs)["documents"]

    assert one.counts(seen=8, ingested=4, unchanged=2, failed=2) == found
    stages = {each["stage"]: each for each in told[0]["stages"]}
    assert (8, 8) == (stages["find"]["done"], stages["find"]["of"])
    assert (4, 4) == (stages["parse"]["done"], stages["parse"]["of"])
    for name in ("chunk", "embed", "upsert"):
        assert stages["chunk"]["done"] == stages[name]["done"] == stages[name]["of"] > 3
    assert {0} == {each["eta"] for each in stages.values()}
