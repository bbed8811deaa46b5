"""Lesson 10: the checklist as a method.

Law of this file: one of four things is broken, by chance, and all else is sound. Each question
of the checklist is answered by a call, and each remedy is really applied before it is marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mtlskit.lab.course.grading import Verdict, chosen, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson, Outcome, Played
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Blob, Source
from mtlskit.trace.events import Trace

Fault = Literal["network", "settings", "store", "partner"]
_FAULTS: tuple[Fault, ...] = ("network", "settings", "store", "partner")
_REMEDIES: Mapping[str, Fault] = {
    "have the firewall opened": "network",
    "empty the two properties of the protocol": "settings",
    "put the intermediate into the key store": "store",
    "ask the partner to trust Acme's root": "partner",
}
_WHERE = (
    ("a", "in the network, before any certificate", "network"),
    ("b", "in the instance's settings", "settings"),
    ("c", "in the key store that is meant for the partner", "store"),
    ("d", "in what the partner's endpoint trusts", "partner"),
)
_ANSWERS = re.compile(r"\b(yes|no)\b")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is broken just now.

    Attributes:
        reachable: calls leave the company.
        chosen: the instance offers the key store that is meant for the partner.
        whole: that key store holds its intermediate.
        trusted: the endpoint trusts Acme's root.
    """

    reachable: bool = True
    chosen: bool = True
    whole: bool = True
    trusted: bool = True


_BROKEN: Mapping[Fault, Situation] = {
    "network": Situation(reachable=False),
    "settings": Situation(chosen=False),
    "store": Situation(whole=False),
    "partner": Situation(trusted=False),
}
_MENDS: Mapping[Fault, dict[str, bool]] = {
    "network": {"reachable": True},
    "settings": {"chosen": True},
    "store": {"whole": True},
    "partner": {"trusted": True},
}


class Room(Lesson):
    """One failing call, four places where the reason can be."""

    def set_up(self) -> None:
        """Throw the dice for the fault, and lay out what Acme has."""
        cast = self.cast
        self.fault: Fault = self.dice.choice(_FAULTS)
        self.now = _BROKEN[self.fault]
        self.other = Authority.root("CN=SAML, O=Acme Corporation").client("CN=SAML 2.0 SP, O=Acme")
        self.elsewhere = Authority.root("CN=Some Other Root CA, O=Somebody Else")
        self.remedies = list(_REMEDIES)
        self.dice.shuffle(self.remedies)
        self.choices = {
            2: tuple((letter, words) for letter, words, _ in _WHERE),
            3: tuple(zip("abcd", self.remedies, strict=True)),
        }
        self.lay(self._store(cast.good), "the key store that is meant for the partner")
        root = Blob(Source("acme-root-ca.pem"), cast.root.pem_chain(chain=False))
        self.lay(root, "Acme's root authority")

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The partner's endpoint, and a public one that asks for no certificate."""
        return self._played_in(self.now)

    def _played_in(self, now: Situation) -> Mapping[str, Played]:
        if not now.reachable:
            return {"orders": None, "weather": None}
        anchor = self.cast.root if now.trusted else self.elsewhere
        # Whichever root it holds, it names Acme's: that is what its owner believes to have set.
        orders = self.usual(trust=(anchor.certificate,), listed=(self.cast.root.certificate,))
        return {"orders": orders, "weather": self.usual(asks="none")}

    def weather(self) -> Trace:
        """Have the instance call a public service that asks for no client certificate."""
        return self.tried(to="weather").trace

    def as_instance(self) -> Trace:
        """Have the instance call the partner, as it is set."""
        return self._as_set(self.now).trace

    def by_curl(self) -> Trace:
        """Call the partner by another tool, with the key store that is meant for the partner."""
        return self.tried("acme-client.p12", to="orders").trace

    def try_out(self, remedy: str) -> Trace:
        """Apply one remedy by its letter, have the instance call, and take the remedy back.

        Raises:
            ValueError: there is no such remedy.
        """
        return self._after(chosen(remedy, self.choices[3])).trace

    @property
    def graders(self) -> Sequence[Grader]:
        """The answers of the checklist; where the reason is; a remedy that helps."""
        return self._listed, self._where, self._helps

    def _store(self, issued: Issued) -> Blob:
        return self.cast.p12(issued, chain=self.now.whole)

    def _as_set(self, now: Situation) -> Outcome:
        own = self.cast.p12(self.cast.good, chain=now.whole)
        held = own if now.chosen else self.cast.p12(self.other, "saml.p12")
        before, self.now = self.now, now
        try:
            return self.tried(held, to="orders")
        finally:
            self.now = before

    def _after(self, letter: str) -> Outcome:
        fault = _REMEDIES[dict(self.choices[3])[letter]]
        return self._as_set(replace(self.now, **_MENDS[fault]))

    def _listed(self, answer: object) -> Verdict:
        given = _ANSWERS.findall(str(answer).casefold())
        if len(given) != 2:  # noqa: PLR2004 - two questions were asked
            raise ValueError("Answer both questions with yes or no, such as: yes, no.")
        works = self.tried(to="weather").accepted
        same = not self.tried("acme-client.p12", to="orders").accepted
        truth = ["yes" if one else "no" for one in (works, same)]
        if given == truth:
            return right("Two calls, and half of all possible reasons are out of question.")
        which = "first" if given[0] != truth[0] else "second"
        return wrong(f"The {which} answer does not agree with the call that answers it.")

    def _where(self, answer: object) -> Verdict:
        letter = chosen(answer, self.choices[2])
        fault = {letter: fault for letter, _, fault in _WHERE}[letter]
        if fault == self.fault:
            return right("All three answers agree with that, and with nothing else.")
        return wrong(
            {
                "network": "Some call got through, so names, network and firewall work.",
                "settings": "Then the other tool, with the right key store, would be let in.",
                "store": "Walk the chain of that key store, or look at what the other tool got.",
                "partner": "Look again at what was sent, and at what the other tool got.",
            }[fault]
        )

    def _helps(self, answer: object) -> Verdict:
        outcome = self._after(chosen(answer, self.choices[3]))
        if outcome.accepted:
            return right("It was applied, and the instance was let in. Nothing else was changed.")
        return wrong(f"It was applied, and the call was made: {outcome.words}. It was taken back.")
