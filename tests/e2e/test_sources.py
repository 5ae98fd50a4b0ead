# SPDX-License-Identifier: Apache-2.0
"""Documents from pipes and archives, and folders that are watched, as a user has them."""

import io
import signal
import subprocess
import threading
import zipfile
from uuid import uuid4

import pytest

from tests.e2e import knowledge
from tests.e2e.knowledge import search, sources, told
from tests.e2e.stack import await_true, paragraph


@pytest.fixture
def collection():
    """Return a collection of this test's own."""
    return f"s-{uuid4().hex[:12]}"


def send(stack, text, *words):
    """Ingest what is piped in."""
    process = stack.start("ingest", "-", "--json", *words, stdin=subprocess.PIPE)
    process.stdin.write(text)
    process.stdin.close()
    process.stdin = None
    return stack.finish(process)


def test_what_is_piped_in_is_found_by_its_name_and_replaced(stack, collection):
    words = ("--name", "letters/may.md", "--collection", collection)
    assert 1 == told(send(stack, "# May\n\nThe maypole stands.\n", *words))["documents"]["ingested"]
    again = told(send(stack, "# May\n\nThe maypole fell.\n", *words))

    assert 1 == again["documents"]["ingested"]
    hits = search(stack, "maypole", collection=collection)
    assert {"pipe:letters/may.md"} == sources(hits)
    assert ["The maypole fell."] == [hit["text"].splitlines()[-1] for hit in hits]
    found = stack.must(
        "search", "maypole", "--source", "pipe:letters/may.md", "--collection", collection
    )
    assert "maypole fell" in found.out
    unnamed = send(stack, "x")
    assert 64 == unnamed.code
    assert "--name notes.md" in unnamed.out + unnamed.err


def test_an_archive_is_read_and_its_members_are_found(stack, collection, tmp_path):
    packed = tmp_path / "reports.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("may/sales.md", "# Sales\n\nZeppelins sold well.\n")
        archive.writestr("../up.md", "Never.")

    found = told(knowledge.ingest(stack, packed, collection=collection), failed=1)

    assert 1 == found["documents"]["ingested"]
    hits = search(stack, "zeppelins", collection=collection)
    assert {f"{packed}!/may/sales.md"} == sources(hits)
    packed.write_bytes(_bomb())
    refused = told(knowledge.ingest(stack, packed, collection=collection), failed=1)
    assert "far more would come out" in refused["results"][0]["error"]
    assert search(stack, "zeppelins", collection=collection)


def _bomb() -> bytes:
    """Return a small archive out of which 300 MiB would come."""
    raw = io.BytesIO()
    with (
        zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros.txt", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert len(raw.getvalue()) < 1 << 20
    return raw.getvalue()


def test_ignore_files_and_patterns_choose(stack, collection, tmp_path):
    for name in ("a.md", "b.txt", "drafts/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"The {name} speaks of whales.")
    (tmp_path / ".beastignore").write_text("*.txt\n")
    words = ("--collection", collection, "--json")

    stack.must("ingest", str(tmp_path), *words, "--exclude", "drafts/")
    assert {str(tmp_path / "a.md")} == sources(search(stack, "whales", collection=collection))
    stack.must("ingest", f"{tmp_path}/**/*", *words)
    assert {str(tmp_path / "a.md"), str(tmp_path / "drafts/c.md")} == sources(
        search(stack, "whales", collection=collection)
    )
    bad = stack.run("ingest", str(tmp_path), "--include", "!")
    assert (64, True) == (bad.code, "no pattern" in paragraph(bad))


def test_a_watched_folder_is_followed_until_ctrl_c_also_over_a_restart(stack, collection, tmp_path):
    (tmp_path / "a.md").write_text("Apples are red.")
    process = stack.start("ingest", "--watch", str(tmp_path), "--collection", collection)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        await_true(lambda: any("seen" in line for line in lines), 60)
        (tmp_path / "b.md").write_text("Bananas are yellow.")
        await_true(lambda: f"created {tmp_path}/b.md: 1 chunk\n" in lines)
        stack.must("restart", "beast-api")
        (tmp_path / "b.md").rename(tmp_path / "c.md")
        await_true(lambda: f"moved {tmp_path}/b.md -> {tmp_path}/c.md: 1 chunk\n" in lines, 90)
        (tmp_path / "c.md").unlink()
        await_true(lambda: f"deleted {tmp_path}/c.md\n" in lines)
        assert [] == search(stack, "bananas", collection=collection)
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(20)
    finally:
        process.kill()
        reader.join(20)
    assert lines[-1].startswith("Stopped.")
    error = process.stderr.read()
    assert "Traceback" not in error
    process.stdout.close()
    process.stderr.close()
    no_folder = stack.run("ingest", "--watch", str(tmp_path / "a.md"))
    assert (64, True) == (no_folder.code, "only folders" in paragraph(no_folder))


def test_the_stack_itself_keeps_declared_folders_in_step(installation, workshop, tmp_path):
    made = installation(clone=workshop)
    (tmp_path / "a.md").write_text("Apples are red.")
    inventory = workshop / "inventory/local/group_vars/all.yml"
    text = inventory.read_text().replace("  - beast_api\n", "  - beast_api\n  - beast_watcher\n")
    folders = f'\nbeast_watcher_folders: [{{folder: "{tmp_path}", collection: watched}}]\n'
    inventory.write_text(text + folders)

    made.deploy()
    assert "beast-watcher" in made.pids()

    def found(query):
        with knowledge.api(made) as client:
            answer = client.post("/search", json={"query": query, "collection": "watched"})
            return sources(answer.json().get("hits", []))

    await_true(lambda: found("apples") == {f"{tmp_path}/a.md"}, 60)
    (tmp_path / "b.md").write_text("Bananas are yellow.")
    await_true(lambda: found("bananas") == {f"{tmp_path}/b.md"})
    (tmp_path / "b.md").unlink()
    await_true(lambda: found("bananas") == set())
    assert 0 == made.must("health").code
