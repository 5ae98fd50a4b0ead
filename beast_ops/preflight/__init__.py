# SPDX-License-Identifier: Apache-2.0
"""Ask a host, before anything changes, whether it can carry the stack.

Needs nothing but the standard library of Python 3.8, because it is sent to hosts where nothing
of ours is installed yet, and must be able to say that their Python is too old. `parcel` packs
it for the way; on the host it runs as

    PYTHONPATH=PARCEL python3 -m preflight '{"root": "/home/me/.beast", …}'

It reads only, and answers with one JSON object: `blockers` and `warnings`, each with a stable
`id`, what is wrong, and what to do next; `refusal` is the paragraph that tells all blockers.
"""

from __future__ import annotations
