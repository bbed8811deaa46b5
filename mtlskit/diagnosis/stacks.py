"""Which server it is, guessed from what it shows. Law of this room: a guess names its reason.

What tells one server from another stands in `stacks.toml`, each row with where it was seen.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mtlskit.diagnosis.habits import measured_stacks
from mtlskit.trace.events import Asked, HttpAnswer, Trace


@dataclass(frozen=True, slots=True)
class StackGuess:
    """A guess at the server's software.

    Attributes:
        guess: its name, or that of its TLS library; None where nothing tells.
        because: what the guess rests on.
        measured_as: the begin of its name in the measured habits, if it is among them.
        kin: the begins of the names of measured servers that are built on the same TLS library.
    """

    guess: str | None
    because: str
    measured_as: str | None = None
    kin: tuple[str, ...] = ()

    @property
    def habits_of(self) -> tuple[str, ...]:
        """The begins of the names whose habits are the nearest; () where nothing tells."""
        return (self.measured_as,) if self.measured_as else self.kin


def guess_stack(trace: Trace | None) -> StackGuess:
    """Guess the server's software: from its HTTP answer, else from how it asks."""
    if trace is None:
        return StackGuess(None, "no connection was looked at")
    answered = _by_answer(trace.http) if trace.http is not None else None
    asking = _by_request(trace.asked) if trace.asked is not None else None
    # A banner that nobody measured tells the name; the library still tells the habits.
    if answered is not None and asking is not None and not answered.measured_as:
        both = f"{answered.because}, and {asking.because}"
        return StackGuess(answered.guess, both, kin=asking.kin)
    nothing = StackGuess(None, "the server showed nothing that names its software")
    return answered or asking or nothing


def _by_answer(http: HttpAnswer) -> StackGuess | None:
    told = _told()
    page = next((row for text, row in told["pages"].items() if text in http.text.lower()), None)
    if page is not None:
        return _guess(page, f"the error page says {http.text!r}")
    banner = (http.server or "").lower().replace("/", " ").split(" ")[0]
    if not banner:
        return None
    row = told["banners"].get(banner, {"name": banner, "measured": None})
    return _guess(row, f"the Server field says {http.server!r}")


def _by_request(asked: Asked) -> StackGuess | None:
    """Guess the TLS library from the order in which its request names signature schemes."""
    schemes = [one for one in asked.schemes if one.startswith(("rsa", "ecdsa", "ed", "dsa"))]
    for library, row in _told()["libraries"].items():
        if schemes[: len(row["begins"])] == row["begins"]:
            text = f"its request names signature schemes in the order in which {library} does"
            return StackGuess(f"one with {library}", text, kin=tuple(row["measured"]))
    return None


def _guess(row: dict[str, Any], because: str) -> StackGuess:
    return StackGuess(row["name"], because, row["measured"])


@cache
def _told() -> dict[str, Any]:
    return tomllib.loads(files("mtlskit.diagnosis").joinpath("stacks.toml").read_text("utf-8"))


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
