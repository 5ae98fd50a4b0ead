# SPDX-License-Identifier: Apache-2.0
"""The verbs for when it is not well."""

from typing import Any

from beast_ops.door.verb import verb


@verb(
    "./beast doctor --fix",
    there=True,
    help={
        "fix": "mend what is safe to mend, then look again",
        "json": "print one JSON document, for machines",
    },
    interrupted="Run ./beast doctor again: it looks at whatever state this left.",
)
def doctor(_context: Any, *, fix: bool = False, json: bool = False) -> int:
    """Find out why it is not well: exit code 0 no problem, 1 problems."""
    from beast_ops.door.doctor import doctor as look
    from beast_ops.place import installation

    return look(installation(), mend=fix, json=json)


@verb("./beast gpu --json", there=True, help={"json": "print one JSON document, for machines"})
def gpu(_context: Any, *, json: bool = False) -> int:
    """Show the GPUs, and whether models are where they are said to be: exit code 0 yes, 1 no."""
    from beast_ops.door.gpus import gpu as show
    from beast_ops.place import installation

    return show(installation(), json=json)


@verb(
    "./beast support-bundle --to /tmp/support.tar.gz",
    there=True,
    help={"to": "the file to write; one in the current folder when left out"},
)
def support_bundle(_context: Any, *, to: str = "") -> None:
    """Pack what somebody who helps needs to see, without secrets."""
    from beast_ops.door.doctor import support_bundle as pack
    from beast_ops.place import installation

    pack(installation(), to)
