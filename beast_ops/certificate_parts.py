# SPDX-License-Identifier: Apache-2.0
"""What certificates are made of: the only room that signs them."""

import ipaddress
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ROOT_DAYS = 3650
LEAF_DAYS = 397  # what browsers accept at most of a public authority
PATIENCE = timedelta(days=1)  # for hosts whose clock is behind


class Authority(NamedTuple):
    """A key, and the root certificate that tells it."""

    key: "EllipticCurvePrivateKey"
    root: "x509.Certificate"


def found(now: datetime) -> tuple[bytes, bytes]:
    """Return key and root certificate of a new authority, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    # Two authorities of one name would be taken for each other.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"AI Beast {os.urandom(4).hex()}")])
    root = (
        _begin(name, key, now, ROOT_DAYS)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    return _private(key), _sign(root, key)


def load(key: bytes, root: bytes) -> Authority:
    """Return the authority that *key* and *root* are, both PEM.

    Raises:
        ValueError: If they are not, or do not belong together.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    opened = load_pem_private_key(key, password=None)
    certificate = x509.load_pem_x509_certificate(root)
    if not isinstance(opened, EllipticCurvePrivateKey):
        raise ValueError("not a key of ours")  # noqa: TRY004 - what the file holds is wrong
    if opened.public_key() != certificate.public_key():
        raise ValueError("key and certificate do not belong together")
    return Authority(opened, certificate)


def issue(names: Iterable[str], authority: Authority, now: datetime) -> bytes:
    """Return a new key and its certificate for *names* by *authority*, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    leaf = (
        _begin(x509.Name([]), key, now, LEAF_DAYS)
        .issuer_name(authority.root.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # Without a subject the alternative names must be understood: RFC 5280, 4.2.1.6.
        .add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
    )
    return _private(key) + _sign(leaf, authority.key)


def names_in(certificate: "x509.Certificate") -> tuple[str, ...]:
    """Return the names and addresses that *certificate* is for."""
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(each.value) for each in extension.value)


def issued(certificate: "x509.Certificate", authority: Authority) -> bool:
    """Return whether *authority* signed *certificate*."""
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(authority.root)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _begin(
    subject: "x509.Name", key: "EllipticCurvePrivateKey", now: datetime, days: int
) -> "x509.CertificateBuilder":
    from cryptography import x509

    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - PATIENCE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(begun: "x509.CertificateBuilder", key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    return begun.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _private(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(text: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
