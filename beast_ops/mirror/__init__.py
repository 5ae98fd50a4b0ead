# SPDX-License-Identifier: Apache-2.0
"""Keep a knowledge base of Open WebUI in step with a collection of ours."""
