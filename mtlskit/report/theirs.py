"""Names that the other side showed or named itself: they are no secret to it.

Law of this file: a name is theirs if the other side showed it, in its certificates, its list of
CAs, its answer or the address by which it is called. A listed CA of the client's own organisation
is the client's, unless the server's own certificates carry that organisation too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate, Name
from mtlskit.trace.events import Trace
from mtlskit.trace.printed import PrintedCertificate

IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
IPV6 = re.compile(r"(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
IN_DN = re.compile(r"\b(CN|OU?|L|ST|DC|UID|emailAddress)\s*=\s*((?:\\.|[^,+/;\n\"\]\\])+)")
_PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"),
    )
)


@dataclass(frozen=True, slots=True)
class Theirs:
    """What the other side showed or named.

    Attributes:
        names: hosts, addresses, and every value of a distinguished name, as they were written.
        issuers: the common names and organisations among them, in small letters.
        said: its answers, which may name a CA.
    """

    names: tuple[str, ...] = ()
    issuers: frozenset[str] = frozenset()
    said: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        """The names in small letters."""
        return frozenset(one.lower() for one in self.names)

    def named(self, name: Name | str | None) -> bool:
        """Tell whether the other side named this CA, or another one of its organisation."""
        values = [value for what, value in values_of(name) if what in ("CN", "O")]
        return any(
            value.lower() in self.issuers or any(_holds(text, value) for text in self.said)
            for value in values
        )


def theirs_of(case: Case) -> Theirs:
    """Gather what the other side showed in every connection of the case."""
    every = tuple(traces(case))
    shown = [pair for trace in every for pair in _shown(trace)]
    carried = {value.lower() for _, value in shown}
    ours = _organisations(case) - carried
    for name in listed(case):
        values = values_of(name)
        theirs = any(what == "O" and value.lower() in carried for what, value in values)
        if theirs or not any(_holds(value, one) for _, value in values for one in ours):
            shown += values
    names = [value for _, value in shown]
    names += [host for host in _called(case, every) if host]
    names += [one for trace in every for one in _answered(trace, every)]
    issuers = frozenset(value.lower() for what, value in shown if what in ("CN", "O"))
    said = tuple(trace.http.text for trace in every if trace.http)
    return Theirs(tuple(dict.fromkeys(names)), issuers, said)


def _shown(trace: Trace) -> Iterator[tuple[str, str]]:
    """Return the values in the server's certificates, each with its attribute's short name."""
    for one in trace.server_chain or trace.server_printed or ():
        yield from (*values_of(one.subject), *values_of(one.issuer))
        for other in one.san or ():
            if other.kind in ("dns", "ip"):
                yield "SAN", other.value.removeprefix("*.").rstrip(".")


def _organisations(case: Case) -> set[str]:
    """Return the organisations in the client's certificates, in small letters."""
    held: list[Certificate | PrintedCertificate] = [
        one for trace in traces(case) for one in trace.client_named[:1]
    ]
    held += [one.certificate for one in case.identities or ()]
    values = (pair for one in held for pair in values_of(one.subject))
    return {value.lower() for what, value in values if what == "O"}


def _called(case: Case, every: Iterable[Trace]) -> Iterator[str | None]:
    """Return by which names and addresses the other side was called."""
    yield case.target.host if case.target else None
    yield url_host(case.url)
    for trace in every:
        yield trace.target.host if trace.target else None
        yield trace.server_name
        yield trace.expected_name
        peer = host(trace.peer)
        # A private address that was not asked for may be that of the client's own proxy.
        yield None if peer is None or is_private(peer) else peer


def _answered(trace: Trace, every: Iterable[Trace]) -> Iterator[str]:
    """Return the addresses in the other side's answer, but those from which it was called."""
    text = trace.http.text if trace.http else ""
    own = {host(address) for one in every for address in (one.own, one.caller)}
    yield from (one for one in (*IPV4.findall(text), *IPV6.findall(text)) if one not in own)


def values_of(name: Name | str | None) -> tuple[tuple[str, str], ...]:
    """Return the values of a distinguished name, without countries; of its text where it is one."""
    if isinstance(name, str):
        return tuple((what, _bare(value)) for what, value in IN_DN.findall(name))
    every = (pair for rdn in (name.rdns if name else ()) for pair in rdn)
    return tuple((what, value) for what, value in every if what != "C")


def _bare(value: str) -> str:
    """Take the escapes of RFC 4514 out of a value."""
    return re.sub(r"\\(.)", r"\1", value).strip()


def _holds(text: str, name: str) -> bool:
    """Tell whether a name stands in a text as words of their own."""
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


def traces(case: Case) -> Iterator[Trace]:
    """Return every connection of the case, and the views of which each was joined."""
    held = (case.trace,) if case.trace else ()
    for one in (*held, *case.traces, *(one.trace for one in case.attempts)):
        yield one
        yield from one.views


def listed(case: Case) -> Iterator[str]:
    """Return the distinguished names of which the server told that it accepts them."""
    for trace in traces(case):
        yield from trace.asked.authorities if trace.asked else ()


def host(address: str | None) -> str | None:
    """Return the host of a host and port."""
    return address.rpartition(":")[0].strip("[]") if address else None


def url_host(url: str | None) -> str | None:
    """Return the host of a URL; None where it has none."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def is_private(said: str) -> bool:
    """Tell whether it is an address that only its own network knows (RFC 1918, 4193, 6598)."""
    try:
        one = ip_address(said)
    except ValueError:
        return False
    return any(one.version == net.version and one in net for net in _PRIVATE)
