# SPDX-License-Identifier: Apache-2.0
"""Double of Grafana; each line says what it does as the real one (FACTS §6).

* `/api/health` and `/metrics` answer everybody; all else below `/api` wants a login.
* The administrator's password counts at the first start only; later it is changed by the API.
* `GF_…__FILE` is read instead of `GF_…`; a file that cannot be read stops it.
* Data sources and dashboard providers come from YAML, in which variables are filled in.
* A dashboard is a bare model; one in a wrapper has an empty title and is not loaded.
* Dashboards are read anew when their files change.
"""
