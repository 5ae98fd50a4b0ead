# SPDX-License-Identifier: Apache-2.0
"""The door: from the words somebody typed to a call of the library."""
