"""The other connections that captures and logs told of, beside the one that is judged.

Law of this file: the reader learns which one was chosen, and how to have another one judged.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.page.blocks import Badge, Inline, Paragraph, Section, Table, Tone
from mtlskit.page.plain import Plain, plain
from mtlskit.report.identities import moment
from mtlskit.trace.events import Trace

_SHOWN = 50
_TONES: dict[str, Tone] = {
    "accepted": "good",
    "refused": "bad",
    "unreachable": "bad",
    "undecided": "warn",
}
_COLUMNS = ("Number", "Where", "Began", "Server", "TLS", "How it ended", "Client sent")


def section(case: Case) -> Section | None:
    """Tell every connection of the files; None where there is one at most."""
    every = list(enumerate(case.traces, 1))
    if len(every) < 2:  # noqa: PLR2004 - the judged one is told already
        return None
    rows = tuple(_row(number, one, one is case.trace) for number, one in every[:_SHOWN])
    words = (
        f"The files tell of {len(every)} connections. Which one is judged was chosen by what it "
        "shows: refused ones first. Another one is judged with --connection NUMBER."
    )
    left = len(every) - _SHOWN
    more = (Paragraph(f"{left} more are not shown."),) if left > 0 else ()
    table = Table(_COLUMNS, rows)
    return Section("Every connection in the files", (Paragraph(words), table, *more), folded=True)


def record(case: Case) -> Plain:
    """Tell them to a program; empty where files told of none."""
    return [
        {
            "number": number,
            "judged": one is case.trace,
            "source": str(one.source),
            "views": [str(each) for each in one.sources],
            "began": plain(one.began),
            "clock": one.clock,
            "outcome": one.ended.outcome,
            "refused_by": one.ended.refused_by,
            "stage": one.ended.stage,
            "symptom": plain(one.ended.symptom),
        }
        for number, one in enumerate(case.traces, 1)
    ]


def _row(number: int, one: Trace, judged: bool) -> tuple[Inline, ...]:  # noqa: FBT001 - a cell
    ended = one.ended
    name: Inline = (str(number), " ", Badge("judged", "info")) if judged else str(number)
    who = f" by the {ended.refused_by}" if ended.refused_by else ""
    why = f": {ended.symptom.name}" if ended.symptom.name else ""
    return (
        name,
        "; ".join(map(str, one.sources)),
        moment(one.began) if one.began or not one.clock else one.clock,
        one.server_name or str(one.target or "not told"),
        one.tls or "not told",
        (Badge(ended.outcome, _TONES[ended.outcome]), f"{who}{why}"),
        _sent(one),
    )


def _sent(one: Trace) -> str:
    if one.client_named:
        return one.client_named[0].label
    return {True: "a certificate", False: "no certificate", None: "not seen"}[one.sent_certificate]
