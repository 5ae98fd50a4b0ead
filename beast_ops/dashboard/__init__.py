# SPDX-License-Identifier: Apache-2.0
"""The dashboard: pages written on the server, made live by a small library, no build step.

Pages look like the rest of the API from outside: same process, same guard, same data. They ask
nothing of any other origin, and bring no script or style that does not lie in `static/`.
"""
