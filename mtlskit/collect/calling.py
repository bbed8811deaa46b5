"""From what a person wants to the call that does it.

Law of this file: what cannot be done is refused before anyone is called, with one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict
from urllib.parse import urlsplit

from mtlskit.case import Case
from mtlskit.collect.call import VERSIONS, Call, HttpRequest
from mtlskit.collect.starttls import PROTOCOLS, question
from mtlskit.collect.via import Proxy, proxy_from
from mtlskit.material import Problem, Source, Unreadable


class Manner(TypedDict, total=False):
    """How a connection is made: the way to the server, and what the client offers.

    Keys:
        via: the proxy, such as ``http://user@proxy.example:3128`` or ``socks5://…``.
        proxy_password: of the proxy's user.
        starttls: ``smtp``, ``imap``, ``pop3``, ``ldap`` or ``postgres``: begin TLS within it.
        alpn: application protocols to offer.
        ciphers: cipher suites to offer, in OpenSSL's words or the RFCs' names.
        schemes: signature schemes to offer.
        groups: groups for the key exchange to offer.
        hello: ``large`` with a post-quantum key share, ``small`` without.
        post_handshake: offer to be asked for a certificate after the handshake.

    Several protocols, suites, schemes or groups are a sequence, or one string with colons or
    commas.
    """

    via: str | Proxy | None
    proxy_password: str | None
    starttls: str | None
    alpn: str | Sequence[str]
    ciphers: str | Sequence[str]
    schemes: str | Sequence[str]
    groups: str | Sequence[str]
    hello: Literal["small", "large"] | None
    post_handshake: bool


_LISTS = ("alpn", "ciphers", "schemes", "groups")


def call_of(  # noqa: PLR0913 - the choices of a call
    case: Case,
    tls: str | None,
    server_name: str | None,
    timeout: float,
    *,
    request: bool,
    manner: Manner,
) -> Call:
    """Settle a call as the client would make it, with its first usable identity.

    Args:
        case: names the endpoint, and holds identities and trust.
        tls: the one version to speak; None: 1.2 or 1.3.
        server_name: the name to reach; None: the target's host; "": send none.
        timeout: seconds for everything together.
        request: send an HTTP GET; within another protocol a harmless request of its own.
        manner: how the connection is made.

    Raises:
        Unreadable: there is no endpoint, or no such version.
        ValueError: a wish cannot be.
    """
    if case.target is None:
        words = "There is no endpoint to call; give HOST:PORT."
        raise Unreadable(Problem("not-recognised", words, Source("target")))
    if tls is not None and tls not in VERSIONS:
        words = f"{tls!r} is no TLS version; expected one of {', '.join(VERSIONS)}."
        raise Unreadable(Problem("not-recognised", words, Source("tls")))
    usable = [one for one in case.identities or () if one.key_matches]
    return Call(
        case.target,
        server_name=server_name,
        identity=usable[0] if usable else None,
        trust=case.trust,
        versions=(tls, tls) if tls else ("1.2", "1.3"),
        timeout=timeout,
        **(_asking(case, server_name, manner) if request else {}),
        **_settled(manner),
    )


def _asking(case: Case, server_name: str | None, manner: Manner) -> dict[str, Any]:
    """Say what is asked after the handshake: HTTP, or what fits the protocol around TLS."""
    protocol = manner.get("starttls")
    if protocol:
        return {"question": question(protocol) if protocol in PROTOCOLS else b""}
    host = case.target.host if case.target else ""
    return {"request": HttpRequest("GET", path_at(case.url, {host, server_name or host}))}


def _settled(manner: Manner) -> dict[str, Any]:
    """Turn the words of a person into fields of a `Call`."""
    unknown = sorted(set(manner) - set(Manner.__annotations__))
    if unknown:
        raise TypeError(f"{', '.join(unknown)}: no connection is made in such a manner")
    told: dict[str, Any] = {
        name: value for name, value in manner.items() if value and name not in ("via", *_LISTS)
    }
    password = told.pop("proxy_password", None)
    told |= {name: _several(manner[name]) for name in _LISTS if manner.get(name)}  # type: ignore[literal-required] # they are its keys
    if via := manner.get("via"):
        told["via"] = via if isinstance(via, Proxy) else proxy_from(via, password)
    elif password:
        raise ValueError("A password for a proxy was given, and no proxy.")
    return told


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    """Read a list as OpenSSL (colons) and curl (commas) write it."""
    if not isinstance(given, str):
        return tuple(given)
    return tuple(one.strip() for one in given.replace(",", ":").split(":") if one.strip())


def path_at(url: str | None, hosts: set[str]) -> str:
    """Return the URL's path, if the URL is one of this endpoint; one of another is nobody's to see.

    The query stays out of it: it may hold what only the real caller should send.
    """
    try:
        parts = urlsplit(url or "")
        same = (parts.hostname or "") in {one.casefold() for one in hosts}
    except ValueError:
        return "/"
    return parts.path if same and parts.path else "/"
