# SPDX-License-Identifier: Apache-2.0
"""The role docker alone: on hosts with a past, over a user who is not root, from a repository."""

import ipaddress
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import engine, fleet, galaxy
from tests.lab.shell import CLONE, docker
from tests.lab.stack import Done

pytestmark = pytest.mark.needs("docker")

SETTINGS = "/etc/docker/daemon.json"
FOREIGN = {"log-driver": "local", "labels": ["owner=me"]}
ROTATION = {"max-size": "10m", "max-file": "5"}
OURS = {"log-driver": "json-file", "log-opts": ROTATION, "live-restore": True}
OPERATOR = "keeper"
PLAYBOOK = [{"hosts": "all", "gather_facts": False, "become": True, "roles": ["docker"]}]
RUN = {"cwd": CLONE, "capture_output": True, "text": True, "timeout": 600}
# All that an installation would leave: files, packages, groups.
TRACES = """
find /etc /usr /opt /root /home /var/lib/apt /var/cache/apt -xdev -newer /booted
dpkg-query -W
getent group
"""
# A repository like Docker's; what it calls Docker is the engine of the distribution.
REPOSITORY = """
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends apt-utils gnupg >/dev/null
cd /srv/repository/debian
apt-get download -qq docker.io
dpkg-deb -R docker.io_*.deb /srv/docker-ce
rm docker.io_*.deb
mkdir -p /srv/docker-compose-plugin/usr/libexec/docker
mv /srv/plugins /srv/docker-compose-plugin/usr/libexec/docker/cli-plugins
for name in docker-ce docker-ce-cli containerd.io docker-compose-plugin; do
  control=/srv/$name/DEBIAN/control
  mkdir -p "${control%/*}"
  [ -e "$control" ] || printf '%s\\n' 'Version: 1' 'Architecture: all' \
    'Maintainer: a <a@b.test>' 'Description: none' >"$control"
  sed -i -e "1i Package: $name" -e '/^Package:/d' -e '/^Conflicts:/d' "$control"
  dpkg-deb -Znone -b "/srv/$name" "$name.deb" >/dev/null
done
list=dists/bookworm/stable/binary-$(dpkg --print-architecture)
mkdir -p "$list"
apt-ftparchive packages . >"$list/Packages"
apt-ftparchive -o APT::FTPArchive::Release::Codename=bookworm release dists/bookworm >/srv/Release
gpg --batch --quiet --passphrase '' --quick-generate-key repository@b.test
gpg --clearsign --output dists/bookworm/InRelease /srv/Release
gpg --armor --export >gpg
"""


@dataclass(frozen=True)
class Machine:
    """A host, and the folder of the playbook and inventories that lead there."""

    name: str
    folder: Path

    def does(self, *argv: str, feed: bytes | None = None) -> str:
        return docker("exec", *(["-i"] if feed else []), self.name, *argv, feed=feed)

    def traces(self) -> str:
        return self.does("sh", "-c", TRACES)

    def says(self) -> str:
        return self.does("cat", SETTINGS)

    def has(self, said: str) -> None:
        write = f"mkdir -p /etc/docker && cat >{SETTINGS}"
        self.does("sh", "-c", write, feed=said.encode())

    def old(self) -> list[str]:
        """Return what the copies say that were kept of former settings."""
        listed = self.does("find", "/etc/docker", "-name", "daemon.json.*~").split()
        return [self.does("cat", path) for path in listed]

    def engine(self) -> dict[str, object]:
        return json.loads(self.does("docker", "info", "--format", "{{json .}}"))

    def since(self) -> str:
        """Return whether the engine runs, and since when."""
        shown = "ActiveState,MainPID,ActiveEnterTimestamp"
        return self.does("systemctl", "show", "docker", "--property", shown)

    def role(self, *words: str, user: str = "root", **settings: object) -> Done:
        """Apply the role docker, and nothing else, as *user*."""
        reach = {"ansible_connection": "community.docker.docker", "ansible_user": user}
        playbook, hosts = self.folder / "docker.yml", self.folder / f"{user}.yml"
        playbook.write_text(json.dumps(PLAYBOOK))
        hosts.write_text(json.dumps({"all": {"hosts": {self.name: reach}}}))
        program = Path(sys.executable).with_name("ansible-playbook")
        argv = [program, "-i", hosts, playbook, "-e", json.dumps(settings), *words]
        env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(galaxy.collections())}
        done = subprocess.run(argv, **RUN, env=env, check=False)
        print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
        return Done(done.returncode, done.stdout, done.stderr)


def fresh(name, suite, folder):
    fleet.boot(fleet.Host(name, suite, "bare"))
    docker("exec", name, "touch", "/booted")
    return Machine(name, folder)


def changes(done):
    return [int(number) for number in re.findall(r"\bchanged=(\d+)", done.out)]


def refusal(done):
    """Return the sentence with which the role ended, if the role itself had one."""
    assert 2 == done.code, done.out
    return "".join(re.findall(r"Action failed: (.*)", done.out + done.err))


@pytest.fixture(scope="module")
def bare(lab, tmp_path_factory):
    """A host where nothing is installed."""
    assert lab
    yield fresh("role-docker", "trixie", tmp_path_factory.mktemp("role"))
    fleet.remove("role-docker")


@pytest.fixture(scope="module")
def first(bare):
    """The first run: over a user who may sudo, where somebody left settings of an engine."""
    bare.does("useradd", "--create-home", OPERATOR)
    bare.does("sh", "-c", f"echo '{OPERATOR} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/keeper")
    bare.has(json.dumps(FOREIGN))
    return bare.role(user=OPERATOR)


@pytest.fixture
def host(bare, first):
    """The host after the first run; its systemd forgets how often the engine was started."""
    assert 0 == first.code, first.out
    bare.does("systemctl", "reset-failed", "docker")
    return bare


@pytest.fixture(scope="module")
def older(lab, tmp_path_factory):
    """A host of the Debian before, which has no Compose 2."""
    assert lab
    yield fresh("role-docker-old", "bookworm", tmp_path_factory.mktemp("older"))
    fleet.remove("role-docker-old")


def test_a_rehearsal_on_a_bare_host_changes_nothing(bare):
    before = bare.traces()
    done = bare.role("--check", "--diff")

    assert (0, [0]) == (done.code, changes(done))
    assert before == bare.traces()


def test_an_engine_that_must_be_there_and_is_not_is_asked_for(bare):
    before = bare.traces()
    done = bare.role(docker_source="present")

    assert "Docker Engine is not installed" in refusal(done)
    assert "docker_source" in refusal(done)
    assert before == bare.traces()


@pytest.mark.parametrize("said", ['{"debug": tru', "[]\n"])
def test_settings_that_are_no_json_are_named_and_stay(bare, said):
    bare.has(said)
    before = bare.traces()
    done = bare.role()

    assert SETTINGS in refusal(done)
    assert said == bare.says()
    assert before == bare.traces()


def test_a_user_who_may_sudo_gets_an_engine_that_starts_with_the_machine(host):
    sudo = host.does("journalctl", "--no-pager", "--identifier", "sudo")

    assert f"{OPERATOR} : " in sudo
    assert "running" == host.does("systemctl", "is-system-running").strip()
    assert "enabled" == host.does("systemctl", "is-enabled", "docker").strip()
    assert host.does("docker", "compose", "version", "--short").strip()


def test_what_somebody_else_set_is_still_there_and_ours_is_beside_it(host):
    names = ("LoggingDriver", "Labels", "LiveRestoreEnabled")

    assert {**FOREIGN, "live-restore": True} == json.loads(host.says())
    assert [*FOREIGN.values(), True] == [host.engine()[name] for name in names]
    assert [json.dumps(FOREIGN)] == host.old()
    host.does("dockerd", "--validate")


@pytest.mark.parametrize("user", [OPERATOR, "root"])
def test_a_second_run_changes_nothing(host, user):
    before = host.since()
    done = host.role(user=user)

    assert (0, [0]) == (done.code, changes(done))
    assert before == host.since()


def test_further_settings_and_pools_arrive_in_the_engine(host):
    given = {
        "docker_daemon": {"debug": True, "labels": ["owner=us"]},
        "docker_address_pools": [{"base": "10.213.0.0/16", "size": 24}],
    }
    before = host.says(), host.since()
    assert "10.213.0.0/16" in host.role("--check", "--diff", **given).out
    assert before == (host.says(), host.since())
    done = host.role(**given)
    assert 0 == done.code, done.out
    host.does("docker", "network", "create", "pooled")
    form = "{{(index .IPAM.Config 0).Subnet}}"
    subnet = host.does("docker", "network", "inspect", "--format", form, "pooled").strip()

    assert (True, ["owner=us"]) == (host.engine()["Debug"], host.engine()["Labels"])
    assert ipaddress.ip_network(subnet).subnet_of(ipaddress.ip_network("10.213.0.0/16"))
    assert 24 == ipaddress.ip_network(subnet).prefixlen
    assert [0] == changes(host.role(**given))


@pytest.mark.parametrize("driver", ["journald", "json-file"])
def test_another_log_driver_leaves_no_option_of_the_one_before(host, driver):
    done = host.role(docker_daemon={"log-driver": driver})

    assert 0 == done.code, done.out
    assert driver == host.engine()["LoggingDriver"]
    assert (ROTATION if driver == "json-file" else None) == json.loads(host.says()).get("log-opts")


def test_the_options_of_another_log_driver_stay_alone(host):
    theirs = {"log-driver": "syslog", "log-opts": {"syslog-address": "udp://127.0.0.1:514"}}
    host.has(json.dumps(theirs))
    done = host.role()

    assert 0 == done.code, done.out
    assert {**theirs, "live-restore": True} == json.loads(host.says())
    assert "syslog" == host.engine()["LoggingDriver"]


def test_a_setting_that_no_engine_knows_is_refused_while_the_engine_runs_on(host):
    before = host.says(), host.since()
    done = host.role(docker_daemon={"no-such-setting": True})

    assert 2 == done.code
    assert "no-such-setting" in done.out + done.err
    assert before == (host.says(), host.since())


def test_a_distribution_without_compose_is_named_before_anything_is_installed(older):
    before = older.traces()
    done = older.role()

    assert "bookworm" in refusal(done)
    assert "docker_source" in refusal(done)
    assert before == older.traces()


@pytest.mark.parametrize(("names", "code"), [("ID=tanglu\nID_LIKE=debian", 0), ("ID=nix", 2)])
def test_a_derivative_takes_the_packages_of_its_family_and_a_stranger_none(older, names, code):
    older.does("cp", "--remove-destination", "/dev/stdin", "/etc/os-release", feed=names.encode())
    done = older.role("--check")
    older.does("ln", "-sf", "../usr/lib/os-release", "/etc/os-release")

    assert code == done.code
    assert (code == 0) or "packages for Debian and Ubuntu" in refusal(done)


def test_docker_comes_from_its_own_repository(older):
    older.does("mkdir", "-p", "/srv/repository/debian", "/srv/plugins")
    plugin = "cat >/srv/plugins/docker-compose && chmod 755 /srv/plugins/docker-compose"
    older.does("sh", "-c", plugin, feed=engine.compose_plugin().read_bytes())
    older.does("sh", "-c", REPOSITORY)
    serve = "python3 -m http.server --bind 127.0.0.1 --directory /srv/repository 8000"
    docker("exec", "-d", older.name, *serve.split())
    given = {"docker_source": "docker", "docker_repository": "http://127.0.0.1:8000"}
    done = older.role(**given)
    assert 0 == done.code, done.out
    listed = older.does("cat", "/etc/apt/sources.list.d/docker.sources").splitlines()

    assert {"URIs: http://127.0.0.1:8000/debian", "Suites: bookworm"} <= set(listed)
    assert "docker-compose-plugin" in older.does("apt-mark", "showmanual")
    assert older.does("docker", "compose", "version", "--short").strip()
    assert OURS == json.loads(older.says())
    assert [0] == changes(older.role(**given))
