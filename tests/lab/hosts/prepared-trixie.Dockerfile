# SPDX-License-Identifier: Apache-2.0
# A server on which somebody installed Docker already.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      docker-cli docker-compose docker.io iptables >/dev/null \
 && rm -rf /var/lib/apt/lists/*
