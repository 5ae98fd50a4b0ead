# SPDX-License-Identifier: Apache-2.0
"""What stands before the model server: it asks who comes, and lets nobody do more than they may.

The model server itself lets anybody who reaches it fetch and delete models. So it is in a network
that only this process joins, which speaks the part of its API that is written in `permits`.
"""
