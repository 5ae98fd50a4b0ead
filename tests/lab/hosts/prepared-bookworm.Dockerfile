# SPDX-License-Identifier: Apache-2.0
# A server on which somebody installed Docker already; Compose v2 did not come with Debian 12.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      docker.io iptables >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY docker-compose /usr/local/lib/docker/cli-plugins/docker-compose
RUN chmod 0755 /usr/local/lib/docker/cli-plugins/docker-compose
