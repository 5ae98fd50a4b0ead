# SPDX-License-Identifier: Apache-2.0
"""Run a release in containers, with Docker Engine and Compose.

`definition` turns a card into what the Compose file says of it; `project` runs Compose;
`engine` asks Docker; `control` starts, changes and ends the stack; `prepare` gets everything
ready before anything stops.
"""
