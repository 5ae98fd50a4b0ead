# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory of one server comes to, planned by Ansible and in this process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from beast_ops.release.controller import Site, draft

CLONE = Path(__file__).parents[3]
INVENTORY = CLONE / "inventory/server/group_vars/all.yml"
DOMAIN = "example.org"
SECONDS = 120


@pytest.fixture(scope="session")
def plan_at(tmp_path_factory):
    """Return a function that plans the server's inventory for a root and returns the shipment.

    Only the plan counts: what a check says of this machine does not.
    """

    def run(root):
        reader, writer = os.pipe()
        said = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "beast_root": "{{ lookup('ansible.builtin.env', 'BEAST_ROOT') }}",
            "beast_domain": DOMAIN,
        }
        argv = [Path(sys.executable).with_name("ansible-playbook"), "--check"]
        with subprocess.Popen(
            [*argv, "-i", "inventory/server", "playbooks/site.yml", "-e", json.dumps(said)],
            cwd=CLONE,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path_factory.mktemp("aside")),
                "LC_ALL": "C.UTF-8",
                "BEAST_ROOT": str(root),
                "BEAST_PROGRESS": str(writer),
                "ANSIBLE_CALLBACKS_ENABLED": "beast_progress",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=(writer,),
        ) as process:
            os.close(writer)
            with os.fdopen(reader, encoding="utf-8") as lines:
                events = [json.loads(line) for line in lines]
            output = process.communicate(timeout=SECONDS)[0]
        plans = [event["plan"] for event in events if "plan" in event]
        assert plans, output
        return plans[0]["shipment"]

    return run


class Inventory:
    """The inventory of one server and the roles it names, templated here: that takes no time."""

    def __init__(self):
        self._loader = DataLoader()
        said = self._read(INVENTORY)
        self.roles = said["beast_services"]
        self.variables = {"inventory_dir": str(INVENTORY.parents[1])}
        for role in self.roles:
            for part in ("defaults", "vars"):
                self.variables |= self._read(CLONE / f"roles/{role}/{part}/main.yml")
        self.variables |= {**said, "beast_domain": DOMAIN}

    def _read(self, path):
        return self._loader.load_from_file(str(path), trusted_as_template=True)

    def value(self, name, **given):
        """Return what a setting comes to."""
        templar = Templar(self._loader, {**self.variables, **given})
        return templar.template(self.variables[name])

    def draft(self, **given):
        """Return the draft of a release with some settings *given*."""
        templar = Templar(self._loader, {**self.variables, **given})
        cards = [templar.template(self.variables[f"__{role}_card"]) for role in self.roles]
        return draft(cards, Site("beast", "compose", "/r", domain=DOMAIN), "v" * 12, {})


@pytest.fixture(scope="session")
def inventory():
    return Inventory()
