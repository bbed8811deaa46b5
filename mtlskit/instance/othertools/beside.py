"""The instance and other tools at one address, side by side.

Law of this file: it compares what the settings say. Nothing is called, and what a comparison
cannot show is said as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mtlskit.instance.othertools.reader import together
from mtlskit.instance.othertools.tool import HTTPS, Sending, Tool
from mtlskit.instance.routes import Address, Route, address_of, route
from mtlskit.instance.settings import Settings
from mtlskit.material import Because, Problem
from mtlskit.page.blocks import Block, Code, Inline, Items, Page, Section, Table
from mtlskit.page.shown import Shown

_TRUST_ALL = "com.glide.communications.trustmanager_trust_all"
_VERIFY = "com.glide.communications.httpclient.verify_hostname"


@dataclass(frozen=True, slots=True)
class Beside(Shown):
    """What the instance and other tools would send to one address.

    Attributes:
        route: the instance's road; None: its settings were not given.
        sendings: one for each tool.
        verifies: whether the instance verifies the server; None: its properties were not given.
        says: what follows from the comparison, as sentences.
    """

    url: str
    route: Route | None
    sendings: tuple[Sending, ...]
    verifies: bool | None
    says: tuple[Because, ...]
    problems: tuple[Problem, ...] = ()

    def page(self) -> Page:
        """Describe the comparison: a column for each, what follows, and what is good to know."""
        blocks: list[Block] = [self._table()]
        if self.says:
            items: tuple[Inline, ...] = tuple(_sentence(one.text) for one in self.says)
            blocks.append(Section("What follows", (Items(items),)))
        blocks += [Section(f"What {one.tool} goes by", _steps(one)) for one in self.sendings]
        if self.problems:
            rows = tuple((str(one.source), one.text) for one in self.problems)
            blocks.append(Table(("Where", "What could not be read"), rows))
        return Page(f"The instance and other tools at {self.url}", tuple(blocks))

    def _table(self) -> Block:
        columns = ("", "The instance", *(one.tool for one in self.sendings))
        road, tools = self.route, self.sendings
        rows: list[tuple[Inline, ...]] = [
            ("Calls", _instance_calls(road), *(Code(str(one.address)) for one in tools)),
            ("Port", _instance_port(road), *(_port(one.address) for one in tools)),
            ("Client certificate", _instance_sends(road), *map(_sends, tools)),
            (
                "Verifies the server",
                _yes_no(self.verifies),
                *(_yes_no(one.verifies) for one in tools),
            ),
        ]
        return Table(columns, tuple(rows))


def beside(settings: Settings | None, url: str, tools: Iterable[Tool]) -> Beside:
    """Compare the instance with other tools at a URL, as the instance writes it.

    A tool is asked for the same host and port by plain https, since it knows no scheme of the
    instance's own.

    Raises:
        Unreadable: it is no URL.
    """
    road = route(settings, url) if settings else None
    named = address_of(url)
    port = named.port or (road.port if road else None)
    address = replace(named, scheme="https", port=None if port == HTTPS else port)
    every = together(tools)
    sendings = tuple(one.sending(address) for one in every)
    return Beside(
        url=str(named),
        route=road,
        sendings=sendings,
        verifies=_verifies(settings),
        says=tuple(_following(road, sendings)),
        problems=tuple(problem for one in every for problem in one.problems),
    )


def _verifies(settings: Settings | None) -> bool | None:
    """Tell whether the instance verifies servers; by default it does, at least their chain."""
    if settings is None or settings.properties is None:
        return None
    trusting = settings.property_named(_TRUST_ALL)
    checking = settings.property_named(_VERIFY)
    all_trusted = trusting is not None and trusting.value.lower() == "true"
    return not all_trusted or (checking is not None and checking.value.lower() == "true")


def _following(road: Route | None, sendings: Sequence[Sending]) -> Iterable[Because]:
    trusting = [one.tool for one in sendings if one.verifies is False]
    if trusting:
        names = " and ".join(trusting)
        do, work = ("does", "it works") if len(trusting) == 1 else ("do", "they work")
        yield Because(
            f"{names} {do} not verify the server. That {work} says nothing about whether the "
            "instance trusts the server"
        )
    for one in sendings:
        yield from _of_one(road, one)
    offered = road.offered if road else None
    if offered and offered[1:]:
        names = ", ".join(store.name for store in offered)
        text = (
            f"the instance may offer any of {names}, while a tool sends the one that it was given. "
            "One of them working in a tool does not say which one the instance sends"
        )
        yield Because(text)


def _of_one(road: Route | None, one: Sending) -> Iterable[Because]:
    if one.sends is None:
        text = (
            f"{one.tool} would send no certificate here. If it fails with the same error, that "
            "says nothing about the instance's key stores"
        )
        yield Because(text, one.because[-1].source if one.because else None)
    if road is not None and road.offered == () and one.sends is not None:
        text = (
            f"{one.tool} holds {one.sends.name} ready, and the instance would offer no "
            "certificate on this road"
        )
        yield Because(text, one.sends.source)
    if one.sends is not None and one.sends.password is False and one.tool == "SoapUI":
        text = (
            f"no password is set for {one.sends.name} in SoapUI. If it needs one, SoapUI calls "
            "without a certificate, and says so in its log alone"
        )
        yield Because(text, one.sends.source)


def _instance_calls(road: Route | None) -> Inline:
    return Code(str(road.address)) if road else "its settings were not given"


def _instance_port(road: Route | None) -> str:
    if road is None:
        return "not known"
    registered = road.scheme.port.value if road.scheme and road.scheme.port else None
    called = str(road.port) if road.port is not None else "cannot be told"
    if registered and registered != called:
        return f"{called}; registered is {registered}"
    return called


def _instance_sends(road: Route | None) -> str:
    if road is None:
        return "not known"
    if road.offered is None:
        return "cannot be told: sys_certificate was not given"
    names = [one.name for one in road.offered]
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _port(address: Address) -> str:
    if address.port:
        return str(address.port)
    return "80" if address.scheme.lower() == "http" else str(HTTPS)


def _sends(one: Sending) -> str:
    return one.sends.name if one.sends else "none"


def _yes_no(answer: bool | None) -> str:  # noqa: FBT001 - it is the answer that is told
    return "not known" if answer is None else "yes" if answer else "no"


def _steps(one: Sending) -> tuple[Block, ...]:
    rows = tuple((_sentence(step.text), str(step.source or "")) for step in one.because)
    known: tuple[Inline, ...] = tuple(f"{fact.says} ({fact.source}.)" for fact in one.known)
    return (Table(("Step", "Where it is set"), rows), *((Items(known),) if known else ()))


def _sentence(text: str) -> str:
    whole = text[:1].upper() + text[1:] if not text.startswith(("curl", "--")) else text
    return whole if whole.endswith(".") else f"{whole}."
