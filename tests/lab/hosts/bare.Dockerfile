# SPDX-License-Identifier: Apache-2.0
# A fresh server: Debian with systemd and what every image of a provider brings.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      ca-certificates dbus iproute2 procps python3 sudo systemd systemd-sysv >/dev/null \
 && systemctl mask systemd-modules-load.service systemd-udevd.service \
 && rm -rf /var/lib/apt/lists/*
COPY nameservers /etc/lab-nameservers
# Containers inside cannot reach the resolver on loopback that Docker gives this host; the ones
# behind it they can.
RUN printf '%s\n' '[Unit]' 'Before=docker.service network.target' '[Service]' 'Type=oneshot' \
      "ExecStart=/bin/sh -c 'grep -qxFf /etc/lab-nameservers /etc/resolv.conf || cat /etc/lab-nameservers >>/etc/resolv.conf'" \
      '[Install]' 'WantedBy=sysinit.target' >/etc/systemd/system/lab-resolver.service \
 && sed -i 's/^\[Unit\]$/[Unit]\nDefaultDependencies=no/' /etc/systemd/system/lab-resolver.service \
 && systemctl enable lab-resolver.service
STOPSIGNAL SIGRTMIN+3
CMD ["/sbin/init"]
