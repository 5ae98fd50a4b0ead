# SPDX-License-Identifier: Apache-2.0
"""What the client tells while it works."""

from collections.abc import Callable, Mapping
from typing import Any

Show = Callable[[Mapping[str, Any]], None]
"""Takes how far it is: `phase` (`finding`, `fetching`, `uploading`, `running` or `note`), and with
it `done` and `of`, or what the worker says of its progress, or a `text`."""
