# SPDX-License-Identifier: Apache-2.0
"""Which fields Traefik knows: as far as a front door of ours could use them.

`ANY` takes whatever comes; a mapping names its fields; a one-element tuple is a mapping with
names of one's own, whose values look like the element. `EMPTY` may be given without fields.
"""

from typing import Any


class ConfigError(Exception):
    """A file that Traefik would refuse."""


ANY: Any = object()
EMPTY: Any = object()

TRANSPORT = {
    "lifeCycle": {"requestAcceptGraceTimeout": ANY, "graceTimeOut": ANY},
    "respondingTimeouts": {"readTimeout": ANY, "writeTimeout": ANY, "idleTimeout": ANY},
    "keepAliveMaxTime": ANY,
    "keepAliveMaxRequests": ANY,
}
DOMAINS = ANY
STATIC = {
    "global": {"checkNewVersion": ANY, "sendAnonymousUsage": ANY},
    "log": {"level": ANY, "format": ANY, "filePath": ANY, "noColor": ANY},
    "accessLog": {
        EMPTY: True,
        "filePath": ANY,
        "format": ANY,
        "bufferingSize": ANY,
        "addInternals": ANY,
        "filters": {"statusCodes": ANY, "retryAttempts": ANY, "minDuration": ANY},
        "fields": ANY,
    },
    "entryPoints": (
        {
            "address": ANY,
            "asDefault": ANY,
            "allowACMEByPass": ANY,
            "reusePort": ANY,
            "transport": TRANSPORT,
            "forwardedHeaders": {"insecure": ANY, "trustedIPs": ANY, "connection": ANY},
            "proxyProtocol": {EMPTY: True, "insecure": ANY, "trustedIPs": ANY},
            "http": {
                "redirections": ANY,
                "middlewares": ANY,
                "tls": {EMPTY: True, "options": ANY, "certResolver": ANY, "domains": DOMAINS},
                "encodeQuerySemicolons": ANY,
                "sanitizePath": ANY,
                "maxHeaderBytes": ANY,
                "encodedCharacters": ANY,
            },
            "http2": ANY,
            "http3": ANY,
            "udp": ANY,
            "observability": ANY,
        },
    ),
    "providers": {
        "providersThrottleDuration": ANY,
        "file": {
            "directory": ANY,
            "filename": ANY,
            "watch": ANY,
            "debugLogGeneratedTemplate": ANY,
        },
    },
    "api": {
        EMPTY: True,
        "dashboard": ANY,
        "insecure": ANY,
        "debug": ANY,
        "disableDashboardAd": ANY,
        "basePath": ANY,
    },
    "ping": {EMPTY: True, "entryPoint": ANY, "manualRouting": ANY, "terminatingStatusCode": ANY},
    "metrics": {
        "addInternals": ANY,
        "prometheus": {
            EMPTY: True,
            "entryPoint": ANY,
            "addEntryPointsLabels": ANY,
            "addRoutersLabels": ANY,
            "addServicesLabels": ANY,
            "buckets": ANY,
            "manualRouting": ANY,
            "headerLabels": ANY,
        },
    },
    "certificatesResolvers": (
        {
            "acme": {
                "email": ANY,
                "caServer": ANY,
                "caCertificates": ANY,
                "storage": ANY,
                "keyType": ANY,
                "preferredChain": ANY,
                "certificatesDuration": ANY,
                "eab": ANY,
                "httpChallenge": {"entryPoint": ANY, "delay": ANY},
                "tlsChallenge": {EMPTY: True, "delay": ANY},
                "dnsChallenge": {"provider": ANY, "resolvers": ANY, "propagation": ANY},
            }
        },
    ),
    "serversTransport": ANY,
}

ROUTER = {
    "entryPoints": ANY,
    "rule": ANY,
    "ruleSyntax": ANY,
    "priority": ANY,
    "middlewares": ANY,
    "service": ANY,
    "tls": {EMPTY: True, "options": ANY, "certResolver": ANY, "domains": DOMAINS},
    "observability": ANY,
}
SOURCE = {
    "ipStrategy": {EMPTY: True, "depth": ANY, "excludedIPs": ANY, "ipv6Subnet": ANY},
    "requestHeaderName": ANY,
    "requestHost": ANY,
}
INTERPRETED = {
    "addPrefix": {"prefix": ANY},
    "stripPrefix": {"prefixes": ANY},
    "chain": {"middlewares": ANY},
    "ipAllowList": {"sourceRange": ANY, "ipStrategy": ANY, "rejectStatusCode": ANY},
    "rateLimit": {"average": ANY, "period": ANY, "burst": ANY, "sourceCriterion": SOURCE},
    "redirectScheme": {"scheme": ANY, "port": ANY, "permanent": ANY},
    "redirectRegex": {"regex": ANY, "replacement": ANY, "permanent": ANY},
    "basicAuth": {
        "users": ANY,
        "usersFile": ANY,
        "realm": ANY,
        "removeHeader": ANY,
        "headerField": ANY,
    },
    "forwardAuth": {
        "address": ANY,
        "trustForwardHeader": ANY,
        "authResponseHeaders": ANY,
        "authRequestHeaders": ANY,
    },
    "headers": {
        "customRequestHeaders": ANY,
        "customResponseHeaders": ANY,
        "stsSeconds": ANY,
        "stsIncludeSubdomains": ANY,
        "stsPreload": ANY,
        "forceSTSHeader": ANY,
        "frameDeny": ANY,
        "customFrameOptionsValue": ANY,
        "contentTypeNosniff": ANY,
        "browserXssFilter": ANY,
        "contentSecurityPolicy": ANY,
        "referrerPolicy": ANY,
        "permissionsPolicy": ANY,
    },
    "buffering": {
        "maxRequestBodyBytes": ANY,
        "memRequestBodyBytes": ANY,
        "maxResponseBodyBytes": ANY,
        "memResponseBodyBytes": ANY,
    },
}
# Known to Traefik; a router that uses one is disabled here, for the double cannot judge it.
BEYOND = (
    *("stripPrefixRegex", "replacePath", "replacePathRegex", "errors", "digestAuth"),
    *("inFlightReq", "circuitBreaker", "compress", "passTLSClientCert", "retry", "contentType"),
    *("grpcWeb", "plugin", "encodedCharacters"),
)
SERVICE = {
    "loadBalancer": {
        "servers": ANY,
        "passHostHeader": ANY,
        "healthCheck": ANY,
        "responseForwarding": {"flushInterval": ANY},
        "serversTransport": ANY,
        "strategy": ANY,
    }
}
DYNAMIC = {
    "http": {
        "routers": (ROUTER,),
        "middlewares": ({**INTERPRETED, **dict.fromkeys(BEYOND, ANY)},),
        "services": (SERVICE,),
        "serversTransports": ANY,
    },
    "tls": {
        "certificates": ANY,
        "options": (
            {
                "minVersion": ANY,
                "maxVersion": ANY,
                "cipherSuites": ANY,
                "curvePreferences": ANY,
                "sniStrict": ANY,
                "alpnProtocols": ANY,
                "clientAuth": ANY,
            },
        ),
        "stores": ({"defaultCertificate": {"certFile": ANY, "keyFile": ANY}},),
    },
}


def judge(value: Any, shape: Any, node: str = "") -> None:
    """Refuse *value* where Traefik would.

    Raises:
        ConfigError: If it has a field that is unknown, or no fields where some are needed.
    """
    if shape is ANY:
        return
    if isinstance(shape, tuple):
        _standalone(value, node)
        for name, each in value.items():
            judge(each, shape[0], f"{node}.{name}".lstrip("."))
        return
    if EMPTY not in shape or value is None:
        _standalone(value, node)
    for name, each in (value or {}).items():
        if name not in shape:  # stricter than Traefik, which takes any case
            raise ConfigError(f"field not found, node: {name}")
        judge(each, shape[name], f"{node}.{name}".lstrip("."))


def _standalone(value: Any, node: str) -> None:
    if not isinstance(value, dict) or not value:
        raise ConfigError(f"{node or 'the file'} cannot be a standalone element")
