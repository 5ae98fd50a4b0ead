# SPDX-License-Identifier: Apache-2.0
"""Bring a secret to the host of an inventory, in no argument and no log."""

import tempfile
from pathlib import Path

from beast_ops.errors import CommandError, SettingsError
from beast_ops.files import write_atomically
from beast_ops.place import Place

from .inventory import found
from .playbook import Playbook, run


def give_there(place: Place, inventory: str, name: str, value: str) -> None:
    """Keep *value* as the secret *name* on the host of *inventory*.

    Args:
        place: The installation on this machine, whose root an inventory may follow.
        inventory: Path of the inventory.
        name: `owner/name`.
        value: The secret; it travels in a private file, then over the connection.

    Raises:
        SettingsError: If it is empty.
        CommandError: If the host cannot be reached.
    """
    if not value.strip():
        raise SettingsError("a secret is one line that is not empty", subject=name)
    with tempfile.TemporaryDirectory(prefix="beast-") as folder, tempfile.TemporaryFile() as log:
        file = Path(folder) / "given"
        write_atomically(file, value.encode())
        variables = {"secret_name": name, "secret_file": str(file)}
        playbook = Playbook("secret", str(found(inventory)), place.root, variables=variables)
        failure, code = "", 0
        for event in run(playbook, log):
            if event["event"] == "failed":
                failure = failure or " ".join(str(event.get("msg", "")).split())
            elif event["event"] == "exit":
                code = int(event["code"])
    if code:
        raise CommandError(failure or "the host did not answer", subject=inventory)
