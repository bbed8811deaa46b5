"""What a client is given, in files that the owner alone may read, in a folder that is removed.

Law of this file: whatever happens while the folder is in use, it is gone afterwards. Keys are
written nowhere else.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from mtlskit.certs.certificate import Certificate
from mtlskit.collect.call import Call
from mtlskit.material import Problem, Source, Unreadable

PREFIX = "mtlskit-client-"
"""How the folders begin, in the system's folder for temporary files."""

_NOT_TAKEN = (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class Papers:
    """Where the files are; None for what was not given.

    Attributes:
        folder: the private folder; also the client's home and place for temporary files.
        chain: PEM, the client's certificate first.
        issuers: PEM, the same without the first; None if nothing is left.
        key: PEM (PKCS#8), not encrypted.
        store: certificate, chain and key as PKCS#12, sealed with `password`.
        trust: PEM of the anchors.
        trust_store: the anchors as PKCS#12, as Java takes them, sealed with `password`.
        key_log: where the client writes its TLS secrets.
        password: made for these files alone.
    """

    folder: Path
    chain: Path | None
    issuers: Path | None
    key: Path | None
    store: Path | None
    trust: Path | None
    trust_store: Path | None
    key_log: Path
    password: str = field(repr=False)


@contextmanager
def papers_for(call: Call) -> Iterator[Papers]:
    """Write what the call offers and trusts; remove it all when the context is left.

    Raises:
        Unreadable: the identity has no key, or one that cannot be written as the clients read it.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder, password = Path(name), secrets.token_urlsafe(24)
        folder.chmod(0o700)
        chain, issuers, key, store = _identity(call, folder, password)
        trust, trust_store = _trust(call.trust, folder, password)
        keys = folder / "keys.log"
        yield Papers(folder, chain, issuers, key, store, trust, trust_store, keys, password)


def write_private(path: Path, data: bytes) -> Path:
    """Write a new file that only its owner may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return path


_Four = tuple[Path | None, Path | None, Path | None, Path | None]


def _identity(call: Call, folder: Path, password: str) -> _Four:
    identity = call.identity
    if identity is None:
        return None, None, None, None
    if identity.key is None:
        raise _refused("no-private-key", "The identity has no private key; give the key too.")
    issuers = identity.chain if call.chain is None else call.chain
    try:
        leaf, *rest = (_loaded(one) for one in (identity.certificate, *issuers))
        key = identity.key.unlocked()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        sealed = pkcs12.serialize_key_and_certificates(
            b"client",
            cast("pkcs12.PKCS12PrivateKeyTypes", key),
            leaf,
            rest,
            BestAvailableEncryption(password.encode()),
        )
    except _NOT_TAKEN as error:
        words = f"The identity cannot be handed to other clients: {error}."
        raise _refused("unsupported", words) from error
    return (
        write_private(folder / "chain.pem", _pem([leaf, *rest])),
        write_private(folder / "issuers.pem", _pem(rest)) if rest else None,
        write_private(folder / "key.pem", text),
        write_private(folder / "identity.p12", sealed),
    )


def _trust(
    anchors: Sequence[Certificate] | None, folder: Path, password: str
) -> tuple[Path | None, Path | None]:
    if anchors is None:
        return None, None
    try:
        loaded = [_loaded(one) for one in anchors]
        sealed = pkcs12.serialize_java_truststore(
            [
                pkcs12.PKCS12Certificate(one, b"anchor %d" % number)
                for number, one in enumerate(loaded)
            ],
            BestAvailableEncryption(password.encode()),
        )
    except _NOT_TAKEN as error:
        words = f"The trusted certificates cannot be handed to other clients: {error}."
        raise _refused("unsupported", words) from error
    return (
        write_private(folder / "trust.pem", _pem(loaded)),
        write_private(folder / "trust.p12", sealed),
    )


def _loaded(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _refused(code: str, words: str) -> Unreadable:
    return Unreadable(Problem(code, words, Source("identity")))
