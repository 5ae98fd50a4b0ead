# SPDX-License-Identifier: Apache-2.0
"""Become the command of a task, and end with whoever started it.

Run as a file by itself, with nothing but the standard library: words are the number of the parent,
the program, and its argv.
"""

import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2), linux/prctl.h
CANNOT = 126  # as shells say of what cannot be run


def main(words: list[str]) -> None:
    """Become the program in the second word; never returns where it can be run."""
    parent, program, *argv = words
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before we asked to be told
        os._exit(CANNOT)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        os.execve(program, argv, {})  # noqa: S606 - without a shell is the point
    except OSError as unable:
        sys.stderr.write(f"cannot be run: {unable.strerror}\n")
        os._exit(CANNOT)


if __name__ == "__main__":
    main(sys.argv[1:])
