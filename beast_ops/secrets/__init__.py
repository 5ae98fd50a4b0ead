# SPDX-License-Identifier: Apache-2.0
"""The secrets of an installation: which there are, what they are, and how they change."""
