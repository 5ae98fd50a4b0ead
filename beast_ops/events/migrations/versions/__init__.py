# SPDX-License-Identifier: Apache-2.0
"""One module per revision, the number of which is its name."""
