"""Whether a certificate speaks for a host (RFC 9525).

Law of this room: subjectAltName alone counts. A common name never matches, but it is said when it
would have, because many people still expect it to.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.extensions import SUBJECT_ALT_NAME

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class NameMatch:
    """The answer, as a sentence, with every DNS name and address that the certificate presents."""

    matched: bool
    because: str
    presented: tuple[str, ...]


def match(certificate: Certificate, wanted: str) -> NameMatch:
    """Match a host name or an IP address against subjectAltName.

    A host name may be written in Unicode (it is turned into A-labels by IDNA 2003) and may end
    with a dot; an IPv6 address may stand in brackets.
    """
    address = address_of(wanted)
    presented = tuple(one.value for one in certificate.san or () if one.kind in {"dns", "ip"})
    if address is not None:
        because = _address_found(certificate, address)
    else:
        because = _name_found(certificate, _ascii(wanted))
    if because:
        return NameMatch(matched=True, because=because, presented=presented)
    because = _why_not(certificate, wanted, presented)
    return NameMatch(matched=False, because=because, presented=presented)


def address_of(wanted: str) -> _Address | None:
    """The IP address that a text is (IP-ID), or None: it is a name (DNS-ID)."""
    text = wanted.removeprefix("[").removesuffix("]").partition("%")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _address_found(certificate: Certificate, address: _Address) -> str | None:
    for one in certificate.san or ():
        if one.kind == "ip" and one.value == str(address):
            return f"The address {one.value} stands in subjectAltName."
    return None


def _ascii(name: str) -> str:
    """The name in lower-case A-labels without a final dot."""
    name = name.rstrip().removesuffix(".")
    if name.isascii():
        return name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()


def _name_found(certificate: Certificate, wanted: str) -> str | None:
    for one in certificate.san or ():
        if one.kind == "dns" and dns_match(one.value, wanted):
            if "*" in one.value:
                return f"The DNS name {one.value} in subjectAltName covers {wanted}."
            return f"The DNS name {one.value} stands in subjectAltName."
    return None


def dns_match(presented: str, wanted: str) -> bool:
    """RFC 9525, 6.3: equal labels, ASCII case aside; ``*`` as the whole leftmost label is any one.

    Both are A-labels; a final dot does not count.
    """
    pattern = presented.lower().removesuffix(".").split(".")
    labels = wanted.lower().removesuffix(".").split(".")
    if not all(labels) or len(pattern) != len(labels) or "*" in "".join(pattern[1:]):
        return False
    if pattern[0] == "*":
        return len(pattern) > 1 and pattern[1:] == labels[1:]
    return "*" not in pattern[0] and pattern == labels


def _why_not(certificate: Certificate, wanted: str, presented: tuple[str, ...]) -> str:
    if certificate.san is None and certificate.extension(SUBJECT_ALT_NAME):
        said = "Its subjectAltName is malformed, and nothing else counts."
    elif certificate.san is None:
        said = "The certificate has no subjectAltName, and nothing else counts."
    elif not presented:
        said = "Its subjectAltName holds no DNS name and no address."
    else:
        listed = ", ".join(presented[:8]) + (", ..." if len(presented) > 8 else "")  # noqa: PLR2004 - a line's worth
        said = f"The certificate is for {listed}, not for {wanted}."
    return " ".join((said, *_hints(certificate, wanted)))


def _hints(certificate: Certificate, wanted: str) -> list[str]:
    """Near misses, each as a sentence."""
    hints = []
    name = _ascii(wanted)
    cn = certificate.subject.common_name
    if cn is not None and (dns_match(cn, name) or cn == wanted):
        hints.append(f"Only its common name {cn} would fit, which RFC 9525 does not look at.")
    if address_of(wanted) is not None:
        if any(one.kind == "dns" and one.value == name for one in certificate.san or ()):
            hints.append("The address stands there as a DNS name, where it does not count.")
        return hints
    for one in certificate.san or ():
        if one.kind == "dns" and "*" in one.value and (hint := _wildcard_hint(one.value, name)):
            hints.append(hint)
            break
    return hints


def _wildcard_hint(pattern: str, wanted: str) -> str | None:
    if "*" in pattern.removeprefix("*."):
        return f"{pattern} matches nothing: a wildcard is the whole leftmost label or none."
    base = pattern.lower().removeprefix("*")
    if wanted == base[1:] or wanted.endswith(base):
        return f"{pattern} stands for exactly one label in front of {base[1:]}."
    return None
