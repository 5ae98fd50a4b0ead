# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import ssl
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops import certificates
from beast_ops.card_parts import Route
from beast_ops.cards import Services
from beast_ops.certificates import Wanted, certify, ensure, expires, export_root, names_of
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError
from beast_ops.place import Place
from beast_ops.testing import a_service

NAMES = ("localhost", "*.example.lan", "grafana.localhost", "192.168.1.10", "::1")


@pytest.fixture
def authority(tmp_path):
    """Where the authority shall be; its parent is not there, either."""
    return tmp_path / "secrets" / "ca"


@pytest.fixture
def wanted(tmp_path):
    """A certificate for names of all kinds."""
    return Wanted(NAMES, tmp_path / "secrets" / "traefik")


def later(days):
    return SYSTEM._replace(now=lambda: datetime.now(UTC) + timedelta(days=days))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def shows(leaf, root, name):
    """Return whether a client that trusts *root* takes *leaf* for *name*."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(leaf)
    trusting = ssl.create_default_context(cafile=str(root))
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(ours, theirs, server_hostname=name)
    server = served.wrap_bio(theirs, ours, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return client.cipher() is not None


def test_a_client_that_trusts_the_root_takes_the_certificate_for_each_name_and_no_other(
    authority, wanted, tmp_path
):
    ensure(authority, wanted)
    export_root(authority, tmp_path / "root.crt")
    leaf, root = wanted.folder / "tls.pem", tmp_path / "root.crt"

    taken = ("localhost", "chat.example.lan", "grafana.localhost", "192.168.1.10", "::1")
    assert [True] * 5 == [shows(leaf, root, name) for name in taken]
    refused = ("example.lan", "a.b.example.lan", "evil.org", "192.168.1.11")
    assert [False] * 4 == [shows(leaf, root, name) for name in refused]


def test_a_wildcard_below_a_domain_of_one_label_is_refused_so_routes_are_named_in_full(
    authority, tmp_path
):
    ensure(authority, Wanted(("*.localhost",), tmp_path / "door"))

    assert not shows(tmp_path / "door/tls.pem", authority / "ca.crt", "grafana.localhost")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_openssl_verifies_it_as_strictly_as_it_can(authority, wanted):
    ensure(authority, wanted)
    leaf = str(wanted.folder / "tls.pem")
    argv = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"]

    done = subprocess.run(
        [
            *argv,
            "-CAfile",
            str(authority / "ca.crt"),
            "-verify_hostname",
            "grafana.localhost",
            leaf,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"{leaf}: OK\n" == done.stdout, done.stderr


def test_nobody_else_can_read_a_key(authority, wanted):
    ensure(authority, wanted)

    assert 0o700 == mode(authority)
    assert 0o600 == mode(authority / "ca.key") == mode(authority / "ca.crt")
    assert 0o600 == mode(wanted.folder / "tls.pem")


def test_what_serves_is_left_alone(authority, wanted):
    assert ensure(authority, wanted)
    before = (wanted.folder / "tls.pem").read_bytes()

    assert not ensure(authority, wanted)
    assert before == (wanted.folder / "tls.pem").read_bytes()


def test_a_certificate_is_renewed_thirty_days_before_its_end_by_the_same_authority(
    authority, wanted
):
    ensure(authority, wanted)
    root = (authority / "ca.crt").read_bytes()
    ends = expires(wanted.folder / "tls.pem")

    assert not ensure(authority, wanted, later(397 - 31))
    assert ensure(authority, wanted, later(397 - 29))
    assert ends + timedelta(days=300) < expires(wanted.folder / "tls.pem")
    assert root == (authority / "ca.crt").read_bytes()


def test_other_names_get_another_certificate(authority, wanted):
    ensure(authority, wanted)
    other = Wanted(("localhost", "beast.lan"), wanted.folder)

    assert ensure(authority, other)
    assert ("localhost", "beast.lan") == names_of(wanted.folder / "tls.pem")


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_a_damaged_certificate_is_made_anew(authority, wanted, damage):
    ensure(authority, wanted)
    (wanted.folder / "tls.pem").write_bytes(damage)

    assert ensure(authority, wanted)
    assert NAMES == names_of(wanted.folder / "tls.pem")


def test_the_certificate_of_another_authority_is_replaced(authority, wanted, tmp_path):
    ensure(tmp_path / "other", wanted)

    assert ensure(authority, wanted)


@pytest.mark.parametrize("name", ["ca.key", "ca.crt"])
def test_a_damaged_authority_is_not_replaced_silently(authority, wanted, name):
    ensure(authority, wanted)
    (authority / name).unlink()

    with pytest.raises(BeastError) as caught:
        ensure(authority, wanted)
    assert "from a backup" in caught.value.hint


def test_a_key_that_belongs_to_another_root_is_damage(authority, wanted, tmp_path):
    ensure(authority, wanted)
    ensure(tmp_path / "other", wanted)
    shutil.copy(tmp_path / "other/ca.key", authority / "ca.key")

    with pytest.raises(BeastError, match="damaged"):
        ensure(authority, wanted)


def test_half_an_authority_is_never_seen(authority, wanted, monkeypatch):
    class Cut(BaseException):
        """The power fails."""

    def cut(path, *_, **__):
        if path.name == "ca.crt":
            raise Cut
        path.touch()

    monkeypatch.setattr(certificates, "write_atomically", cut)
    with pytest.raises(Cut):
        ensure(authority, wanted)

    assert [] == list(authority.parent.iterdir())


def test_the_root_is_exported_for_all_to_read_and_only_when_it_changed(authority, wanted, tmp_path):
    ensure(authority, wanted)

    assert export_root(authority, tmp_path / "root.crt")
    assert not export_root(authority, tmp_path / "root.crt")
    assert 0o644 == mode(tmp_path / "root.crt")
    assert b"PRIVATE" not in (tmp_path / "root.crt").read_bytes()


def test_without_an_authority_there_is_no_root(authority, tmp_path):
    with pytest.raises(BeastError):
        export_root(authority, tmp_path / "root.crt")


@pytest.mark.needs("root")
def test_the_reader_owns_its_certificate(authority, tmp_path):
    wanted = Wanted(("localhost",), tmp_path / "door", (65532, 65532))
    ensure(authority, wanted)
    found = (tmp_path / "door/tls.pem").stat()
    os.chown(tmp_path / "door/tls.pem", 0, 0)

    assert (65532, 65532) == (found.st_uid, found.st_gid)
    assert ensure(authority, wanted)
    assert 65532 == (tmp_path / "door/tls.pem").stat().st_uid


def test_a_file_without_a_certificate_has_no_end_and_no_names(tmp_path):
    assert expires(tmp_path / "none") is None
    assert () == names_of(tmp_path / "none")


class TestServices:
    """The certificates that the services of a release want."""

    @pytest.fixture
    def released(self, place):
        """A release with a door that shows a certificate, and a chat behind it."""
        door = a_service("door", route=Route(host="door", auth="basic"), certificate=("10.0.0.1",))
        chat = a_service("chat", route=Route(host="chat", auth="own"))
        root = str(place.root)
        return Services(
            project="beast",
            runtime="compose",
            root=root,
            data=f"{root}/data/1",
            domain="lan",
            services=(door, chat),
        )

    @pytest.fixture
    def place(self, tmp_path):
        """An installation whose door watches a folder."""
        place = Place(tmp_path / "beast")
        (place.root / "live/door").mkdir(parents=True)
        (place.root / "live/door/dynamic.yml").write_text("{}", encoding="utf-8")
        os.utime(place.root / "live/door/dynamic.yml", (0, 0))
        return place

    def test_they_are_for_the_domain_each_route_and_what_the_card_adds(self, place, released):
        assert ("door",) == certify(place, released)
        assert ("lan", "*.lan", "door.lan", "chat.lan", "10.0.0.1") == names_of(
            place.secrets / "door/tls.pem"
        )
        assert not (place.secrets / "chat").exists()

    def test_who_shows_one_is_made_to_look_once(self, place, released):
        watched = place.root / "live/door/dynamic.yml"
        certify(place, released)
        assert watched.stat().st_mtime > 0
        os.utime(watched, (0, 0))

        assert () == certify(place, released)
        assert 0 == watched.stat().st_mtime

    def test_they_are_renewed_in_time(self, place, released):
        certify(place, released)

        assert ("door",) == certify(place, released, later(380))
