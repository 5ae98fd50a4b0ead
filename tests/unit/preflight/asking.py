# SPDX-License-Identifier: Apache-2.0
"""Ask the preflight as a host is asked: out of its parcel, by another interpreter."""

import subprocess
from typing import Any

from beast_ops.preflight import parcel

NOBODY = 65534


def wish(root: object, **said: Any) -> dict[str, Any]:
    """Return a wish that any machine can fulfil, except for what is *said*."""
    plain = {
        "root": str(root),
        "python": "3.8",
        "disk_mib": 1,
        "memory_mib": 1,
        "ports": {},
        "roles": {},
    }
    return {**plain, **said}


def ids(findings: Any) -> list[str]:
    """Return the ids of *findings*."""
    return [finding.id for finding in findings]


def run(python: str, asked: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return what *python* answers to *asked*."""
    done = subprocess.run(
        ["/bin/sh", "-c", parcel.command(python, asked)],
        input=parcel.pack(),
        capture_output=True,
        check=False,
        timeout=60,
        cwd="/",
        **options,
    )
    assert b"" == done.stderr
    return parcel.read(done.returncode, done.stdout.decode(), "")
