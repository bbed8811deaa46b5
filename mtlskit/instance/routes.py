"""The road of one outbound call: which scheme, port, socket factory and key stores it would use.

Law of this room: what is told is what the exports say, step by step, with the record behind each
step. The call itself is never made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mtlskit.instance.protocols import Scheme, offered, scheme_named, schemes, store_used
from mtlskit.instance.reading import port_number
from mtlskit.instance.records import Message, StoredCertificate
from mtlskit.instance.settings import Settings
from mtlskit.material import Because, Problem, Source, Unreadable

_URL = re.compile(r"(?P<scheme>[^\s:/?#]+)://(?P<authority>[^\s/?#]*)(?P<rest>\S*)\Z")
_AUTHORITY = re.compile(
    r"(?:[^@]*@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::(?P<port>[0-9]*))?\Z"
)


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL that decide its road.

    Attributes:
        scheme: as written; compare it in small letters.
        host: without brackets, in small letters.
        port: None if the URL names none.
    """

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class Route:
    """What one call would use.

    Attributes:
        scheme: the entry of the protocol table; None if nothing registers the URL's scheme.
        port: the TCP port that would be called; None if none can be told.
        key_store: the key store that the scheme's profile names, found among the records.
        offered: key stores whose certificates may be offered; () none; None if it cannot be told.
        message: the record that makes this call, if one with this URL was exported.
        because: the steps, each with its record.
    """

    address: Address
    scheme: Scheme | None
    port: int | None
    key_store: StoredCertificate | None
    offered: tuple[StoredCertificate, ...] | None
    message: Message | None
    because: tuple[Because, ...]


def bare(url: str) -> str:
    """Return a URL without user, password and query, which are nobody else's business."""
    try:
        address = address_of(url)
    except Unreadable:
        return url.partition("?")[0]
    return f"{address}{address.path}"


def address_of(url: str) -> Address:
    """Take a URL apart, whatever its scheme.

    Raises:
        Unreadable: it is no URL with a scheme and a host, or its port is no port.
    """
    match = _URL.match(url.strip())
    authority = _AUTHORITY.match(match["authority"]) if match else None
    port = authority["port"] if authority else None
    number = port_number(port) if port else None
    if match is None or authority is None or (port and number is None):
        text = (
            "This is no URL that can be followed; scheme://host:port/path was expected, "
            "as it stands in the message's Endpoint field."
        )
        raise Unreadable(Problem("not-a-url", text, Source("the URL")))
    host = authority["host"].strip("[]").lower()
    return Address(match["scheme"], host, number, match["rest"].partition("?")[0])


def route(settings: Settings, url: str) -> Route:
    """Follow a URL through the settings.

    Raises:
        Unreadable: it is no URL.
    """
    address = address_of(url)
    message = _message(settings, address)
    scheme = scheme_named(settings, address.scheme)
    by_message = _named_by(settings, message)
    if by_message and (scheme is None or not scheme.offers_certificate):
        scheme = by_message
    registered = port_number(scheme.port.value) if scheme and scheme.port else None
    return Route(
        address=address,
        scheme=scheme,
        port=address.port or registered,
        key_store=store_used(settings, scheme) if scheme else None,
        offered=offered(settings, scheme) if scheme else (),
        message=message,
        because=tuple(_steps(settings, address, scheme, message)),
    )


def messages_to(settings: Settings, host: str) -> tuple[Message, ...]:
    """Return the exported messages whose URL names this host."""
    return tuple(
        message
        for message in settings.messages or ()
        if (address := _address(message)) and address.host == host.lower()
    )


def schemes_to(settings: Settings, host: str | None) -> tuple[Scheme, ...]:
    """Return the schemes that a call to this host may use.

    Those of the messages that name the host; if none does, every scheme that offers a certificate.
    """
    routes = [route(settings, message.url) for message in messages_to(settings, host or "")]
    named = {one.scheme.name: one.scheme for one in routes if one.scheme}
    if named:
        return tuple(named.values())
    return tuple(one for one in schemes(settings) if one.offers_certificate)


def _address(message: Message) -> Address | None:
    try:
        return address_of(message.url)
    except Unreadable:
        return None  # many endpoints are empty or made of ${variables}


def _message(settings: Settings, wanted: Address) -> Message | None:
    same = [one for one in messages_to(settings, wanted.host) if _address(one) == wanted]
    return same[0] if same else None


def _named_by(settings: Settings, message: Message | None) -> Scheme | None:
    """Return the scheme of the profile that a message names, where mutual authentication is on."""
    if message is None or not message.mutual or message.profile is None:
        return None
    for profile in settings.profiles or ():
        if message.profile.sys_id == profile.sys_id or message.profile.name == profile.protocol:
            return scheme_named(settings, profile.protocol)
    return None


def _steps(
    settings: Settings, address: Address, scheme: Scheme | None, message: Message | None
) -> list[Because]:
    steps = []
    if message:
        steps.append(Because(f"the record {message.name} calls {address}", message.source))
    if message and message.mid:
        text = (
            f"the record names the MID Server {message.mid}: a call that goes through it uses the "
            "protocols and key stores of the MID Server, and not what follows here"
        )
        steps.append(Because(text, message.source))
    if scheme is None:
        return [*steps, Because(f"nothing registers the scheme {address.scheme}")]
    if scheme.factory:
        name = scheme.factory.value.rpartition(".")[2]
        text = f"{scheme.name} uses {name}, because of {scheme.factory.record}"
        steps.append(Because(text, scheme.factory.source))
    else:
        steps.append(Because(f"{scheme.name} is built in and offers no client certificate"))
    if address.port:
        steps.append(Because(f"the URL itself names port {address.port}"))
    if scheme.port:
        steps.append(Because(f"the registered port is {scheme.port}", scheme.port.source))
    steps += [Because(f"{one} has no effect", one.source) for one in scheme.overrides]
    return [*steps, *_stores(settings, scheme)]


def _stores(settings: Settings, scheme: Scheme) -> list[Because]:
    stores = offered(settings, scheme)
    if not scheme.offers_certificate:
        return []
    if stores is None:
        return [Because("which key stores there are is not known: sys_certificate is missing")]
    if not stores:
        return [Because("no active key store is there to be offered")]
    return [Because(f"the key store {one.name} may be offered", one.source) for one in stores]
