"""What a recognised phrase means in its place: who speaks, who refused, which causes it names.

Law of this file: the side that wrote a line is read from the line, then from the text around it,
then from what was said by hand. Where nothing tells, the usual reading is taken only where it is
asked for, and is marked as an assumption.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mtlskit.material import Side
from mtlskit.trace.dialects.phrases import Phrase, phrase
from mtlskit.trace.dialects.spelled import (
    AlertWord,
    Reason,
    alert_spelled,
    alerts,
    reason_spelled,
)
from mtlskit.trace.events import Outcome, RefusedBy, Stage
from mtlskit.trace.said import Said
from mtlskit.wire.names import alert_name

_OTHER: Mapping[str, Side] = {"client": "server", "server": "client"}
_ABOUT_CERTIFICATES = frozenset({41, 42, 43, 44, 45, 46, 48, 49, 111, 114, 116})
"""Alerts by which a side judges the other's certificate (RFC 8446, 6.2)."""
_NO_ERRORS = frozenset({0, 90})
"""close_notify and user_canceled say that a side is done, not that something is wrong."""
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sense:
    """A phrase, understood.

    Attributes:
        reading: the side whose log it is read as; None where that is not known.
        assumed: nothing in the text tells the side; it is the usual one.
        refused_by: who refused; None: it tells of no refusal, or not whose.
        alert: the alert that it tells of.
        sender: who sent that alert.
        names: causes that the text itself states.
    """

    said: Said
    phrase: Phrase
    reading: Side | None
    assumed: bool
    outcome: Outcome | None
    refused_by: RefusedBy | None
    alert: AlertWord | None
    sender: Side | None
    reason: Reason | None
    stage: Stage | None
    tls: str | None
    names: tuple[str, ...]
    suggests: tuple[str, ...]

    @property
    def judged_certificate(self) -> bool:
        """Whether it was a certificate, or its absence, that was refused."""
        return _judges(self.phrase, self.alert, self.reason)

    @property
    def means(self) -> str:
        """What the phrase says, in a sentence."""
        if self.alert is not None and self.alert.number in _NO_ERRORS:
            return self.alert.means
        return _filled(self.phrase.means, self)

    @property
    def not_means(self) -> str:
        """What it does not say; empty where nobody misreads it."""
        return _filled(self.phrase.not_means, self)


def sense(said: Said, seen_by: Side | None = None, *, assume: bool = False) -> Sense:
    """Understand a phrase.

    Args:
        said: what was recognised.
        seen_by: the side whose log it is, where somebody knows; the phrase's own word counts more.
        assume: take the usual side where nothing tells.
    """
    row = phrase(said.phrase)
    reading = row.speaker or said.speaker or seen_by
    alert = _alert(row, said.values)
    guessed = row.usual if reading is None and assume else None
    assumed = guessed is not None
    reading = reading or guessed
    refused_by = _side(row.refused, reading) or _by_alert(row, alert)
    if reading is None and refused_by in ("client", "server") and row.refused in ("self", "other"):
        # An alert that only one side can send tells whose log it is.
        reading = refused_by if row.refused == "self" else _OTHER[refused_by]
    reason = reason_spelled(said.values["verify"]) if "verify" in said.values else None
    tls = row.tls or _version(said.values.get("tls")) or (alert.tls if alert else None)
    sender = refused_by if alert is not None and refused_by in _OTHER else None
    ends_well = alert is not None and alert.number in _NO_ERRORS
    names, suggests = _causes(row, reason, alert, reading, refused_by)
    return Sense(
        said=said,
        phrase=row,
        reading=reading,
        assumed=assumed,
        outcome=None if ends_well else row.outcome or ("refused" if row.refused else None),
        refused_by=None if ends_well else refused_by,
        alert=alert,
        sender=sender,  # type: ignore[arg-type] # one of the two sides, by the line above
        reason=reason,
        stage=row.stage or stage_of(refused_by, tls, judged=_judges(row, alert, reason)),
        tls=tls,
        names=names,
        suggests=suggests,
    )


def stage_of(by: RefusedBy | None, tls: str | None, *, judged: bool) -> Stage | None:
    """Tell the stage at which a side refuses the other's certificate; None where it is open."""
    if not judged or by is None:
        return None
    if by == "client":
        return "server-certificate"
    # In TLS 1.3 the client is done before the server has looked (RFC 8446, 4.4.4).
    return {"1.3": "after-handshake", "1.2": "client-certificate"}.get(tls or "")  # type: ignore[return-value] # two stages


def _judges(row: Phrase, alert: AlertWord | None, reason: Reason | None) -> bool:
    """Tell whether it was a certificate, or its absence, that was refused."""
    if alert is not None and reason is None and row.sent is None:
        return alert.number in _ABOUT_CERTIFICATES
    return reason is not None or row.sent is not None


def _alert(row: Phrase, values: Mapping[str, str]) -> AlertWord | None:
    number = row.alert
    if number is None and values.get("number", "").isdigit():
        number = int(values["number"])
    if number is None and "packed" in values:
        number = int(values["packed"], 16) - 1000  # OpenSSL's reasons from 1000 on are alerts
    if number is None and values.get("word", "").isdigit():
        number = int(values["word"]) & 0xFF  # level and description in one number
    if number is not None:
        return alerts().get(number) or AlertWord(number, alert_name(number))
    return alert_spelled(values["alert"]) if "alert" in values else None


def _side(who: str | None, reading: Side | None) -> RefusedBy | None:
    if who in ("client", "server", "between"):
        return who  # type: ignore[return-value] # one of the three above
    if who is None or reading is None:
        return None
    return reading if who == "self" else _OTHER[reading]


def _by_alert(row: Phrase, alert: AlertWord | None) -> RefusedBy | None:
    if row.refused not in ("self", "other") or alert is None:
        return None
    return alert.only_from  # type: ignore[return-value] # a side, by the table


def _version(text: str | None) -> str | None:
    match = re.search(r"1\.([0-3])", text or "")
    return f"1.{match[1]}" if match else None


def _causes(
    row: Phrase,
    reason: Reason | None,
    alert: AlertWord | None,
    reading: Side | None,
    refused_by: RefusedBy | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the causes that are named, and those that are made likelier."""
    names, suggests = row.names, row.suggests
    if reason is not None:
        told = _of_chain(reason, _side(row.about, reading))
        # One cause is named; of several the text does not tell which.
        names, suggests = (names + told, suggests) if len(told) == 1 else (names, suggests + told)
    elif alert is not None and not names:
        suggests += _of_alert(alert, refused_by)
    return tuple(dict.fromkeys(names)), tuple(dict.fromkeys(suggests))


def _of_chain(reason: Reason, whose: RefusedBy | None) -> tuple[str, ...]:
    if whose == "client":
        return reason.client
    if whose == "server":
        return reason.server
    return reason.client + reason.server


def _of_alert(alert: AlertWord, by: RefusedBy | None) -> tuple[str, ...]:
    if by == "server":
        return alert.client
    return alert.server if by == "client" else alert.client + alert.server


def _filled(text: str, this: Sense) -> str:
    sides = {
        "self": this.reading or "side that wrote this line",
        "other": _OTHER[this.reading] if this.reading else "other side",
    }
    alert = f"{this.alert.name} ({this.alert.number})" if this.alert else None
    known = {**this.said.values, **sides, **({"alert": alert} if alert else {})}
    return _PLACE.sub(lambda place: known.get(place[1], "not told"), text)
