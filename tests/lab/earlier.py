# SPDX-License-Identifier: Apache-2.0
"""Write an earlier version of this project, as `python -m tests.lab.earlier FOLDER` does.

As long as there is no tag, it is made up: this one with another version of the package, with the
format of services.json before this one, and with another setting of one service.
"""

import shutil
import sys
from pathlib import Path

from .shell import CLONE

EARLIER = {
    "beast_ops/__init__.py": ('__version__ = "0.1.0"', '__version__ = "0.0.9"'),
    "beast_ops/cards.py": ("\nVERSION = 2\n", "\nVERSION = 1\n"),
    "roles/qdrant/defaults/main.yml": ("qdrant_memory_mib: 4096", "qdrant_memory_mib: 3072"),
    "roles/qdrant/meta/argument_specs.yml": ("default: 4096", "default: 3072"),
}
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "out", "__pycache__", ".*_cache", "*.egg-info")


def write(folder: Path) -> None:
    """Write the earlier version into the new *folder*.

    Raises:
        ValueError: If there is nothing to change where a change should be.
    """
    shutil.copytree(CLONE, folder, ignore=LEFT_OUT, symlinks=True)
    for name, (now, then) in EARLIER.items():
        text = (folder / name).read_text(encoding="utf-8")
        if text.count(now) != 1:
            raise ValueError(f"{name} does not say {now!r} once")
        (folder / name).write_text(text.replace(now, then), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
