# SPDX-License-Identifier: Apache-2.0
"""Write what a new service needs: one role, one scenario."""
