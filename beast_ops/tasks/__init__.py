# SPDX-License-Identifier: Apache-2.0
"""Tasks: a model plans, acts with tools, and observes what came of it, within fixed bounds.

What it may do is a frozen value that exists before the first call; nothing it says, and nothing
in a document it reads, can change it.
"""
