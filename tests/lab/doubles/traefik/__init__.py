# SPDX-License-Identifier: Apache-2.0
"""A double of Traefik v3.7.11 that interprets the files the real one would read.

It exists for laboratories without a registry: a route that is wrong in the rendered files is
wrong here, too. It needs Python, PyYAML and the C library's crypt, and keeps to these facts
(FACTS.md, section 4, and the sources and pages of Traefik named there):

* Static file `/etc/traefik/traefik.yml`; an unknown field ends the program with code 1, and an
  empty mapping where Traefik wants entries is refused as "cannot be a standalone element".
* Entry points speak plain HTTP and TLS on one port, told apart by the first byte; a router with
  `tls` serves only TLS, one without only plain. No TLS certificate, no handshake.
* `transport.respondingTimeouts.readTimeout` is 60 s for head and body together and breaks a
  longer upload off; `writeTimeout` is 0, so answers may stream ("default 60 s breaks uploads").
* The file provider reads every `.yml` and `.yaml` of its folder, anew when anything in it
  changes; what cannot be read leaves the old routes in force; what came out as before is not
  applied, so a users file is read when middlewares are built and not when it changes alone.
  Certificates belong to what is compared.
* Rules of v3: Host (also `*.`), HostRegexp, Path, PathPrefix, PathRegexp, Method, Header,
  HeaderRegexp, Query, QueryRegexp, ClientIP with `&&`, `||`, `!` and parentheses; the higher
  priority wins, by default the length of the rule; no rule that matches is a 404.
* A router whose middleware, service or entry point does not exist, or whose middleware cannot be
  built, is disabled: 404. So is one with basic auth and no users (since 3.7.3).
* basicAuth by `users` and `usersFile`, bcrypt and SHA1, 401 with the realm; `removeHeader`,
  `headerField`. forwardAuth passes on 2xx and answers with what it was told otherwise.
* rateLimit: a token bucket per source, 429 with Retry-After. ipAllowList: 403.
* headers: the security headers, HSTS only over TLS; custom headers, of which empty ones remove.
* buffering holds whole requests and answers back and refuses more than its limit with 413;
  without it nothing is limited and both ways are streamed with bounded memory.
* redirectScheme, redirectRegex, stripPrefix, addPrefix, chain; `noop@internal`,
  `api@internal` (only with `api`; `/` leads to `/dashboard/`), `ping@internal`.
* X-Forwarded-* of senders who are not trusted is replaced. Upgrades such as WebSocket pass.
* 502 when nobody listens behind a route. `/ping`: 200, and 503 while draining after SIGTERM.
* `traefik healthcheck --ping` reads the same file and asks with HEAD; without `ping` it fails.
* Metrics under the names of the documentation, routers only with `addRoutersLabels`.

What it cannot show: ACME, the certificate Traefik makes for itself, HTTP/2 and HTTP/3, other
providers, TCP and UDP routers, weighted and sticky services. A middleware it does not know
disables its router and says so.
"""

VERSION = "3.7.11"
