# SPDX-License-Identifier: Apache-2.0
"""Prove what is exposed: declared ports against real sockets, and every login by knocking.

`sockets` reads what listens on this host and `published` what Docker lets in; `exposure` compares
both with what the release declares; `access` knocks without a password; `probe` is sent to
another host to look from there; `judge` says what its answer means.
"""
