"""What was handed in, and from where. Law of this room: nothing here is interpreted.

Everything that the kit later says rests on a `Source`: the name of a file, a connection or a
pasted text, and the place within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NoReturn

Side = Literal["client", "server"]
"""The two ends of a connection, named as RFC 8446 names them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was seen: a name, and a place within it.

    Attributes:
        name: what was handed in, as a person would call it: ``client.p12``, ``127.0.0.1:8443``.
        place: where within it, outermost first: ``("entry 2", "chain[1]")``. Empty: the whole.
    """

    name: str
    place: tuple[str, ...] = ()

    def at(self, *place: str) -> Source:
        """Name a place within this one."""
        return Source(self.name, self.place + place)

    def plain(self) -> str:
        """Tell it to a program as to a person."""
        return str(self)

    def __str__(self) -> str:
        return ", ".join((self.name, *self.place))


@dataclass(frozen=True, slots=True)
class Because:
    """One observed fact as a sentence, with the place where it was observed."""

    text: str
    source: Source | None = None

    def __str__(self) -> str:
        return f"{self.text} [{self.source}]" if self.source else self.text


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with what was handed in, told as a value so that the rest is still shown.

    Attributes:
        code: a short stable word, such as ``wrong-password``, ``damaged`` or ``unsupported``.
        text: one sentence: what, where, what was expected, what to do.
    """

    code: str
    text: str
    source: Source

    def __str__(self) -> str:
        return f"{self.source}: {self.text}"


class Unreadable(ValueError):  # noqa: N818 - the name is what is said of the input
    """What was handed in cannot be read at all; carries the `Problem` that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of one file or upload. They may hold a key, so no repr shows them."""

    source: Source
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Decoded text: a log, a transcript, a pasted line."""

    source: Source
    text: str = field(repr=False)


class Secrets:
    """A key log (SSLKEYLOGFILE lines). Held in memory only: no repr, no copy, no pickle.

    Whoever reads `lines` must not write them anywhere.
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: tuple[str, ...] = ()) -> None:
        self._lines = lines

    @property
    def lines(self) -> tuple[str, ...]:
        """``LABEL CLIENT_RANDOM SECRET`` in hex, one connection or many."""
        return self._lines

    def __bool__(self) -> bool:
        return bool(self._lines)

    def __repr__(self) -> str:
        return f"<Secrets: {len(self._lines)} lines, not shown>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Secrets stay in memory: they are never pickled or copied")


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint: a host (name or address) and a TCP port."""

    host: str
    port: int

    def plain(self) -> str:
        """Tell it to a program as to a person: ``host:port``."""
        return str(self)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that one side put on the wire, in the order in which they were seen.

    Attributes:
        seconds: since the connection was begun.
        frame: number of the frame of a capture in which they came; None if it was no capture.
        gap: bytes of this side that stood before these and are not here.
        records: how many records of application data the gap is, all of them whole and left out;
            None: the gap was not captured.
    """

    seconds: float
    sender: Side
    data: bytes = field(repr=False)
    frame: int | None = None
    gap: int = 0
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """How the TCP connection ended, as seen from where the bytes were recorded.

    Attributes:
        sender: which side ended it; None if that cannot be told (or nobody did).
        kind: ``fin`` orderly, ``reset`` by RST, ``deadline`` our own deadline came first,
            ``open`` the record simply stops.
        frame: number of the frame of a capture that ended it; None if it was no capture.
    """

    sender: Side | None
    kind: Literal["fin", "reset", "deadline", "open"]
    seconds: float | None = None
    frame: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no connection came about over which TLS could have begun.

    Attributes:
        kind: ``unresolved`` the name has no address, ``refused`` nobody listens,
            ``timeout`` no answer before the deadline, ``reset``, ``unreachable`` no route,
            ``declined`` a proxy, or the server before STARTTLS, answered and went no further.
        text: the operating system's own words, or those of the one who declined.
        by: whose word it is: ``between`` a proxy's, or about reaching it; ``server`` its own in
            plain text; None: the operating system's, about the endpoint itself.
        code: the number in that word, where it has one: HTTP status, SOCKS reply, LDAP result.
    """

    kind: Literal["unresolved", "refused", "timeout", "reset", "unreachable", "declined"]
    text: str
    by: Literal["between", "server"] | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was said or seen before TLS began: to a proxy, or for STARTTLS.

    Attributes:
        seconds: since the connection was begun.
        speaker: whose words; ``between`` is a proxy; None: seen by the one who recorded.
        text: the words, in one line and cut short. Credentials are never among them.
    """

    seconds: float
    speaker: Literal["client", "server", "between"] | None
    text: str


@dataclass(frozen=True, slots=True)
class Tap:
    """One connection as it went over the wire: a live attempt, a relayed or a captured one.

    Attributes:
        target: the endpoint that was called; None where a capture began late.
        chunks: what both sides sent, in order. In a live attempt `data` is TLS bytes only.
        closing: None when no TCP connection came about (see `failure`).
        secrets: the key log of this connection, empty if there is none.
        server_name: the name that the client meant to reach (not what it sent as SNI).
        library: the TLS library's own words, in order, if it complained.
        began: when, in UTC, if known.
        peer: the address and port that were really called, if known.
        own: the address and port from which the call was made, as this machine sees them.
        prologue: what was said before TLS began, in order.
        late: the bytes may begin within a record: the beginning was not captured.
    """

    source: Source
    target: Target | None = None
    chunks: tuple[Chunk, ...] = field(default=(), repr=False)
    closing: Closing | None = None
    failure: Failure | None = None
    secrets: Secrets = field(default_factory=Secrets)
    server_name: str | None = None
    library: tuple[str, ...] = ()
    began: datetime | None = None
    peer: str | None = None
    own: str | None = None
    prologue: tuple[Remark, ...] = ()
    late: bool = False
