# SPDX-License-Identifier: Apache-2.0
"""The collection with which Ansible reaches the hosts, from the package index."""

import sys
import tempfile
import zipfile
from pathlib import Path

from beast_ops.files import switch_link

from .shell import cache, run, say

PACKAGE = "ansible==12.3.0"
WANTED = (
    "ansible_collections/community/docker/",
    "ansible_collections/community/library_inventory_filtering_v1/",
)


def collections() -> Path:
    """Return a folder for `ANSIBLE_COLLECTIONS_PATH`, filled once."""
    target = cache() / f"collections-{PACKAGE.partition('==')[2]}"
    if target.is_dir():
        _known_as(target)
        return target
    say("fetch Ansible's collection for Docker")
    with tempfile.TemporaryDirectory(dir=cache()) as text:
        words = ["-m", "pip", "download", "-q", "--no-deps", "-d", text, PACKAGE]
        run(sys.executable, *words)
        unfinished = Path(text) / "tree"
        with zipfile.ZipFile(next(Path(text).glob("*.whl"))) as wheel:
            names = [name for name in wheel.namelist() if name.startswith(WANTED)]
            wheel.extractall(unfinished, [name for name in names if "/tests/" not in name])
        unfinished.rename(target)
    _known_as(target)
    return target


def _known_as(folder: Path) -> None:
    """Let *folder* be found under a name without a version, too: the scenarios' one."""
    link = folder.with_name("collections")
    if not link.is_symlink() or link.readlink() != Path(folder.name):
        switch_link(link, folder.name)
