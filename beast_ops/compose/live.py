# SPDX-License-Identifier: Apache-2.0
"""The folders that services read anew by themselves: what a release says, as it is in force.

They are written by one rename per file, inside the folder that the container sees.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

from beast_ops.files import write_atomically

FOLDER, FILE = 0o755, 0o644
# What is made on the host and belongs to no release.
OWN = frozenset({"ca.crt"})


def bring(release: Path, live: Path) -> set[str]:
    """Make the folders below *live* what *release* says; return the services it changed for.

    Args:
        release: The folder of a release.
        live: The folder that holds one folder for each service.

    Raises:
        OSError: If a file cannot be written.
    """
    folder(live)
    changed = set()
    for source in sorted(release.glob("live/*/")):
        if _bring(source, live / source.name):
            changed.add(source.name)
    return changed


def sweep(live: Path, kept: Collection[str]) -> None:
    """Remove the folders below *live* of services that are not *kept*.

    Only once their containers are gone: one that goes on would see an empty folder for good.
    """
    for path in live.iterdir():
        if path.name not in kept:
            shutil.rmtree(path)


def _bring(source: Path, target: Path) -> bool:
    """Make *target* hold what *source* does, and nothing else but what is the host's."""
    folder(target)
    wanted = {path.relative_to(source): path for path in source.rglob("*") if path.is_file()}
    gone = [
        path
        for path in target.rglob("*")
        if path.is_file() and path.relative_to(target) not in wanted and path.name not in OWN
    ]
    new = {
        name: content
        for name, path in wanted.items()
        if (content := path.read_bytes()) != _content(target / name)
    }
    for above in sorted({above for name in wanted for above in name.parents}):
        folder(target / above)
    for name, content in new.items():
        write_atomically(target / name, content, FILE)
    for path in gone:
        path.unlink()
    return bool(gone or new)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def folder(path: Path) -> None:
    """Have the folder *path*, which every container may read."""
    path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    path.chmod(FOLDER)  # whatever the umask says
