# SPDX-License-Identifier: Apache-2.0
"""Releases: what runs, rendered as a whole, made current by one rename, proven by its gate."""
