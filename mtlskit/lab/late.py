"""Asking for the client's certificate after the handshake, as servers do for one path of a site.

Law of this file: in TLS 1.2 it is a renegotiation (RFC 5246, 7.4.1.1), in TLS 1.3 post-handshake
authentication (RFC 8446, 4.6.2). A client that offered neither is not asked and shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL, crypto

from mtlskit.collect.tls_on_line import PIECE, until_done
from mtlskit.lab.endpoint import Line

Verify = Callable[[SSL.Connection, crypto.X509, int, int, int], bool]


def ask_late(connection: SSL.Connection, line: Line, verify: Verify) -> None:
    """Ask, and wait for the answer, if the client can be asked at all.

    Raises:
        SSL.Error: what the client answered did not verify.
        Over, OSError: the line ended.
    """
    connection.set_verify(SSL.VERIFY_PEER, verify)
    if connection.get_protocol_version_name() == "TLSv1.3":
        # pyOpenSSL has no name for it; it is OpenSSL's own function.
        if not Binding.lib.SSL_verify_client_post_handshake(connection._ssl):  # noqa: SLF001 - no public way
            Binding.lib.ERR_clear_error()
            return
        until_done(connection, line, connection.do_handshake)
        until_done(connection, line, lambda: _answered(connection))
        return
    with suppress(SSL.Error):  # a client that does not renegotiate says so by a warning
        connection.renegotiate()
        until_done(connection, line, connection.do_handshake)
        until_done(connection, line, lambda: _renegotiated(connection))


def _answered(connection: SSL.Connection) -> bool:
    with suppress(SSL.WantReadError):
        connection.recv(PIECE)
    if connection.get_peer_certificate() is None:
        raise SSL.WantReadError
    return True


def _renegotiated(connection: SSL.Connection) -> bool:
    with suppress(SSL.WantReadError):
        connection.recv(PIECE)
    if connection.renegotiate_pending():
        raise SSL.WantReadError
    return True
