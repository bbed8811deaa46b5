"""From the causes that were found in the settings to a change plan that was tried on paper.

Law of this file: a change is in the plan only if the settings, judged again with it made, no longer
show the cause. What the exports do not decide is told as open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mtlskit.case import Case, Missing
from mtlskit.diagnosis.reason import Opinion, reason
from mtlskit.instance.changes import Change, changed, url_after
from mtlskit.instance.offering import opened_once
from mtlskit.instance.plan import Plan, plan_of
from mtlskit.instance.proposals import proposed, url_mended
from mtlskit.instance.routes import bare
from mtlskit.instance.settings import Settings
from mtlskit.instance.whatif import WhatIf, what_if
from mtlskit.material import Unreadable
from mtlskit.rules import in_settings
from mtlskit.rules.configured import called, endpoint_port
from mtlskit.rules.rule import Found, Rule, ask

_ROOM = "instance."
_ROUNDS = 24
"""A mended fault can uncover another, and make one decidable that was not; there are eight."""


def change_plan(case: Case, passwords: Sequence[str] = ()) -> Plan:
    """Make the plan that mends every cause found in the settings of a case.

    Args:
        case: with settings, and the URL that the instance calls if the exports leave it open.
        passwords: tried on the attached key stores.

    Raises:
        Missing: no settings, or no URL to make a plan for.
        Unreadable: the URL is none.
    """
    url = called(case, case.need_settings())
    if url is None:
        raise Missing(
            "the URL that the instance calls",
            "Give it as it stands in the message's Endpoint field (--url).",
        )
    with opened_once():  # each round asks for the same key stores
        return _Planning(case, url, tuple(passwords)).plan()


def tried_out(case: Case, changes: Sequence[Change], passwords: Sequence[str] = ()) -> WhatIf:
    """Work out what some changes would do, and which faults of the settings they would leave.

    Args:
        case: with settings, and the URL that the instance calls if the exports leave it open.
        changes: in the order in which they would be made.
        passwords: tried on the attached key stores.

    Raises:
        Missing: no settings.
        Unreadable: a change names no record of the exports, or the URL is none.
    """
    settings = case.need_settings()
    url = called(case, settings)
    with opened_once():
        found = what_if(settings, changes, url, at=case.at, passwords=passwords, stores=case.stores)
        later = found.after.url if found.after else url
        before = settings_causes(case.having(url=url))
        after = settings_causes(case.having(settings=found.then, url=later))
    still = {one.cause for one in after}
    return replace(
        found,
        mended=tuple(one.title for one in before if one.cause not in still),
        left=tuple(f"{one.title}. {one.remedy}" for one in after),
    )


def settings_causes(case: Case) -> tuple[Opinion, ...]:
    """Return what is found in the settings alone, best first, without any connection."""
    paper = case.having(trace=None, traces=(), attempts=(), chosen=None)
    diagnosis = reason(paper, ask(_rules(), paper))
    found = {one.rule.id for one in diagnosis.findings if isinstance(one.verdict, Found)}
    return tuple(
        one
        for one in diagnosis.opinions
        if one.cause.startswith(_ROOM) and one.cause in found and one.standing != "RULED_OUT"
    )


def _rules() -> tuple[Rule, ...]:
    return tuple(one for one in vars(in_settings).values() if isinstance(one, Rule))


@dataclass(slots=True)
class _Planning:
    case: Case
    url: str
    passwords: tuple[str, ...]
    changes: list[Change] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def plan(self) -> Plan:
        """Mend one cause after the other, the surest first, until none is left that can be."""
        settings, url = self.case.need_settings(), self.url
        for _ in range(_ROUNDS):
            found = self._causes(settings, url)
            self.seen |= {one.cause: one.title for one in found}
            left = [one for one in found if one.cause not in self.open]
            if not left:
                break
            settings, url = self._mend(left[0], settings, url)
        still = {one.cause for one in self._causes(settings, url)}
        undecided = [text for cause, text in self.open.items() if cause in still]
        mended = [title for cause, title in self.seen.items() if cause not in still]
        left_open = (*undecided, *self.notes, *self._not_given())
        return plan_of(self._what_if(url), mended, left_open, reasons=self.reasons)

    def _not_given(self) -> tuple[str, ...]:
        """Say which tables were not looked at, since a change could be wrong because of them."""
        return tuple(
            f"{table} was not given, so what stands there was not looked at. Export it too, "
            "before anything is changed."
            for table in self.case.need_settings().not_given
        )

    def _causes(self, settings: Settings, url: str) -> tuple[Opinion, ...]:
        return settings_causes(self.case.having(settings=settings, url=url))

    def _mend(self, one: Opinion, settings: Settings, url: str) -> tuple[Settings, str]:
        """Try the changes for a cause; keep them only if it is gone then."""
        tried = proposed(one.cause, settings, url, self._port(settings, url))
        after, later = changed(settings, tried), url_after(settings, tried, url)
        if one.cause == "instance.scheme" and later == url:
            later = url_mended(settings, url)
        if one.cause in {each.cause for each in self._causes(after, later)}:
            self.open[one.cause] = f"{one.title}. {one.remedy}"
            return settings, url
        if later != url and not any(each.value == later for each in tried):
            self.notes.append(f"Where the call is made, in a record or script, call {bare(later)}.")
        self.changes += tried
        self.reasons += [_why(one)] * len(tried)
        self.open.clear()  # what could not be decided before may be now
        return after, later

    def _port(self, settings: Settings, url: str) -> int | None:
        try:
            return endpoint_port(self.case.having(settings=settings, url=url), settings)[0]
        except Missing:
            return None

    def _what_if(self, url: str) -> WhatIf:
        trace = self.case.trace
        asked = trace.asked.wanted(trace.tls) if trace and trace.asked else None
        return what_if(
            self.case.need_settings(),
            self.changes,
            self.url,
            url_then=url,
            wanted=asked,
            at=self.case.at,
            passwords=self.passwords,
            stores=self.case.stores,
        )


def _why(one: Opinion) -> str:
    """Say what a change mends; what merely may be at fault is changed last, if at all."""
    if one.standing != "POSSIBLE":
        return f"{one.title}."
    return f"{one.title}. That may be at fault: do it if the steps before did not help."


def told(case: Case, passwords: Sequence[str] = ()) -> Plan | None:
    """Make the plan for a report; None where there is nothing to make it from."""
    try:
        return change_plan(case, passwords)
    except (Missing, Unreadable):
        return None
