# SPDX-License-Identifier: Apache-2.0
"""Write anew what is written from the code: `python -m beast_ops.reference`.

That is `docs/reference/`, the READMEs of roles, and the rooms of the Python client.
"""

import sys
from pathlib import Path

from beast_ops.api.app import described
from beast_ops.files import write_atomically

from .client import client_files
from .pages import pages
from .roles import readmes

CLONE = Path(__file__).resolve().parents[2]


def main(clone: Path) -> list[str]:
    """Write every page that differs into *clone* and return their paths."""
    wanted = {f"docs/reference/{name}": text for name, text in pages(clone).items()}
    wanted |= {f"roles/{role}/README.md": text for role, text in readmes(clone).items()}
    wanted |= client_files(described())
    written = []
    for name, text in wanted.items():
        path = clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text.encode(), 0o644)
            written.append(name)
    return written


if __name__ == "__main__":
    for name in main(CLONE):
        sys.stdout.write(f"Written: {name}\n")
