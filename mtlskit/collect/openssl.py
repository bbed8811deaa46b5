"""OpenSSL as the TLS client of a live attempt, over memory BIOs.

Law of this file: OpenSSL gets what the call says and nothing of its own accord: no chain built
from a store, no trust that was not given, no key from a file. Its words are kept as it said them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from OpenSSL import SSL, crypto

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.certs.names import match
from mtlskit.collect.call import Call
from mtlskit.material import Source, Unreadable

VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}

# Security level 0 permits what OpenSSL would else hide from us: TLS 1.0 and 1.1 (whose SHA-1 and
# MD5 it refuses above it), short keys, weak digests. This client judges nothing and carries no
# data worth protecting; what is weak must be seen to be reported.
_CIPHERS = b"DEFAULT:@SECLEVEL=0"

# SSL_MODE_NO_AUTO_CHAIN of openssl/ssl.h, which pyOpenSSL has no name for: without it OpenSSL
# completes a chain from the trust given, and a missing intermediate would be sent all the same.
_NO_AUTO_CHAIN = 0x00000008

# Suites of TLS 1.3 name no key exchange and no authentication (RFC 8446, B.4).
_TLS_1_3_SUITE = re.compile(r"TLS_(AES|CHACHA20|SHA256|SHA384)_(?!.*WITH).*")

_SIGNING_KEYS = (
    dsa.DSAPrivateKey,
    ec.EllipticCurvePrivateKey,
    ed25519.Ed25519PrivateKey,
    ed448.Ed448PrivateKey,
    rsa.RSAPrivateKey,
)

# What `cryptography` and OpenSSL raise for a certificate that our own reader takes, as it takes
# much that is wrong, so that the wrong can be told.
_NOT_TAKEN = (ValueError, x509.InvalidVersion, UnsupportedAlgorithm, crypto.Error, SSL.Error)

_Verify = Callable[[SSL.Connection, crypto.X509, int, int, int], bool]

_X509_WORDS = {
    number: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, number in vars(SSL.X509VerificationCodes).items()
    if name.startswith("ERR_")
}


# Without the post-quantum share a ClientHello fits into one packet; with it, it does not. Names as
# in RFC 8446, 4.2.7 and draft-ietf-tls-ecdhe-mlkem, in OpenSSL's spelling.
_SMALL = ("X25519", "P-256", "P-384", "P-521", "X448")
_LARGE = ("*X25519MLKEM768", "*X25519", *_SMALL[1:])  # a star: with its share


def client(
    call: Call, secrets: list[str], words: list[str], session: SSL.Session | None = None
) -> SSL.Connection:
    """Make the client side of a TLS connection over memory BIOs.

    Args:
        call: what to offer, demand and trust.
        secrets: gets the key log's lines while the handshake runs.
        words: gets what is to be said about the set-up and about the server's certificate.
        session: one of an earlier connection, to be resumed.

    Raises:
        ValueError: OpenSSL does not know a cipher suite, scheme or group that was asked for.
    """
    connection = SSL.Connection(_context(call, secrets, words), None)
    connection.set_connect_state()
    if (name := call.sni) is not None:
        connection.set_tlsext_host_name(name)
    if session is not None:
        # pyOpenSSL wants both connections to be of one context. OpenSSL does not, and a context of
        # its own keeps the second connection's key log and words apart from the first one's.
        Binding.lib.SSL_set_session(connection._ssl, session._session)  # noqa: SLF001 - no public way
    return connection


def reasons(error: SSL.Error | crypto.Error) -> tuple[str, ...]:
    """Return OpenSSL's own words for an error, in the order in which it queued them."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list):
        return tuple(entry[2] or entry[1] for entry in queue)
    return (" ".join(str(part) for part in error.args),) if error.args else ()


def _context(call: Call, secrets: list[str], words: list[str]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSIONS[call.versions[0]])
    context.set_max_proto_version(VERSIONS[call.versions[1]])
    _choose(context, call)
    context.set_mode(_NO_AUTO_CHAIN)
    # Java clients talk to servers without RFC 5746; refusing them here would hide the cause.
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_keylog_callback(lambda _, line: secrets.append(line.decode("ascii")))
    if call.identity is not None and not _offer(context, call.identity, call.chain, words):
        # A half-installed pair cannot be taken out again, so begin anew without it.
        return _context(replace(call, identity=None), secrets, words)
    if call.trust is not None:
        _trust(context, call.trust, words)
        context.set_verify(SSL.VERIFY_PEER, _judge(call.expected_name, words))
    return context


def _choose(context: SSL.Context, call: Call) -> None:
    """Offer what the call wants offered; what it leaves open is OpenSSL's own choice."""
    _choose_ciphers(context, call)
    groups = {"small": _SMALL, "large": _LARGE, None: call.groups}[call.hello]
    # pyOpenSSL has no names for these three; they are OpenSSL's own functions, by way of the
    # library that both share. For TLS 1.2 the list of groups goes by its older name, curves.
    raw, handle = Binding.lib, context._context  # noqa: SLF001 - there is no public way to it
    if groups and not raw.SSL_CTX_set1_curves_list(handle, ":".join(groups).encode()):
        raise _unknown("groups", groups)
    if call.schemes and not raw.SSL_CTX_set1_sigalgs_list(handle, ":".join(call.schemes).encode()):
        raise _unknown("signature schemes", call.schemes)
    if call.post_handshake:
        raw.SSL_CTX_set_post_handshake_auth(handle, 1)
    if call.alpn:
        context.set_alpn_protos([one.encode("ascii") for one in call.alpn])


def _choose_ciphers(context: SSL.Context, call: Call) -> None:
    """Offer these suites. Those of TLS 1.3 have a list of their own; one not given stays whole."""
    modern = [one for one in call.ciphers if _TLS_1_3_SUITE.fullmatch(one)]
    older = [one for one in call.ciphers if one not in modern]
    try:
        context.set_cipher_list(f"{':'.join(older)}:@SECLEVEL=0".encode() if older else _CIPHERS)
        if modern:
            context.set_tls13_ciphersuites(":".join(modern).encode())
    except SSL.Error:
        raise _unknown("cipher suites", call.ciphers) from None


def _unknown(what: str, wanted: tuple[str, ...]) -> ValueError:
    Binding.lib.ERR_clear_error()
    return ValueError(f"OpenSSL knows none, or not all, of these {what}: {', '.join(wanted)}.")


def _offer(
    context: SSL.Context,
    identity: Identity,
    chain: tuple[Certificate, ...] | None,
    words: list[str],
) -> bool:
    """Install the identity; False, with the reason in `words`, if OpenSSL cannot use it."""
    if identity.key is None:
        words.append("no client certificate was offered: the identity has no private key")
        return False
    key = identity.key.unlocked()
    if not isinstance(key, _SIGNING_KEYS):
        words.append(f"no client certificate was offered: a {identity.key.kind} key cannot sign")
        return False
    try:
        context.use_certificate(_loaded(identity.certificate.der))
        context.use_privatekey(key)
    except _NOT_TAKEN as error:
        words.extend(_said(error))
        words.append("no client certificate was offered: OpenSSL did not take the identity")
        return False
    for issuer in identity.chain if chain is None else chain:
        try:
            context.add_extra_chain_cert(_loaded(issuer.der))
        except _NOT_TAKEN as error:
            words.append(_left_out(issuer, "chain", error))
    return True


def _said(error: Exception) -> tuple[str, ...]:
    """Return the words of one of the errors of `_NOT_TAKEN`."""
    if isinstance(error, (SSL.Error, crypto.Error)):
        return reasons(error)
    return (str(error),)


def _left_out(certificate: Certificate, place: str, error: Exception) -> str:
    why = "; ".join(_said(error))
    return f"{certificate.label} was left out of the {place}: OpenSSL did not take it ({why})"


@lru_cache(maxsize=64)
def _loaded(der: bytes) -> x509.Certificate:
    """A certificate as `cryptography` has it; one diagnosis shows the same few many times."""
    return x509.load_der_x509_certificate(der)


def _trust(context: SSL.Context, anchors: tuple[Certificate, ...], words: list[str]) -> None:
    store = context.get_cert_store()
    if store is None:
        raise RuntimeError("OpenSSL gave a context without a certificate store")
    # Java, Go, curl and GnuTLS take any certificate in their trust store as an anchor, be it an
    # intermediate or the server's own. OpenSSL by itself would not.
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for anchor in anchors:
        try:
            store.add_cert(crypto.X509.from_cryptography(_loaded(anchor.der)))
        except _NOT_TAKEN as error:
            words.append(_left_out(anchor, "trust store", error))


def _judge(expected_name: str, words: list[str]) -> _Verify:
    """Make the callback that refuses a server whose chain or name does not hold.

    A chain is refused with the alert that OpenSSL has for its error. For a wrong name there is no
    way to give pyOpenSSL an error number, and the alert is internal_error; `words` say why.
    """

    def judge(
        _connection: SSL.Connection, shown: crypto.X509, error: int, depth: int, ok: int
    ) -> bool:
        if not ok:
            said = _X509_WORDS.get(error, f"error {error}")
            words.append(f"the server's certificate at depth {depth} did not verify: {said}")
            return False
        return depth > 0 or _is_for(shown, expected_name, words)

    return judge


def _is_for(shown: crypto.X509, expected_name: str, words: list[str]) -> bool:
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, shown)
    try:
        certificate = read_certificate(der, Source("the server's certificate"))
    except Unreadable as unreadable:
        words.append(unreadable.problem.text)
        return False
    ruling = match(certificate, expected_name)
    if not ruling.matched:
        words.append(f"the server's certificate is not for {expected_name}: {ruling.because}")
    return ruling.matched
