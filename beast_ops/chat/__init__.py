# SPDX-License-Identifier: Apache-2.0
"""Answers out of documents: passages found, a prompt that fits, citations that are checked."""
