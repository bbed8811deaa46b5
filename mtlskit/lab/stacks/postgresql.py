"""PostgreSQL on a cluster of its own. Law of this file: it makes the cluster and names settings.

Its TLS asks for a certificate and never insists. Whoever shows none is told so at the login, after
the handshake (PostgreSQL's documentation, "Using Client Certificates").
"""

from __future__ import annotations

import signal
from pathlib import Path

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_PLACES = ("/usr/lib/postgresql", "/usr/lib64/postgresql", "/opt/postgresql")
_MAKE = (
    'initdb="$1"; shift; "$initdb" -D data -U lab -A reject -E UTF8 --locale=C --no-sync'
    ' --wal-segsize=1 >/dev/null && exec "$@"'
)
"""One process id: the shell that has the cluster made becomes the server."""
_DEMANDS = {"require": " clientcert=verify-ca", "optional": "", "no": ""}


def _find() -> str | None:
    """Find the newest server that has what makes clusters beside it."""
    placed = [one for place in _PLACES for one in Path(place).glob("*/bin/postgres")]
    usual = found("postgres")()
    known = sorted(placed, key=_release, reverse=True) + ([Path(usual)] if usual else [])
    whole = (str(one) for one in known if one.resolve().with_name("initdb").exists())
    return next(whole, None)


def _release(program: Path) -> float:
    """Read the version that its directory is named by."""
    name = program.parents[1].name
    return float(name) if name.replace(".", "", 1).isdigit() else 0.0


def _settings(setup: Setup, room: Room) -> dict[str, str]:
    low, high = setup.versions
    told = {
        "listen_addresses": room.host,
        "port": str(room.port),
        "unix_socket_directories": "",
        "hba_file": room.path("hba.conf"),
        "dynamic_shared_memory_type": "mmap",  # in its own directory, which goes with it
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": room.path("chain.pem"),
        "ssl_key_file": room.path("key.pem"),
        "ssl_min_protocol_version": f"TLSv{low}",
        "ssl_max_protocol_version": f"TLSv{high}",
    }
    if setup.asks != "no":
        told["ssl_ca_file"] = room.path("trust.pem")
    if setup.crls:
        told["ssl_crl_file"] = room.path("crl.pem")
    return told


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    line = f"hostssl all all {room.host}/32 trust{_DEMANDS[setup.asks]}\n"
    room.write("hba.conf", line)
    told = [program, "-D", "data"]
    for name, value in _settings(setup, room).items():
        told += ["-c", f"{name}={value}"]
    initdb = str(Path(program).resolve().with_name("initdb"))
    # Fast shutdown: at SIGTERM it would wait for its clients to go.
    return Launch(("/bin/sh", "-c", _MAKE, "sh", initdb, *told), ends=signal.SIGINT)


POSTGRESQL = Stack(
    name="postgresql",
    library="OpenSSL",
    can=frozenset({"optional", "crl"}),
    find=_find,
    ask_version=asked("--version", pattern=r"PostgreSQL\) (\S+)"),
    launch=_launch,
    measured_as="postgresql",
    starter=started,
    starttls="postgres",
    insists=False,
)
