"""A saved report, opened again from its JSON file.

Law of this file: it shows what the record says and finds nothing out anew. What an older or damaged
record does not hold is left out; a schema that is not known is named, and nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from mtlskit.diagnosis.reason import Standing
from mtlskit.material import Blob, Problem, Source, Unreadable
from mtlskit.page.blocks import Block, Callout, Fields, Inline, Listing, Page, Section, Table, Tone
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown
from mtlskit.report.redaction import clean_page, clean_plain
from mtlskit.report.schema import SCHEMA
from mtlskit.report.words import sentence, standing_badge, words

Record = Mapping[str, Any]
_TITLES = {"partner": "To the endpoint's owner", "customer": "To the side that calls"}


@dataclass(frozen=True, slots=True)
class Reopened(Shown):
    """A report as it was saved: read only, without its case.

    Attributes:
        source: the file.
        record: what the file says, by its schema.
    """

    source: Source
    record: Record

    @property
    def outcome(self) -> str:
        """How the attempt ended, as the record says; empty if it does not."""
        return said(self.record, "outcome")

    @property
    def best(self) -> Record | None:
        """The cause to act on first; None if the record tells none."""
        every = rows(self.record, "opinions")
        return next((one for one in every if said(one, "standing") != "RULED_OUT"), None)

    def message(self, to: str) -> str | None:
        """Return a message as it was saved; None if the record holds none."""
        return said(part(part(self.record, "messages"), to), "text") or None

    def json(self) -> dict[str, Plain]:
        """Return the record as it was saved, cleaned of what has the form of a secret."""
        return clean_plain(dict(self.record))

    def page(self) -> Page:
        """Describe what the record holds, in the order of a report."""
        parts = (_causes(self), _experiments(self), _sent(self), _open(self), _messages(self))
        blocks: tuple[Block, ...] = (_first(self), *(one for one in parts if one), _made(self))
        return clean_page(Page(f"Saved report: {title(self.record)}", blocks))


def reopened(blob: Blob) -> Reopened:
    """Open a saved report.

    Raises:
        Unreadable: code ``not-recognised`` it is no report, ``unsupported`` its schema is not
            known here.
    """
    try:
        record = json.loads(blob.data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        text = f"{blob.source.name} is no saved report of mtlskit, or is damaged. Save it again."
        raise Unreadable(Problem("not-recognised", text, blob.source))
    if not 1 <= record["schema"] <= SCHEMA:
        text = (
            f"{blob.source.name} is a report of schema {record['schema']}; this mtlskit reads "
            f"schemas up to {SCHEMA}. Open it with the mtlskit that made it, or a newer one."
        )
        raise Unreadable(Problem("unsupported", text, blob.source))
    return Reopened(blob.source, cast("Record", record))


def said(record: Record, key: str) -> str:
    """Return a text of the record; empty where there is none."""
    value = record.get(key)
    return str(value) if isinstance(value, str | int | float) else ""


def part(record: Record, key: str) -> Record:
    """Return a part of the record; empty where there is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def rows(record: Record, key: str) -> tuple[Record, ...]:
    """Return the records of a list; empty where there is none."""
    value = record.get(key)
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def texts(record: Record, key: str) -> tuple[str, ...]:
    """Return the texts of a list; empty where there is none."""
    value = record.get(key)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def title(record: Record) -> str:
    """Say how the connection ended."""
    where = said(record, "target") or said(record, "url") or "the endpoint"
    return {
        "accepted": f"the connection to {where} was accepted",
        "refused": f"the connection to {where} was refused",
        "unreachable": f"no connection to {where} came about",
    }.get(said(record, "outcome"), f"what is known about {where}")


def answer(record: Record) -> str:
    """Tell the alert, the HTTP status or how the connection broke off."""
    symptom = part(record, "symptom")
    if said(symptom, "alert"):
        return f"alert {said(symptom, 'name')} ({said(symptom, 'alert')})"
    if said(symptom, "http"):
        return f"HTTP {said(symptom, 'http')}"
    return said(symptom, "tcp") or "none"


def cause(record: Record | None) -> str:
    """Tell an opinion in a line."""
    if record is None:
        return "none is told"
    return f"{said(record, 'title')} ({said(record, 'standing')})"


def _first(report: Reopened) -> Callout:
    record, best = report.record, report.best or {}
    told = [
        ("Attempt made", said(record, "began")),
        ("Address called", said(record, "address_called")),
        ("Refused by", said(record, "refused_by")),
        ("Stage", said(record, "stage")),
        ("Alert or answer", answer(record)),
        ("Standing", said(best, "standing")),
        ("Who must act", words()["party"].get(said(best, "party"), said(best, "party"))),
        ("What to do", sentence(said(best, "remedy"))),
    ]
    shown = tuple((name, value) for name, value in told if value)
    tone: Tone = "good" if report.outcome == "accepted" else "bad"
    return Callout(sentence(said(best, "title") or title(record)), (Fields(shown),), tone)


def _table(name: str, columns: tuple[str, ...], told: list[tuple[Inline, ...]]) -> Section | None:
    return Section(name, (Table(columns, tuple(told)),)) if told else None


def _causes(report: Reopened) -> Section | None:
    told: list[tuple[Inline, ...]] = [
        (said(one, "title"), _standing(one), " ".join(map(sentence, texts(one, "because"))))
        for one in rows(report.record, "opinions")
    ]
    return _table("Causes", ("Cause", "Standing", "Because"), told)


def _standing(one: Record) -> Inline:
    known = get_args(Standing)
    return next((standing_badge(it) for it in known if it == one.get("standing")), "not told")


def _experiments(report: Reopened) -> Section | None:
    told: list[tuple[Inline, ...]] = [
        (sentence(said(one, "change")), said(one, "outcome"), answer(one))
        for one in rows(report.record, "experiments")
    ]
    return _table("Experiments", ("What was changed", "Outcome", "Alert or answer"), told)


def _sent(report: Reopened) -> Section | None:
    sent = part(report.record, "sent")
    told: list[tuple[Inline, ...]] = [
        (whose, said(one, "subject"), said(one, "serial"), said(one, "sha256"))
        for whose, key in (("client", "by_client"), ("server", "by_server"))
        for one in rows(sent, key)
    ]
    return _table("Certificates that were sent", ("By", "Subject", "Serial", "SHA-256"), told)


def _open(report: Reopened) -> Section | None:
    """Tell what was not known when the report was made."""
    asked = {
        (sentence(said(one, "because")), sentence(said(one, "how")))
        for one in rows(report.record, "findings")
        if said(one, "verdict") == "unknown"
    }
    if said(report.best or {}, "standing") == "CONFIRMED":
        return None
    columns = ("What was not known", "How to find out")
    return _table("What was not known", columns, [(one, how) for one, how in sorted(asked)])


def _messages(report: Reopened) -> Section | None:
    blocks: list[Block] = [
        Section(name, (Listing(written, "text"),))
        for to, name in _TITLES.items()
        if (written := report.message(to))
    ]
    return Section("Messages ready to paste", tuple(blocks), folded=True) if blocks else None


def _made(report: Reopened) -> Section:
    told = [("File", report.source.name), ("Report made", said(report.record, "made"))]
    told += [("Names hidden", said(report.record, "redacted"))]
    told += [(name, str(value)) for name, value in part(report.record, "versions").items()]
    shown = tuple((name, value) for name, value in told if value)
    return Section("Versions and times", (Fields(shown),))
