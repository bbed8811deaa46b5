"""What the rules on settings look at, told from a case. Law of this room: no verdicts.

A rule judges the schemes that the failing call can use: the URL's own; without a URL those of the
messages that call the endpoint's host; without such messages every scheme that offers a
certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps

from mtlskit.case import Case, Missing
from mtlskit.instance.protocols import Scheme, schemes
from mtlskit.instance.routes import Address, Route, address_of, messages_to, route, schemes_to
from mtlskit.instance.settings import Settings
from mtlskit.material import Because, Unreadable
from mtlskit.rules.rule import Answer, Found

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings that the failing call can meet.

    Attributes:
        schemes: only those that offer a client certificate; () if the call uses none of them.
        route: the URL's road; None if no URL was given.
    """

    settings: Settings
    schemes: tuple[Scheme, ...]
    route: Route | None

    @property
    def address(self) -> Address | None:
        """The URL's parts, if a URL was given."""
        return self.route.address if self.route else None


def given(settings: Settings, *names: str) -> None:
    """Ask for tables that no export carried.

    Raises:
        Missing: it names them.
    """
    absent = [name for name in names if name in settings.not_given]
    if absent:
        named = " and ".join(absent)
        how = f"Export {named} as XML or JSON and give the files as settings (--settings)."
        raise Missing(f"the instance's records of {named}", how)


def configured(case: Case) -> Configured:
    """Return the settings that count.

    Raises:
        Missing: a table that would decide was not exported, or the URL cannot be followed.
    """
    settings = case.need_settings()
    given(settings, "sys_properties")
    road = road_in(case, settings)
    if road is None:
        found = schemes_to(settings, case.target.host if case.target else None)
    else:
        found = (road.scheme,) if road.scheme else ()
    found = tuple(one for one in found if one.offers_certificate)
    if not all(one.class_property for one in found) or not found:
        given(settings, "sys_protocol_profile")
    return Configured(settings, found, road)


def called(case: Case, settings: Settings) -> str | None:
    """Return the URL that the instance calls.

    Where neither a URL nor an endpoint was given, and the exports hold one message alone that can
    offer a client certificate, it is that message's.
    """
    if case.url is not None or case.target is not None:
        return case.url
    names = mutual_names(settings)
    urls = {
        message.url
        for message in settings.messages or ()
        if (address := _readable(message.url))
        and (message.mutual or address.scheme.lower() in names)
    }
    return urls.pop() if len(urls) == 1 else None


def road_in(case: Case, settings: Settings) -> Route | None:
    """Follow the URL that the instance calls; None if it is not known."""
    url = called(case, settings)
    return None if url is None else road_of(settings, url)


def road_of(settings: Settings, url: str) -> Route:
    """Follow a URL.

    Raises:
        Missing: it is no URL.
    """
    try:
        return route(settings, url)
    except Unreadable as error:
        raise Missing("a URL that can be followed", error.problem.text) from None


def called_urls(case: Case, settings: Settings) -> tuple[str, ...]:
    """Return the URL that was given, else those of the messages that call the endpoint's host.

    Raises:
        Missing: neither is there.
    """
    url = called(case, settings)
    if url is not None:
        return (url,)
    host = case.target.host if case.target else ""
    found = tuple(message.url for message in messages_to(settings, host))
    if not found:
        raise Missing(
            "the URL that the instance calls",
            "Give the address from the message's Endpoint field, or export sys_rest_message.",
        )
    return found


def endpoint_port(case: Case, settings: Settings) -> tuple[int, Because]:
    """Return the port that the endpoint listens on, and how that is known.

    Raises:
        Missing: nothing tells it.
    """
    address = _readable(called(case, settings))
    if address is not None and address.port is not None:
        return address.port, Because(f"the URL that the instance calls is {address}")
    # A URL without a port says nothing, and the 443 read into it neither, unless it answered.
    assumed = address is not None and case.trace is None
    if case.target is None or (assumed and case.target.port == _HTTPS):
        raise Missing(
            "the port that the endpoint listens on",
            "Give the endpoint as HOST:PORT, or the URL that the instance calls with its port.",
        )
    return case.target.port, Because(f"the endpoint is {case.target}")


def _readable(url: str | None) -> Address | None:
    try:
        return address_of(url) if url else None
    except Unreadable:
        return None


def mutual_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of the schemes that offer a client certificate."""
    return tuple(one.name for one in schemes(settings) if one.offers_certificate)


def beside_the_call(question: Callable[[Case], Answer]) -> Callable[[Case], Answer]:
    """Take its decisiveness from what a question finds, where the instance was not the caller.

    When the identity was offered by mtlskit itself and the call failed all the same, the settings
    had no part in that failure; they stay a possible fault of the instance's own calls.
    """

    @wraps(question)
    def ask(case: Case) -> Answer:
        answer = question(case)
        trace = case.trace
        failed = trace is not None and trace.ended.outcome in ("refused", "unreachable")
        if not isinstance(answer, Found) or case.chosen is None or trace is None or not failed:
            return answer
        text = "the call that was seen to fail was made without the instance and its settings"
        seen = (*answer.because, Because(text, trace.source))
        return replace(answer, because=seen, decisive=False)

    return ask
