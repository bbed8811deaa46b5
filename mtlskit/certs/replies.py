"""A CA's reply that was not put onto its key: a client's certificate among the trusted ones.

Law of this file: a certificate that a store merely trusts may be meant so (a pinned partner), which
is a note. Where its private key stands in the same store under another alias, it is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.outlook import Caution


def apart(stores: Sequence[Store]) -> Iterator[Caution]:
    """Warn of each trusted certificate whose key stands in its store with another certificate."""
    for store in stores:
        for entry, one in _clients(store):
            if (holder := _holder(store, one)) is not None:
                yield Caution("reply-apart", _told(store, entry, one, holder), one)


def lone(stores: Iterable[Store]) -> Iterator[Caution]:
    """Note each trusted certificate that looks like a client's and has no key in its store."""
    for store in stores:
        own = {entry.certificate.key.spki for entry in _holders(store) if entry.certificate}
        for entry, one in _clients(store):
            if one.key.spki not in own:
                text = (
                    f"{one.label} looks like a client's own certificate, and stands as a trusted "
                    f"one under {_named(entry)}, without a private key. A client cannot prove "
                    "itself with it. If it is the CA's reply to a request, import it onto the "
                    "alias of the key that the request was made with: keytool -importcert -alias "
                    "ALIAS-OF-THE-KEY -file REPLY -keystore STORE."
                )
                yield Caution("no-key-with-it", text, one)


def _clients(store: Store) -> Iterator[tuple[Entry, Certificate]]:
    """The trusted entries that look like a client's certificate which a CA issued."""
    for entry in store.entries:
        one = entry.certificate
        if entry.kind == "trusted" and one is not None and _is_clients(one):
            yield entry, one


def _is_clients(one: Certificate) -> bool:
    if one.ca or one.self_issued or "keyCertSign" in (one.ku or ()):
        return False
    return one.eku is None or bool({"clientAuth", "anyExtendedKeyUsage"} & set(one.eku))


def _holders(store: Store) -> Iterator[Entry]:
    return (entry for entry in store.entries if entry.kind in {"identity", "key"})


def _holder(store: Store, one: Certificate) -> Entry | None:
    """The entry with its key and another certificate."""
    for entry in _holders(store):
        held = entry.certificate
        if held is not None and held.key.spki == one.key.spki and held.der != one.der:
            return entry
    return None


def _told(store: Store, entry: Entry, one: Certificate, holder: Entry) -> str:
    held = holder.certificate
    still = "another certificate of it"
    if held is not None and held.self_issued:
        still = f"the self-signed certificate {held.label} that was made with it"
    return (
        f"{one.label}, issued by {one.issuer.common_name or one.issuer}, stands alone as a trusted "
        f"certificate under {_named(entry)}. Its private key stands under {_named(holder)}, with "
        f"{still}, and a client sends that one. Import the reply, with its chain, onto the key: "
        f"keytool -importcert -alias {holder.alias or 'ALIAS'} -file REPLY "
        f"-keystore {store.source.name}."
    )


def _named(entry: Entry) -> str:
    return f'alias "{entry.alias}"' if entry.alias else str(entry.source)
