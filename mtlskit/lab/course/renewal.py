"""Lesson 12: planning a certificate renewal.

Law of this file: the endpoint is asked twice, today and as it will be when the old certificate has
ended. Only a key store that it accepts at both times bridges the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, day, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson, Played
from mtlskit.lab.course.parties import ACME
from mtlskit.lab.pki import Issued, new_key, now
from mtlskit.material import Blob, Source

_STEPS = (
    "make a new key and a request, and have the authority issue the certificate",
    "tell the partner what changes and when, with the new fingerprints",
    "have the partner confirm that they are ready for the new one",
    "install the new key store, call, and look at what was sent",
    "remove the old key store",
)
"""In the right order."""


class Room(Lesson):
    """A certificate that ends soon, its renewal, and an authority that was renewed as well."""

    def set_up(self) -> None:
        """Lay out the key store in use, and the parts from which the next one is made."""
        cast = self.cast
        self.ends = now() + timedelta(days=self.dice.randint(9, 40), hours=self.dice.randint(1, 20))
        old = cast.client(not_before=self.ends - timedelta(days=365), not_after=self.ends)
        number = int(cast.issuing_name.rpartition(" ")[2]) + 1
        issuing = cast.root.intermediate(f"CN=Acme Issuing CA {number}, {ACME}")
        self.new = cast.client(issuing, not_after=now() + timedelta(days=365))
        self.lay(cast.p12(old, "acme-present.p12"), "the key store in use")
        self.lay(certificates("acme-next.cer", self.new.certificate), "the renewed certificate")
        keys = [self.new.key, new_key()]
        self.dice.shuffle(keys)
        for letter, key in zip("ab", keys, strict=True):
            data = Issued(self.new.certificate, key).pem_key(self.password)
            self.lay(Blob(Source(f"key-{letter}.pem"), data), "a private key, made for the renewal")
        authorities = [cast.issuing.certificate, issuing.certificate]
        self.dice.shuffle(authorities)
        for letter, one in zip("ab", authorities, strict=True):
            blob = certificates(f"issuing-{letter}.pem", one)
            self.lay(blob, "an issuing authority of Acme's")
        steps = list(_STEPS)
        self.dice.shuffle(steps)
        self.steps = dict(zip("abcde", steps, strict=True))
        self.choices[2] = tuple(self.steps.items())

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The endpoint as it is today, and as it will be three days after the old one has ended."""
        then = self.ends + timedelta(days=3)
        later = self.usual(at=then.replace(tzinfo=None))
        return {"today": self.usual(), "afterwards": later}

    @property
    def graders(self) -> Sequence[Grader]:
        """The last day; the order of the steps; a key store that bridges the change."""
        return self._last_day, self._ordered, self._bridges

    def _last_day(self, answer: object) -> Verdict:
        given = day(answer)
        if given is None:
            raise ValueError("Answer with a date, such as 2027-03-31.")
        if given == self.ends.date():
            return right("On that day, in UTC, every call begins to fail.")
        return wrong("The present certificate ends on another day.")

    def _ordered(self, answer: object) -> Verdict:
        letters = re.sub(r"[^a-e]", "", re.sub(r"\b(and|then)\b", "", str(answer).casefold()))
        if sorted(letters) != list(self.steps):
            raise ValueError("Answer with the five letters in their order, such as b, d, a, e, c.")
        order = [_STEPS.index(self.steps[letter]) for letter in letters]
        if order == sorted(order):
            return right("At no moment does the endpoint meet something that it does not know.")
        first = next(at for at, one in enumerate(order) if one != at)
        return wrong(f"The first {first} are in place." if first else "Another step comes first.")

    def _bridges(self, answer: object) -> Verdict:
        today = self.let_in(answer, to="today")
        if not today.right:
            return today
        afterwards = self.let_in(answer, to="afterwards")
        if afterwards.right:
            return right("It was let in today, and at the time when the old one has ended.")
        return wrong(f"It is let in today. When the old one has ended: {afterwards.because}")
