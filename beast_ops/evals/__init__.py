# SPDX-License-Identifier: Apache-2.0
"""Golden questions: what a collection must answer, asked again after every change."""
