# SPDX-License-Identifier: Apache-2.0
"""What those who fill a collection and those who search it must agree on."""

COLLECTION = "docs"  # where documents go, and are looked for, unless told otherwise
DENSE, SPARSE = "dense", "text"  # the names of a passage's vectors: its meaning, its words
