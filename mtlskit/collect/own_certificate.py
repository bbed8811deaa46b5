"""A certificate for an endpoint of ours: given in files, or made anew and signed by itself.

Law of this file: a key that is made here stays in memory, and is forgotten with the endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtlskit.collect.evidence import Evidence, Given, gather
from mtlskit.material import Problem, Source, Unreadable

_LIFE = timedelta(days=30)
_BACKDATED = timedelta(days=1)
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,30}")
_ALWAYS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """What an endpoint of ours shows.

    Attributes:
        chain: its certificate first.
    """

    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes = field(repr=False)

    @property
    def pem(self) -> str:
        """The chain in PEM."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in self.chain).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate, in hex."""
        return self.chain[0].fingerprint(hashes.SHA256()).hex()


def self_signed(names: Iterable[str] = ()) -> OwnCertificate:
    """Make a certificate for this machine and these names and addresses, good for 30 days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mtlskit mirror")])
    now = datetime.now(UTC)
    wanted = dict.fromkeys((*names, *_ALWAYS))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([_name(one) for one in wanted]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return OwnCertificate((builder.sign(key, hashes.SHA256()),), key)


def _name(said: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(said))
    except ValueError:
        pass
    try:
        wire = said if said.isascii() else said.encode("idna").decode("ascii")
    except ValueError:
        wire = ""
    if not _HOST.fullmatch(wire):
        raise ValueError(
            f"{said[:60]!r} is no name for a certificate; give a host name or an IP address."
        )
    return x509.DNSName(wire)


def from_files(given: Iterable[Given], passwords: Sequence[str]) -> OwnCertificate:
    """Read a certificate with its key and chain.

    Raises:
        Unreadable: a file cannot be read, or there is no certificate with its key in them.
    """
    found = gather(given, passwords)
    usable = [one for one in found.identities if one.key is not None and one.key_matches]
    if not usable:
        words = "There is no certificate with its private key in what was given for the server."
        raise _first(found, words)
    own = usable[0]
    ders = (own.certificate.der, *(one.der for one in own.chain))
    try:
        chain = tuple(x509.load_der_x509_certificate(der) for der in ders)
    except (ValueError, x509.InvalidVersion) as error:
        raise _unreadable(f"The server's certificate cannot be used: {error}.") from None
    return OwnCertificate(chain, cast("PrivateKeyTypes", own.key and own.key.unlocked()))


def authorities(given: Iterable[Given]) -> tuple[x509.Certificate, ...]:
    """Read CA certificates whose names are to be shown.

    Raises:
        Unreadable: a file cannot be read, or there is no certificate in them.
    """
    found = gather(given)
    if not found.certificates:
        raise _first(found, "There is no certificate in what was given as CA list.")
    try:
        return tuple(x509.load_der_x509_certificate(one.der) for one in found.certificates)
    except (ValueError, x509.InvalidVersion) as error:
        raise _unreadable(f"A certificate of the CA list cannot be used: {error}.") from None


def _first(found: Evidence, words: str) -> Unreadable:
    return Unreadable(found.problems[0]) if found.problems else _unreadable(words)


def _unreadable(words: str) -> Unreadable:
    return Unreadable(Problem("empty", words, Source("certificate")))
