# SPDX-License-Identifier: Apache-2.0
"""Read documents: any file to text in sections, or one sentence on why not."""

import stat
from importlib import import_module
from pathlib import Path

from beast_ops.errors import DocumentError

from .formats import FOREIGN, LEGACY, TABLE, Parser, parser_for, suffix_of
from .model import Document, Section, substantial

__all__ = ["TABLE", "Document", "Parser", "Section", "parse", "parser_for"]


def parse(path: Path, name: str) -> Document:
    """Return the document in the file at *path*.

    Args:
        path: Where its bytes are; an upload has no suffix.
        name: What its owner calls it; this decides the format.

    Raises:
        DocumentError: If it cannot be read; the message says why, the subject is *name*.
    """
    try:
        return _read(path, name)
    except DocumentError as unreadable:
        raise DocumentError(str(unreadable), subject=name) from unreadable
    except OSError as gone:
        raise DocumentError(f"cannot read it: {gone.strerror}", subject=name) from gone
    except MemoryError:
        raise
    except RecursionError as deep:
        raise DocumentError("nested too deeply", subject=name) from deep
    except Exception as wrong:
        # A reader met what it was not made for; the name of the error is all that is worth saying.
        reason = f"damaged: the reader gave up ({type(wrong).__name__})"
        raise DocumentError(reason, subject=name) from wrong


def _read(path: Path, name: str) -> Document:
    kind = path.stat()
    if not stat.S_ISREG(kind.st_mode):
        raise DocumentError("not a file")  # one could wait for ever for what a pipe holds
    if kind.st_size == 0:
        raise DocumentError("empty")
    if suffix_of(name) in FOREIGN:
        raise DocumentError(f"no reader for {suffix_of(name)} files")
    if advice := LEGACY.get(suffix_of(name)):
        raise DocumentError(f"no reader for {suffix_of(name)} files: {advice}")
    parser = parser_for(name)
    document: Document = import_module(f".{parser.module}", __name__).read(path, parser)
    return substantial(document)
