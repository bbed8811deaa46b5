"""Whether a key-store record can be used by a protocol profile: its type, state, file and dates.

Law of this room: each fault is a clause that names the record or file; whether it alone is enough
to make the call fail is told beside it, and never assumed of what was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mtlskit.certs.keystore import Store
from mtlskit.instance.records import StoredCertificate

_WITH_KEY = frozenset({"identity", "key"})


@dataclass(frozen=True, slots=True)
class Flaw:
    """What speaks against a record as a key store.

    Attributes:
        decides: it alone keeps a usable client certificate from being sent.
    """

    text: str
    decides: bool


def flaws(
    record: StoredCertificate, opened: Store | None = None, at: datetime | None = None
) -> tuple[Flaw, ...]:
    """Return everything that speaks against a record.

    Args:
        record: of `sys_certificate`.
        opened: its file; None if it was not given.
        at: when dates are judged (UTC); None: they are not.
    """
    return (*_of_record(record), *(_of_file(opened) if opened else ()), *_dates(record, opened, at))


def holds_no_key(opened: Store) -> bool:
    """Tell whether a key store was read whole and holds no private key."""
    kinds = {entry.kind for entry in opened.entries}
    return bool(kinds) and not opened.problems and not kinds & _WITH_KEY


def _of_record(record: StoredCertificate) -> Iterator[Flaw]:
    if record.kind == "trust-store":
        yield Flaw(
            f"{record.name} is of type {record.type}; a key store was expected", decides=True
        )
    if record.active is False:
        yield Flaw(f"{record.name} is not active (active = false)", decides=True)
    if record.attachments == ():
        yield Flaw(f"no file is attached to {record.name} in the exports", decides=False)


def _of_file(opened: Store) -> Iterator[Flaw]:
    if holds_no_key(opened):
        yield Flaw(f"the file {_name(opened)} holds no private key", decides=True)
    elif opened.format == "unknown":
        yield Flaw(f"the file {_name(opened)} is no key store that is known", decides=True)


def _dates(record: StoredCertificate, opened: Store | None, at: datetime | None) -> Iterator[Flaw]:
    """Judge the certificates of the file; if it was not opened, the date that the record says."""
    if at is None:
        return
    identities = opened.identities if opened else ()
    if identities:
        if all(one.certificate.not_after < at for one in identities):
            last = max(identities, key=lambda one: one.certificate.not_after)
            when = last.certificate.not_after
            yield Flaw(
                f"the client certificate {last.label} expired on {when:%Y-%m-%d}", decides=True
            )
        elif all(one.certificate.not_before > at for one in identities):
            first = min(identities, key=lambda one: one.certificate.not_before)
            when = first.certificate.not_before
            yield Flaw(
                f"the client certificate {first.label} is valid from {when:%Y-%m-%d}", decides=True
            )
    elif record.expires is not None and record.expires < at:
        # A key store's record may tell the date of any certificate in its file.
        yield Flaw(
            f"{record.name} says that it expired on {record.expires:%Y-%m-%d}", decides=False
        )


def _name(opened: Store) -> str:
    return opened.source.place[-1] if opened.source.place else opened.source.name
