"""The symptom checklist: four questions that tell this problem from others.

Law of this file: the questions and what follows from them stand in `checklist.toml`; here the
evidence answers them. The engineer's own answer counts more, and what the evidence says is kept
beside it. Where neither says anything, the answer is unknown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from mtlskit.case import Case
from mtlskit.material import Because, Source, Unreadable
from mtlskit.rules.rule import Clear, Finding, Found, Inapplicable, Unknown, Verdict
from mtlskit.trace.events import Trace

if TYPE_CHECKING:
    from mtlskit.instance.othertools.tool import Sending
    from mtlskit.instance.settings import Settings

Answer = Literal["yes", "no", "unknown"]
Verdicts = Mapping[str, Verdict]

_RESOLVING = (
    "instance.port",
    "instance.property-overrides-profile",
    "instance.https-overridden",
    "instance.scheme",
    "instance.duplicate-profile",
    "instance.keystore-reference",
    "instance.keystore-name",
)
"""Causes that are mended by emptying the properties or by matching the endpoint's set-up."""
_TWO_PROPERTIES = _RESOLVING[:2]
_SEVERAL = "instance.several-keystores"
"""Mended the same way, where properties let any key store be offered; not sure to do harm."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its answer.

    Attributes:
        id: stable; `Case.answers` refers to it.
        because: what the answer rests on; where it is unknown, what is missing.
        by_hand: the engineer gave the answer.
        follows: what follows from the answer, or how to find it out.
    """

    id: str
    question: str
    answer: Answer
    because: tuple[Because, ...]
    by_hand: bool
    follows: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the evidence answers.

    Attributes:
        do: what it says more exactly than the declared text.
        on_paper: the exports show what to change, and nobody tried whether it helps.
    """

    answer: Answer
    because: tuple[Because, ...] = ()
    do: str = ""
    on_paper: bool = False


def answers(case: Case, findings: Iterable[Finding]) -> tuple[Row, ...]:
    """Fill the checklist from the evidence and from the answers given by hand."""
    verdicts = {one.rule.id: one.verdict for one in findings}
    by_hand = dict(case.answers)
    return tuple(
        _row(declared, _SEES[declared["id"]](case, verdicts), by_hand.get(declared["id"]))
        for declared in _declared()["row"]
    )


def certificate_request_note() -> str:
    """Say what a CertificateRequest is, and that it is no certificate signing request."""
    return str(_declared()["note"])


@cache
def _declared() -> Mapping[str, Any]:
    return tomllib.loads(
        files("mtlskit").joinpath("checklist.toml").read_text(encoding="utf-8"),
    )


def _row(declared: Mapping[str, str], seen: _Seen, given: Answer | None) -> Row:
    answer = given or seen.answer
    because = seen.because
    if given is not None and seen.answer not in (given, "unknown"):
        because = (Because(f"the evidence alone would say {seen.answer}"), *because)
    on_paper = seen.on_paper and given is None
    follows = declared["on_paper" if on_paper else answer]
    if seen.do and (answer == seen.answer or (seen.on_paper and answer == "yes")):
        follows = f"{seen.do} {follows}"
    if "CertificateRequest" in follows:
        follows = f"{follows} {certificate_request_note()}"
    hand = (Because("answered by hand"),) if given else ()
    return Row(declared["id"], declared["question"], answer, hand + because, bool(given), follows)


def _without_mutual_authentication(case: Case, _verdicts: Verdicts) -> _Seen:
    traces = [case.trace] if case.trace else []
    for trace in (*traces, *(attempt.trace for attempt in case.attempts)):
        if _accepted_without(trace):
            text = f"a connection to {trace.target} without a client certificate was accepted"
            return _Seen("yes", (Because(text, trace.source),))
    return _logged(case.settings) if case.settings else _Seen("unknown")


def _logged(settings: Settings) -> _Seen:
    """Look at the log of outbound calls: those by a scheme that offers no certificate."""
    from mtlskit.instance.protocols import schemes  # noqa: PLC0415 - a room that a pasted line never needs

    plain = {one.name for one in schemes(settings) if not one.offers_certificate} & {"https"}
    calls = [one for one in settings.calls or () if one.url.partition("://")[0].lower() in plain]
    for one in reversed(calls):
        if one.answered:
            text = f"a call of {one.where}, by a scheme without certificates, was answered"
            return _Seen("yes", (Because(f"{text} with status {one.status}", one.source),))
    if not calls:
        return _Seen("unknown")
    text = f"none of the {len(calls)} logged https calls, which offer no certificate, was answered"
    return _Seen("no", (Because(text, calls[-1].source),))


def _accepted_without(trace: Trace) -> bool:
    sent_none = not trace.sent_certificate and not trace.asking_hidden
    return trace.ended.outcome == "accepted" and sent_none


def _several_key_stores(case: Case, verdicts: Verdicts) -> _Seen:
    if case.settings is None or case.settings.key_stores is None:
        return _Seen("unknown", (Because("no export of sys_certificate was given"),))
    active = [one for one in case.settings.key_stores if one.active is not False]
    if not active:
        return _Seen("no", (Because("the exports hold no active key store"),))
    names = ", ".join(one.name for one in active)
    seen = [Because(f"active key stores: {names}", Source(active[0].source.name))]
    verdict = verdicts.get("instance.several-keystores")
    if len(active) > 1 and isinstance(verdict, Clear):
        seen += verdict.because
    return _Seen("yes" if len(active) > 1 else "no", tuple(seen), _to_close(verdicts))


def _to_close(verdicts: Verdicts) -> str:
    """Return how to leave one key store, unless another row tells the same steps."""
    verdict = verdicts.get("instance.several-keystores")
    overridden = isinstance(verdicts.get("instance.property-overrides-profile"), Found)
    return (verdict.remedy or "") if isinstance(verdict, Found) and not overridden else ""


def _another_tool(case: Case, _verdicts: Verdicts) -> _Seen:
    """Take our own call for the other tool, where exports say that an instance is the caller."""
    trace, used = case.trace, case.chosen
    if case.settings is None or trace is None or used is None:
        return _Seen("unknown", _held_by_tools(case))
    ended = trace.ended
    called = f"mtlskit called {trace.target} with {used.label} of {used.source.name}"
    if ended.outcome == "accepted":
        return _Seen("no", (Because(f"{called} and was accepted", trace.source),))
    if ended.outcome != "refused" or ended.refused_by == "client":
        return _Seen("unknown", (Because(f"{called}; it was not refused there", trace.source),))
    how = f" with {ended.symptom.name}" if ended.symptom.name else ""
    text = f"{called} and was refused{how}; compare it with what the instance's log says"
    return _Seen("yes", (Because(text, trace.source),))


def _held_by_tools(case: Case) -> tuple[Because, ...]:
    """Tell what the files of other tools say that they would send; what they got stands nowhere."""
    url = case.url or (f"https://{case.target}" if case.target else None)
    if case.settings is not None and url is None:
        from mtlskit.rules.configured import called  # noqa: PLC0415 - a room that a pasted line never needs

        url = called(case, case.settings)
    if not case.tools or url is None:
        return ()
    from mtlskit.instance.othertools.beside import beside  # noqa: PLC0415 - seldom, and a room

    try:
        compared = beside(case.settings, url, case.tools)
    except Unreadable:
        return ()
    return (*map(_sending, compared.sendings), *compared.says)


def _sending(one: Sending) -> Because:
    if one.sends is None:
        return Because(f"{one.tool} is set to send no certificate to {one.address}")
    text = f"{one.tool} is set to send {one.sends.name} to {one.address}; what it got is not told"
    return Because(text, one.sends.source)


def _settings_resolve(case: Case, verdicts: Verdicts) -> _Seen:
    if case.settings is None:
        return _Seen("unknown", (Because("no exports of the instance were given"),))
    helped = _tried(case)
    if helped is not None:
        return _Seen("yes", (helped,))
    found = {
        cause: verdict
        for cause in _RESOLVING
        if isinstance(verdict := verdicts.get(cause), Found)
        and (verdict.decisive or cause in _TWO_PROPERTIES)
    }
    if not found and isinstance(several := verdicts.get(_SEVERAL), Found):
        found = {_SEVERAL: several}
    if found:
        because = tuple(verdict.because[0] for verdict in found.values())
        told = Because("on paper the exports show what to change; whether it helps was not tried")
        return _Seen("unknown", (told, *because), _steps(found), on_paper=True)
    return _nothing_to_change(verdicts)


def _tried(case: Case) -> Because | None:
    """Return the attempt in which such a change was made, and the real endpoint accepted."""
    for one in case.attempts:
        if one.cause in _RESOLVING and not one.stand_in and one.trace.ended.outcome == "accepted":
            return Because(f"it was accepted when {one.change}", one.trace.source)
    return None


def _steps(found: Mapping[str, Found]) -> str:
    """Return what to do; what another remedy or row tells is not said twice."""
    if _SEVERAL in found:
        return "The row on key stores says what to change."
    port, overriding = (found.get(cause) for cause in _TWO_PROPERTIES)
    said_twice = port is not None and overriding is not None
    steps = [
        verdict.remedy
        for verdict in found.values()
        if verdict.remedy and not (said_twice and verdict is overriding)
    ]
    return " ".join(steps)


def _nothing_to_change(verdicts: Verdicts) -> _Seen:
    looked = [verdicts.get(cause) for cause in _TWO_PROPERTIES]
    missing = tuple(
        Because(f"missing: {one.missing}") for one in looked if isinstance(one, Unknown)
    )
    if missing or not all(isinstance(one, Clear | Inapplicable) for one in looked):
        return _Seen("unknown", missing)
    seen = (each for one in looked if isinstance(one, Clear | Inapplicable) for each in one.because)
    return _Seen("no", tuple(seen))


_SEES: Mapping[str, Callable[[Case, Verdicts], _Seen]] = {
    "without-mutual-authentication": _without_mutual_authentication,
    "several-key-stores": _several_key_stores,
    "another-tool": _another_tool,
    "settings-resolve": _settings_resolve,
}
