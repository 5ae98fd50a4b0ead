# SPDX-License-Identifier: Apache-2.0
"""The double of Traefik serves what the role renders, and refuses what Traefik refuses."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from beast_ops.cards import read_card
from beast_ops.certificates import Wanted, ensure
from tests.contract.door.conftest import CLONE, DOMAIN, PASSWORD, SETTING, USER
from tests.lab.doubles.traefik.passwords import crypt

BOTH = (USER, PASSWORD)
MIB = 1 << 20


def resident(pid):
    """Return the most memory the process ever had, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def over_tls(started, host, path="/", **more):
    """Ask for a host over TLS as a browser would, trusting the local authority alone."""
    trusting = ssl.create_default_context(cafile=str(started.folder / "ca/ca.crt"))
    with httpx.Client(verify=trusting, trust_env=False) as client:
        return client.get(
            f"https://127.0.0.1:{started.ports['websecure']}{path}",
            headers={"Host": f"{host}.{DOMAIN}"},
            extensions={"sni_hostname": f"{host}.{DOMAIN}"},
            **more,
        )


class TestLogin:
    def test_a_route_with_basic_auth_is_refused_without_and_passed_with_the_password(self, plain):
        without = plain.get("ollama")
        wrong = plain.get("ollama", auth=(USER, "guess"))
        right = plain.get("ollama", auth=BOTH)

        assert [401, 401, 200] == [each.status_code for each in (without, wrong, right)]
        assert 'Basic realm="beast"' == without.headers["WWW-Authenticate"]

    def test_the_password_goes_no_further_than_the_door(self, plain):
        behind = plain.get("ollama", auth=BOTH).json()["headers"]
        own = plain.get("chat", auth=BOTH).json()["headers"]

        assert "Authorization" not in behind
        assert "Authorization" in own

    def test_only_what_is_said_to_be_open_is_open(self, plain):
        paths = ["/open", "/open/more", "/public/", "/public/deep", "/publicly"]
        found = [plain.get("ollama", path).status_code for path in paths]

        assert [200, 401, 200, 200, 401] == found

    def test_parts_of_a_page_are_not_open(self, plain):
        found = plain.get("ollama", headers={"Sec-Fetch-Dest": "script"})

        assert 401 == found.status_code

    def test_the_dashboard_wants_a_login_like_everything_else(self, plain):
        without = plain.get("traefik", "/dashboard/")
        page = plain.get("traefik", "/dashboard/", auth=BOTH)
        home = plain.get("traefik", auth=BOTH)
        routers = plain.get("traefik", "/api/http/routers", auth=BOTH).json()

        assert [401, 200, 302] == [each.status_code for each in (without, page, home)]
        assert "/dashboard/" == home.headers["Location"]
        assert {"enabled"} == {router["status"] for router in routers}
        assert 16 == len(routers)

    def test_the_internal_port_has_no_dashboard(self, plain):
        assert 404 == plain.get("traefik", "/dashboard/", entry="traefik").status_code


class TestWays:
    def test_an_unknown_host_and_a_path_of_nobody_are_not_found(self, plain):
        found = [plain.get(host).status_code for host in ("nobody", "ollama.other")]

        assert [404, 404] == found

    def test_nobody_behind_a_route_is_a_bad_gateway(self, plain):
        assert 502 == plain.get("gone").status_code

    def test_a_service_hears_who_asked_for_what_and_not_what_a_stranger_says(self, start):
        lies = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
        with start("none", change_static=distrust) as started:
            heard = started.get("chat", "/a?b=c", headers=lies).json()

        assert "/a?b=c" == heard["path"]
        assert f"chat.{DOMAIN}" == heard["headers"]["Host"]
        assert "127.0.0.1" == heard["headers"]["X-Forwarded-For"]
        assert "http" == heard["headers"]["X-Forwarded-Proto"]

    def test_answers_carry_what_browsers_shall_heed(self, plain):
        headers = plain.get("chat").headers

        assert "nosniff" == headers["X-Content-Type-Options"]
        assert "DENY" == headers["X-Frame-Options"]
        assert "same-origin" == headers["Referrer-Policy"]
        assert "Strict-Transport-Security" not in headers

    def test_an_answer_is_passed_on_while_it_is_made(self, plain, behind):
        with plain.client() as client:
            url = f"http://127.0.0.1:{plain.ports['web']}/stream"
            with client.stream("GET", url, headers={"Host": f"chat.{DOMAIN}"}) as answer:
                pieces = answer.iter_raw()
                found = []
                for _ in range(3):  # the service waits for us before it says more
                    found.append(next(pieces))
                    behind.step.set()

        assert [b"0\n", b"1\n", b"2\n"] == found

    def test_a_hundred_mebibytes_pass_with_bounded_memory(self, plain):
        def pieces():
            for _ in range(100):
                yield b"x" * MIB

        before = resident(plain.process.pid)
        sent = {"content": pieces(), "headers": {"Content-Length": str(100 * MIB)}}
        found = plain.get("chat", method="POST", **sent)
        after = resident(plain.process.pid)

        assert {"counted": 100 * MIB} == found.json()
        assert after - before < 20

    def test_an_upload_that_takes_longer_than_a_request_may_is_broken_off(self, start):
        def hurried(raw):
            raw["entryPoints"]["web"]["transport"] = {"respondingTimeouts": {"readTimeout": "1s"}}
            return raw

        def slowly():
            for _ in range(20):
                yield b"x" * 10
                time.sleep(0.1)

        with start("none", change_static=hurried) as started:
            sent = {"content": slowly(), "headers": {"Content-Length": "200"}}
            with pytest.raises(httpx.TransportError):
                started.get("chat", method="POST", **sent)

    def test_the_role_leaves_an_upload_an_hour(self, rendered):
        entries = rendered("local_ca")[0]["config"]["traefik.yml"]["entryPoints"]
        asked = [entries[name]["transport"]["respondingTimeouts"] for name in ("web", "websecure")]

        assert [{"readTimeout": "3600s", "writeTimeout": "0s"}] * 2 == asked

    def test_another_protocol_is_let_through_both_ways(self, plain):
        talk = socket.create_connection(("127.0.0.1", plain.ports["web"]), 5)
        head = f"GET /ws HTTP/1.1\r\nHost: chat.{DOMAIN}\r\n"
        talk.sendall(f"{head}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode())
        answer = talk.makefile("rb")
        status = answer.readline()
        while answer.readline().strip():
            pass
        talk.sendall(b"hello\n")
        heard = answer.readline()
        talk.close()

        assert b"HTTP/1.1 101 Switching Protocols\r\n" == status
        assert b"HELLO\n" == heard


class TestLimits:
    def burst(self, plain, count, **more):
        """Ask many times at once, over connections that are open already."""
        with plain.client(limits=httpx.Limits(max_connections=16)) as client:

            def ask(_):
                url = f"http://127.0.0.1:{plain.ports['web']}/"
                headers = {"Host": f"chat.{DOMAIN}", **more}
                return client.get(url, headers=headers)

            with ThreadPoolExecutor(16) as pool:
                return list(pool.map(ask, range(count)))

    def test_too_many_requests_at_once_are_refused(self, start):
        slower = ("average: 100\n", "average: 10\n")
        with start("none", change=lambda text: text.replace(*slower)) as started:
            found = self.burst(started, 150)

        counted = Counter(each.status_code for each in found)
        assert {200, 429} == counted.keys()
        assert 50 <= counted[200] <= 80
        assert {"1"} == {each.headers["Retry-After"] for each in found if each.is_error}

    def test_the_parts_of_a_page_may_be_many(self, start):
        slower = ("average: 100\n", "average: 10\n")
        with start("none", change=lambda text: text.replace(*slower)) as started:
            found = self.burst(started, 150, **{"Sec-Fetch-Dest": "script"})

        assert {200} == {each.status_code for each in found}

    def test_the_role_limits_as_its_settings_say(self, rendered):
        dynamic = rendered("local_ca")[1]

        assert "average: 100\n        burst: 50\n" in dynamic
        assert "average: 2000\n        burst: 1000\n" in dynamic


class TestTls:
    def test_the_certificate_of_the_local_authority_is_shown(self, secure):
        found = over_tls(secure, "chat")

        assert 200 == found.status_code
        assert "https" == found.json()["headers"]["X-Forwarded-Proto"]
        assert "max-age=31536000" == found.headers["Strict-Transport-Security"]

    def test_plain_requests_are_led_to_https(self, secure):
        found = secure.get("chat", "/a?b")

        assert 301 == found.status_code
        assert f"https://chat.{DOMAIN}/a?b" == found.headers["Location"]

    def test_the_root_certificate_is_had_without_tls_and_nothing_else_is(self, secure):
        found = [secure.get("api", path).status_code for path in ("/ca.crt", "/other")]
        secure = over_tls(secure, "api", "/ca.crt").status_code

        assert [200, 301] == found
        assert 200 == secure

    def test_a_renewed_certificate_is_shown_without_a_restart(self, start):
        with start("local_ca") as started:
            before = shown(started)
            names = (DOMAIN, f"*.{DOMAIN}", "more")
            ensure(started.folder / "ca", Wanted(names, started.folder / "secrets"))
            os.utime(started.live / "dynamic.yml")
            started.settle()
            after = shown(started)

        assert before != after

    def test_without_a_certificate_there_is_no_handshake(self, start):
        with start("http") as started, pytest.raises(httpx.ConnectError):
            over_tls(started, "chat")


def shown(started):
    address = ("127.0.0.1", started.ports["websecure"])
    return ssl.get_server_certificate(address)


def distrust(raw):
    for name in ("web", "websecure"):
        raw["entryPoints"][name]["forwardedHeaders"] = {"insecure": False}
    return raw


class TestChanges:
    def test_a_new_route_serves_without_a_restart(self, start):
        with start("none") as started:
            before = started.get("talk").status_code
            started.change(f"chat.{DOMAIN}", f"talk.{DOMAIN}")
            after = started.get("talk").status_code

        assert [404, 200] == [before, after]

    def test_a_file_that_cannot_be_read_leaves_the_old_routes(self, start):
        with start("none") as started:
            started.change("http:", "http: [")
            found = started.get("chat").status_code
            told = started.log.read_text(encoding="utf-8")

        assert 200 == found
        assert "Error while building configuration" in told

    def test_other_users_are_known_after_a_restart_and_not_before(self, start):
        with start("none") as started:
            users = started.folder / "secrets/users"
            users.write_text(f"{USER}:{crypt('another', SETTING)}\n", encoding="utf-8")
            os.utime(started.live / "dynamic.yml")
            started.settle()
            found = [
                started.get("ollama", auth=(USER, word)).status_code
                for word in (PASSWORD, "another")
            ]

        assert [200, 401] == found

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            ("middlewares: [limit, headers]", "middlewares: [nowhere]", "does not exist"),
            ("      service: chat\n", "      service: nowhere\n", "does not exist"),
            ("entryPoints: [web]", "entryPoints: [nowhere]", "no valid entryPoint"),
            (f"Host(`chat.{DOMAIN}`)", f"Hosts(`chat.{DOMAIN}`)", "unsupported function"),
            ("        average: 100\n", "        average: 100\n        period: soon\n", "duration"),
        ],
    )
    def test_a_router_that_cannot_be_is_not_found(self, start, old, new, why):
        with start("none", change=lambda text: text.replace(old, new)) as started:
            found = started.get("chat").status_code
            told = started.log.read_text(encoding="utf-8")

        assert 404 == found
        assert why in told

    def test_a_login_without_users_takes_its_routes_away_and_lets_nobody_in(self, start):
        def nobody(text):
            return text.replace("/secrets/users", "/secrets/none")

        with start("none", change=nobody) as started:
            found = [started.get(host, auth=BOTH).status_code for host in ("ollama", "chat")]

        assert [404, 200] == found

    def test_the_longer_path_wins(self, start):
        longer = """    deeper:
      entryPoints: [web]
      rule: "Host(`chat.beast.lan`) && (PathPrefix(`/deeper/yet`))"
      priority: 110
      middlewares: [login]
      service: chat
  middlewares:
"""
        with start("none", change=lambda text: text.replace("  middlewares:\n", longer)) as started:
            found = [started.get("chat", path).status_code for path in ("/deeper", "/deeper/yet")]

        assert [200, 401] == found


class TestProgram:
    def run(self, started, *words):
        done = subprocess.run(
            started.run(*words), cwd=CLONE, capture_output=True, text=True, check=False, timeout=30
        )
        return done.returncode, done.stdout + done.stderr

    def test_the_health_check_asks_where_the_static_file_says(self, start):
        with start("none") as started:
            well = self.run(started, "healthcheck", "--ping")
        ended = self.run(started, "healthcheck", "--ping")

        assert (0, 1) == (well[0], ended[0])
        assert "OK: http://" in well[1]
        assert "Error calling healthcheck" in ended[1]

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"entrypoints": {}}, "field not found"),
            ({"providers": {"docker": {"endpoint": "x"}}}, "field not found"),
            ({"providers": {}}, "standalone element"),
            ({"certificatesResolvers": {"a": {"acme": {"storage": "x"}}}}, "resolver"),
        ],
    )
    def test_a_static_file_that_traefik_refuses_ends_it(self, tmp_path, changed, why):
        static = tmp_path / "traefik.yml"
        static.write_text(json.dumps({"entryPoints": {"web": {"address": ":1"}}, **changed}))
        argv = ["-m", "tests.lab.doubles.traefik", f"--configFile={static}"]
        done = subprocess.run(
            [sys.executable, *argv],
            cwd=CLONE,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

        assert 1 == done.returncode
        assert why in done.stderr

    def test_metrics_have_the_names_that_alerts_and_panels_use(self, secure):
        over_tls(secure, "chat")
        answer = secure.get("x", "/metrics", entry="traefik")
        told = answer.text

        for expected in (
            'traefik_service_requests_total{code="200",method="GET",protocol="http",',
            'service="chat@file"} ',
            'traefik_entrypoint_requests_total{code="200",entrypoint="websecure"',
            'traefik_service_request_duration_seconds_bucket{code="200",le="0.1"',
            "traefik_tls_certs_not_after{",
            "traefik_config_last_reload_success 1",
            "traefik_config_reloads_total 1.0",
        ):
            assert expected in told
        assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["Content-Type"]

    def test_the_card_reads_what_the_dns_provider_wants_from_files(self, rendered):
        card, dynamic = rendered("dns")

        assert {"CF_DNS_API_TOKEN_FILE": "/run/secrets/cf_dns_api_token"} == card["environment"]
        assert card["secrets"]["cf_dns_api_token"]["given"]
        assert f'domains: [{{main: "{DOMAIN}", sans: ["*.{DOMAIN}"]}}]' in dynamic
        resolver = card["config"]["traefik.yml"]["certificatesResolvers"]["acme"]["acme"]
        assert {"dnsChallenge", "email", "caServer", "storage"} == resolver.keys()

    def test_only_loopback_is_listened_on_without_tls(self, rendered):
        published = {kind: rendered(kind)[0]["publish"] for kind in ("none", "local_ca")}

        assert [{"address": "127.0.0.1", "port": 80, "target": 8000}] == published["none"]
        assert [80, 443] == [each["port"] for each in published["local_ca"]]

    def test_every_card_of_the_door_is_a_card(self, rendered):
        for kind in ("local_ca", "none", "http", "dns"):
            card = read_card(rendered(kind)[0])
            assert (kind == "local_ca") == (card.certificate is not None)
            assert (kind in {"http", "dns"}) == bool(card.state)
            assert (kind if card.state else None) == card.acme
