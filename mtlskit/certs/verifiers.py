"""Those who rule beside us: OpenSSL through pyOpenSSL, and the verifier of `cryptography`.

Law of this file: each is asked as much of the question as it can be asked, and its words are kept.
It is loaded only where a ruling is read, since both libraries are heavy.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC

from cryptography import x509
from cryptography.x509 import verification
from OpenSSL import crypto

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.names import address_of
from mtlskit.certs.rulings import Question, Ruling


def asked(name: str, question: Question) -> Ruling:
    """Ask one verifier; whatever it cannot read is its answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of certificates are told by `certificate`
            return _VERIFIERS[name](question)
    except (ValueError, TypeError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return Ruling(
            accepted=None, words=f"not asked: it does not read one of the certificates ({error})"
        )


def _loaded(certificates: Iterable[Certificate]) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(one.der) for one in certificates]


def _openssl(question: Question) -> Ruling:
    """Path, signatures, dates and CRLs; pyOpenSSL offers no way to ask for purpose and name."""
    try:
        return _by_openssl(question)
    except crypto.Error as error:
        # Its parser is stricter in places than the one that gave us these bytes.
        raise ValueError(_first_words(error)) from None


def _first_words(error: Exception) -> str:
    """Return the reason in OpenSSL's list of library, function and reason."""
    listed = error.args[0] if error.args else ()
    return str(listed[0][-1]) if listed and listed[0] else "it gives no reason"


def _common_name(certificate: crypto.X509) -> str | None:
    """Return the certificate's CN; None also where OpenSSL cannot read the name."""
    try:
        name: str | None = certificate.get_subject().CN
    except crypto.Error:
        return None
    return name


def _by_openssl(question: Question) -> Ruling:
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
        named = _common_name(error.certificate)
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
