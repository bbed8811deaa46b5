"""Lesson 11: writing to the other company.

Law of this file: the partner acts on a message that says what was seen, when, with what, and what
to do. It reads facts, and not style; a message with a secret in it is never delivered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack

from cryptography.hazmat.primitives import hashes

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, bare, chosen, right, wrong
from mtlskit.lab.course.lesson import Given, Grader, How, Lesson, Outcome, Played
from mtlskit.lab.course.listed import Listed
from mtlskit.page.blocks import Callout, Page, Paragraph, Tone
from mtlskit.page.shown import Shown

_TIME = re.compile(r"\b(\d{1,2}):(\d{2})")
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_KEY_LOG = re.compile(r"\b[A-Z_]*(SECRET|CLIENT_RANDOM)[A-Z_0-9]* [0-9a-f]{16}")
_ASKING = re.compile(r"\b(please|could you|would you|can you|we ask you|kindly)\b", re.IGNORECASE)
_NEAR = timedelta(minutes=2)
_WORDS = 250
_TO_SEND = {
    "the key log of the failed call": False,
    "the certificate that the client sent, as PEM": True,
    "the SHA-256 fingerprint of Acme's root authority": True,
    "a capture of the failed call in TLS 1.3, without key log": True,
    "the time of the failed call in UTC, to the second": True,
}
"""What could be sent to another company, and whether it may be."""


@dataclass(frozen=True, slots=True)
class Reply(Shown):
    """What the partner answers."""

    text: str
    done: bool

    def page(self) -> Page:
        """Describe the answer."""
        tone: Tone = "good" if self.done else "warn"
        title = "The partner has acted" if self.done else "The partner has not acted"
        return Page("From: TLS team, Partner Example Ltd",
                    (Callout(title, (Paragraph(self.text),), tone),))  # fmt: skip


class Room(Lesson):
    """The client is right in everything; the endpoint holds another root than Acme's."""

    def set_up(self) -> None:
        """Lay out the key store and the root; the partner holds an older root of the same name."""
        cast = self.cast
        self.held = cast.root.recreated()
        self.installed = False
        self.refused: list[datetime] = []
        self.lay(cast.p12(cast.good), "the instance's key store, complete")
        root = certificates("acme-root-ca.pem", cast.root.certificate)
        self.lay(root, "Acme's root authority")
        choices = list(_TO_SEND)
        self.dice.shuffle(choices)
        self.choices[2] = tuple(zip("abcde", choices, strict=True))

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The partner's endpoint, with the roots that it holds by now."""
        held = (self.held.certificate, *((self.cast.root.certificate,) if self.installed else ()))
        return {"orders": self.usual(trust=held)}

    def tried(self, identity: Given | None = None, **how: Unpack[How]) -> Outcome:
        """Call, and note when the endpoint refused."""
        outcome = super().tried(identity, **how)
        if outcome.refuser == "server" and outcome.tap.began is not None:
            self.refused.append(outcome.tap.began)
        return outcome

    def log(self) -> Listed:
        """Return the instance's log of outbound calls: those that failed, oldest first."""
        lines = [
            f"{at:%Y-%m-%d %H:%M:%S} UTC  https://{self.cast.host}/orders  "
            "javax.net.ssl.SSLHandshakeException: Received fatal alert: unknown_ca"
            for at in self.refused
        ]
        return Listed("\n".join(lines))

    def send(self, message: str) -> Reply:
        """Send a message to the partner, who acts on it if it says what is needed."""
        lacking = self._lacking(message)
        if lacking:
            return Reply(lacking, done=False)
        self.installed = True
        return Reply("Thank you. We have installed the root with this fingerprint.", done=True)

    @property
    def graders(self) -> Sequence[Grader]:
        """Who must act; what must not be sent; a message on which the partner acts."""
        return self._acts, self._kept, self._written

    def _acts(self, answer: object) -> Verdict:
        if chosen(answer, self.exercise(1).choices) == "b":
            return right(
                "Everything that Acme can do is done: the chain leads to its root, and that root "
                "is what the endpoint lacks."
            )
        return wrong("That side has nothing left to mend. Walk the chain to Acme's root once more.")

    def _kept(self, answer: object) -> Verdict:
        if _TO_SEND[dict(self.choices[2])[chosen(answer, self.choices[2])]]:
            return wrong("That may be sent: it is public, or was seen by the partner anyway.")
        return right(
            "With it whoever holds the capture can read the whole connection, requests included."
        )

    def _written(self, answer: object) -> Verdict:
        lacking = self._lacking(str(answer))
        if lacking:
            return wrong(f"The partner answers: {lacking}")
        self.installed = True
        verdict = self.let_in("acme-client.p12")
        return right(f"The partner installed the root. {verdict.because}")

    def _lacking(self, message: str) -> str:
        """Say what keeps the partner from acting; empty if nothing does."""
        if self.password in message or "PRIVATE KEY" in message or _KEY_LOG.search(message):
            return (
                "Your message holds a secret. We have deleted it unread; please change the secret."
            )
        if len(message.split()) > _WORDS:
            return "That is too long for us. What do you want us to do, in a few lines?"
        flat = bare(message)
        root, sent = self.cast.root.certificate, self.cast.good.certificate
        checks = (
            (bare(self.cast.host) in flat, "Which of our endpoints do you mean? We have several."),
            (self._dated(message), "When was that, in UTC? Our log has a million lines a day."),
            ("unknownca" in flat, "What did you see? Please quote the line of your log."),
            (_sent(flat, sent.serial_number, sent.fingerprint(hashes.SHA256()).hex()),
             "Which certificate did you send? We need its serial number or SHA-256 fingerprint."),
            (root.fingerprint(hashes.SHA256()).hex() in flat,
             "Which authority do you mean? Names are not enough: send its SHA-256 fingerprint."),
            (bool(_ASKING.search(message)), "We understand. And what are we asked to do?"),
        )  # fmt: skip
        return next((says for met, says in checks if not met), "")

    def _dated(self, message: str) -> bool:
        """Say whether the message tells the UTC time of a call that was really refused."""
        days = {tuple(map(int, one)) for one in _DATE.findall(message)}
        times = [tuple(map(int, one)) for one in _TIME.findall(message)]
        if not re.search(r"\b(UTC|GMT|Z)\b|\dZ\b", message):
            return False
        return any(_near(at, days, times) for at in self.refused)


def _near(at: datetime, days: set[tuple[int, ...]], times: list[tuple[int, ...]]) -> bool:
    if (at.year, at.month, at.day) not in days:
        return False
    told = (at.replace(hour=h % 24, minute=m % 60, second=0, microsecond=0) for h, m in times)
    return any(abs(at - one) <= _NEAR for one in told)


def _sent(flat: str, serial: int, fingerprint: str) -> bool:
    return f"{serial:x}" in flat or str(serial) in flat or fingerprint in flat
