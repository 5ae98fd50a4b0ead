# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `secrets`: one short function each."""

from typing import Any

from beast_ops.door.verb import verb


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast secrets.list",
    name="list",
    there=True,
    help={"json": "print one JSON document, for machines"},
)
def list_(_context: Any, *, json: bool = False) -> None:
    """Show which secrets there are, and who reads them; no values."""
    from beast_ops.door.secrets import show_all

    show_all(_place(), json=json)


@verb(
    "./beast secrets.show open-webui/admin_password",
    there=True,
    terminal="yes",
    short={"y": "yes"},
    help={"name": "OWNER/NAME, as secrets.list has it", "yes": "even where nobody sees it"},
)
def show(_context: Any, name: str, *, yes: bool = False) -> None:
    """Print one secret, on a terminal only."""
    from beast_ops.door.secrets import show as print_one

    print_one(_place(), name, yes=yes)


@verb(
    "./beast secrets.set traefik/cf_dns_api_token --inventory inventory/server",
    name="set",
    help={
        "name": "OWNER/NAME, as deploy asked for it",
        "inventory": "keep it on the host of this inventory instead of this machine",
    },
)
def set_(_context: Any, name: str, *, inventory: str = "") -> None:
    """Keep a secret that only you know; asks for it, or reads a line from standard input."""
    from beast_ops.door.secrets import keep

    keep(_place(), name, inventory)


@verb(
    "./beast secrets.rotate qdrant/api_key",
    help={
        "name": "OWNER/NAME, as secrets.list has it",
        "inventory": "what the machines shall be: a path in inventory/ or elsewhere",
        "step": "on the host itself, one step alone: begin (a new version), prove (old is refused)",
    },
    interrupted="The new version counts once it is there. Run: ./beast deploy",
)
def rotate(_context: Any, name: str, *, inventory: str = "inventory/local", step: str = "") -> int:
    """Give a secret a new value, bring it to its readers, prove that the old one is refused."""
    from beast_ops.door.secrets import rotate as change

    return change(_place(), name, inventory, step)
