# SPDX-License-Identifier: Apache-2.0
"""A whole stack on a host of the lab, deployed as a reader of the README would."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from beast_ops.errors import CommandError

from . import fleet, galaxy, workshop
from .shell import CLONE, docker

ROOT = "/opt/beast"
DOMAIN = "beast.test"
DEPLOY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def changed(self) -> int:
        """How many tasks of a deploy changed something."""
        return int(re.findall(r"^changed=(\d+)$", self.out, re.MULTILINE)[-1])


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack on the host *name*, described by the inventory in *folder*."""

    name: str
    folder: Path

    def beast(self, *words: str, seconds: int = DEPLOY_SECONDS, **environ: str) -> Done:
        """Type `./beast` with *words* on this machine; the inventory is added."""
        argv = [str(CLONE / "beast"), *words, "--inventory", str(self.folder)]
        return self._run(argv, seconds, environ)

    def playbook(self, *words: str, seconds: int = DEPLOY_SECONDS) -> Done:
        """Type `ansible-playbook -i INVENTORY playbooks/site.yml` with *words*."""
        program = Path(sys.executable).with_name("ansible-playbook")
        argv = [str(program), "-i", str(self.folder), "playbooks/site.yml", *words]
        return self._run(argv, seconds, {})

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Begin what `beast` does, without waiting for its end."""
        argv = [str(CLONE / "beast"), *words, "--inventory", str(self.folder)]
        return subprocess.Popen(
            argv,
            cwd=CLONE,
            env=self._environ({}),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def _run(self, argv: list[str], seconds: int, environ: dict[str, str]) -> Done:
        done = subprocess.run(
            argv,
            cwd=CLONE,
            env=self._environ(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
        return Done(done.returncode, done.stdout, done.stderr)

    def _environ(self, more: dict[str, str]) -> dict[str, str]:
        found = str(galaxy.collections())
        return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": found, **more}

    def host(self, *argv: str, seconds: float = 120, feed: bytes | None = None) -> str:
        """Run *argv* on the host and return what it printed.

        Raises:
            CommandError: If it ends badly.
        """
        return docker(
            "exec", *(["-i"] if feed else []), self.name, *argv, seconds=seconds, feed=feed
        )

    def tries(self, *argv: str) -> bool:
        """Return whether *argv* ends well on the host."""
        try:
            self.host(*argv)
        except CommandError:
            return False
        return True

    def read(self, path: str) -> str:
        """Return the text of the file *path* below the root of the installation."""
        return self.host("cat", f"{ROOT}/{path}")

    def services(self) -> dict[str, Any]:
        """Return what the release in force says of each service, by name."""
        return {
            each["name"]: each
            for each in json.loads(self.read("current/services.json"))["services"]
        }

    def secret(self, name: str) -> str:
        """Return the secret `owner/name` as its own service reads it."""
        return self.read(f"secrets/{name}").strip()

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the host's engine says of each of our containers, by service."""
        label = f"label=org.ai-beast.root={ROOT}"
        ids = self.host("docker", "ps", "--all", "--quiet", "--filter", label).split()
        found = json.loads(self.host("docker", "inspect", *ids)) if ids else []
        return {each["Config"]["Labels"]["org.ai-beast.service"]: each for each in found}

    def started(self) -> dict[str, str]:
        """Return when each of our containers was started, by service."""
        return {name: each["State"]["StartedAt"] for name, each in self.containers().items()}

    def receipts(self) -> list[dict[str, Any]]:
        """Return all receipts, oldest first."""
        names = sorted(self.host("ls", f"{ROOT}/receipts").split())
        return [json.loads(self.read(f"receipts/{name}")) for name in names]

    def health(self) -> dict[str, str]:
        """Return the status of each check, by name."""
        done = self.beast("health", "--json", seconds=120)
        return {each["name"]: each["status"] for each in json.loads(done.out)["checks"]}

    def gets_well(self, seconds: float = 120) -> bool:
        """Wait until no check is unhealthy, as after a reboot; return whether it came to that."""
        until = time.monotonic() + seconds
        while "unhealthy" in self.health().values():
            if time.monotonic() > until:
                return False
            time.sleep(2)
        return True

    def address(self, network: str = "beast-lab") -> str:
        """Return the host's address as the other hosts of the lab see it."""
        form = f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}'
        return docker("inspect", "--format", form, self.name).strip()

    def set(self, **settings: Any) -> None:
        """Write *settings* into the inventory; `None` takes one away."""
        path = self.folder / "group_vars" / "all.yml"
        said = yaml.safe_load(path.read_text())
        said |= settings
        path.write_text(yaml.safe_dump({k: v for k, v in said.items() if v is not None}))


def inventory(name: str, folder: Path) -> Stack:
    """Return a stack for the host *name*: the example inventory, with that host in it."""
    shutil.copytree(CLONE / "inventory" / "server", folder, dirs_exist_ok=True)
    hosts = {"all": {"hosts": {name: {"ansible_connection": "community.docker.docker"}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    stack = Stack(name, folder)
    stack.set(beast_domain=DOMAIN)
    return stack


def fresh(name: str, folder: Path, *, suite: str = "trixie", bare: bool = True) -> Stack:
    """Boot a fresh host called *name* and return a stack that is still to be deployed there."""
    fleet.boot(fleet.Host(name, suite, "bare" if bare else "prepared"), workshop.golden())
    return inventory(name, folder)
