# SPDX-License-Identifier: Apache-2.0
"""Deploy, plan, render and remove: run the playbooks and tell how it goes."""

from .verbs import DeployOptions, deploy, plan, remove, render

__all__ = ["DeployOptions", "deploy", "plan", "remove", "render"]
