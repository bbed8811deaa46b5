"""What stands at the head of a log's line: when it was written, and from where the client called.

Law of this file: a time is kept as it is printed; a zone that is not printed is not made up.
"""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address

from mtlskit.material import Target
from mtlskit.trace.printed import moment

_HEAD = 160
"""Characters of a line within which its time stands."""
_CLOCKS = (
    # ISO 8601, with a blank or a T, and whatever zone is printed
    re.compile(
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
        r"(?: ?(?:Z|UTC|GMT)\b| ?[+-]\d\d:?\d\d\b| [A-Z]{3,5}\b)?"
    ),
    re.compile(r"\b\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"),  # nginx, Go
    re.compile(
        r"\b\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [+-]\d{4})?"
    ),  # HAProxy
    re.compile(
        r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4}"
    ),  # Apache
)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(Z|UTC|GMT|[+-]\d\d:?\d\d)$")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DATES = (
    re.compile(r"(?P<y>\d{4})[-/](?P<m>\d\d)[-/](?P<d>\d\d)[T ](?P<t>\d\d:\d\d:\d\d)"),
    re.compile(r"(?P<d>\d\d)/(?P<m>[A-Z][a-z]{2})/(?P<y>\d{4}):(?P<t>\d\d:\d\d:\d\d)"),
    re.compile(
        r"[A-Z][a-z]{2} (?P<m>[A-Z][a-z]{2}) +(?P<d>\d{1,2}) (?P<t>\d\d:\d\d:\d\d)"
        r"(?:\.\d{1,9})? (?P<y>\d{4})"
    ),
)
"""The same times, in their parts."""
_CALLERS = (
    re.compile(r"\[client ([0-9a-fA-F.:\[\]]{3,48}:\d{1,5})\]"),  # Apache
    re.compile(r"\bTLS handshake error from ([0-9a-fA-F.:\[\]]{3,48}:\d{1,5}):"),  # Go
    re.compile(r"(?:^|\]: )([0-9a-fA-F.:\[\]]{3,48}:\d{1,5}) \[\d\d/[A-Z][a-z]{2}/"),  # HAProxy
)


def clock_of(line: str) -> str | None:
    """Return the time of a line as it is printed; None where there is none at its head."""
    head = line[:_HEAD]
    found = (form.search(head) for form in _CLOCKS)
    return next((one[0] for one in found if one), None)


def began(clock: str | None) -> datetime | None:
    """Return a printed time in UTC; None where its zone is not printed as one offset."""
    found = _ISO.match(clock or "")
    if found is None:
        return moment(clock) if clock else None
    zone = found[3] if found[3][0] not in "+-" else f"GMT{found[3]}"
    return moment(f"{found[1]} {found[2]} {zone}")


def as_utc(clock: str | None) -> datetime | None:
    """Read a printed time as if it were UTC, whatever zone it is; None where it has no date."""
    found = next((hit for form in _DATES if (hit := form.match(clock or ""))), None)
    if found is None:
        return None
    month = _MONTHS.index(found["m"]) + 1 if found["m"] in _MONTHS else found["m"]
    return moment(f"{found['y']}-{month:0>2}-{found['d']:0>2} {found['t']} UTC")


def caller_of(line: str) -> str | None:
    """Return the client's address and port; None where the line does not tell them."""
    for form in _CALLERS:
        if found := form.search(line[:400]):
            host, _, port = found[1].rpartition(":")
            try:
                address = ip_address(host.strip("[]"))
            except ValueError:
                continue
            return str(Target(str(address), int(port)))
    return None
