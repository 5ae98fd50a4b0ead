# SPDX-License-Identifier: Apache-2.0
"""A backup is worth what can be restored of it: made, damaged, locked and restored for real."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e import backups, knowledge
from tests.e2e.backups import COLLECTION, State

PASSPHRASE = "four words of a song"
EX_USAGE, EX_TEMPFAIL = 64, 75


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    backups.write_documents(folder, "amber", range(40))
    return State(folder, "amber")


@pytest.fixture(scope="module")
def kept(build, clone, before):
    """Return an installation that knows all documents, and one backup of it."""
    stack = build(clone)
    stack.deploy()
    before.ingest(stack)
    backups.write_questions(stack, before.word)
    models = stack.root / "mine.json"
    models.write_text('{"version": 1, "models": [{"id": "mine:1b"}]}')
    stack.must("models.import", str(models))
    yield stack, Path(backups.made(stack)["file"])
    stack.clear()


@pytest.fixture
def stack(kept):
    return kept[0]


@pytest.fixture
def archive(kept):
    return kept[1]


@pytest.fixture
def untouched(stack):
    """Assert that after the test the stack is what it was: processes, points, data, release."""

    def seen():
        folders = sorted(path.name for path in (stack.root / "data").iterdir())
        points = knowledge.points(stack, COLLECTION)
        return backups.births(stack), stack.release, folders, points

    was = seen()
    yield
    assert was == seen()
    assert not backups.leftovers(stack)
    assert not backups.aside(stack)


@pytest.fixture
def elsewhere(build, clone):
    """Return a place for another installation: nothing stands there yet."""
    made = build(clone)
    yield made
    made.clear()


@pytest.fixture
def locked(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(f"{PASSPHRASE}\n")
    return path


def move_to(stack, elsewhere):
    """End *stack*, so that *elsewhere* may have its ports."""
    stack.must("down")
    elsewhere.settings.update(stack.settings)


def test_a_backup_is_whole_and_on_the_list(stack, archive):
    listed = stack.must("backups", "--json").json["backups"]

    assert archive.name == Path(listed[-1]["file"]).name
    assert archive.stat().st_size == listed[-1]["size"]
    assert "" == listed[-1]["proven"]
    assert 0o600 == archive.stat().st_mode & 0o777

    proof = stack.must("verify", "newest", "--json").json

    assert proof["whole"]
    assert "verify" == stack.must("backups", "--json").json["backups"][0]["proven"]


def test_an_archive_opens_without_the_program(archive, tmp_path, needs):
    needs("zstd")
    plain = tmp_path / "plain.tar"
    zstd = shutil.which("zstd")
    subprocess.run([zstd, "-d", "-q", str(archive), "-o", str(plain)], check=True)
    tar = shutil.which("tar") or "/bin/tar"
    names = subprocess.run([tar, "-tf", str(plain)], check=True, capture_output=True, text=True)

    assert "header.json" == names.stdout.splitlines()[0]
    assert "keys/master.key" in names.stdout
    assert "data/knowledge/state.sqlite" in names.stdout


@pytest.mark.usefixtures("untouched")
def test_a_dry_run_says_what_would_be_replaced_and_changes_nothing(stack, archive):
    said = stack.must("restore", archive.stem.partition(".")[0], "--dry-run").out

    assert "replaces knowledge/state.sqlite (beast-worker)" in said
    assert "replaces jobs/jobs.sqlite (beast-worker)" in said
    assert "replaces vectors (qdrant)" in said

    plan = stack.must("restore", str(archive), "--dry-run", "--json").json

    api = {"api/access.sqlite", "api/notebooks.sqlite"}
    assert {*api, "knowledge/state.sqlite", "jobs/jobs.sqlite", "vectors"} == set(plan["replaced"])
    assert not plan["anew"]
    assert not plan["other_key"]


@pytest.mark.usefixtures("untouched")
def test_without_a_terminal_nothing_is_restored_unasked(stack, archive):
    done = stack.run("restore", str(archive))

    assert EX_USAGE == done.code
    assert "nobody is here to ask" in done.err
    assert "Add --yes" in done.err


def test_what_was_changed_since_is_as_it_was(stack, archive, before):
    for number in range(10):
        (before.folder / f"amber-{number:03}.md").rename(before.folder / f".{number}")
    backups.write_documents(before.folder, "cobalt", range(7))
    State(before.folder, "cobalt").ingest(stack)
    assert before.fault(stack)
    assert backups.finds(stack, "cobalt")

    said = stack.must("restore", str(archive), "--yes").out

    assert "is in force and proven" in said
    assert "" == before.fault(stack)
    assert not backups.finds(stack, "cobalt")
    for number in range(10):
        (before.folder / f".{number}").rename(before.folder / f"amber-{number:03}.md")
    for path in before.folder.glob("cobalt-*"):
        path.unlink()
    again = knowledge.told(knowledge.ingest(stack, before.folder, collection=COLLECTION))
    assert len(before.points) == len(knowledge.points(stack, COLLECTION))
    assert 40 == again["documents"]["unchanged"], again["documents"]


def test_after_a_restore_there_is_nothing_to_deploy_and_nothing_drifts(stack, archive):
    stack.must("restore", str(archive), "--yes")
    ran = stack.pids()

    assert "changed=0" in stack.must("deploy", *stack.sets()).out
    assert 0 == stack.run("drift").code
    assert ran == stack.pids()


def test_history_tells_of_a_restore_what_it_was_and_what_was_looked_at(stack, archive):
    stack.must("restore", str(archive), "--yes")

    receipt = backups.newest(stack, "restore")

    assert "proven" == receipt["outcome"]
    assert archive.name.partition(".")[0] == receipt["details"]["name"]
    assert {"healthy"} == {each["status"] for each in receipt["details"]["restored"]}
    assert 5 == len(receipt["details"]["restored"])
    assert receipt["checks"]
    assert "restore" == stack.must("backups", "--json").json["backups"][-1]["proven"]


def test_one_service_brings_all_that_belongs_together(stack, archive, before):
    plan = stack.must(
        "restore", str(archive), "--service", "beast-worker", "--dry-run", "--json"
    ).json
    assert {"knowledge/state.sqlite", "jobs/jobs.sqlite", "vectors"} == set(plan["replaced"])

    stack.must("restore", str(archive), "--service", "beast-worker", "--yes")

    assert "" == before.fault(stack)
    assert "beast-worker" == backups.newest(stack, "restore")["details"]["service"]


@pytest.mark.parametrize("service", ["beast-keeper", "nobody"])
@pytest.mark.usefixtures("untouched")
def test_a_service_without_data_cannot_be_restored(stack, archive, service):
    backups.refusal(stack.run("restore", str(archive), "--yes", "--service", service), EX_USAGE)


@pytest.mark.usefixtures("untouched")
def test_whoever_comes_while_another_works_is_told_to_wait(stack):
    with (stack.root / "run" / "lease").open("rb+") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        said = backups.refusal(stack.run("backup"), EX_TEMPFAIL)

    assert "another operation is under way" in said


def test_two_backups_within_a_second_have_two_names(stack):
    first = stack.start("backup", "--json")
    second = stack.start("backup", "--json")
    made = [stack.finish(each) for each in (first, second)]

    assert [0, 0] == [each.code for each in made], [each.err for each in made]
    names = {each.json["name"] for each in made}
    assert 2 == len(names)
    assert all((stack.root / "backups" / f"{name}.tar.zst").exists() for name in names)


@pytest.mark.usefixtures("untouched")
def test_a_drill_proves_a_backup_and_leaves_nothing_behind(stack, archive):
    drilled = stack.must("drill", "--name", str(archive), "--json").json

    assert {"healthy", "degraded"} >= {each["status"] for each in drilled["checks"]}
    golden = [each for each in drilled["checks"] if each["name"].startswith("golden")]
    assert ["recall@5 1.000 of 2, live 1.000"] == [each["message"] for each in golden]
    receipt = backups.newest(stack, "drill")
    assert "proven" == receipt["outcome"]
    assert archive.name.partition(".")[0] == receipt["details"]["name"]
    assert "drill" == stack.must("backups", "--json").json["backups"][-1]["proven"]


@pytest.mark.parametrize("spoil", ["one bit", "its end"])
@pytest.mark.usefixtures("untouched")
def test_a_damaged_backup_is_refused_by_everything(stack, archive, tmp_path, spoil):
    bad = backups.damage(archive, tmp_path / archive.name)
    if spoil == "its end":
        bad.write_bytes(archive.read_bytes()[:-100])

    for words in (
        ("verify", str(bad)),
        ("restore", str(bad), "--yes"),
        ("restore", str(bad), "--dry-run"),
        ("drill", "--name", str(bad)),
    ):
        assert "not a whole backup" in backups.refusal(stack.run(*words), 1)


@pytest.mark.usefixtures("untouched")
def test_a_backup_of_a_newer_format_is_refused(stack, archive, tmp_path):
    newer = backups.newer(archive, tmp_path / archive.name)

    for words in (("restore", str(newer), "--yes"), ("drill", "--name", str(newer))):
        said = backups.refusal(stack.run(*words), EX_USAGE)
        assert "has format 2, this version reads 1" in said


def test_a_backup_of_a_moment_in_which_documents_come_in_is_restorable(stack, archive, tmp_path):
    backups.write_documents(tmp_path / "more", "jade", range(400))
    ingestion = knowledge.start_ingest(stack, tmp_path / "more", collection="busy")
    with knowledge.vectors(stack) as client:
        knowledge.wait_for(lambda: knowledge.count(client, "busy"), 60)
    made = backups.made(stack)
    assert ingestion.poll() is None, "the ingestion ended too early to show anything"
    stack.finish(ingestion)

    stack.must("drill", "--name", made["name"])
    stack.must("restore", made["name"], "--yes")

    knowledge.told(knowledge.ingest(stack, tmp_path / "more", collection="busy"))
    with knowledge.vectors(stack) as client:
        assert 400 == knowledge.count(client, "busy")
    stack.must("restore", str(archive), "--yes")


@pytest.mark.usefixtures("untouched")
def test_a_backup_without_its_key_needs_the_key(stack, tmp_path):
    made = backups.made(stack, "--without-key")
    assert not made["complete"]
    assert "master key" in made["missing"][0]
    assert "Not complete, it lacks the master key" in stack.must("verify", made["name"]).out
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(bytes(32))

    said = backups.refusal(stack.run("restore", made["name"], "--yes"), EX_USAGE)
    assert "--key" in said
    said = backups.refusal(stack.run("restore", made["name"], "--yes", "--key", str(wrong)), 1)
    assert "not the master key of this backup" in said


def test_a_passphrase_locks_the_key_in_a_backup(stack, before, locked, tmp_path):
    name = backups.made(stack, "--passphrase-file", str(locked))["name"]
    wrong = tmp_path / "wrong"
    wrong.write_text("four words of another song\n")
    key = (stack.root / "secrets" / "master.key").read_bytes()
    file = stack.root / "backups" / f"{name}.tar.zst"
    assert (
        key
        not in subprocess.run(
            [shutil.which("zstd") or "zstd", "-dc", str(file)], capture_output=True, check=True
        ).stdout
    )

    assert "locked" in backups.refusal(stack.run("restore", name, "--yes"), EX_USAGE)
    done = stack.run("restore", name, "--yes", "--passphrase-file", str(wrong))
    assert "does not open the master key" in backups.refusal(done, 1)
    stack.must("drill", "--name", name, "--passphrase-file", str(locked))
    stack.must("restore", name, "--yes", "--passphrase-file", str(locked))

    assert "" == before.fault(stack)


def test_a_backup_for_a_recipient_opens_with_his_key_alone(stack, before, tmp_path, needs):
    needs("age")
    identities = []
    for name in ("right", "wrong"):
        path = tmp_path / name
        subprocess.run(
            [shutil.which("age-keygen"), "-o", str(path)], check=True, capture_output=True
        )
        identities.append(path)
    right, wrong = identities
    line = next(line for line in right.read_text().splitlines() if "public key:" in line)

    made = backups.made(stack, "--recipient", line.rpartition(" ")[2])

    assert made["file"].endswith(".tar.zst.age")
    assert Path(made["file"]).read_bytes().startswith(b"age-encryption.org/")
    assert "--identity" in backups.refusal(stack.run("verify", made["name"]), 1)
    for words in (("verify", made["name"]), ("restore", made["name"], "--yes")):
        done = stack.run(*words, "--identity", str(wrong))
        assert "age cannot open it" in backups.refusal(done, 1)
    stack.must("verify", made["name"], "--identity", str(right))
    stack.must("drill", "--name", made["name"], "--identity", str(right))
    stack.must("restore", made["name"], "--yes", "--identity", str(right))
    assert "" == before.fault(stack)


def test_an_archive_alone_makes_the_installation_again_on_an_empty_root(
    stack, archive, before, elsewhere
):
    move_to(stack, elsewhere)
    try:
        said = stack.must(
            "restore", str(archive), "--yes", "--to", str(elsewhere.root), seconds=600
        )

        assert "is in force and proven" in said.out
        assert 0 == elsewhere.run("health").code, elsewhere.said[-1]
        assert "" == before.fault(elsewhere)
        assert 0 == elsewhere.run("drift").code
        assert 1.0 == elsewhere.must("eval", "--json").json["evaluations"][0]["recall_5"]
        assert "mine:1b" == elsewhere.must("models.show", "mine:1b", "--json").json["model"]["id"]
        print(elsewhere.run("plan", *elsewhere.sets()).out)
        elsewhere.must("deploy", *elsewhere.sets())
        assert "" == before.fault(elsewhere)
    finally:
        elsewhere.run("down")
        stack.must("deploy", *stack.sets())
    assert "" == before.fault(stack)


def test_archive_and_key_apart_make_the_installation_again(stack, before, elsewhere, tmp_path):
    made = backups.made(stack, "--without-key")
    key = tmp_path / "kept apart"
    key.write_bytes((stack.root / "secrets" / "master.key").read_bytes())
    move_to(stack, elsewhere)
    words = ("restore", made["file"], "--yes", "--to", str(elsewhere.root))
    try:
        said = backups.refusal(stack.run(*words, seconds=600), EX_USAGE)
        assert "--key" in said
        elsewhere.must(*words, "--key", str(key), seconds=600)

        assert 0 == elsewhere.run("health").code, elsewhere.said[-1]
        assert "" == before.fault(elsewhere)
    finally:
        elsewhere.run("down")
        stack.must("deploy", *stack.sets())
