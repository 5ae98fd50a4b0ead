# SPDX-License-Identifier: Apache-2.0
"""Read the static file, and the folder of the file provider."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .schema import DYNAMIC, STATIC, ConfigError, judge

PLACES = tuple(Path("/etc/traefik") / f"traefik.{kind}" for kind in ("yml", "yaml"))
UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0, "us": 1e-6}
TLS_VERSIONS = {
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}


def seconds(value: Any) -> float:
    """Return a duration as Go writes it: `1m30s`, or a number of seconds.

    Raises:
        ConfigError: If it is none.
    """
    text = str(value)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|h|m|s|)", text)
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise ConfigError(f"time: invalid duration {text!r}")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


@dataclass(frozen=True)
class EntryPoint:
    """Where one may come in."""

    name: str
    address: str
    read_seconds: float
    idle_seconds: float
    trusted: tuple[str, ...]
    insecure: bool
    middlewares: tuple[str, ...]
    tls: Any

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2].partition("/")[0])

    @property
    def host(self) -> str | None:
        """The address it listens on; all when left out."""
        return self.address.rpartition(":")[0].strip("[]") or None


@dataclass(frozen=True)
class Static:
    """What Traefik is started with."""

    entries: dict[str, EntryPoint]
    raw: dict[str, Any]

    @property
    def folder(self) -> Path | None:
        """The folder of the file provider."""
        provider = (self.raw.get("providers") or {}).get("file") or {}
        return Path(provider["directory"]) if provider.get("directory") else None

    def section(self, name: str) -> dict[str, Any] | None:
        """Return a section that may be empty, or nothing when it is not there."""
        if name not in self.raw:
            return None
        return dict(self.raw[name] or {})

    @property
    def prometheus(self) -> dict[str, Any] | None:
        """How metrics are offered, if they are."""
        metrics = self.raw.get("metrics") or {}
        return None if "prometheus" not in metrics else dict(metrics["prometheus"] or {})


@dataclass
class Dynamic:
    """What the files of the folder say together."""

    routers: dict[str, dict[str, Any]] = field(default_factory=dict)
    middlewares: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Certificates with their content, which is a part of what is compared.
    certificates: list[tuple[str, str, str, str]] = field(default_factory=list)
    default: tuple[str, str, str, str] | None = None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def find_static(given: str | None) -> Path:
    """Return the static file: the one that was given, or the one in its usual place.

    Raises:
        ConfigError: If there is none.
    """
    for path in (Path(given),) if given else PLACES:
        if path.is_file():
            return path
    raise ConfigError(f"no static configuration file: {given or PLACES[0]}")


def read_static(path: Path) -> Static:
    """Return what the static file at *path* says.

    Raises:
        ConfigError: If Traefik would not start with it.
    """
    raw = _yaml(path)
    judge(raw, STATIC)
    entries = {name: _entry(name, said) for name, said in (raw.get("entryPoints") or {}).items()}
    internal = any(name in raw for name in ("ping", "metrics", "api"))
    if internal and "traefik" not in entries:
        entries["traefik"] = _entry("traefik", {"address": ":8080"})
    for name, one in (raw.get("certificatesResolvers") or {}).items():
        challenges = {"httpChallenge", "tlsChallenge", "dnsChallenge"} & set(one["acme"])
        if len(challenges) != 1 or not one["acme"].get("storage"):
            raise ConfigError(f"unable to initialize certificates resolver {name!r}")
    return Static(entries, raw)


def _entry(name: str, said: dict[str, Any]) -> EntryPoint:
    timeouts = (said.get("transport") or {}).get("respondingTimeouts") or {}
    forwarded = said.get("forwardedHeaders") or {}
    http = said.get("http") or {}
    if not re.fullmatch(r".*:\d{1,5}(/tcp)?", str(said.get("address", ""))):
        raise ConfigError(f"entrypoint {name}: invalid address {said.get('address')}")
    return EntryPoint(
        name=name,
        address=str(said["address"]),
        read_seconds=seconds(timeouts.get("readTimeout", 60)),
        idle_seconds=seconds(timeouts.get("idleTimeout", 180)),
        trusted=tuple(forwarded.get("trustedIPs") or ()),
        insecure=bool(forwarded.get("insecure")),
        middlewares=tuple(http.get("middlewares") or ()),
        tls=http.get("tls", ...),
    )


def read_folder(folder: Path) -> Dynamic:
    """Return what the files in *folder* say.

    Raises:
        ConfigError: If one of them is refused; Traefik keeps what it had then.
    """
    found = Dynamic()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {".yml", ".yaml"} and path.is_file():
            try:
                _add(found, _dynamic(path))
            except ConfigError as wrong:
                raise ConfigError(f"{path}: {wrong}") from wrong
    return found


def _dynamic(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if "{{" in text:
        raise ConfigError("the double does not fill in Go templates")
    raw = _parse(text)
    if raw:
        judge(raw, DYNAMIC)
    return raw


def _add(found: Dynamic, raw: dict[str, Any]) -> None:
    http = raw.get("http") or {}
    for kind in ("routers", "middlewares", "services"):
        into = getattr(found, kind)
        for name, said in (http.get(kind) or {}).items():
            into.setdefault(name, said)
    tls = raw.get("tls") or {}
    for said in tls.get("certificates") or ():
        found.certificates += _certificate(said)
    for name, said in (tls.get("options") or {}).items():
        found.options.setdefault(name, said)
    store = (tls.get("stores") or {}).get("default") or {}
    for each in _certificate(store.get("defaultCertificate") or {}):
        found.default = found.default or each


def _certificate(said: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return paths and contents of a certificate; one that cannot be read is passed over."""
    if not said:
        return []
    try:
        files = (said["certFile"], said["keyFile"])
        return [(*files, *(Path(file).read_text(encoding="utf-8") for file in files))]
    except (OSError, KeyError, UnicodeDecodeError) as wrong:
        print(f"ERR Unable to read a certificate: {type(wrong).__name__}", flush=True)
        return []


def _yaml(path: Path) -> dict[str, Any]:
    return _parse(path.read_text(encoding="utf-8"))


def _parse(text: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise ConfigError(f"yaml: {wrong}") from wrong
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError("yaml: not a mapping")
    return raw
