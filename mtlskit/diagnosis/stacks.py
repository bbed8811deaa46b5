"""Which server it is, guessed from what it shows. Law of this room: a guess names its reason."""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.diagnosis.habits import measured_stacks
from mtlskit.trace.events import Trace

_PAGES = {
    "no required ssl certificate was sent": "nginx",
    "the ssl certificate error": "nginx",
}
"""Error pages that one server alone writes."""
_BANNERS = {
    "nginx": "nginx",
    "openresty": "nginx",
    "apache": "apache",
    "caddy": "caddy",
    "envoy": "envoy",
    "istio-envoy": "envoy",
}
"""The first word of an HTTP Server field, and the name under which its habits were measured."""


@dataclass(frozen=True, slots=True)
class StackGuess:
    """A guess at the server's software.

    Attributes:
        guess: its name, or None where nothing tells.
        because: what the guess rests on.
        measured_as: the begin of its name in the measured habits, if it is among them.
    """

    guess: str | None
    because: str
    measured_as: str | None = None


def guess_stack(trace: Trace | None) -> StackGuess:
    """Guess the server's software from its HTTP answer."""
    if trace is None:
        return StackGuess(None, "no connection was looked at")
    if trace.http is None:
        return StackGuess(None, "the server showed nothing that names its software")
    page = next((name for text, name in _PAGES.items() if text in trace.http.text.lower()), None)
    if page is not None:
        return StackGuess(page, f"the error page says {trace.http.text!r}", page)
    banner = (trace.http.server or "").lower().replace("/", " ").split(" ")[0]
    if not banner:
        return StackGuess(None, "its HTTP answer has no Server field")
    return StackGuess(banner, f"the Server field says {trace.http.server!r}", _BANNERS.get(banner))


_NAMES = {
    "jsse": "java",
    "tomcat": "java",
    "jetty": "java",
    "openssl": "openssl",
    "golang": "go1",
    "go": "go1",
    "boringssl": "envoy",
    "nss": "nss",
    "apache2": "apache",
    "httpd": "apache",
    "nodejs": "node",
    "gnutls": "gnutls",
    "openresty": "nginx",
    "mbedtls": "mbedtls",
    "grpc": "grpc",
}
"""Names that people use, and the begin of the name under which the habits were measured."""


def named_stack(name: str) -> StackGuess:
    """Return the stack that somebody named.

    Raises:
        ValueError: no habits of such a stack were measured.
    """
    wanted = name.strip().lower().replace(".", "").replace(" ", "")
    begin = _NAMES.get(wanted, wanted)
    known = measured_stacks()
    if not begin or not any(one.startswith(begin) for one in known):
        raise ValueError(f"no habits of {name!r} were measured; say one of {', '.join(known)}")
    return StackGuess(name, "it was named", begin)
