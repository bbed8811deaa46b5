"""`gnutls-serv`, the server of GnuTLS' own tools.

Law of this file: it has no setting for the address to bind and so listens on all of them. It is
marked `everywhere`, and nothing starts it that was not asked for it by name.
"""

from __future__ import annotations

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import VERSIONS, Launch, Room, Setup, Stack


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    told = [program, "--http", "--port", str(room.port), "--priority", _priority(setup)]
    told += ["--x509certfile", room.path("chain.pem"), "--x509keyfile", room.path("key.pem")]
    if setup.asks == "no":
        return Launch((*told, "--disable-client-cert"))
    told += ["--x509cafile", room.path("trust.pem"), "--verify-client-cert"]
    told += ["--require-client-cert"] if setup.asks == "require" else []
    told += ["--x509crlfile", room.path("crl.pem")] if setup.crls else []
    return Launch(tuple(told))


def _priority(setup: Setup) -> str:
    """Write the TLS versions in GnuTLS' words."""
    if setup.versions == VERSIONS:
        return "NORMAL"  # as GnuTLS says, which also speaks what is older
    low, high = setup.versions
    spoken = [one for one in ("1.0", "1.1", *VERSIONS) if low <= one <= high]
    return "NORMAL:-VERS-ALL:" + ":".join(f"+VERS-TLS{one}" for one in spoken)


GNUTLS = Stack(
    name="gnutls",
    library="GnuTLS",
    can=frozenset({"optional", "crl"}),
    find=found("gnutls-serv"),
    ask_version=asked("--version", pattern=r"gnutls-serv (\S+)"),
    launch=_launch,
    measured_as="gnutls_serv",
    starter=started,
    everywhere=True,
)
