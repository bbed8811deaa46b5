"""What Java takes as trusted in a trust store, and what it passes over.

Law of this file: Java's trust managers take the entries that are marked as trusted, and of each
entry with a key the first certificate (JDK, ``sun.security.validator.TrustStoreUtil``; measured
with Java 17). Whatever else stands in the store, they do not see. A file that is no key store of
Java's has to be imported anyway, so that all of it counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.entries import Store
from mtlskit.material import Problem

FORMATS = ("pkcs12", "jks", "jceks")
"""The formats that a JVM opens as a trust store."""
CODE = "java-trust"
"""The code of the notes that are made here."""
_NAMES = 4


def seen(stores: Iterable[Store]) -> tuple[Certificate, ...]:
    """Return the certificates that Java would take as trusted, each once."""
    every = (one for store in stores for one in _seen(store))
    return tuple({one.der: one for one in every}.values())


def _seen(store: Store) -> tuple[Certificate, ...]:
    if store.format not in FORMATS:
        return store.certificates
    return tuple(
        entry.certificate
        for entry in store.entries
        if entry.certificate is not None and entry.kind in {"trusted", "identity"}
    )


def notes(stores: Iterable[Store]) -> tuple[Problem, ...]:
    """Say of each key store which certificates Java would not see in it, and what mends that."""
    return tuple(note for store in stores if (note := _note(store)))


def _note(store: Store) -> Problem | None:
    visible = {one.der for one in _seen(store)}
    hidden = [one for one in store.certificates if one.der not in visible]
    if not hidden:
        return None
    trusted = any(entry.kind == "trusted" for entry in store.entries)
    if trusted or visible:
        names = ", ".join(one.label for one in hidden[:_NAMES])
        more = f" and {len(hidden) - _NAMES} more" if len(hidden) > _NAMES else ""
        said = f"Java does not take {names}{more} as trusted in {store.source.name}"
    else:
        said = f"Java sees no trusted certificate in {store.source.name}"
    return Problem(CODE, f"{said}, since {_why(store)}. {_MEND}", store.source)


def _why(store: Store) -> str:
    if store.identities:
        return (
            "it takes entries that are marked as trusted and the first certificate of an entry "
            "with a key, and no other"
        )
    return (
        "the file does not mark its certificates as trusted (the bag attribute "
        "2.16.840.1.113894.746875.1.1 is missing)"
    )


_MEND = (
    "Import them with: keytool -importcert -alias NAME -file CA.pem -keystore STORE. "
    "Or, from OpenSSL 3.2 on, write the file with: "
    "openssl pkcs12 -export -jdktrust anyExtendedKeyUsage."
)
