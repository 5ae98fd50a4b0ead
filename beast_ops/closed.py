# SPDX-License-Identifier: Apache-2.0
"""Whether data take anything new: not those of an upgrade that has not proven itself yet.

What is accepted in that time would be gone if it does not hold. The mark lies among the data, so
it goes with them, and the API sees it wherever it runs.
"""

from pathlib import Path

from .place import Place

MARK = Path("jobs", "closed")


def close(data: Path) -> None:
    """Have nothing accepted for the data in *data*, if somebody would."""
    folder = (data / MARK).parent
    if folder.is_dir() and not folder.is_symlink():  # else it would be another generation's
        (data / MARK).touch(mode=0o644)


def reopen(place: Place) -> None:
    """Accept again for the data in force at *place*, and all others."""
    for mark in place.data.glob(f"*/{MARK}"):
        mark.unlink(missing_ok=True)


def is_closed(data: Path) -> bool:
    """Return whether nothing may be accepted for the data in *data*."""
    return (data / MARK).exists()
