"""Warnings before they hurt: what holds now, or seems to, and soon will not.

Law of this room: a warning is a sentence about one certificate with its dates, judged at a given
time. Without a time nothing is said about dates. What is weak is asked of `path_rules`, what public
CAs do of `public_cas`; what cannot be known is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mtlskit.certs import public_cas
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.entries import Entry, Identity, Store
from mtlskit.certs.path_rules import Walk, key_strength, signature_strength
from mtlskit.certs.signing import verified
from mtlskit.material import Source
from mtlskit.page.plain import Plain

WITHIN = 30
"""Days. A certificate that ends within them is warned of, if nothing else is said."""
EXPIRY = ("expired", "expires-soon")
"""The codes that the number of days decides."""
_NEVER = datetime.min.replace(tzinfo=UTC)
"""A time for rules that do not look at it."""


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning.

    Attributes:
        code: ``expired``, ``expires-soon``, ``not-yet-valid``, ``weak-key``, ``weak-signature``,
            ``client-auth-missing``, ``client-auth-ends`` or ``missing-intermediate``.
        text: a sentence with the certificate's name in it, and what to do.
        certificate: the one that it is about.
    """

    code: str
    text: str
    certificate: Certificate

    @property
    def source(self) -> Source:
        """Where that certificate stands."""
        return self.certificate.source

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        return {
            "code": self.code,
            "text": self.text,
            "certificate": str(self.certificate.subject),
            "sha256": self.certificate.sha256,
            "source": str(self.source),
        }


class Outlook:
    """Judges certificates at one time. It remembers what it has judged: stores repeat issuers.

    Attributes:
        at: aware; None: nothing is said about dates.
        within: days.
    """

    def __init__(self, at: datetime | None, within: int = WITHIN) -> None:
        self.at = at
        self.within = within
        self._soon = None if at is None else _later(at, within)
        self._strong: dict[tuple[object, ...], bool] = {}

    def of_entry(self, entry: Entry) -> tuple[Caution, ...]:
        """Warn of an entry's certificate and of every certificate of its chain.

        A certificate that the store merely trusts is not one that a client would show.
        """
        one = entry.certificate
        if one is None:
            return ()
        found = [*self.of_certificate(one)]
        if entry.kind != "trusted":
            found += self.of_purpose(one)
        for issuer in entry.chain:
            found += self.of_certificate(issuer)
        return tuple(found)

    def of_certificate(self, one: Certificate) -> Iterable[Caution]:
        """Warn of its dates and its strength."""
        dated = self._soon is not None and (one.not_after < self._soon or one.not_before > self.at)  # type: ignore[operator] # both are None, or neither is
        if not dated and self._is_strong(one):
            return ()
        return [*self._dates(one), *_weak(one)]

    def of_purpose(self, one: Certificate) -> Iterator[Caution]:
        """Warn where a public CA did not, or soon will not, allow a client to use it."""
        if one.eku is None or (ca := public_cas.issued_by(one)) is None:
            return
        told = ca.told(None if self.at is None else self.at.date())
        if "clientAuth" not in one.eku and "anyExtendedKeyUsage" not in one.eku:
            text = (
                f"{one.label} is good for servers alone: a public CA issued it without clientAuth, "
                f"and a client that shows it is refused. {told} "
                "For a client, take a certificate of a private CA that the endpoint trusts."
            )
            yield Caution("client-auth-missing", text, one)
        else:
            text = (
                f"The next renewal of {one.label} will lack clientAuth, and a client that shows it "
                f"will be refused. {told} Move to a certificate of a private CA in time."
            )
            yield Caution("client-auth-ends", text, one)

    def _dates(self, one: Certificate) -> Iterator[Caution]:
        if self.at is None or self._soon is None:
            return
        if one.not_after < self.at:
            ago = _days(self.at - one.not_after)
            text = f"{one.label} expired on {one.not_after:%Y-%m-%d}, {ago} ago."
            yield Caution("expired", text, one)
        elif one.not_after < self._soon:
            left = _days(one.not_after - self.at)
            text = f"{one.label} expires on {one.not_after:%Y-%m-%d}, in {left}. Renew it before."
            yield Caution("expires-soon", text, one)
        if one.not_before > self.at:
            text = f"{one.label} is valid from {one.not_before:%Y-%m-%d %H:%M} UTC only."
            yield Caution("not-yet-valid", text, one)

    def _is_strong(self, one: Certificate) -> bool:
        """Whether nothing can be weak; certificates of one kind of key and signature are alike."""
        kind = (one.key.kind, one.key.bits, one.signature_algorithm)
        if kind not in self._strong:
            self._strong[kind] = not any(True for _ in _weak(one, anchored=False))
        return self._strong[kind]


def _later(at: datetime, days: int) -> datetime:
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _days(span: timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days"


def _weak(one: Certificate, *, anchored: bool | None = None) -> Iterator[Caution]:
    """What a root says of itself by its own signature does not count."""
    alone = one.self_issued if anchored is None else anchored
    walk = Walk((one,), anchored=alone, role="client", at=_NEVER)
    for reason in (*key_strength(walk), *signature_strength(walk)):
        text = f"{reason.because} Many servers refuse that. Have it issued anew."
        yield Caution(reason.code, text, one)


def short_chains(stores: Sequence[Store], identities: Iterable[Identity]) -> Iterator[Caution]:
    """Warn of each identity whose chain needs an intermediate that its store lacks.

    Which it is, is known if another of the stores holds it. A chain that ends below its root is
    whole; a leaf without any issuer may hang on a root directly, which is said.
    """
    every: Pool | None = None
    for identity in identities:
        top = (identity.certificate, *identity.chain)[-1]
        if top.self_issued:
            continue
        every = every or Pool(one for store in stores for one in store.certificates)
        if text := _short(identity, _issuers(top, every)):
            yield Caution("missing-intermediate", text, identity.certificate)


def _issuers(child: Certificate, pool: Pool) -> list[Certificate]:
    return [one for one in pool.named(child.issuer.der) if verified(child, one.key.spki)]


def _short(identity: Identity, issuers: Sequence[Certificate]) -> str:
    """Say what the chain lacks, judged by the issuers at hand of the last one in it."""
    leaf = identity.certificate
    if issuers and not any(one.self_issued for one in issuers):
        missing = issuers[0]
        return (
            f"The chain of {leaf.label} lacks the intermediate {missing.label}. It stands in "
            f"{missing.source}: add it, so that it is sent along."
        )
    if issuers or identity.chain:
        return ""
    alone = f"{leaf.label} stands without its issuer {_name(leaf)}."
    if public_cas.issued_by(leaf):
        return f"{alone} A public CA issues from an intermediate, which must be sent along: add it."
    return f"{alone} If that is no root that the endpoint trusts, it must be sent along: add it."


def _name(leaf: Certificate) -> str:
    return leaf.issuer.common_name or str(leaf.issuer)
