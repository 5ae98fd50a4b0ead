# SPDX-License-Identifier: Apache-2.0
"""Watch folders: what was created, modified, deleted, moved, once it has come to rest.

    with Watcher(["/docs"], Tree()) as watcher:
        while True:
            for change in watcher.changes(1.0):
                print(change)

The system's notices merely say where to look. What changed is found by comparing what is there
with what was there, so nothing is told twice, and nothing that is missed once is missed for good.
"""

from .model import Change, Kind, Sight, Signature, View
from .tree import Tree
from .watcher import Watcher, WatchOptions

__all__ = ["Change", "Kind", "Sight", "Signature", "Tree", "View", "WatchOptions", "Watcher"]
