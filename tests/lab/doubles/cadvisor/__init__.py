# SPDX-License-Identifier: Apache-2.0
"""Double of cAdvisor (FACTS §5): what it answers, and what it refuses.

* `/healthz` says ok; `/metrics` has series of containers with the label `name`.
* A flag it does not know ends it, as Go's flag package does.
* Labels of containers become labels of series only if they are on its list.
* Without the engine's socket below /var/run it knows no containers.
"""
