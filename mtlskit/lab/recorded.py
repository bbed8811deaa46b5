"""Scenes that can be read and not called: what another client met, as capture or log.

Law of this room: as in `scenes`; what is captured here was really said, by a client and a server
that had nothing to do with each other's trouble. What stands in a log alone is quoted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from cryptography import x509

from mtlskit.lab.cast import CLIENT, HOST, Cast, certificates
from mtlskit.lab.endpoint import serve
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued
from mtlskit.lab.recording import Caller, capture, record
from mtlskit.lab.scenes import Scene, Version, declared
from mtlskit.lab.servers import Tls
from mtlskit.lab.servers import tls as tls_endpoint
from mtlskit.material import Blob, Source

RECORDED: Mapping[str, Scene] = declared("recorded.toml")
"""Every scene that can only be read, by its id."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is at hand of a failure that cannot be tried again.

    Attributes:
        files: the capture or the log.
        identity_files: the client's key stores.
        trust_files: by what the client trusts servers.
        material_files: whatever else lies about.
        password: the password of the key stores.
    """

    scene: Scene
    tls: Version
    files: tuple[Blob, ...]
    identity_files: tuple[Blob, ...] = ()
    trust_files: tuple[Blob, ...] = ()
    material_files: tuple[Blob, ...] = ()
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Play:
    """An endpoint, and who calls it with what."""

    endpoint: Tls
    callers: tuple[Caller, ...]
    held: tuple[Issued | Blob, ...] = ()
    material: tuple[Blob, ...] = ()
    logs: tuple[Blob, ...] = ()


def recorded(scene_id: str, tls: Version = "1.3", *, secrets: bool = True) -> Recorded:
    """Play a scene with its own client, and return what was recorded.

    Args:
        scene_id: a key of `RECORDED`.
        tls: the TLS version to play it in.
        secrets: whether the capture holds the key log.

    Raises:
        KeyError: there is no such scene.
    """
    if scene_id not in RECORDED:
        raise KeyError(f"There is no recorded scene {scene_id!r}; see {', '.join(RECORDED)}.")
    scene, quoted = RECORDED[scene_id], _LOGS.get(scene_id)
    if quoted is not None:
        return Recorded(scene, tls, (quoted,))
    cast = Cast(tls)
    play = _PLAYS[scene_id](cast)
    with serve(tls_endpoint(play.endpoint)) as endpoint:
        taps = record(endpoint.target, *play.callers)
    hand = cast.hand(*play.held)
    return Recorded(
        scene,
        tls,
        (capture(taps, secrets=secrets), *play.logs),
        hand.identity_files,
        hand.trust_files,
        play.material,
        hand.password,
    )


def _quoted() -> Mapping[str, Blob]:
    told = tomllib.loads(Path(__file__).with_name("recorded.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            one["id"]: Blob(Source(one["name"]), one["log"].encode())
            for one in told["scene"]
            if "log" in one
        }
    )


_CANNOT_ASK = "AH10158: cannot perform post-handshake authentication"
"""What Apache's log says where a client of TLS 1.3 cannot be asked late."""
_LOGS = _quoted()
_PLAYS: dict[str, Callable[[Cast], _Play]] = {}


def _play(scene_id: str) -> Callable[[Callable[[Cast], _Play]], Callable[[Cast], _Play]]:
    def declare(play: Callable[[Cast], _Play]) -> Callable[[Cast], _Play]:
        _PLAYS[scene_id] = play
        return play

    return declare


def _caller(
    cast: Cast, identity: Issued | None = None, *crls: x509.CertificateRevocationList
) -> Caller:
    return Caller(HOST, (cast.partner.certificate,), cast.tls, identity, crls)


@_play("client.chain-order")
def _chain_order(cast: Cast) -> _Play:
    policy = cast.root.intermediate("CN=Acme Policy CA, O=Acme Corporation")
    issued = policy.intermediate("CN=Acme Branch CA, O=Acme Corporation").client(CLIENT)
    wrong = replace(issued, chain=tuple(reversed(issued.chain)))
    return _Play(cast.endpoint(ordered=True), (_caller(cast, wrong),), (cast.pem(wrong),))


@_play("client.withheld-ca-list")
def _not_listed(cast: Cast) -> _Play:
    other = Authority.root("CN=Acme Test Root CA, O=Acme Corporation")
    held = other.intermediate("CN=Acme Test Issuing CA, O=Acme Corporation").client(CLIENT)
    return _Play(cast.endpoint(), (_caller(cast),), (held,))


@_play("client.withheld-algorithm")
def _no_scheme(cast: Cast) -> _Play:
    shown = cast.partner_issuing.server(
        f"CN={cast.host}, O=Partner Example Ltd", cast.host, key="RSA 2048"
    )
    taken = "rsa_pss_rsae_sha256:rsa_pkcs1_sha256"
    endpoint = cast.endpoint(identity=shown, schemes=taken)
    return _Play(endpoint, (_caller(cast),), (cast.good,))


@_play("client.withheld-purpose")
def _for_servers(cast: Cast) -> _Play:
    held = cast.issuing.client(CLIENT, eku=("serverAuth",))
    return _Play(cast.endpoint(), (_caller(cast),), (held,))


@_play("server.revoked")
def _server_revoked(cast: Cast) -> _Play:
    shown = cast.partner_identity()
    der = revocation_list(cast.partner_issuing, shown.certificate)
    crl = x509.load_der_x509_crl(der)
    caller = _caller(cast, cast.good, crl)
    beside = Blob(Source("partner-tls-ca-1.crl"), der)
    return _Play(cast.endpoint(identity=shown), (caller,), (cast.good,), (beside,))


@_play("server.weak")
def _server_weak(cast: Cast) -> _Play:
    shown = cast.partner_issuing.server(f"CN={cast.host}", cast.host, key="RSA 1024")
    endpoint = cast.endpoint(identity=shown, ciphers="DEFAULT:@SECLEVEL=0")
    return _Play(endpoint, (_caller(cast, cast.good),), (cast.good,))


@_play("server.ca-list-wrong")
def _list_wrong(cast: Cast) -> _Play:
    old = Authority.root("CN=Acme Root CA 2015, O=Acme Corporation")
    callers = (_caller(cast), _caller(cast, cast.good))
    named = certificates("partner-trusts.pem", cast.root.certificate)
    return _Play(cast.endpoint(listed=(old.certificate,)), callers, (cast.good,), (named,))


@_play("server.asks-late")
def _asks_late(cast: Cast) -> _Play:
    logs = {"1.2": (), "1.3": (_log("partner-error.log", _CANNOT_ASK),)}
    endpoint = cast.endpoint(late=True)
    return _Play(endpoint, (_caller(cast, cast.good),), (cast.good,), logs=logs[cast.tls])


def _log(name: str, line: str) -> Blob:
    return Blob(Source(name), f"{line}\n".encode())
