# SPDX-License-Identifier: Apache-2.0
"""What does on the host what needs power over its containers, for the API, which has none.

`python -m beast_ops.agent` listens on a Unix socket below the root; `client` speaks to it.
Whoever asks must be root or the user the API runs as, which the kernel tells. One request is
one line of JSON, and so is its answer.
"""
