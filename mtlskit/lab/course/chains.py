"""Lesson 3: chains and stores.

Law of this file: between Acme's root and the instance stand two authorities. How many of them the
key store lacks is decided by chance; a namesake of one of them, with another key, lies about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, names, right, whole, wrong
from mtlskit.lab.course.lesson import Grader, Lesson
from mtlskit.lab.course.parties import ACME


class Room(Lesson):
    """A key store with a gap in its chain."""

    def set_up(self) -> None:
        """Lay out the key store, and the authorities' certificates in an order of chance."""
        cast = self.cast
        self.policy_name = f"Acme Policy CA {self.dice.randint(2, 9)}"
        policy = cast.root.intermediate(f"CN={self.policy_name}, {ACME}")
        issuing = policy.intermediate(f"CN={cast.issuing_name}, {ACME}")
        self.whole = cast.client(issuing)
        kept = self.dice.randint(0, 1)
        self.store = replace(self.whole, chain=self.whole.chain[:kept])
        self.missing = [cast.issuing_name, self.policy_name][kept:]
        namesake = policy.intermediate(f"CN={cast.issuing_name}, {ACME}")
        found = [policy.certificate, issuing.certificate, namesake.certificate]
        self.dice.shuffle(found)
        self.lay(cast.p12(self.store), "the instance's key store")
        self.lay(certificates("acme-root-ca.pem", cast.root.certificate), "Acme's root authority")
        for number, one in enumerate(found, 1):
            self.lay(
                certificates(f"ca-{number}.pem", one), "an authority of Acme's, found on a disk"
            )

    @property
    def graders(self) -> Sequence[Grader]:
        """How many were sent; which authority is missed first; a key store that is whole."""
        return self._counted, self._missed, self._mended

    def _counted(self, answer: object) -> Verdict:
        number = whole(answer)
        if number is None:
            raise ValueError("Answer with a number.")
        sent = 1 + len(self.store.chain)
        if number == sent:
            return right("The client sent what is in its key store, and nothing else.")
        return wrong("The client sent another number of certificates.")

    def _missed(self, answer: object) -> Verdict:
        first, *further = self.missing
        if names(answer, first):
            more = " It is not the only one that is missing." if further else ""
            return right(f"{first} issued the certificate before the gap, and was not sent.{more}")
        if any(names(answer, one) for one in further):
            return wrong("That one is missing too; the gap begins before it.")
        if names(answer, self.cast.root_name):
            return wrong("The root need not be sent: the server has it already.")
        return wrong("That authority is not missing, or there is none of that name.")

    def _mended(self, answer: object) -> Verdict:
        verdict = self.let_in(answer)
        if verdict.right:
            return verdict
        return wrong(f"{verdict.because} The chain still does not lead to {self.cast.root_name}.")
