# SPDX-License-Identifier: Apache-2.0
"""Ask other programs of the host, which may be missing, slow or broken."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

SECONDS = 15.0


class Answer(NamedTuple):
    """What a program said; `code` is `None` if it is not there or did not end in time."""

    code: int | None
    text: str
    complaint: str = ""

    @property
    def well(self) -> bool:
        """Whether it did what it was asked."""
        return self.code == 0

    @property
    def lines(self) -> list[str]:
        """The lines it wrote that are not empty; none if it failed."""
        return [line for line in self.text.splitlines() if line.strip()] if self.well else []


def ask(*argv: str, seconds: float = SECONDS) -> Answer:
    """Run *argv* for at most *seconds* and return what it said."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, "", f"it did not answer within {seconds:g} s")
    except OSError as missing:
        return Answer(None, "", str(missing.strerror))
    text, complaint = (each.decode(errors="replace") for each in (done.stdout, done.stderr))
    return Answer(done.returncode, text, complaint.strip())
