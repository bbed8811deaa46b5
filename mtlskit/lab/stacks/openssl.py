"""`openssl s_server`, without and with ``-www``. Law of this file: it writes one command line."""

from __future__ import annotations

from pathlib import Path

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import DEPTH, VERSIONS, Launch, Room, Setup, Stack, Wish

# Its -servername has no chain for the second certificate, and so is of no use.
_CAN: frozenset[Wish] = frozenset({"optional", "ca-list", "depth", "crl", "ciphers", "schemes"})
_VERSION = r"OpenSSL (\S+)"


def _command(setup: Setup, room: Room, program: str) -> tuple[str, ...]:
    low, high = setup.versions
    told = [program, "s_server", "-accept", f"{room.host}:0"]
    told += ["-cert", room.path("leaf.pem"), "-key", room.path("key.pem")]
    told += ["-no-CApath", "-no-CAstore"]
    if setup.identity.chain:
        told += ["-cert_chain", room.path("issuers.pem")]
    if setup.versions != VERSIONS:  # else it is as the system's configuration says
        told += ["-min_protocol", f"TLSv{low}", "-max_protocol", f"TLSv{high}"]
    return (*told, *_about_clients(setup, room), *_about_algorithms(setup))


def _about_clients(setup: Setup, room: Room) -> list[str]:
    if setup.asks == "no":
        return []
    insisting = setup.asks == "require"
    told = ["-Verify" if insisting else "-verify", str(setup.depth), "-verify_return_error"]
    told += [] if setup.depth == DEPTH else ["-verify_depth", str(setup.depth)]
    told += ["-verifyCAfile", room.path("trust-and-lists.pem")] if setup.trust else []
    listed = setup.trust if setup.ca_list is None else setup.ca_list
    # s_server names the authorities of -CAfile, and verifies by those of -verifyCAfile.
    told += ["-CAfile", room.path("list.pem")] if listed else ["-no-CAfile"]
    # Its option -CRL takes one list alone; a file of authorities may hold any number.
    both = [Path(room.path(name)).read_bytes() for name in ("trust.pem", "crl.pem")]
    room.write("trust-and-lists.pem", b"".join(both))
    return [*told, "-crl_check_all"] if setup.crls else told


def _about_algorithms(setup: Setup) -> list[str]:
    told = ["-client_sigalgs", setup.schemes] if setup.schemes else []
    if setup.ciphers:
        old, new = setup.ciphers
        told += ["-cipher", old, "-ciphersuites", new]
    return told


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    return Launch(_command(setup, room, program), announces=r"ACCEPT 127\.0\.0\.1:(\d+)")


def _launch_www(setup: Setup, room: Room, program: str) -> Launch:
    return Launch((*_command(setup, room, program), "-www"), announces=r"ACCEPT 127\.0\.0\.1:(\d+)")


PLAIN = Stack(
    name="openssl",
    library="OpenSSL",
    can=_CAN,
    find=found("openssl"),
    ask_version=asked("version", pattern=_VERSION),
    launch=_launch,
    measured_as="openssl_s_server",
    starter=started,
    answers=False,
)
WWW = Stack(
    name="openssl-www",
    library="OpenSSL",
    can=_CAN,
    find=found("openssl"),
    ask_version=asked("version", pattern=_VERSION),
    launch=_launch_www,
    measured_as="openssl_s_server",
    starter=started,
)
