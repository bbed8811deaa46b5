"""What a real server is told, whatever its software: its identity, whom it trusts, what it asks.

Law of this file: a setup names no software. What a stack cannot do it says beforehand, by
`Setup.wants` against `Stack.can`; a driver never leaves a wish out in silence.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.pki import Issued, pem, write_private
from mtlskit.material import Target, Text

Asks = Literal["require", "optional", "no"]
Wish = Literal[
    "optional",
    "status",
    "ca-list",
    "depth",
    "crl",
    "ciphers",
    "schemes",
    "names",
    "plain",
    "alpn",
    "highest",
]

DEPTH = 5
"""Issuing authorities that may stand between leaf and root, where nothing else was said."""
VERSIONS = ("1.2", "1.3")


class NotHere(Exception):  # noqa: N818 - the server is not here, which the name says
    """A server cannot be had on this machine, or did not start; the text says why."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One TLS server that answers every HTTP request with a short page.

    Attributes:
        identity: its certificate, key, and the issuers that it sends.
        trust: the authorities by which it verifies clients.
        asks: whether it asks for a client certificate, and whether it insists.
        versions: lowest and highest TLS version.
        ca_list: the authorities that it names as acceptable; None: those it trusts.
        crls: revocation lists that it checks every client certificate against; () none are.
        depth: how many issuing authorities may stand between leaf and root.
        ciphers: TLS 1.2 cipher list in OpenSSL's words, and the TLS 1.3 cipher suites.
        schemes: the signature schemes that it accepts, in OpenSSL's words.
        names: the only server names that it answers to; () it does not care.
        alpn: the only application protocols that it speaks; () it does not care.
        plain: it speaks HTTP without TLS.
        status: the HTTP status that it answers with.
        says: what stands on the page.
    """

    identity: Issued
    trust: tuple[x509.Certificate, ...] = ()
    asks: Asks = "require"
    versions: tuple[str, str] = VERSIONS
    ca_list: tuple[x509.Certificate, ...] | None = None
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    depth: int = DEPTH
    ciphers: tuple[str, str] | None = None
    schemes: str | None = None
    names: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()
    plain: bool = False
    status: int = 200
    says: str = "Welcome."

    @property
    def wants(self) -> frozenset[Wish]:
        """What is out of the ordinary, and so not every server's to fulfil."""
        asked: dict[Wish, bool] = {
            "optional": self.asks == "optional",
            "status": self.status != 200,  # noqa: PLR2004 - HTTP's own number
            "ca-list": self.ca_list is not None,
            "depth": self.depth != DEPTH,
            "crl": bool(self.crls),
            "ciphers": self.ciphers is not None,
            "schemes": self.schemes is not None,
            "names": bool(self.names),
            "plain": self.plain,
            "alpn": bool(self.alpn),
            "highest": self.versions[1] != VERSIONS[1],
        }
        return frozenset(wish for wish, wanted in asked.items() if wanted)


@dataclass(frozen=True, slots=True)
class Room:
    """A server's private directory, with everything in it that the setup names.

    Attributes:
        folder: readable by the server's user alone.
        host: the address to bind.
        port: the port to bind; 0 where the server chooses one itself.
    """

    folder: Path
    port: int
    host: str = "127.0.0.1"

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file of this server's."""
        return write_private(
            self.folder / name, data if isinstance(data, bytes) else data.encode("utf-8")
        )

    def furnish(self, setup: Setup) -> None:
        """Write the files that every driver may name.

        They are ``leaf.pem``, ``chain.pem`` (leaf and issuers), ``issuers.pem``, ``key.pem``,
        ``pair.pem`` (chain and key), ``trust.pem``, ``list.pem``, ``crl.pem``, and ``page.html``.
        """
        who = setup.identity
        listed = setup.trust if setup.ca_list is None else setup.ca_list
        self.write("leaf.pem", who.pem_chain(chain=False))
        self.write("chain.pem", who.pem_chain())
        self.write("issuers.pem", pem(who.chain))
        self.write("key.pem", who.pem_key())
        self.write("pair.pem", who.pem_chain() + who.pem_key())
        self.write("trust.pem", pem(setup.trust))
        self.write("list.pem", pem(listed))
        self.write("crl.pem", b"".join(one.public_bytes(Encoding.PEM) for one in setup.crls))
        self.write("page.html", page(setup))

    def path(self, name: str) -> str:
        """Name a file of this room in full."""
        return str(self.folder / name)


def page(setup: Setup) -> str:
    """Write the page that the server answers with."""
    return f"<!doctype html>\n<title>{setup.says}</title>\n<p>{setup.says}</p>\n"


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one server.

    Attributes:
        command: program and arguments; the program's path in full.
        announces: a regular expression whose first group is the port, looked for in what the
            server prints; None: it was told its port and prints none.
        env: what it needs in its environment.
        ends: the signal that asks it to end, now.
    """

    command: tuple[str, ...]
    announces: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    ends: int = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is running.

    Attributes:
        stack: its name.
        pid: its process id.
        starttls: the protocol within which it begins TLS; None: at once.
    """

    stack: str
    target: Target
    pid: int
    logs: Callable[[], Text]
    starttls: str | None = None

    def log(self) -> Text:
        """Return what it has said so far, its error log and its output together."""
        return self.logs()


Starter = Callable[["Stack", Setup], AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True)
class Stack:
    """One server software, and how it is run here.

    Attributes:
        name: what it is called in the lab.
        library: the TLS library that it speaks through.
        can: the wishes beyond the ordinary that it fulfils.
        find: where its program is; None if it is not here.
        ask_version: what it says of its version, given its program.
        launch: writes its configuration into a room and tells how to start it.
        measured_as: begin of its name in the measured habits, where ``{major}`` and ``{minor}``
            stand for ``17`` and ``2.6`` of its version.
        answers: it answers HTTP requests.
        logs: names of the log files that it writes itself, beside its output.
        everywhere: it cannot be bound to loopback alone.
        open_ended: it cannot be kept from the newest TLS version.
        starttls: the protocol within which it begins TLS, as `Call.starttls`; None: at once.
        insists: told to require a certificate, it does so in the handshake, or in its answer to
            HTTP; else whoever has none is refused at a login, which nobody here comes to.
    """

    name: str
    library: str
    can: frozenset[Wish]
    find: Callable[[], str | None]
    ask_version: Callable[[str], str]
    launch: Callable[[Setup, Room, str], Launch]
    measured_as: str
    starter: Starter
    answers: bool = True
    logs: tuple[str, ...] = ()
    everywhere: bool = False
    open_ended: bool = False
    starttls: str | None = None
    insists: bool = True

    def available(self) -> bool:
        """Tell whether it can be started on this machine; the lab runs servers on POSIX alone."""
        return os.name == "posix" and self.find() is not None

    def version(self) -> str | None:
        """Return its version in its own words; None if it is not here."""
        program = self.find()
        return None if program is None else self.ask_version(program)

    def habit(self) -> str:
        """Return its name in the measured habits, with its major version where that counts."""
        parts = (self.version() or "").lstrip("vgo").split(".")
        return self.measured_as.format(major=parts[0], minor=".".join(parts[:2]))

    def lacks(self, setup: Setup) -> frozenset[Wish]:
        """Tell which wishes of a setup it cannot fulfil."""
        common: frozenset[Wish] = frozenset() if self.open_ended else frozenset({"highest"})
        return setup.wants - self.can - common

    def start(self, setup: Setup) -> AbstractContextManager[Running]:
        """Run it until the context is left.

        Raises:
            NotHere: it is not on this machine, it cannot do what is wanted, or it did not start.
        """
        if not self.available():
            raise NotHere(f"{self.name} is not on this machine.")
        if lacking := self.lacks(setup):
            raise NotHere(f"{self.name} has no setting for: {', '.join(sorted(lacking))}.")
        return self.starter(self, setup)
