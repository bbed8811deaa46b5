"""A mirror: it asks every caller for a certificate, takes any, and tells what came.

Law of this file: nobody is trusted and nobody is let in; what came is told back to who sent it. It
listens on this machine alone unless told otherwise. Key log, request and answer are not kept.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from cryptography import x509

from mtlskit.collect.evidence import Given
from mtlskit.collect.given import passwords_of, several
from mtlskit.collect.listening import LOOPBACK, Listener
from mtlskit.collect.met import Met
from mtlskit.collect.mirror_tls import Glass, Reflection
from mtlskit.collect.own_certificate import OwnCertificate, authorities, from_files, self_signed
from mtlskit.collect.tcp import told
from mtlskit.material import Source, Tap, Target
from mtlskit.trace.handshake import follow

__all__ = ["Met", "MirrorListener", "mirror"]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What `mirror` was asked for."""

    own: OwnCertificate
    listed: tuple[x509.Certificate, ...]
    versions: tuple[str, str]
    heard: Callable[[Met], None] | None
    troubled: Callable[[str], None] | None


class MirrorListener(Listener[Met]):
    """A running mirror. Made by `mirror`.

    Attributes:
        target: where to call.
        pem: its certificate, for clients that shall trust it.
        fingerprint: that certificate's SHA-256 fingerprint.
    """

    def __init__(self, wish: _Wish, listen: tuple[str, int]) -> None:
        self._wish = wish
        self._count = 0
        self.pem = wish.own.pem
        self.fingerprint = wish.own.fingerprint
        super().__init__(listen, name="mirror", troubled=wish.troubled)

    def meetings(self, at_least: int = 0, timeout: float = 5.0) -> tuple[Met, ...]:
        """The connections that have ended, oldest first; wait until there are so many."""
        return self.results(at_least, timeout)

    def serve(self, sock: socket.socket, stop: socket.socket) -> None:
        """Shake hands, answer, and note what came."""
        began, own, peer = datetime.now(UTC), told(sock.getpeername), told(sock.getsockname)
        with self._changed:
            self._count += 1
            number = self._count
        blank = Tap(Source("mirror"), self.target, began=began, peer=peer, own=own)
        look = partial(_met, number, blank)
        glass = Glass(self._wish.own, self._wish.listed, self._wish.versions)
        met = look(glass.hold(sock, stop, look))
        self.remember(lambda _: met, self._wish.heard)


def _met(number: int, blank: Tap, seen: Reflection) -> Met:
    """Tell what came so far. The key log opens it here, and goes no further."""
    trace = follow(seen.recorded(blank))
    proved = seen.shaken and bool(trace.client_chain)
    # Whoever leaves after a good proof has not failed to give one: OpenSSL says which it was.
    broken = not seen.shaken and any("signature" in one for one in seen.words)
    return Met(number, blank.own, trace, True if proved else False if broken else None, seen.words)


@contextmanager
def mirror(  # noqa: PLR0913 - the parts of a mirror
    *,
    listen: tuple[str, int] = (LOOPBACK, 0),
    ca_list: Given | Iterable[Given] | None = None,
    certificate: Given | Iterable[Given] | None = None,
    names: Sequence[str] = (),
    password: str | Sequence[str] | None = None,
    tls: str | None = None,
    heard: Callable[[Met], None] | None = None,
    troubled: Callable[[str], None] | None = None,
) -> Iterator[MirrorListener]:
    """Run a mirror until the context is left.

    For example::

        with mirror() as glass:
            call(glass.target)
            print(glass.meetings(1)[0])

    Args:
        listen: address and port to listen on; port 0 is a free one.
        ca_list: files with the CA certificates to name as acceptable; None: an empty list.
        certificate: files with its own certificate and key; None: a self-signed one, made anew.
        names: names and addresses for the certificate that is made.
        password: for whatever is locked.
        tls: the one version to speak, ``1.0`` to ``1.3``; None: any of them.
        heard: called with each connection when it has ended, in that connection's thread.
        troubled: called with a sentence when callers cannot be served, once for each reason.

    Raises:
        Unreadable: a file cannot be read or holds no certificate.
        ValueError: a name that no certificate can carry.
        OSError: the port is taken, or the address is not of this machine.
    """
    words = passwords_of(password)
    own = (
        self_signed((*names, *_own_name(listen)))
        if certificate is None
        else from_files(several(certificate), words)
    )
    listed = () if ca_list is None else authorities(several(ca_list))
    versions = (tls, tls) if tls else ("1.0", "1.3")
    with MirrorListener(_Wish(own, listed, versions, heard, troubled), listen) as listener:
        yield listener


def _own_name(listen: tuple[str, int]) -> tuple[str, ...]:
    return () if Target(*listen).host in {"0.0.0.0", "::"} else (listen[0],)  # noqa: S104 - compared, not bound
