#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# As in the production image: what is said on the command line goes to the server.
exec ./qdrant "$@"
