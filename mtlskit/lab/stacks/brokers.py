"""Redis and Mosquitto: TLS servers that speak no HTTP. Law of this file: it writes settings."""

from __future__ import annotations

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found, protocols
from mtlskit.lab.stacks.setup import VERSIONS, Launch, Room, Setup, Stack

_REDIS_ASKS = {"require": "yes", "optional": "optional", "no": "no"}


def _redis(setup: Setup, room: Room, program: str) -> Launch:
    told = [program, "--bind", room.host, "--save", "", "--dir", str(room.folder)]
    told += ["--port", "0", "--tls-port", str(room.port), "--loglevel", "verbose"]
    told += ["--tls-cert-file", room.path("chain.pem"), "--tls-key-file", room.path("key.pem")]
    told += ["--tls-ca-cert-file", room.path("trust.pem" if setup.trust else "chain.pem")]
    told += ["--tls-auth-clients", _REDIS_ASKS[setup.asks], "--tls-protocols", protocols(setup)]
    if setup.ciphers:
        old, new = setup.ciphers
        told += ["--tls-ciphers", old, "--tls-ciphersuites", new]
    return Launch(tuple(told))


def _mosquitto(setup: Setup, room: Room, program: str) -> Launch:
    lines = [f"listener {room.port} {room.host}", "allow_anonymous true", "log_dest stdout"]
    lines += ["log_type all", "persistence false"]
    lines += [f"certfile {room.path('chain.pem')}", f"keyfile {room.path('key.pem')}"]
    if setup.asks == "require":
        lines += [f"cafile {room.path('trust.pem')}", "require_certificate true"]
    if setup.crls:
        lines.append(f"crlfile {room.path('crl.pem')}")
    if setup.versions != VERSIONS:
        lines.append(f"tls_version tlsv{setup.versions[0]}")  # the lowest that it speaks
    file = room.write("mosquitto.conf", "\n".join(lines) + "\n")
    return Launch((program, "-v", "-c", str(file)))


REDIS = Stack(
    name="redis",
    library="OpenSSL",
    can=frozenset({"optional", "ciphers"}),
    find=found("redis-server"),
    ask_version=asked("--version", pattern=r"v=(\S+)"),
    launch=_redis,
    measured_as="redis",
    starter=started,
    answers=False,
)
MOSQUITTO = Stack(
    name="mosquitto",
    library="OpenSSL",
    can=frozenset({"crl"}),
    find=found("mosquitto"),
    ask_version=asked("-h", pattern=r"mosquitto version (\S+)"),
    launch=_mosquitto,
    measured_as="mosquitto",
    starter=started,
    answers=False,
    open_ended=True,
)
