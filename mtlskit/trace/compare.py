"""Two connections side by side: "works here, fails there", and where they part.

Law of this file: a difference is told with both sides, and what one of them does not show is told
as not seen, never as different. Why they differ is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.compare import fields
from mtlskit.material import Source, Unreadable
from mtlskit.page.blocks import Block, Callout, Inline, Page, Section, Table
from mtlskit.page.ladders import Ladders, Level
from mtlskit.page.shown import Shown
from mtlskit.trace.events import Event, Trace
from mtlskit.trace.rungs import gathered, rung_of
from mtlskit.wire import messages, names

NOT_SEEN = "not seen"
STEPS = 500
"""Steps of each connection that are put side by side: the work grows with their square."""
_Value = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two connections differ.

    Attributes:
        what: what it is, for people.
        left, right: what each of them has; of a list, what the other one lacks.
    """

    what: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two connections part.

    Attributes:
        level: the step in `Differences.levels`.
        left, right: what happened there; None: nothing more.
    """

    level: int
    left: Event | None
    right: Event | None


@dataclass(frozen=True, slots=True)
class Differences(Shown):
    """Two connections compared.

    Attributes:
        titles: what each is called.
        left, right: the connections.
        rows: in what they differ.
        alike: what is the same in both, by name.
        unseen: what only one of them shows, with the side that does: told, not compared.
        beyond: how many steps of each came after those that were put side by side.
        parting: where they part; None if they never do, as far as both can be seen.
    """

    titles: tuple[str, str]
    left: Trace
    right: Trace
    rows: tuple[Difference, ...]
    alike: tuple[str, ...]
    unseen: tuple[Difference, ...]
    parting: Parting | None
    levels: tuple[Level, ...]
    beyond: tuple[int, int] = (0, 0)

    def page(self) -> Page:
        """Describe where they part, in what they differ, and both step by step."""
        blocks: list[Block] = [Callout(self.headline(), tone="warn" if self.parting else "info")]
        if self.rows:
            blocks.append(_table("", self.titles, self.rows))
        else:
            blocks.append(Callout("Nothing that can be seen of both differs.", tone="info"))
        first = self.parting.level if self.parting else None
        ladders = Ladders(self.titles, ("client", "server"), self.levels, first)
        cut = (Callout(self._cut(), tone="info"),) if any(self.beyond) else ()
        blocks.append(Section("Step by step", (*cut, ladders.picture())))
        if self.unseen:
            title = "Seen of one of them only, and so not compared"
            blocks.append(Section(title, (_table("", self.titles, self.unseen),), folded=True))
        return Page(f"{self.titles[0]}, and {self.titles[1]}", tuple(blocks))

    def headline(self) -> str:
        """Say in one sentence where they part."""
        if self.parting is None:
            within = f", in their first {STEPS} steps" if any(self.beyond) else ""
            return f"As far as both can be seen{within}, the two went the same way."
        left, right = self.parting.left, self.parting.right
        if left and right and (left.sender, left.name) == (right.sender, right.name):
            what = f"{left.sender}'s {_called(left)}"
            details = [rung_of(one).detail or "other content" for one in (left, right)]
            if details[0] == details[1]:
                return f"They part at the {what}: {details[0]} in both, and not the same."
            told = [f'{one} in "{title}"' for one, title in zip(details, self.titles, strict=True)]
            return f"They part at the {what}: {'; '.join(told)}."
        told = [f"in {title}, {_did(one)}" for title, one in self._sides()]
        return f"They part where, {told[0]}; {told[1]}."

    def _cut(self) -> str:
        """Say what was not put side by side."""
        told = [f'{n} of "{title}"' for n, title in zip(self.beyond, self.titles, strict=True)]
        return (
            f"The first {STEPS} steps of each were put side by side. Those that came later were "
            f"not: {' and '.join(told)}."
        )

    def _sides(self) -> Iterable[tuple[str, Event | None]]:
        parting = self.parting
        sides = (parting.left, parting.right) if parting else (None, None)
        return zip((f'"{one}"' for one in self.titles), sides, strict=True)


def _called(event: Event) -> str:
    return f"alert {event.name}" if event.kind == "alert" else event.name


def _did(event: Event | None) -> str:
    if event is None:
        return "nothing more came"
    if event.kind == "close":
        return f"the {event.sender or 'recorder'} {event.name}"
    return f"the {event.sender or 'recorder'} sent {_called(event)}"


def _table(first: str, titles: tuple[str, str], rows: Iterable[Difference]) -> Table:
    told: tuple[tuple[Inline, ...], ...] = tuple((one.what, one.left, one.right) for one in rows)
    return Table((first, *titles), told)


def compare(
    left: Trace, right: Trace, titles: tuple[str, str] = ("works here", "fails there")
) -> Differences:
    """Compare two connections.

    Args:
        left: told from anything: live, tap, capture or log.
        right: the other one.
        titles: what to call them.
    """
    rows, alike, unseen = [], [], []
    for what, ask in _QUESTIONS.items():
        one, other = ask(left), ask(right)
        if one == other:
            alike += [what] if one is not None else []
        elif one is None or other is None:
            unseen.append(Difference(what, _whole(one), _whole(other)))
        else:
            rows.append(Difference(what, *_beside(one, other)))
            rows += _leaves(what, left, right)
    steps = gathered(left.events), gathered(right.events)
    beyond = max(0, len(steps[0]) - STEPS), max(0, len(steps[1]) - STEPS)
    levels, parting = _aligned(steps[0][:STEPS], steps[1][:STEPS])
    return Differences(
        titles,
        left,
        right,
        tuple(rows),
        tuple(alike),
        tuple(unseen),
        None if parting and _only_cut(parting, levels, beyond) else parting,
        levels,
        beyond,
    )


def _leaves(what: str, left: Trace, right: Trace) -> list[Difference]:
    """Tell in what the first certificates of two chains differ, field by field."""
    ask = _CHAINS.get(what)
    one, other = (ask(left), ask(right)) if ask else (None, None)
    if not one or not other:
        return []
    leaf = what.removesuffix("s")
    found = fields(one[0], other[0])
    return [Difference(f"{leaf}: {name}", *each) for name, *each in found if name not in _NUMBERS]


_CHAINS: dict[str, Callable[[Trace], tuple[Certificate, ...] | None]] = {
    "Server's certificates": lambda trace: trace.server_chain,
    "Client's certificates": lambda trace: trace.client_chain,
}
_NUMBERS = frozenset({"serial number", "public key's SHA-256"})
"""Fields that differ between any two certificates, and tell nothing."""


def _only_cut(parting: Parting, levels: tuple[Level, ...], beyond: tuple[int, int]) -> bool:
    """Tell whether "nothing more" there is but where the steps of a connection were cut off."""
    rest = levels[parting.level :]
    left = beyond[0] > 0 and not any(one.left for one in rest)
    return left or (beyond[1] > 0 and not any(one.right for one in rest))


def _whole(value: _Value) -> str:
    if value is None:
        return NOT_SEEN
    return value if isinstance(value, str) else ", ".join(value) or "none"


def _beside(one: str | tuple[str, ...], other: str | tuple[str, ...]) -> tuple[str, str]:
    """Of two lists, tell what each has that the other lacks; the same in another order whole."""
    if isinstance(one, str) or isinstance(other, str):
        return _whole(one), _whole(other)
    if not one or not other or set(one) == set(other):
        return _whole(one), _whole(other)
    return _only(one, other), _only(other, one)


def _only(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    lacking = [each for each in one if each not in other]
    return f"also {', '.join(lacking)}" if lacking else "nothing more"


# What is asked of each connection. None: it was not seen.


def _hello(trace: Trace) -> messages.ClientHello | None:
    bodies = (one.body for one in trace.events)
    return next((one for one in bodies if isinstance(one, messages.ClientHello)), None)


def _of_hello(ask: Callable[[messages.ClientHello], _Value]) -> Callable[[Trace], _Value]:
    def answer(trace: Trace) -> _Value:
        hello = _hello(trace)
        return None if hello is None else ask(hello)

    return answer


def _named(codes: Iterable[int], name: Callable[[int], str]) -> tuple[str, ...]:
    """Name what was offered; GREASE (RFC 8701) is drawn by lot each time, and says nothing."""
    return tuple(name(one) for one in codes if not names.is_grease(one))


def _extensions(hello: messages.ClientHello) -> tuple[str, ...]:
    return _named((one.type for one in hello.extensions), names.extension_name)


def _chain(chain: tuple[Certificate, ...] | None) -> _Value:
    if chain is None:
        return None
    return tuple(f"{one.label} ({one.sha256[:8]})" for one in chain) or "none: an empty message"


def _was_asked(trace: Trace) -> _Value:
    if trace.asked is None and trace.asking_hidden:
        return None
    return "yes" if trace.asked else "no" if trace.tls else None


def _end(trace: Trace) -> _Value:
    closings = [one for one in trace.events if one.kind == "close"]
    return f"the {closings[-1].sender or 'recorder'} {closings[-1].name}" if closings else None


def _http(trace: Trace) -> _Value:
    return f"{trace.http.status} {trace.http.reason}".strip() if trace.http else None


_QUESTIONS: dict[str, Callable[[Trace], _Value]] = {
    "Outcome": lambda trace: trace.ended.outcome,
    "Refused by": lambda trace: trace.ended.refused_by or "nobody",
    "Stage": lambda trace: trace.ended.stage or "none",
    "Alert": lambda trace: trace.ended.symptom.name or "none",
    "HTTP answer": _http,
    "TLS version": lambda trace: trace.tls,
    "Cipher suite": lambda trace: trace.cipher,
    "Server name sent": _of_hello(lambda hello: hello.server_name or "none"),
    "Application protocol": lambda trace: trace.alpn,
    "Versions offered": _of_hello(lambda hello: _named(hello.versions, names.version_name)),
    "Cipher suites offered": _of_hello(
        lambda hello: _named(hello.cipher_suites, names.cipher_name)
    ),
    "Groups offered": _of_hello(lambda hello: _named(hello.groups, names.group_name)),
    "Signature schemes offered": _of_hello(lambda hello: _named(hello.schemes, names.scheme_name)),
    "Protocols offered (ALPN)": _of_hello(lambda hello: tuple(hello.alpn)),
    "Extensions of the ClientHello": _of_hello(_extensions),
    "Server's certificates": lambda trace: _chain(trace.server_chain),
    "Client certificate asked for": _was_asked,
    "Acceptable issuers": lambda trace: trace.asked.authorities if trace.asked else None,
    "Signature schemes asked for": lambda trace: trace.asked.schemes if trace.asked else None,
    "Certificate types asked for": lambda trace: trace.asked.types if trace.asked else None,
    "Client's certificates": lambda trace: _chain(trace.client_chain),
    "Proof of the client's key": lambda trace: "sent" if trace.proved else None,
    "Session": lambda trace: ("resumed" if trace.resumed else "new") if trace.tls else None,
    "End": _end,
}


# Step by step.


def _key(event: Event) -> tuple[str | None, str, str]:
    return event.sender, event.kind, event.name


def _aligned(
    left: list[tuple[Event, int]], right: list[tuple[Event, int]]
) -> tuple[tuple[Level, ...], Parting | None]:
    """Put the same steps on one level, and find the first on which they are not the same."""
    matcher = SequenceMatcher(
        None, [_key(one) for one, _ in left], [_key(one) for one, _ in right], autojunk=False
    )
    levels: list[Level] = []
    parting: Parting | None = None
    sealed = False
    for kind, a, b, c, d in matcher.get_opcodes():
        for one, other in _pairs(left[a:b], right[c:d], together=kind == "equal"):
            level = _level(one, other)
            sealed = sealed or (kind != "equal" and _half_sealed(one, other))
            if parting is None and not sealed and _parts(level, one):
                parting = Parting(len(levels), one and one[0], other and other[0])
            levels.append(level)
    return tuple(levels), parting


_Step = tuple[Event, int] | None


def _pairs(
    left: list[tuple[Event, int]], right: list[tuple[Event, int]], *, together: bool
) -> list[tuple[_Step, _Step]]:
    if together:
        return list(zip(left, right, strict=True))
    many = max(len(left), len(right))
    one = [*left, *[None] * (many - len(left))]
    return list(zip(one, [*right, *[None] * (many - len(right))], strict=True))


def _level(one: _Step, other: _Step) -> Level:
    left, right = (each and rung_of(*each) for each in (one, other))
    if one is None or other is None or _key(one[0]) != _key(other[0]):
        return Level(left, right, "alone")
    same = _content(one[0]) == _content(other[0])
    return Level(left, right, "same" if same else "differs")


def _content(event: Event) -> object:
    """What of a step has to agree. Keys and random numbers never do; runs of data may not."""
    match event.body:
        case messages.ClientHello() as hello:
            codes = (hello.versions, hello.cipher_suites, hello.groups, hello.schemes)
            lists = tuple(_named(one, hex) for one in codes), hello.alpn
            return hello.server_name, lists, _extensions(hello)
        case messages.ServerHello() as hello:
            return hello.version, hello.cipher_suite
        case messages.CertificateRequest() as request:
            return request.authorities, request.schemes, request.types
        case messages.Certificate() as message if event.sender == "server":
            # One name may be served by several machines, each with a certificate of its own.
            return tuple(_subject(der) for der, _ in message.entries)
        case messages.Certificate() as message:
            return tuple(der for der, _ in message.entries)
    return event.note if event.kind == "alert" else None


def _subject(der: bytes) -> str:
    try:
        return str(read_certificate(der, Source("comparison")).subject)
    except Unreadable:
        return der.hex()


def _parts(level: Level, one: _Step) -> bool:
    """Whether the way parts here: another step, or other certificates sent or asked for.

    Two clients hardly ever say the same in their first message; that alone parts nothing.
    """
    decisive = (messages.Certificate, messages.CertificateRequest)
    content = one is not None and isinstance(one[0].body, decisive)
    return level.likeness == "alone" or (level.likeness == "differs" and content)


def _half_sealed(one: _Step, other: _Step) -> bool:
    """Whether one of the two is sealed where the other is open: that is no difference."""
    kinds = [each[0].kind for each in (one, other) if each]
    return kinds.count("hidden") == 1
