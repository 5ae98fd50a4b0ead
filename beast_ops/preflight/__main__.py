# SPDX-License-Identifier: Apache-2.0
"""Print the findings for the wish in the first word."""

from __future__ import annotations

import sys

from .examine import main

if __name__ == "__main__":
    main(sys.argv[1:])
