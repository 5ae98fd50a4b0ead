# SPDX-License-Identifier: Apache-2.0
"""Write `docs/reference/` of this clone anew: `python -m beast_ops.reference`."""

import sys
from pathlib import Path

from beast_ops.files import write_atomically

from .pages import pages

CLONE = Path(__file__).resolve().parents[2]


def main(clone: Path) -> list[str]:
    """Write every page that differs into *clone* and return their names."""
    folder = clone / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages(clone).items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text.encode(), 0o644)
            written.append(name)
    return written


if __name__ == "__main__":
    for name in main(CLONE):
        sys.stdout.write(f"Written: docs/reference/{name}\n")
