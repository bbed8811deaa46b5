"""What other verifiers say of the same question: OpenSSL through pyOpenSSL, and `cryptography`.

Law of this room: their words are theirs. Where one could not be asked the whole question, that is
said beside its answer; where it could not be asked at all, it has no verdict.
"""

from __future__ import annotations

import ipaddress
import tomllib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from cryptography import x509
from cryptography.x509 import verification

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.names import address_of
from mtlskit.certs.ocsp import Response
from mtlskit.certs.path_rules import Role
from mtlskit.certs.policies import NOTHING, Wanted
from mtlskit.certs.signed import Crl


@dataclass(frozen=True, slots=True)
class Question:
    """One certificate, what is at hand, what is trusted, and what it is to be used for.

    Attributes:
        java_anchors: those that Java sees as trusted in the files given; None: all of `anchors`.
    """

    leaf: Certificate
    others: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]
    role: Role
    at: datetime
    name: str | None = None
    max_depth: int | None = None
    crls: tuple[Crl, ...] = ()
    policies: Wanted = NOTHING
    at_hand: tuple[Certificate, ...] = ()
    responses: tuple[Response, ...] = ()
    java_anchors: tuple[Certificate, ...] | None = None

    def seen_by(self, stack: str) -> Question:
        """The question as a stack meets it: Java does not see every certificate of a store."""
        if stack != "java" or self.java_anchors is None:
            return self
        return replace(self, anchors=self.java_anchors)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verifier's answer; `accepted` is None where it could not be asked."""

    accepted: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A verifier's verdict that is not ours.

    Attributes:
        why: a sentence; None: it is not known.
    """

    verifier: str
    accepted: bool
    words: str
    why: str | None

    def __str__(self) -> str:
        ours, theirs = ("accepted", "refused") if not self.accepted else ("refused", "accepted")
        why = self.why or "Why is not known; that is worth a closer look."
        return f"{self.verifier} {theirs} what is {ours} here. {why}"


def differences(asked: Mapping[str, Ruling], codes: Sequence[str]) -> tuple[Difference, ...]:
    """Those verdicts that are not ours.

    Args:
        asked: the rulings, by verifier.
        codes: our reasons' codes, the decisive one first; (): accepted.
    """
    return tuple(
        Difference(name, one.accepted, one.words, _why(name, one.words, codes))
        for name, one in asked.items()
        if one.accepted is not None and one.accepted != (not codes)
    )


def _why(verifier: str, words: str, codes: Sequence[str]) -> str | None:
    """Every reason of ours that the verifier let pass has to be explained, or none is."""
    found = [_explained(verifier, words, code) for code in codes or ("accepted",)]
    known = [one for one in dict.fromkeys(found) if one is not None]
    return " ".join(known) if known and None not in found else None


def _explained(verifier: str, words: str, code: str) -> str | None:
    for row in _known_differences():
        if row["verifier"] == verifier and code in row["ours"] and row.get("words", "") in words:
            return str(row["why"])
    return None


@cache
def _known_differences() -> list[dict[str, Any]]:
    text = files("mtlskit.certs").joinpath("differences.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["difference"]
    return rows


@lru_cache(maxsize=32)
def ask(question: Question) -> Mapping[str, Ruling]:
    """Ask each verifier; none of them raises."""
    return {name: _asked(verifier, question) for name, verifier in _VERIFIERS.items()}


def _asked(verifier: Callable[[Question], Ruling], question: Question) -> Ruling:
    if not question.anchors:
        return Ruling(accepted=None, words="not asked: nothing is trusted")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of certificates are told by `certificate`
            return verifier(question)
    except (ValueError, TypeError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return Ruling(
            accepted=None, words=f"not asked: it does not read one of the certificates ({error})"
        )


def _loaded(certificates: Iterable[Certificate]) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(one.der) for one in certificates]


def _openssl(question: Question) -> Ruling:
    """Path, signatures, dates and CRLs; pyOpenSSL offers no way to ask for purpose and name."""
    from OpenSSL import crypto  # noqa: PLC0415 - a heavy import for those who read rulings

    try:
        return _by_openssl(question, crypto)
    except crypto.Error as error:
        # Its parser is stricter in places than the one that gave us these bytes.
        raise ValueError(_first_words(error)) from None


def _first_words(error: Exception) -> str:
    """Return the reason in OpenSSL's list of library, function and reason."""
    listed = error.args[0] if error.args else ()
    return str(listed[0][-1]) if listed and listed[0] else "it gives no reason"


def _common_name(certificate: Any, crypto: Any) -> str | None:  # noqa: ANN401 - pyOpenSSL's own
    """Return the certificate's CN; None also where OpenSSL cannot read the name."""
    try:
        name: str | None = certificate.get_subject().CN
    except crypto.Error:
        return None
    return name


def _by_openssl(question: Question, crypto: Any) -> Ruling:  # noqa: ANN401 - the module
    store = crypto.X509Store()
    for one in _loaded(question.anchors):
        store.add_cert(crypto.X509.from_cryptography(one))
    store.set_time(question.at.astimezone(UTC))
    for crl in question.crls:
        store.add_crl(x509.load_der_x509_crl(crl.der))
    if question.crls:
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
    chain = [crypto.X509.from_cryptography(one) for one in _loaded(question.others)]
    leaf = crypto.X509.from_cryptography(_loaded([question.leaf])[0])
    try:
        crypto.X509StoreContext(store, leaf, chain).verify_certificate()
    except crypto.X509StoreContextError as error:
        named = _common_name(error.certificate, crypto)
        return Ruling(accepted=False, words=f"{error} ({named})" if named else str(error))
    return Ruling(
        accepted=True, words="accepted (path, signatures and dates; not asked for purpose and name)"
    )


def _cryptography(question: Question) -> Ruling:
    """The web PKI's rules; as a client without a name, as a server by its name."""
    if question.role == "server" and question.name is None:
        return Ruling(
            accepted=None,
            words="not asked: it judges servers by their name only, and none is given",
        )
    builder = verification.PolicyBuilder().time(question.at.astimezone(UTC))
    builder = builder.store(verification.Store(_loaded(question.anchors)))
    if question.max_depth is not None:
        builder = builder.max_chain_depth(question.max_depth)
    leaf, others = _loaded([question.leaf])[0], _loaded(question.others)
    try:
        if question.role == "client":
            builder.build_client_verifier().verify(leaf, others)
        else:
            builder.build_server_verifier(_subject(question.name or "")).verify(leaf, others)
    except verification.VerificationError as error:
        return Ruling(accepted=False, words=str(error))
    return Ruling(accepted=True, words="accepted")


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    address = address_of(name)
    if address is not None:
        return x509.IPAddress(ipaddress.ip_address(str(address)))
    return x509.DNSName(name)


_VERIFIERS: Mapping[str, Callable[[Question], Ruling]] = {
    "openssl": _openssl,
    "cryptography": _cryptography,
}
