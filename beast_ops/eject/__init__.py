# SPDX-License-Identifier: Apache-2.0
"""Leave: plain Compose of the release in force, in a folder that needs nothing of ours.

`shape` says what its Compose file says (pure), `readme` what a reader must know (pure), and
`write` makes the folder.
"""
