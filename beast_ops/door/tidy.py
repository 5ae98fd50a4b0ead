# SPDX-License-Identifier: Apache-2.0
"""Look at every file of the clone: whitespace, last line, YAML, size.

Run as `python -m beast_ops.door.tidy [FILE…]`; part of `./beast lint`.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .output import line

CLONE = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 500_000  # what does not fit a review does not belong into the history
LEFT_OUT = frozenset({".git", ".venv", "out", "__pycache__"})
_CONFLICT = re.compile(r"^(<{7}|>{7})( |$)")


def complaints(name: str, content: bytes) -> Iterator[str]:
    """Yield what is wrong with the file *name*, each as `name:line: what`."""
    if len(content) > LARGEST_BYTES:
        yield f"{name}:1: larger than {LARGEST_BYTES} bytes"
    # What others made is kept byte by byte, so that its checksum is the one they published.
    if b"\0" in content or name.endswith(".min.js"):
        return
    text = content.decode("utf-8", "replace")
    for number, each in enumerate(text.split("\n"), 1):
        if each != each.rstrip():
            yield f"{name}:{number}: whitespace at the end of the line"
        if _CONFLICT.match(each):
            yield f"{name}:{number}: a conflict that was not solved"
    if text and not text.endswith("\n"):
        yield f"{name}:{len(text.splitlines())}: no newline at the end"
    if text.endswith("\n\n"):
        yield f"{name}:{len(text.splitlines())}: empty lines at the end"
    if name.endswith((".yml", ".yaml")):
        yield from _yaml(name, text)


def _yaml(name: str, text: str) -> Iterator[str]:
    import yaml

    try:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        yield f"{name}:{mark.line + 1 if mark else 1}: no YAML: {wrong.problem}"
    except yaml.YAMLError as wrong:
        yield f"{name}:1: no YAML: {wrong}"


def files(clone: Path) -> list[Path]:
    """Return the files of *clone* that git knows or would take, or all without git."""
    ask = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(ask, cwd=clone, capture_output=True, timeout=60, check=True)
        found = [clone / name for name in done.stdout.decode(errors="surrogateescape").split("\0")]
    except (OSError, subprocess.SubprocessError):
        found = [path for path in clone.rglob("*") if not LEFT_OUT & set(path.parts)]
    return sorted({path for path in found if path.is_file() and not path.is_symlink()})


def main(names: Sequence[str], clone: Path = CLONE) -> int:
    """Print what is wrong with the files called *names*, or with all; return 1 if anything is."""
    chosen = [Path(name).absolute() for name in names] or files(clone)
    found = 0
    for path in chosen:
        name = str(path.relative_to(clone)) if path.is_relative_to(clone) else str(path)
        for complaint in complaints(name, path.read_bytes()):
            line(complaint)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
