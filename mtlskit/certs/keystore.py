"""Key stores of every format: told by content, read tolerantly.

Law of this room: trouble with the content is a `Problem` on the store or entry, never an exception,
and four kinds of trouble are told apart: the password is wrong (``wrong-password``), the format
or algorithm is not supported (``unsupported``), the file is damaged (``damaged``), the key has
another password than the store (``key-password``).
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mtlskit.certs import bare64, jks, pem, pkcs7, pkcs12
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry, Identity, Kind, Store
from mtlskit.certs.formats import format_of
from mtlskit.certs.pile import Pile, leaves, paired
from mtlskit.certs.private_key import PrivateKey
from mtlskit.material import Blob, Problem

__all__ = ["Entry", "Identity", "Kind", "PrivateKey", "Store", "identities_of", "open_store"]

Reader = Callable[[Blob, Sequence[str]], Store]


def open_store(blob: Blob, passwords: Sequence[str] = ()) -> Store:
    """Read every entry of a store.

    Args:
        blob: a file's bytes.
        passwords: tried in order, for the store and for each of its keys.
    """
    kind = format_of(blob.data) or "unknown"
    if reader := _READERS.get(kind):
        return reader(blob, passwords)
    return Store(blob.source, kind, (), (_not_read(blob, kind),))


def identities_of(stores: Iterable[Store]) -> tuple[Identity, ...]:
    """Every identity, also where certificate, key and chain stand in different files.

    An identity of a store keeps the chain that its store gives it. A loose certificate whose key
    stands elsewhere gets its chain from all loose certificates. If there is no private key at all,
    what looks like a leaf is given as an identity without a key, with the problem
    ``no-private-key``.
    """
    every = [entry for store in stores for entry in store.entries]
    entries, _ = paired(every)
    found = tuple(one for entry in entries if (one := entry.identity))
    return found or _keyless(entries)


def _keyless(entries: Sequence[Entry]) -> tuple[Identity, ...]:
    pool = Pool(one.certificate for one in entries if one.certificate)
    text = (
        "The private key of this certificate is in none of the files given. "
        "A client cannot prove itself with the certificate alone: give the key, or the key store."
    )
    return tuple(
        Identity(
            leaf.source,
            leaf.alias,
            leaf.certificate,
            pool.issuers_of(leaf.certificate),
            problems=(Problem("no-private-key", text, leaf.source),),
        )
        for leaf in leaves(entries)
        if leaf.certificate
    )


def _der(blob: Blob, passwords: Sequence[str]) -> Store:
    pile = Pile(passwords)
    pile.add(blob.data, blob.source)
    return _store(blob, "der", pile)


def _pkcs7(blob: Blob, passwords: Sequence[str]) -> Store:
    pile = Pile(passwords)
    pkcs7.add_all(pile, blob.data, blob.source)
    return _store(blob, "pkcs7", pile)


def _bare64(blob: Blob, passwords: Sequence[str]) -> Store:
    """Read what the base64 holds, and say what most programs will miss."""
    try:
        inner = Blob(blob.source, bare64.decoded(blob.data))
    except binascii.Error as error:
        text = f"The base64 text is damaged: {str(error).rstrip('.')}."
        return Store(blob.source, "base64", (), (Problem("damaged", text, blob.source),))
    kind = format_of(inner.data)
    if kind is None or kind not in _READERS or kind == "base64":
        return Store(blob.source, "base64", (), (_not_read(blob, kind or "unknown"),))
    store = _READERS[kind](inner, passwords)
    said = Problem("no-begin-line", _NO_LINES[kind == "der"], blob.source)
    return replace(store, problems=(said, *store.problems))


_NO_LINES = {
    True: (
        "This is base64 without its lines -----BEGIN CERTIFICATE----- and "
        "-----END CERTIFICATE----- (or another label). It was read here; most programs cannot. "
        "Add the lines, or decode it with: base64 -d"
    ),
    False: (
        "This is a key store or bundle as base64 text. It was read here; most programs cannot. "
        "Decode it with: base64 -d"
    ),
}


def _store(blob: Blob, kind: str, pile: Pile) -> Store:
    entries, problems = paired(pile.entries)
    return Store(blob.source, kind, tuple(entries), (*pile.problems, *problems))


_READERS: dict[str, Reader] = {
    "pem": pem.read,
    "der": _der,
    "pkcs7": _pkcs7,
    "pkcs12": pkcs12.read,
    "jks": jks.read,
    "jceks": jks.read,
    "base64": _bare64,
}

_ADVICE = {
    "bks": (
        "This is a Bouncy Castle key store (BKS), which is not read here. Convert it with: "
        "keytool -importkeystore -srckeystore FILE -srcstoretype BKS -destkeystore new.p12 "
        "-deststoretype PKCS12 -provider org.bouncycastle.jce.provider.BouncyCastleProvider "
        "-providerpath bcprov.jar"
    ),
    "bcfks": (
        "This is a Bouncy Castle FIPS key store (BCFKS), which is not read here. Convert it with: "
        "keytool -importkeystore -srckeystore FILE -srcstoretype BCFKS -destkeystore new.p12 "
        "-deststoretype PKCS12 -provider org.bouncycastle.jcajce.provider.BouncyCastleFipsProvider "
        "-providerpath bc-fips.jar"
    ),
    "openssh": (
        "This is an OpenSSH key, which TLS programs do not read. Convert a copy of it with: "
        "ssh-keygen -p -m PKCS8 -f FILE"
    ),
    "ppk": (
        "This is a PuTTY key, which TLS programs do not read. Convert it with: "
        "puttygen FILE -O private-openssh-pem -o new.pem"
    ),
}
_ARCHIVES = frozenset({"zip", "gzip", "bzip2", "xz", "7z", "rar"})


def _not_read(blob: Blob, kind: str) -> Problem:
    if not blob.data:
        return Problem("empty", "The file is empty (0 bytes).", blob.source)
    if kind in _ADVICE:
        return Problem("unsupported", _ADVICE[kind], blob.source)
    if kind in _ARCHIVES:
        text = f"This is a {kind} archive. Unpack it and give the files in it."
        return Problem("archive", text, blob.source)
    text = "This is no certificate, key or key store that is known here."
    return Problem("not-recognised", text, blob.source)
