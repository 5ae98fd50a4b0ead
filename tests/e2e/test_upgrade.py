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


def test_what_a_version_changed_is_said_before_it_happens_and_once(installation, workshop):
    stack = installation(clone=workshop)
    stack.deploy()
    release = (stack.root / "current").readlink()
    newer(workshop, "0.7.0", "the port moved", "tell your firewall")

    for words in (["deploy"], ["plan"], ["upgrade"], ["deploy", "--acknowledge", "0.6.0"]):
        refused = stack.run(*words)
        assert 64 == refused.code
        assert "0.7.0: the port moved. To do: tell your firewall." in refused.err
        assert "--acknowledge 0.7.0" in refused.err
    assert release == (stack.root / "current").readlink()

    stack.must("deploy", "--acknowledge", "0.7.0")
    assert release != (stack.root / "current").readlink()
    stack.must("deploy")
    (last, _) = stack.must("history", "--operation", "deploy", "--json").json["receipts"]
    assert {"acknowledged": ["0.7.0"]} == last["details"]

    newer(workshop, "0.8.0", "a setting is gone", "take it out")
    refused = stack.run("upgrade")
    assert (64, False) == (refused.code, "the port moved" in refused.err)
    stack.must("upgrade", "--acknowledge", "0.8.0")
    stack.must("deploy")
    (last,) = stack.must("history", "--operation", "upgrade", "--json").json["receipts"]
    assert ["0.8.0"] == last["details"]["acknowledged"]


def newer(workshop, version, what, do):
    """Let the clone be a newer version that changed something, after what it changed before."""
    table = workshop / "beast_ops/upgrade/breaking.py"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    at = max(number for number, line in enumerate(lines) if line.startswith("CHANGES"))
    lines.insert(at + 1, f"CHANGES += (Change({version!r}, {what!r}, {do!r}),)\n")
    table.write_text("".join(lines), encoding="utf-8")
    package = workshop / "beast_ops/__init__.py"
    said = package.read_text(encoding="utf-8")
    now = next(line for line in said.splitlines() if line.startswith("__version__ = "))
    package.write_text(said.replace(now, f'__version__ = "{version}"'), encoding="utf-8")
