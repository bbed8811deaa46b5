"""What a key store holds, whatever its format.

Law of this room: trouble with one entry is a value on that entry; the others are still shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.private_key import PrivateKey
from mtlskit.certs.signed import Crl, Request
from mtlskit.material import Problem, Source

Kind = Literal["identity", "certificate", "trusted", "key", "request", "crl"]
"""An identity has a certificate and its key; ``trusted`` is an anchor by the store's own word."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with the chain that would be sent with it, and its private key.

    Attributes:
        alias: its name in the store, None where the format has no names.
        chain: issuers, the leaf's own first; without the leaf.
        key: None: the key is not at hand or could not be opened (then there is a problem).
        key_source: where the key stands, if that is elsewhere than the certificate.
    """

    source: Source
    alias: str | None
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()
    key: PrivateKey | None = None
    problems: tuple[Problem, ...] = ()
    key_source: Source | None = None

    @property
    def key_matches(self) -> bool | None:
        """Whether the private key is the one that the certificate names; None without a key."""
        return None if self.key is None else self.key.spki == self.certificate.key.spki

    @property
    def label(self) -> str:
        """A short name for people: the alias, else the certificate's label."""
        return self.alias or self.certificate.label


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a store; which fields are filled follows from `kind`."""

    source: Source
    alias: str | None
    kind: Kind
    certificate: Certificate | None = None
    chain: tuple[Certificate, ...] = ()
    key: PrivateKey | None = None
    request: Request | None = None
    crl: Crl | None = None
    problems: tuple[Problem, ...] = ()
    key_source: Source | None = None

    @property
    def identity(self) -> Identity | None:
        """The entry as an identity, if it is one."""
        if self.kind != "identity" or self.certificate is None:
            return None
        return Identity(
            self.source,
            self.alias,
            self.certificate,
            self.chain,
            self.key,
            self.problems,
            self.key_source,
        )

    @property
    def label(self) -> str:
        """A short name for people."""
        named = self.certificate or self.request or self.crl
        return self.alias or (named.label if named else str(self.key))


_CLOSED = {"wrong-password", "no-password", "unsupported", "too-large"}
"""Problems of a whole store that hide certificates."""


@dataclass(frozen=True, slots=True)
class Store:
    """One file's entries, in the file's order.

    Attributes:
        format: ``pem``, ``der``, ``pkcs12``, ``jks``, ``jceks``, ``pkcs7``, or what else was
            recognised but cannot be read (``bks``, ``bcfks``, ...); ``unknown``.
        problems: those of the store and of its entries; a certificate's own stand on it.
    """

    source: Source
    format: str
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def closed(self) -> bool:
        """Whether there may be certificates in it that were not seen.

        In Java's own formats they are not encrypted: no password is needed to see them all.
        """
        if not self.entries:
            return bool(self.problems)
        if any(one.code == "damaged" for one in self.problems):
            return True
        whole = {one.code for one in self.problems if one.source == self.source}
        return self.format not in {"jks", "jceks"} and bool(whole & _CLOSED)

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The entries that are identities."""
        return tuple(one for entry in self.entries if (one := entry.identity))

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate, each identity's leaf and then its chain, without repetition."""
        found: dict[bytes, Certificate] = {}
        for entry in self.entries:
            for one in (entry.certificate, *entry.chain):
                if one is not None:
                    found.setdefault(one.der, one)
        return tuple(found.values())

    @property
    def keys(self) -> tuple[PrivateKey, ...]:
        """Private keys that stand without a certificate."""
        return tuple(one.key for one in self.entries if one.kind == "key" and one.key)

    @property
    def crls(self) -> tuple[Crl, ...]:
        """Revocation lists."""
        return tuple(one.crl for one in self.entries if one.crl)
