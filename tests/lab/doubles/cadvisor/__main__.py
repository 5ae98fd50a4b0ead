# SPDX-License-Identifier: Apache-2.0
"""The server: a few series for each container that the engine's socket names."""

import http.client
import json
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from common.service import App, Reply, Request, serve

SOCKET = Path("/var/run/docker.sock")
# docs/runtime_options.md of cAdvisor; those that a stack would set.
FLAGS = {
    *("allow_dynamic_housekeeping", "containerd", "disable_metrics", "docker", "docker_only"),
    *("enable_metrics", "env_metadata_whitelist", "global_housekeeping_interval", "http_auth_file"),
    *("housekeeping_interval", "listen_ip", "log_cadvisor_usage", "logtostderr", "machine_id_file"),
    *("max_housekeeping_interval", "port", "prometheus_endpoint", "raw_cgroup_prefix_whitelist"),
    *("storage_duration", "store_container_labels", "url_base_prefix", "v"),
    "whitelisted_container_labels",
}


class Line(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(SOCKET))


def ask(path: str) -> Any:
    line = Line("docker", timeout=10)
    line.request("GET", path)
    return json.loads(line.getresponse().read())


def flags(words: list[str]) -> dict[str, str]:
    """Return what *words* set.

    Raises:
        SystemExit: If one is not known, with the code of Go's flag package.
    """
    found = {}
    for word in words:
        name, _, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or name not in FLAGS:
            print(f"flag provided but not defined: -{name}", file=sys.stderr)
            raise SystemExit(2)
        found[name] = value or "true"
    return found


given = flags(sys.argv[1:])
listed = [name for name in given.get("whitelisted_container_labels", "").split(",") if name]
app = App()


def containers() -> list[dict[str, Any]]:
    if not SOCKET.exists():
        return []
    query = quote(json.dumps({"status": ["running"]}))
    return [
        ask(f"/containers/{each['Id']}/json") for each in ask(f"/containers/json?filters={query}")
    ]


def series() -> str:
    rows: dict[str, list[str]] = {
        "container_cpu_usage_seconds_total": [],
        "container_last_seen": [],
        "container_memory_usage_bytes": [],
        "container_memory_working_set_bytes": [],
        "container_network_receive_bytes_total": [],
        "container_network_transmit_bytes_total": [],
        "container_spec_memory_limit_bytes": [],
        "container_start_time_seconds": [],
    }
    for found in containers():
        labels = {
            "id": f"/docker/{found['Id']}",
            "image": found["Config"]["Image"],
            "name": found["Name"].lstrip("/"),
        }
        if given.get("store_container_labels") == "false":
            kept = {key: found["Config"]["Labels"].get(key) for key in listed}
        else:
            kept = found["Config"]["Labels"]
        for key, value in kept.items():
            if value is not None:
                labels["container_label_" + re.sub(r"\W", "_", key)] = value
        text = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
        started = time.mktime(time.strptime(found["State"]["StartedAt"][:19], "%Y-%m-%dT%H:%M:%S"))
        values = dict.fromkeys(rows, 1.0) | {
            "container_last_seen": time.time(),
            "container_memory_usage_bytes": 64 << 20,
            "container_memory_working_set_bytes": 48 << 20,
            "container_spec_memory_limit_bytes": float(found["HostConfig"]["Memory"]),
            "container_start_time_seconds": started,
        }
        for name, value in values.items():
            extra = f'{text},cpu="total"' if "cpu_usage" in name else text
            extra = f'{text},interface="eth0"' if "network" in name else extra
            rows[name].append(f"{name}{{{extra}}} {value}")
    body = "".join(
        f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}\n"
        + "".join(f"{row}\n" for row in found)
        for name, found in rows.items()
    )
    version = 'cadvisor_version_info{cadvisorVersion="double"} 1'
    return f"# TYPE cadvisor_version_info gauge\n{version}\n{body}"


@app.on("GET", "/healthz")
def healthz(_asked: Request) -> Reply:
    return Reply("ok")


@app.on("GET", "/metrics")
def metrics(_asked: Request) -> Reply:
    return Reply(series(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


@app.on("GET", "/")
def root(_asked: Request) -> Reply:
    return Reply("", 307, {"Location": "/containers/"})


serve(app, "0.0.0.0", int(given.get("port", "8080")))
