"""Certificates of made-up parties, good or broken, made anew whenever they are needed.

Law of this room: every part of a certificate has a right default; a part that is named replaces
it, and a part that is named as None is left out. Nothing here is ever fit for use outside the lab.

A wish reads like this:

    root = Authority.root("CN=Acme Root CA, O=Acme Corporation")
    issuing = root.intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")
    late = issuing.client("CN=Acme Integration Client", not_after=yesterday)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

_CURVES: dict[str, ec.EllipticCurve] = {
    "EC P-256": ec.SECP256R1(),
    "EC P-384": ec.SECP384R1(),
    "EC P-521": ec.SECP521R1(),
}
_Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_HASHES: dict[str, type[_Hash]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_EKU = {
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
_KU = {  # RFC 5280, 4.2.1.3, and what cryptography calls it
    "digitalSignature": "digital_signature",
    "contentCommitment": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}
_BACKDATED = timedelta(days=1)
_LEAF_LIFE = timedelta(days=90)
_CA_LIFE = timedelta(days=3650)
_ROUNDS = 2048  # as the openssl program does; a lab password guards nothing


class Parts(TypedDict, total=False):
    """The parts of a certificate that may be replaced, or (where None is allowed) removed.

    Attributes:
        key: ``EC P-256``, ``RSA 2048``, ``Ed25519`` and the like, or a key that exists already.
        not_before: aware UTC; a day ago by default.
        not_after: aware UTC; in 90 days for a leaf, in ten years for an authority by default.
        san: DNS names, IP addresses, e-mail addresses and URIs, told apart by their form.
        eku: ``clientAuth``, ``serverAuth`` ... or an object identifier.
        ku: ``digitalSignature``, ``keyCertSign`` ... (RFC 5280, 4.2.1.3).
        ca: the CA flag of BasicConstraints; None leaves the extension out.
        path_length: how many authorities may follow (RFC 5280, 4.2.1.9).
        ski: SubjectKeyIdentifier; by default the usual hash of the key.
        aki: AuthorityKeyIdentifier; by default the issuer's SubjectKeyIdentifier.
        serial: by default random.
        hash: ``sha256`` by default, ``sha384`` or ``sha512``; not used with Ed25519 and Ed448.
        issuer: a name to state in place of the issuer's own.
        signer: the key that signs in place of the issuer's own, so that the signature is wrong.
        extra: further extensions, each with its critical flag.
    """

    key: str | PrivateKey
    not_before: datetime
    not_after: datetime
    san: Sequence[str] | None
    eku: Sequence[str] | None
    ku: Sequence[str] | None
    ca: bool | None
    path_length: int | None
    ski: bytes | None
    aki: bytes | None
    serial: int
    hash: str
    issuer: str
    signer: PrivateKey
    extra: Sequence[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key and its issuers.

    Attributes:
        chain: the issuers that are to be sent with it, nearest first, without the root.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate itself, DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def pem_chain(self, *, chain: bool = True) -> bytes:
        """Write the certificate, and with `chain` its issuers, as PEM."""
        return pem((self.certificate, *(self.chain if chain else ())))

    def pem_key(self, password: str | None = None) -> bytes:
        """Write the private key as PKCS#8 PEM, sealed if there is a password."""
        sealing: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            sealing = serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing
        )

    def p12(self, password: str, alias: str = "client", *, chain: bool = True) -> bytes:
        """Write certificate, key and with `chain` the issuers as PKCS#12 (RFC 7292)."""
        sealing = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(_ROUNDS)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(hashes.SHA256())
            .build(password.encode())
        )
        issuers = self.chain if chain else ()
        return pkcs12.serialize_key_and_certificates(
            alias.encode(), self.key, self.certificate, issuers, sealing
        )

    @property
    def files(self) -> dict[str, bytes]:
        """The usual PEM files, by name: the chain, the leaf alone, and the open key."""
        return {
            "chain.pem": self.pem_chain(),
            "leaf.pem": self.pem_chain(chain=False),
            "key.pem": self.pem_key(),
        }


@dataclass(frozen=True, slots=True)
class Authority(Issued):
    """A certificate authority: whatever `Issued` is, and able to issue."""

    is_root: bool = False

    @classmethod
    def root(cls, name: str, **parts: Unpack[Parts]) -> Authority:
        """Make a self-signed authority."""
        key = _key(parts.get("key", "EC P-256"))
        made = _made(name, key, _authority_defaults(), parts, issuer=None)
        return cls(made, key, is_root=True)

    def intermediate(self, name: str, **parts: Unpack[Parts]) -> Authority:
        """Issue an authority beneath this one."""
        key = _key(parts.get("key", "EC P-256"))
        made = _made(name, key, _authority_defaults(), parts, issuer=self)
        return Authority(made, key, self._sent)

    def issue(self, name: str, **parts: Unpack[Parts]) -> Issued:
        """Issue a leaf, by default good for both sides of a TLS connection."""
        key = _key(parts.get("key", "EC P-256"))
        return Issued(_made(name, key, _leaf_defaults(), parts, issuer=self), key, self._sent)

    def client(self, name: str, **parts: Unpack[Parts]) -> Issued:
        """Issue a client's certificate: ExtendedKeyUsage clientAuth unless told otherwise."""
        wanted: Parts = {"eku": ("clientAuth",), **parts}
        return self.issue(name, **wanted)

    def server(self, name: str, *hosts: str, **parts: Unpack[Parts]) -> Issued:
        """Issue a server's certificate for these hosts: serverAuth unless told otherwise."""
        wanted: Parts = {"eku": ("serverAuth",), "san": hosts, **parts}
        return self.issue(name, **wanted)

    def recreated(self, **parts: Unpack[Parts]) -> Authority:
        """Make a root of the same name with another key, as after a careless re-installation."""
        return Authority.root(self.certificate.subject.rfc4514_string(), **parts)

    @property
    def _sent(self) -> tuple[x509.Certificate, ...]:
        return () if self.is_root else (self.certificate, *self.chain)

    @property
    def key_identifier(self) -> bytes | None:
        """The SubjectKeyIdentifier, which the certificates beneath refer to."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return None
        return found.value.digest


def self_signed(name: str, **parts: Unpack[Parts]) -> Issued:
    """Make a leaf that is its own issuer."""
    key = _key(parts.get("key", "EC P-256"))
    return Issued(_made(name, key, _leaf_defaults(), parts, issuer=None), key)


def new_key(kind: str = "EC P-256") -> PrivateKey:
    """Make a key: ``EC P-256``, ``EC P-384``, ``RSA 2048``, ``Ed25519``, ``Ed448`` and the like."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind])
    if kind.startswith("RSA "):
        return rsa.generate_private_key(65537, int(kind[4:]))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    raise ValueError(f"The lab makes no key of the kind {kind!r}.")


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Write certificates as PEM, one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def write_private(path: Path, data: bytes) -> Path:
    """Write a file that only its owner may read: it may hold a key."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    return path


def now() -> datetime:
    """Tell the time in whole seconds, UTC, as certificates do."""
    return datetime.now(UTC).replace(microsecond=0)


def _key(wanted: str | PrivateKey) -> PrivateKey:
    return new_key(wanted) if isinstance(wanted, str) else wanted


def _authority_defaults() -> Parts:
    return Parts(
        ca=True,
        ku=("keyCertSign", "cRLSign"),
        not_before=now() - _CA_LIFE / 2,
        not_after=now() + _CA_LIFE / 2,
    )


def _leaf_defaults() -> Parts:
    return Parts(
        ca=False,
        ku=("digitalSignature",),
        eku=("clientAuth", "serverAuth"),
        not_before=now() - _BACKDATED,
        not_after=now() + _LEAF_LIFE,
    )


def _made(
    subject: str, key: PrivateKey, defaults: Parts, parts: Parts, issuer: Authority | None
) -> x509.Certificate:
    """Put the parts together and sign them."""
    whole = defaults | parts
    own_name = _name(subject)
    stated = whole.get("issuer")
    builder = (
        x509.CertificateBuilder()
        .subject_name(own_name)
        .issuer_name(_name(stated) if stated else _issuer_name(issuer, own_name))
        .public_key(key.public_key())
        .serial_number(whole.get("serial", 0) or x509.random_serial_number())
        .not_valid_before(whole["not_before"])
        .not_valid_after(whole["not_after"])
    )
    for extension, critical in _extensions(whole, key, issuer):
        builder = builder.add_extension(extension, critical)
    signer = whole.get("signer") or (issuer.key if issuer else key)
    return builder.sign(signer, _hash(signer, whole.get("hash", "sha256")))


def _issuer_name(issuer: Authority | None, own_name: x509.Name) -> x509.Name:
    return issuer.certificate.subject if issuer else own_name


def _hash(signer: PrivateKey, name: str) -> _Hash | None:
    if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return None  # RFC 8410: these hash by themselves
    return _HASHES[name]()


def _extensions(
    whole: Parts, key: PrivateKey, issuer: Authority | None
) -> Iterable[tuple[x509.ExtensionType, bool]]:
    """Give the extensions in the order in which most authorities write them."""
    if (ca := whole.get("ca")) is not None:
        yield x509.BasicConstraints(ca, whole.get("path_length")), True
    if (ku := whole.get("ku")) is not None:
        yield _key_usage(ku), True
    if (eku := whole.get("eku")) is not None:
        oids = [_EKU.get(one) or x509.ObjectIdentifier(one) for one in eku]
        yield x509.ExtendedKeyUsage(oids), False
    if (san := whole.get("san")) is not None:
        yield x509.SubjectAlternativeName([_general_name(one) for one in san]), False
    yield from _key_identifiers(whole, key, issuer)
    yield from whole.get("extra", ())


def _key_identifiers(
    whole: Parts, key: PrivateKey, issuer: Authority | None
) -> Iterable[tuple[x509.ExtensionType, bool]]:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    if (ski := whole.get("ski", own)) is not None:
        yield x509.SubjectKeyIdentifier(ski), False
    # A self-signed certificate needs no AuthorityKeyIdentifier (RFC 5280, 4.2.1.1).
    of_issuer = issuer.key_identifier if issuer else None
    if (aki := whole.get("aki", of_issuer)) is not None:
        yield x509.AuthorityKeyIdentifier(aki, None, None), False


def _key_usage(names: Sequence[str]) -> x509.KeyUsage:
    unknown = set(names) - set(_KU)
    if unknown:
        raise ValueError(f"There is no key usage {', '.join(sorted(unknown))}.")
    return x509.KeyUsage(**{argument: name in names for name, argument in _KU.items()})


def _name(text: str) -> x509.Name:
    """Read ``CN=…, O=…`` (RFC 4514, blanks after the commas allowed); a bare word is a CN."""
    if "=" not in text:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    return x509.Name.from_rfc4514_string(re.sub(r"(?<!\\),\s+", ",", text))


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        pass
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    return x509.RFC822Name(text) if "@" in text else x509.DNSName(text)
