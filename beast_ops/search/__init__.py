# SPDX-License-Identifier: Apache-2.0
"""Find passages: dense and lexical search in one query, fused by reciprocal rank."""
