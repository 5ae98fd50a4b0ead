# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from beast_ops.preflight import docker
from beast_ops.preflight.docker import BY_HAND, Docker, Published, check_docker, version
from beast_ops.preflight.finding import Wish
from tests.unit.preflight.asking import wish

DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12"}
DEBIAN_13 = {"ID": "debian", "VERSION_ID": "13"}
SID = {"ID": "debian"}
FOCAL = {"ID": "ubuntu", "VERSION_ID": "20.04", "PRETTY_NAME": "Ubuntu 20.04"}
JAMMY = {"ID": "ubuntu", "VERSION_ID": "22.04"}
MINT = {"ID": "linuxmint", "ID_LIKE": "ubuntu debian", "VERSION_ID": "21"}
RASPBIAN = {"ID": "raspbian", "ID_LIKE": "debian", "VERSION_ID": "12"}
FEDORA = {"ID": "fedora", "VERSION_ID": "43", "PRETTY_NAME": "Fedora Linux 43"}
GOOD = Docker("/usr/bin/docker", "28.2.2", "2.26.1")


def findings(found, system=JAMMY, engine="distribution"):
    return list(check_docker(Wish(**wish("/r", engine=engine)), found, system))


def one(*args, **options):
    (finding,) = findings(*args, **options)
    return finding


@pytest.fixture
def plain(programs):
    """Return the programs of a host with a program docker that does what Docker does."""
    programs.answers("docker", "--version", "Docker version 28.2.2, build e6534b4\n")
    return programs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v2.26.1-4", (2, 26, 1)),
        ("20.10.24+dfsg1", (20, 10, 24)),
        ("29.0.0-rc.1", (29, 0, 0)),
        ("5", (5,)),
        ("22.04", (22, 4)),
        ("dev", ()),
        ("", ()),
    ],
)
def test_a_version_is_the_numbers_it_begins_with(text, expected):
    assert expected == version(text)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("engine", ["20.10.0", "20.10.24+dfsg1", "24.0.7", "29.1.0", "master"])
def test_an_engine_that_is_new_enough_is_welcome(engine):
    assert [] == findings(GOOD._replace(engine=engine))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("engine", ["20.9.9", "19.03.15", "1.13.1", "18.09.1"])
def test_an_engine_that_is_too_old_is_refused(engine):
    finding = one(GOOD._replace(engine=engine))

    assert ("engine-too-old", True) == (finding.id, finding.blocks)
    assert f"Docker Engine is {engine}; the stack needs 20.10 or newer." == finding.message
    assert "Upgrade it the way it was installed; the deploy replaces no engine." == finding.hint


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "compose", ["2.24.0", "2.24.0-birthday.10", "2.40.3", "5.0.0", "5.1", "10.0"]
)
def test_a_compose_that_is_new_enough_is_welcome(compose):
    assert [] == findings(GOOD._replace(compose=compose))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("compose", ["2.23.3", "2.2.3", "1.29.2", "3.0.0", "4.9.9"])
def test_a_compose_that_is_too_old_or_never_was_is_refused(compose):
    finding = one(GOOD._replace(compose=compose))

    assert ("compose-too-old", True) == (finding.id, finding.blocks)
    assert f"Docker Compose is {compose}; the stack needs 2.24 or newer." == finding.message
    assert "Upgrade it the way it was installed." == finding.hint


def test_a_docker_in_a_snap_is_refused():
    finding = one(GOOD._replace(program="/snap/bin/docker"))

    assert ("engine-in-snap", True) == (finding.id, finding.blocks)
    assert "Docker runs as a snap, which sees no folder but its own." == finding.message
    assert "Remove it (snap remove docker)" in finding.hint


def test_podman_under_the_name_of_docker_is_refused_for_that_alone(programs):
    programs.answers("docker", "--version", "podman version 4.3.1\n")

    finding = one(Docker("/usr/bin/docker", "4.3.1", "1.0.6"))

    assert ("engine-not-docker", True) == (finding.id, finding.blocks)
    assert "The program docker on this machine is Podman's." == finding.message
    assert "Remove the package podman-docker; the deploy installs Docker." == finding.hint


@pytest.mark.parametrize(
    "system", [DEBIAN_13, SID, JAMMY, MINT, RASPBIAN, {"ID": "debian", "VERSION_ID": "13.2"}]
)
def test_a_missing_docker_is_no_obstacle_where_the_distribution_has_it(system):
    assert [] == findings(Docker(), system)


@pytest.mark.parametrize("system", [DEBIAN_12, FOCAL])
def test_a_distribution_without_compose_is_refused_unless_docker_s_own_packages_are_wanted(system):
    finding = one(Docker(), system)

    assert ("compose-not-packaged", True) == (finding.id, finding.blocks)
    assert f"{system['PRETTY_NAME']} has no package of Docker Compose 2." == finding.message
    assert "put docker_source: docker into the inventory" in finding.hint
    assert [] == findings(Docker(), system, engine="docker")


@pytest.mark.parametrize("source", ["distribution", "docker"])
@pytest.mark.parametrize("system", [FEDORA, {"ID": "alpine"}, {}])
def test_a_missing_docker_is_refused_where_nobody_can_install_it(system, source):
    finding = one(Docker(), system, engine=source)
    name = system.get("PRETTY_NAME", "an unknown system")

    assert ("engine-not-packaged", True) == (finding.id, finding.blocks)
    assert (
        f"This machine runs {name}; the deploy installs Docker on Debian and Ubuntu only."
        == finding.message
    )
    assert BY_HAND == finding.hint


@pytest.mark.usefixtures("plain")
def test_a_docker_that_is_there_is_welcome_on_any_system():
    assert [] == findings(GOOD, FEDORA)
    assert [] == findings(GOOD, FEDORA, engine="present")


@pytest.mark.usefixtures("plain")
def test_a_docker_that_is_there_but_silent_is_started_and_not_installed_again():
    silent = GOOD._replace(engine="", silence="Cannot connect to the Docker daemon")

    finding = one(silent, FEDORA)

    assert ("engine-silent", True) == (finding.id, finding.blocks)
    assert (
        "Docker is installed, but its engine does not answer: Cannot connect to the Docker daemon."
        == finding.message
    )
    assert "Start it (systemctl start docker), or let it answer this user." == finding.hint
    assert [] == findings(silent, JAMMY)


@pytest.mark.parametrize(
    ("found", "why"),
    [(Docker(), ""), (Docker(silence="permission denied"), " (permission denied)")],
)
def test_an_engine_that_must_be_there_and_is_not_is_refused(found, why):
    finding = one(found, engine="present")

    assert ("engine-missing", True) == (finding.id, finding.blocks)
    assert f"No Docker Engine answers on this machine{why}." == finding.message
    assert "Start it, or let the deploy see to it: docker_source: distribution" == finding.hint


@pytest.mark.usefixtures("plain")
def test_a_compose_that_must_be_there_and_is_not_is_refused():
    finding = one(GOOD._replace(compose=""), engine="present")

    assert ("compose-missing", True) == (finding.id, finding.blocks)
    assert ("Docker Compose is not installed.", BY_HAND) == (finding.message, finding.hint)


def test_a_host_without_docker_has_none(programs):
    assert [] == list(programs.folder.iterdir())
    assert Docker() == docker.look()


def test_a_docker_is_seen_with_its_versions(programs):
    programs.answers("docker", "version --format", "28.2.2\n")
    programs.answers("docker", "compose version --short", "v2.26.1-4\n")

    assert Docker(str(programs.folder / "docker"), "28.2.2", "2.26.1-4") == docker.look()


@pytest.mark.parametrize(
    ("complaint", "silence"),
    [("warning\nCannot connect", "Cannot connect"), ("", "no reason given")],
)
def test_a_silent_engine_is_seen_with_its_reason(complaint, silence, programs):
    programs.fails("docker", "version", complaint)
    programs.fails("docker", "compose", "docker: 'compose' is not a docker command.")

    assert Docker(str(programs.folder / "docker"), "", "", silence) == docker.look()


def held(programs, ports):
    programs.answers("docker", "ps", f"web\t/r\tbeast\t{ports}\nidle\t\t\t9/tcp, 53/udp\n")
    return [(each.address, each.port) for each in docker.published()]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("0.0.0.0:80->80/tcp, [::]:80->80/tcp", [("0.0.0.0", 80), ("::", 80)]),
        ("0.0.0.0:80->80/tcp, :::80->80/tcp", [("0.0.0.0", 80), ("::", 80)]),
        ("127.0.0.1:81-83->1-3/tcp", [("127.0.0.1", 81), ("127.0.0.1", 82), ("127.0.0.1", 83)]),
        ("[2001:db8::1]:443->8443/tcp", [("2001:db8::1", 443)]),
        ("0.0.0.0:53->53/udp, 80/tcp", []),
        ("", []),
    ],
)
def test_every_port_that_a_container_holds_is_seen(ports, expected, programs):
    assert expected == held(programs, ports)


@pytest.mark.parametrize(
    ("project", "words"), [("shop", "the container web of shop"), ("", "the container web")]
)
def test_who_holds_a_port_has_a_name(project, words):
    assert words == Published("0.0.0.0", 80, "web", "", project).words


def test_images_are_known_by_tag_and_by_digest(programs):
    told = "a/b:1\na/b@<none>\na/c:<none>\na/c@sha256:0a\n<none>:<none>\n<none>@<none>\n"
    programs.answers("docker", "images --digests --format {{.Repository}}:{{.Tag}}", told)

    assert {"a/b:1", "a/c@sha256:0a"} == docker.images()


@pytest.mark.parametrize(
    ("told", "expected"),
    [("/srv/docker\n", "/srv/docker"), ("", "/var/lib/docker"), ("?\n", "/var/lib/docker")],
)
def test_images_are_kept_where_the_engine_says_or_where_it_usually_does(told, expected, programs):
    programs.answers("docker", "info", told)

    assert Path(expected) == docker.store()


def test_our_bridges_have_the_names_that_the_engine_gives_them(programs):
    asked = "network ls --no-trunc --format {{.ID}} --filter label=org.ai-beast.root=/r"
    programs.answers("docker", asked, f"2fd21acbd643{'0' * 52}\n")

    assert {"br-2fd21acbd643"} == docker.bridges("/r")
    assert set() == docker.bridges("/elsewhere")
