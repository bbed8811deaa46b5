"""A client that is not the kit's own calls an endpoint, and its capture is kept.

Law of this file: the client is Python's `ssl` over the machine's OpenSSL. It sends a chain as its
file has it, checks revocation lists where it is given some, and refuses by itself; what it met is
the capture, with its key log.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.collect.pcapng_out import pcapng, pcapng_blocks
from mtlskit.collect.tap import relay
from mtlskit.lab.pki import Issued, pem, write_private
from mtlskit.lab.stacks.process import private_folder
from mtlskit.material import Blob, Source, Tap, Target

PATIENCE = 5.0
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CHUNK = 16384


@dataclass(frozen=True, slots=True)
class Caller:
    """How this client is set up.

    Attributes:
        name: the name that it calls.
        trust: by whom it trusts servers.
        tls: the one TLS version that it speaks.
        identity: what it sends when it is asked; None: nothing.
        crls: revocation lists that it checks the server's certificate against.
    """

    name: str
    trust: tuple[x509.Certificate, ...]
    tls: str
    identity: Issued | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()


def record(target: Target, caller: Caller, *attempts: Caller) -> tuple[Tap, ...]:
    """Let clients call, one after another, and return what each of them met."""
    taps = []
    with private_folder() as at:
        for one in (caller, *attempts):
            key_log = write_private(at / "keys.log", b"")
            with relay(target, key_log=key_log, server_name=one.name) as tap:
                _call(tap.target, one, at, key_log)
                taps.append(tap.taps(1, PATIENCE)[0].tap)
    return tuple(taps)


def capture(taps: Sequence[Tap], name: str = "client.pcapng", *, secrets: bool = True) -> Blob:
    """Write connections as one capture file, with their key logs unless these are left out."""
    first, *rest = taps
    parts = [pcapng(first, secrets=secrets)]
    parts += [pcapng_blocks(one, secrets=secrets) for one in rest]
    return Blob(Source(name), b"".join(parts))


def _call(target: Target, caller: Caller, at: Path, key_log: Path) -> None:
    """Call, ask for a page, and hear to the end; that it fails is what is wanted."""
    context = _context(caller, at)
    context.keylog_filename = str(key_log)
    address = (target.host, target.port)
    asked = f"GET /orders HTTP/1.1\r\nHost: {caller.name}\r\n\r\n".encode()
    with (
        suppress(OSError),  # an SSLError is one
        socket.create_connection(address, PATIENCE) as sock,
        context.wrap_socket(sock, server_hostname=caller.name) as tls,
    ):
        tls.sendall(asked)
        while tls.recv(_CHUNK):
            pass


def _context(caller: Caller, at: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = _VERSIONS[caller.tls]
    context.options |= ssl.OP_NO_RENEGOTIATION
    lists = b"".join(one.public_bytes(Encoding.PEM) for one in caller.crls)
    context.load_verify_locations(write_private(at / "trust.pem", pem(caller.trust) + lists))
    if caller.crls:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if caller.identity is not None:
        pair = caller.identity.pem_chain() + caller.identity.pem_key()
        context.load_cert_chain(write_private(at / "pair.pem", pair))
    return context
