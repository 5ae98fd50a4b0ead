# SPDX-License-Identifier: Apache-2.0
import dataclasses
import itertools
from pathlib import Path

import pytest
import stamina
import yaml

from beast_ops.cards import Services
from beast_ops.compose import gpu, identity, image, prepare
from beast_ops.errors import BeastError, CommandError, ConflictError
from beast_ops.place import Place
from beast_ops.testing import a_service


@dataclasses.dataclass
class Engine:
    """An engine that has *images*."""

    images: frozenset = frozenset()
    number: tuple = (26, 1, 5)
    count: int = 4
    running: tuple = ()

    def has_image(self, reference):
        return reference in self.images

    def image_id(self, reference):
        return f"sha256:{reference}"

    def containers(self, root):
        assert root
        return list(self.running)

    def version(self):
        return self.number

    def processors(self):
        return self.count


class Script:
    """A runner whose commands fail as they are told, one after the other."""

    def __init__(self, *failures):
        self.asked, self.failures = [], list(failures)

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        self.asked.append(list(argv))
        failure = self.failures.pop(0) if self.failures else ""
        if failure:
            raise CommandError(f"ended with 1: {failure}", subject=argv[0])
        return ""


@pytest.fixture(autouse=True)
def _at_once():
    with stamina.set_testing(True, attempts=9, cap=True):
        yield


def a_container(name, **said):
    return a_service(name, **{"image": f"made/{name}:1", **said})


def released(*services):
    return Services(
        project="beast", runtime="compose", root="/r", data="/r/data/1", services=services
    )


def fetched(tmp_path, runner, *services, images=()):
    prepare.fetch(Place(tmp_path), released(*services), Engine(frozenset(images)), runner)
    return runner.asked


def test_only_what_is_missing_is_fetched(tmp_path):
    services = [a_container("here"), a_container("there"), a_service("process")]

    assert [["docker", "pull", "--quiet", "made/there:1"]] == fetched(
        tmp_path, Script(), *services, images=["made/here:1"]
    )


def test_a_registry_that_fails_for_a_moment_is_asked_again(tmp_path):
    assert 3 == len(fetched(tmp_path, Script("timeout", "timeout"), a_container("x")))


def test_an_image_that_cannot_be_had_is_named_with_what_to_do(tmp_path):
    runner = Script(*["manifest unknown"] * 9)

    with pytest.raises(CommandError, match="cannot get the image made/x:1: manifest unknown") as no:
        fetched(tmp_path, runner, a_container("x"), a_container("y"))

    assert prepare.PULL_TRIES == len(runner.asked)
    assert "docker load" in no.value.hint


def test_our_own_image_is_built_and_never_fetched(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(image, "ensure", lambda *given: built.append(given[1]))
    ours = a_container("x", image="ai-beast:abc", ours=True)

    assert [] == fetched(tmp_path, Script(), ours)
    assert ["ai-beast:abc"] == built


def overlaid(described, *services, **engine):
    return prepare.host_overlay(released(*services), described, Engine(**engine), Script())[
        "services"
    ]


def test_an_engine_that_can_looks_more_often_while_a_container_starts():
    described = {"a": {"healthcheck": {"test": ["CMD", "true"]}}, "b": {}}

    assert {"a": {"healthcheck": {"start_interval": "1s"}}} == overlaid(described, number=(25, 0))
    assert {} == overlaid(described, number=(24, 0, 9))


@pytest.mark.parametrize(
    ("wanted", "there", "said"),
    [(2.0, 1, {"x": {"cpus": 1}}), (2.0, 2, {}), (0.5, 1, {})],
)
def test_nobody_gets_more_processors_than_there_are(wanted, there, said):
    assert said == overlaid({"x": {"cpus": wanted}}, count=there)


def test_a_gpu_is_for_who_can_use_it_and_for_nobody_else(monkeypatch):
    monkeypatch.setattr(gpu, "overlay", lambda image, _: {"devices": [image]})
    services = [a_container("models", gpu=True), a_container("other")]

    assert {"models": {"cpus": 1, "devices": ["made/models:1"]}} == overlaid(
        {"models": {"cpus": 2}, "other": {}}, *services, count=1
    )


def test_without_a_gpu_nothing_is_said_of_it(monkeypatch):
    monkeypatch.setattr(gpu, "overlay", lambda *_: {})

    assert {} == overlaid({"models": {}}, a_container("models", gpu=True))


CHECKED = a_container("eye", check=("promtool", "check", "/etc/eye.yml"), user="7:8")
OURS = frozenset({"ai-beast:abc"})
MOUNTS = {
    "volumes": [
        {"source": "/r/config/eye/abc", "target": "/etc/eye", "read_only": True},
        {"source": "/r/secrets/eye", "target": "/run/secrets", "read_only": True},
        {"source": "/r/data/1/series", "target": "/series"},
    ]
}


def test_a_service_judges_its_files_where_it_can_reach_and_change_nothing():
    runner = Script()

    prepare.check(Path("/r/releases/2-b"), CHECKED, MOUNTS, runner)

    (argv,) = runner.asked
    text = " ".join(argv)
    assert text.startswith("docker run --rm --network none --read-only --cap-drop ALL ")
    assert "--security-opt no-new-privileges" in text
    assert "--user 7:8" in text
    assert ["made/eye:1", "check", "/etc/eye.yml"] == argv[-3:]
    assert ["--entrypoint", "promtool"] == argv[-5:-3]
    assert ["/r/config/eye/abc:/etc/eye:ro", "/r/secrets/eye:/run/secrets:ro"] == [
        word for before, word in itertools.pairwise(argv) if before == "--volume"
    ]


def test_live_files_are_those_of_the_release_and_not_those_in_force(tmp_path):
    (tmp_path / "live/eye").mkdir(parents=True)
    mounts = {"volumes": [{"source": "/r/live/eye", "target": "/etc/live", "read_only": True}]}
    runner = Script()

    prepare.check(tmp_path, CHECKED, mounts, runner)

    assert f"{tmp_path}/live/eye:/etc/live:ro" in runner.asked[0]


def test_live_files_that_are_missing_are_not_made_by_the_engine(tmp_path):
    mounts = {"volumes": [{"source": "/r/live/eye", "target": "/etc/live", "read_only": True}]}

    with pytest.raises(BeastError, match="no live files"):
        prepare.check(tmp_path, CHECKED, mounts, Script())


def test_a_refusal_names_the_service_what_it_says_and_where_it_is_set():
    with pytest.raises(CommandError) as refused:
        prepare.check(Path("/x"), CHECKED, MOUNTS, Script("line 3:\n  no such field"))

    assert "eye refuses its configuration: line 3: no such field" == str(refused.value)
    assert "roles/eye/defaults/main.yml" in refused.value.hint


class Runner:
    """A runner that writes down what Docker is asked for."""

    def __init__(self, steps):
        self.steps = steps

    def run(self, argv, *, seconds=60):
        assert seconds > 0
        self.steps.append(argv[1])
        return ""


class Judge:
    """A Compose that writes down when it was asked, and what was there by then."""

    def __init__(self, steps, folder, failure=""):
        self.steps, self.folder, self.failure = steps, folder, failure

    def judge(self):
        self.steps.append("judge")
        self.overlay = yaml.safe_load((self.folder / "compose.host.yml").read_text())
        if self.failure:
            raise CommandError(self.failure)


@pytest.fixture
def landed(tmp_path, monkeypatch):
    """A release that has landed: a place, and a function that prepares it and tells the steps."""
    place = Place(tmp_path)
    folder = place.releases / "1-a"
    folder.mkdir(parents=True)
    described = {"services": {"eye": {**MOUNTS, "cpus": 2}}}
    (folder / "compose.yml").write_text(yaml.safe_dump(described))
    steps = []
    judge = Judge(steps, folder)
    monkeypatch.setattr(prepare, "project", lambda *_: judge)

    def run(failure="", *services):
        judge.failure = failure
        (folder / "services.json").write_text(released(CHECKED, *services).model_dump_json())
        prepare.prepare(place, "1-a", Engine(OURS, count=1), Runner(steps))
        return judge

    return steps, run


def test_compose_judges_all_files_before_any_service_judges_its_own(landed):
    steps, run = landed

    judge = run()

    assert {"services": {"eye": {"cpus": 1}}} == judge.overlay
    assert ["pull", "judge", "run"] == steps


def test_what_the_names_of_images_stand_for_is_kept_once_all_is_judged(landed, tmp_path):
    with pytest.raises(CommandError):
        landed[1]("nonsense")
    assert {} == identity.kept(tmp_path / "releases/1-a")

    landed[1]()
    assert {"eye": "sha256:made/eye:1"} == identity.kept(tmp_path / "releases/1-a")


def test_a_moved_name_of_an_image_is_refused_before_anything_is_judged(landed, monkeypatch):
    steps, run = landed

    def refuse(*_):
        raise ConflictError("moved")

    monkeypatch.setattr(identity, "refuse_replaced", refuse)
    with pytest.raises(ConflictError):
        run()

    assert ["pull"] == steps


def test_what_compose_refuses_is_not_judged_any_further(landed):
    steps, run = landed

    with pytest.raises(CommandError, match="nonsense"):
        run("nonsense")

    assert ["pull", "judge"] == steps


def test_certificates_are_there_and_their_root_where_it_is_handed_out(landed, tmp_path):
    door = a_container("door", certificate=("d.example",))
    ours = a_container("api", image="ai-beast:abc", ours=True)

    landed[1]("", door, ours)

    root = (tmp_path / "live/api/ca.crt").read_text()
    assert root.startswith("-----BEGIN CERTIFICATE-----")
    assert 0o644 == (tmp_path / "live/api/ca.crt").stat().st_mode & 0o777
    assert not (tmp_path / "live/eye").exists()


def test_where_nobody_shows_a_certificate_there_is_no_authority(landed, tmp_path):
    landed[1]()

    assert ["releases"] == [path.name for path in tmp_path.iterdir()]
