"""The experiments: what was changed, what came of it, and what that tells.

Law of this file: an attempt is compared with the first one in all that was seen of its end: alert,
HTTP status and the words of the page. A control proves nothing by itself, and that is said.
"""

from __future__ import annotations

from mtlskit.case import Attempt, Case
from mtlskit.diagnosis.proof import passed_the_server, stands
from mtlskit.page.blocks import Badge, Block, Inline, Items, Paragraph, Section, Table
from mtlskit.report.identities import moment
from mtlskit.report.words import sentence, words
from mtlskit.trace.events import Ended, Trace

_COLUMNS = ("What was changed", "When", "Outcome", "What it shows")


def section(case: Case) -> Section | None:
    """Tell every attempt beside the first one; None if there was none."""
    if not case.attempts or case.trace is None:
        return None
    live = tuple(one for one in case.attempts if not one.stand_in)
    rehearsed = tuple(one for one in case.attempts if one.stand_in)
    blocks: list[Block] = []
    if live:
        text = "Each time one thing was changed, and the endpoint was called again."
        rows = tuple(_row(one, case.trace) for one in live)
        blocks += [Paragraph(text), Table(_COLUMNS, rows)]
    if rehearsed:
        blocks.append(_rehearsal(case, rehearsed))
    return Section("Experiments", tuple(blocks))


def _rehearsal(case: Case, tries: tuple[Attempt, ...]) -> Section:
    """Tell what was tried on the stand-in, apart from what was tried on the server itself."""
    played = tuple(sentence(str(one)) for one in case.stands_in)
    rows = tuple(_row(one, tries[0].trace) for one in tries)
    same = tries[0].trace.ended.outcome == "refused"
    text = (
        "The server itself was not called. A stand-in on this machine plays it as far as it was "
        "seen; what helps there is likely to help, and is not proved. This is what it plays:"
    )
    warning = (
        "Without any change the stand-in did not refuse the call as the server did, so what is "
        "wrong lies in something that it does not play."
    )
    more = () if same else (Paragraph(warning),)
    blocks = (Paragraph(text), Items(played), *more, Table(_COLUMNS, rows))
    return Section("On a stand-in of the server", blocks)


def _row(one: Attempt, before: Trace) -> tuple[Inline, ...]:
    ended = one.trace.ended
    badge = Badge(ended.outcome, "good" if ended.outcome == "accepted" else "bad")
    shows = " ".join(_shows(one, before)).strip()
    return sentence(one.change), moment(one.trace.began), badge, shows


def _shows(one: Attempt, before: Trace) -> list[str]:
    if one.repeats and one.stand_in:
        return [f"It ended by {_end(one.trace.ended)}."]
    if one.repeats:
        return [_repeated(one)]
    if one.cause is None:
        return [_difference(one.trace, before), _control(one.trace, before)]
    if passed_the_server(one, before):
        return [_PASSED]
    if one.trace.ended.outcome == "accepted":
        return [_ON_STAND_IN if one.stand_in else "This is what was wrong."]
    return [_difference(one.trace, before), "By itself this change does not help."]


_ON_STAND_IN = (
    "With this it would work, on the stand-in. Whether the server itself takes it was not tried."
)
_PASSED = (
    "This is what was wrong: the client no longer refused the server. That the server refused "
    "then is no wonder, since no certificate was shown to it."
)


def _repeated(again: Attempt) -> str:
    """Say what the unchanged call tells when it is made once more."""
    if stands(again):
        return "The first outcome stands, so what was changed is what made the difference."
    return (
        "The first outcome does not stand: without any change the endpoint answered otherwise this "
        "time. Behind this name there may be several servers that differ, so nothing is proved."
    )


def _control(after: Trace, before: Trace) -> str:
    """Say what a call without the client's certificate tells."""
    if after.ended.outcome == "accepted":
        return (
            "A control: the endpoint lets in a client that shows no certificate, so the "
            "certificate that was shown is what it refused."
        )
    if not before.client_chain:
        return "A control: it proves nothing, since no certificate was sent before either."
    if _signs(after) == _signs(before):
        return (
            "A control: it proves nothing by itself. The endpoint answers alike with and without "
            "this certificate, so its answer does not tell whether it looked at it."
        )
    return (
        "A control: it proves nothing by itself. The endpoint tells a missing certificate from "
        "this one, so the certificate reached it and was looked at."
    )


def _piece(was: str | None, now: str | None) -> str | None:
    """Of a page's titles, return the first that tells the one from the other."""
    told, other = (was or "").split(" | "), (now or "").split(" | ")
    return next((one for one in told if one and one not in other), was)


def _difference(after: Trace, before: Trace) -> str:
    """Say in what the two ends differ, both sides told."""
    if after.ended.outcome != before.ended.outcome:
        return f"The outcome changed from {before.ended.outcome} to {after.ended.outcome}."
    if _end(after.ended) != _end(before.ended):
        was, now = _end(before.ended), _end(after.ended)
        return f"{_AGAIN[after.ended.outcome]}, before by {was}, now by {now}."
    told = [
        f"{name} was {_quoted(_piece(was, now))}, now {_quoted(_piece(now, was))}"
        for (name, was), (_, now) in zip(_signs(before), _signs(after), strict=True)
        if was != now
    ]
    if not told:
        return f"It ended in the same way: by {_end(after.ended)}."
    return f"{_AGAIN[after.ended.outcome]}, but {'; '.join(told)}."


_AGAIN = {
    "accepted": "It was accepted again",
    "refused": "It was refused again",
    "unreachable": "Again no connection came about",
    "undecided": "Again it cannot be told how it ended",
}


def _signs(trace: Trace) -> tuple[tuple[str, str | None], ...]:
    """Return what is compared: how it ended, where, and what the page said."""
    return (
        ("the end", _end(trace.ended)),
        ("the stage", words()["stage"].get(trace.ended.stage)),
        ("the page", trace.http.text if trace.http else None),
    )


def _quoted(said: str | None) -> str:
    return f'"{said}"' if said is not None else "none"


def _end(ended: Ended) -> str:
    symptom = ended.symptom
    if symptom.name is not None:
        return f"the alert {symptom.name} ({symptom.alert})"
    if symptom.http is not None:
        return f"HTTP {symptom.http}"
    return _WAYS.get(symptom.tcp or "", "no word of the server")


_WAYS = {
    "fin": "an end of the connection without a word",
    "reset": "a reset of the connection",
    "deadline": "silence until the deadline",
}
