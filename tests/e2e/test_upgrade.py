# SPDX-License-Identifier: Apache-2.0
"""An upgrade of the embedded stack: its data on a copy, and back if that does not hold."""


def hits(stack):
    return stack.must("search", "honey", "--json").json["hits"]


def spoil(workshop, text):
    path = workshop / "beast_ops/jobs/__main__.py"
    path.write_text(text + path.read_text(encoding="utf-8"), encoding="utf-8")


def test_a_version_that_does_not_hold_leaves_release_and_data_as_they_were(
    installation, workshop, tmp_path
):
    stack = installation(clone=workshop)
    stack.deploy()
    (tmp_path / "bees.md").write_text("# Bees\nThey make honey.\n", encoding="utf-8")
    stack.must("ingest", str(tmp_path))
    before = hits(stack)
    release = (stack.root / "current").readlink()
    spoil(workshop, "# another version\n")
    assert "Step: AI Beast itself" in stack.must("upgrade", "--plan").out
    stack.must("upgrade")
    assert (stack.root / "current").readlink() != release
    held = (stack.root / "current").readlink()
    assert before == hits(stack)

    spoil(workshop, "raise SystemExit('this version is broken')\n")
    failed = stack.run("upgrade")

    assert 1 == failed.code
    assert "AI Beast itself" in failed.err
    assert held == (stack.root / "current").readlink()
    assert before == hits(stack)
    last = stack.must("history", "--operation", "upgrade", "--json").json["receipts"]
    assert ["rolled back", "proven"] == [each["outcome"] for each in last]
    assert last[0]["details"]["backup"].startswith("beast_backup_")
    assert last[0]["details"]["step"].startswith("AI Beast itself")
