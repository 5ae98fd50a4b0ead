# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from beast_ops import receipts
from beast_ops.cards import Services
from beast_ops.certificates import Wanted, ensure
from beast_ops.door import leaving
from beast_ops.eject.write import eject
from beast_ops.errors import BeastError, BusyError, CommandError, ConflictError, NotDeployedError
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation

KEY = "the-secret-of-the-store"
NEXT_SERVICE = {"labels": {"org.ai-beast.root": "/r", "mine": "yes"}, "image": "made/mine:1"}


class Compose:
    """A runner that answers what Compose merged, and writes down what it was asked."""

    def __init__(self, merged, failure=""):
        self.merged, self.failure, self.asked = merged, failure, []

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        self.asked.append(list(argv))
        if "--quiet" in argv and self.failure:
            raise CommandError(self.failure)
        return "" if "--quiet" in argv else yaml.safe_dump(self.merged)


def mount(source, target, **said):
    return {"type": "bind", "source": str(source), "target": target, "bind": {}, **said}


@pytest.fixture
def place(tmp_path):
    """An installation in containers: a store, the API of ours, and what runs on the host."""
    root = tmp_path / "beast"
    root.mkdir()
    services = (
        a_service("store", image="made/store:1", volumes=("points",), config="store/0123"),
        a_service("api", image="ai-beast:abc", ours=True),
        a_service("agent", process=("python",), place="host"),
    )
    found = an_installation(root, *services, secrets={"store/key": KEY, "master.key": "m" * 32})
    contract = Services(
        project="mine",
        runtime="compose",
        root=str(root),
        data=str(found.data / "1"),
        services=services,
    ).model_dump_json()
    (found.data / "1/points").mkdir()
    for name, text in {
        "current/services.json": contract,
        "current/compose.yml": "services: {}",
        "config/store/0123/store.yml": "depth: 1\n",
        "config/store/old/store.yml": "depth: 0\n",
        "live/api/services.json": contract,
        "live/store/rules/a.yml": "rules\n",
        "run/agent/socket": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return found


@pytest.fixture
def merged(place):
    root = place.root
    return {
        "name": "mine",
        "services": {
            "store": {
                "image": "made/store:1",
                "command": None,
                "environment": {"PRICE": "$$5"},
                "labels": {"org.ai-beast.root": str(root), "org.ai-beast.change": "0"},
                "volumes": [
                    mount(root / "config/store/0123", "/etc/store", read_only=True),
                    mount(root / "live/store", "/etc/live", read_only=True),
                    mount(root / "secrets/store", "/run/secrets", read_only=True),
                    mount(place.data / "1/points", "/points"),
                ],
            },
            "api": {
                "image": "ai-beast:abc",
                "volumes": [
                    mount(root / "live/api", "/beast/live"),
                    mount(root / "run/agent", "/beast/run/agent"),
                    mount("/srv/documents", "/srv/documents"),
                ],
            },
            "mine": {
                **NEXT_SERVICE,
                "volumes": [mount(root / "config/store/0123/store.yml", "/c")],
            },
        },
        "networks": {"default": {"name": "mine", "labels": {"org.ai-beast.root": str(root)}}},
    }


@pytest.fixture
def made(place, merged, tmp_path):
    target = tmp_path / "plain"
    eject(place, target, Compose(merged))
    return target


def mode(path):
    return path.stat().st_mode & 0o777


def read(made):
    return yaml.safe_load((made / "compose.yaml").read_text())


def test_configuration_and_secrets_come_along_and_data_stay(made, place):
    sources = [each["source"] for each in read(made)["services"]["store"]["volumes"]]

    data = str(place.data / "1/points")
    assert ["./config/store", "./live/store", "./secrets/store", data] == sources
    assert "depth: 1\n" == (made / "config/store/store.yml").read_text()
    assert "rules\n" == (made / "live/store/rules/a.yml").read_text()
    assert KEY == (made / "secrets/store/key").read_text()
    assert ["store"] == [path.name for path in (made / "secrets").iterdir()]
    assert not (made / "config/store/old").exists()


def test_only_who_reads_a_secret_may_and_nothing_else_holds_one(made):
    secret = made / "secrets/store/key"

    assert (0o700, 0o700, 0o600) == (mode(made), mode(secret.parent), mode(secret))
    assert (0o600, 0o755, 0o644) == (
        mode(made / "compose.yaml"),
        mode(made / "config/store"),
        mode(made / "config/store/store.yml"),
    )
    holders = {p for p in made.rglob("*") if p.is_file() and KEY in p.read_text()}
    assert {secret} == holders
    assert "secrets/\ncompose.yaml\n" == (made / ".gitignore").read_text()


def test_a_folder_that_is_missing_is_an_error_for_compose_and_no_empty_one(made, place):
    binds = {
        each["source"]: each["bind"]
        for service in read(made)["services"].values()
        for each in service["volumes"]
    }

    careful = {"create_host_path": False}
    assert careful == binds[str(place.data / "1/points")] == binds["./secrets/store"]
    assert {} == binds["/srv/documents"]  # as the user said


def test_nothing_is_left_by_which_our_verbs_would_end_it(made):
    found = read(made)

    assert "org.ai-beast" not in (made / "compose.yaml").read_text()
    assert {"mine": "yes"} == found["services"]["mine"]["labels"]
    assert {"name": "mine"} == found["networks"]["default"]
    assert "command" not in found["services"]["store"]
    assert {"PRICE": "$$5"} == found["services"]["store"]["environment"]


def test_our_own_services_go_on_without_what_ran_on_the_host(made, place):
    found = read(made)["services"]
    contract = json.loads((made / "live/api/services.json").read_text())

    assert ["./live/api", "/srv/documents"] == [each["source"] for each in found["api"]["volumes"]]
    assert "never" == found["api"]["pull_policy"]
    assert "pull_policy" not in found["store"]
    assert ["store", "api"] == [each["name"] for each in contract["services"]]
    assert f"`api: {place.root}/run/agent`" in (made / "README.md").read_text()


def test_a_part_of_a_folder_is_mounted_as_that(made):
    (found,) = read(made)["services"]["mine"]["volumes"]

    assert "./config/store/store.yml" == found["source"]


def test_the_page_says_what_is_what_and_what_is_lost(made, place):
    page = (made / "README.md").read_text()

    assert f"| store | `made/store:1` | `{place.data}/1/points` | `secrets/store/` |" in page
    assert "| api | `ai-beast:abc` | none | none |" in page
    assert "`docker save ai-beast:abc`" in page
    assert "host itself: agent." in page
    assert "Backups" in page
    assert KEY not in page


def test_a_certificate_that_nobody_renews_is_named_with_its_end(place, merged, tmp_path):
    wanted = Wanted(("d.example",), place.secrets / "store")
    ensure(place.secrets / "ca", wanted)
    before = datetime.now(UTC)
    eject(place, tmp_path / "plain", Compose(merged))

    page = (tmp_path / "plain/README.md").read_text()
    line = next(each for each in page.splitlines() if "secrets/store/tls.pem" in each)
    ends = datetime.fromisoformat(line.rpartition(" ")[2].rstrip(".")).replace(tzinfo=UTC)
    assert before + timedelta(days=30) < ends
    assert f"`{place.root}/secrets/ca`" in page
    assert not (tmp_path / "plain/secrets/ca").exists()


def test_compose_merges_what_runs_and_judges_what_was_made(place, merged, tmp_path):
    compose = Compose(merged)
    eject(place, tmp_path / "plain", compose)

    assert ["config", "config --quiet"] == [
        " ".join(argv[argv.index("config") :]) for argv in compose.asked
    ]
    assert str(place.root) == compose.asked[0][compose.asked[0].index("--project-directory") + 1]


def test_what_compose_refuses_is_not_left_behind_and_is_in_the_history(place, merged, tmp_path):
    with pytest.raises(CommandError, match="no such field"):
        eject(place, tmp_path / "plain", Compose(merged, "no such field"))

    assert ["beast"] == [path.name for path in tmp_path.iterdir()]
    (receipt,) = receipts.read_all(place.receipts)
    assert ("eject", "failed") == (receipt.operation, receipt.outcome)


def test_a_receipt_tells_which_release_went_where(made, place):
    (receipt,) = receipts.read_all(place.receipts)

    assert ("eject", "done", "1-0") == (receipt.operation, receipt.outcome, receipt.release)
    assert {"folder": str(made)} == receipt.details


def test_what_is_there_is_not_touched(place, merged, tmp_path):
    target = tmp_path / "plain"
    target.mkdir()
    (target / "mine").write_text("mine")

    with pytest.raises(ConflictError, match="there already"):
        eject(place, target, Compose(merged))

    assert ["mine"] == [path.name for path in target.iterdir()]


def test_an_empty_folder_is_taken(place, merged, tmp_path):
    (tmp_path / "plain").mkdir()

    assert eject(place, tmp_path / "plain", Compose(merged)).files


def test_a_folder_that_would_go_with_the_installation_is_refused(place, merged):
    with pytest.raises(ConflictError, match="inside the installation"):
        eject(place, place.root / "live/plain", Compose(merged))


def test_a_folder_that_cannot_be_made_is_told(place, merged, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(BeastError, match="cannot make the folder"):
        eject(place, tmp_path / "file/plain", Compose(merged))


def test_processes_of_our_own_are_no_containers_and_the_way_out_is_named(tmp_path):
    found = an_installation(tmp_path / "beast", a_service("store", process=("python",)))

    with pytest.raises(ConflictError) as refused:
        eject(found, tmp_path / "plain")

    assert 64 == refused.value.exit_code
    assert "./beast export" in refused.value.hint
    assert f"{found.data}/1" in refused.value.hint


def test_it_waits_for_nobody_and_needs_a_release(place, merged, tmp_path):
    with lease(place.run, "deploy"), pytest.raises(BusyError):
        eject(place, tmp_path / "plain", Compose(merged))
    with pytest.raises(NotDeployedError):
        eject(Place(tmp_path / "none"), tmp_path / "plain")


@pytest.fixture
def _composed(merged, monkeypatch, tmp_path):
    monkeypatch.setattr("beast_ops.eject.write.LocalRunner", lambda *_: Compose(merged))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_composed")
def test_the_door_says_what_was_made_and_what_to_do_next(place, tmp_path, capsys):
    leaving.eject(place, "", json=False)

    told = capsys.readouterr().out
    assert f"files in {tmp_path}/mine-compose: plain Compose" in told
    assert f"Left out is the mount of api: {place.root}/run/agent." in told
    assert "beast down" in told


@pytest.mark.usefixtures("_composed")
def test_a_machine_reads_it_as_one_document(place, tmp_path, capsys):
    leaving.eject(place, "there", json=True)

    told = json.loads(capsys.readouterr().out)
    assert str(tmp_path / "there") == told["folder"]
    assert "secrets/store/key" in told["files"]
