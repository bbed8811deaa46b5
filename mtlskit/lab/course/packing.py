"""Files that a trainee hands in or puts together: certificates, keys, and both in one key store.

Law of this file: what is put together is what was given, right or wrong. It warns of nothing, so
that a wrong key store can be made, and be refused, as in life.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography import x509

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Store, open_store
from mtlskit.lab.pki import Issued, PrivateKey
from mtlskit.material import Blob, Problem, Source, Unreadable

_ALIAS = "acme-client"


def packed(blobs: Sequence[Blob], password: str, name: str = "mended") -> Blob:
    """Put the first key, the certificate that comes first, and all issuers into one file.

    It is PKCS#12; or PEM, if the key is not the certificate's, which PKCS#12 libraries refuse.

    Raises:
        Unreadable: there is no certificate of a client or no private key in what was given.
    """
    stores = [open_store(one, (password,)) for one in blobs]
    leaf, *issuers = _leaf_first(stores)
    key = _key(stores)
    loaded = [x509.load_der_x509_certificate(one.der) for one in (leaf, *issuers)]
    issued = Issued(loaded[0], key, tuple(loaded[1:]))
    if key.public_key() != loaded[0].public_key():
        return Blob(Source(f"{name}.pem"), issued.pem_chain() + issued.pem_key(password))
    return Blob(Source(f"{name}.p12"), issued.p12(password, _ALIAS))


def certificates_in(blob: Blob, password: str | None = None) -> tuple[Certificate, ...]:
    """Return every certificate of a file; () if there is none."""
    return open_store(blob, (password,) if password else ()).certificates


def holds_key(blob: Blob, password: str | None = None) -> bool:
    """Say whether a file holds a private key that the password opens."""
    entries = open_store(blob, (password,) if password else ()).entries
    return any(entry.key is not None for entry in entries)


def _leaf_first(stores: Iterable[Store]) -> list[Certificate]:
    every = {one.der: one for store in stores for one in store.certificates}.values()
    leaves = [one for one in every if not one.ca]
    if not leaves:
        raise _lacking("a client's certificate")
    return [leaves[0], *(one for one in every if one.ca)]


def _key(stores: Iterable[Store]) -> PrivateKey:
    for store in stores:
        for entry in store.entries:
            if entry.key is not None and isinstance(key := entry.key.unlocked(), PrivateKey):
                return key
    raise _lacking("a private key")


def _lacking(what: str) -> Unreadable:
    words = f"There is no {what.split(' ', 1)[1]} in what was given. A key store needs one."
    return Unreadable(Problem("nothing-to-pack", words, Source("what was given")))
