"""Files that a trainee hands in or puts together: certificates, keys, and both in one key store.

Law of this file: what is put together is what was given, right or wrong. It warns of nothing, so
that a wrong key store can be made, and be refused, as in life.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Store, open_store
from mtlskit.lab.pki import Issued, PrivateKey, pem
from mtlskit.material import Blob, Source

_ALIAS = "acme-client"


def packed(blobs: Sequence[Blob], password: str, name: str = "mended") -> Blob:
    """Put the first key, the certificate that comes first, and all issuers into one file.

    It is PKCS#12. It is PEM if that cannot be: the key is not the certificate's, or one of the two
    is missing.
    """
    stores = [open_store(one, (password,)) for one in blobs]
    loaded = [x509.load_der_x509_certificate(one.der) for one in _leaf_first(stores)]
    key = _key(stores)
    if key is not None and loaded and key.public_key() == loaded[0].public_key():
        whole = Issued(loaded[0], key, tuple(loaded[1:]))
        return Blob(Source(f"{name}.p12"), whole.p12(password, _ALIAS))
    sealed = b"" if key is None else _sealed(key, password)
    return Blob(Source(f"{name}.pem"), pem(loaded) + sealed)


def certificates_in(blob: Blob, password: str | None = None) -> tuple[Certificate, ...]:
    """Return every certificate of a file; () if there is none."""
    return open_store(blob, (password,) if password else ()).certificates


def holds_key(blob: Blob, password: str | None = None) -> bool:
    """Say whether a file holds a private key that the password opens."""
    entries = open_store(blob, (password,) if password else ()).entries
    return any(entry.key is not None for entry in entries)


def _leaf_first(stores: Iterable[Store]) -> list[Certificate]:
    every = {one.der: one for store in stores for one in store.certificates}.values()
    return sorted(every, key=lambda one: bool(one.ca))


def _key(stores: Iterable[Store]) -> PrivateKey | None:
    for store in stores:
        for entry in store.entries:
            if entry.key is not None and isinstance(key := entry.key.unlocked(), PrivateKey):
                return key
    return None


def _sealed(key: PrivateKey, password: str) -> bytes:
    """Write a private key as PKCS#8 PEM, sealed."""
    sealing = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)
