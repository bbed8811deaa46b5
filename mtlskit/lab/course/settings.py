"""Lesson 9: the instance's protocol profiles.

Law of this file: which properties have a value is decided by chance. A change is judged by making
the call that the changed instance would make.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import mtlskit
from mtlskit.case import Case
from mtlskit.instance.changes import Change
from mtlskit.instance.protocols import FACTORY
from mtlskit.lab.course.grading import Verdict, chosen, right, whole, wrong
from mtlskit.lab.course.instance import OWN, Instance
from mtlskit.lab.course.lesson import Grader, Lesson, Outcome, Played
from mtlskit.lab.exports import CLASS, OTHER, PORT, SAML
from mtlskit.lab.pki import Authority
from mtlskit.trace.events import Trace

LISTENS = 8443
_PORTS = (4433, 443, 9443)


class Room(Lesson):
    """An instance whose properties say something else than its profile."""

    def set_up(self) -> None:
        """Make the key stores and the settings, and lay out the export."""
        cast = self.cast
        holders = {
            SAML: Authority.root("CN=SAML, O=Acme Corporation").client("CN=SAML 2.0 SP, O=Acme"),
            OTHER: Authority.root("CN=Acme Test Root CA, O=Acme Corporation").client("CN=Test"),
            OWN: cast.good,
        }
        first = self.dice.choice((SAML, OTHER))
        order = sorted(holders, key=lambda name: name != first)
        set_class, set_port = self.dice.choice(((True, True), (True, False), (False, True)))
        self.instance = Instance(
            cast.host,
            {
                CLASS: FACTORY if set_class else "",
                PORT: str(self.dice.choice(_PORTS)) if set_port else "",
            },
            (str(LISTENS), OWN),
            {name: holders[name].p12(self.password, "orders") for name in order},
        )
        self.lay(self.instance.export(), "an export of the instance's settings")

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The partner's endpoint, and a port on which nobody listens."""
        return {"orders": self.usual(), "nobody": None}

    def case(self) -> Case:
        """Read the export."""
        return mtlskit.read(self.files["instance.xml"], url=self.instance.url)

    def as_instance(self, changes: Iterable[Change] = ()) -> Trace:
        """Make the call that the instance would make, after these changes."""
        return self._made(changes).trace

    def _made(self, changes: Iterable[Change]) -> Outcome:
        then = self.instance.changed(changes)
        listened = then.port == LISTENS
        return self.tried(then.offered, to="orders" if listened else "nobody")

    @property
    def graders(self) -> Sequence[Grader]:
        """What decides on the key store; the port that is called; changes that mend it."""
        return self._decides, self._port, self._mended

    def _decides(self, answer: object) -> Verdict:
        letter = chosen(answer, self.exercise(1).choices)
        truth = "a" if self.instance.properties[CLASS] else "c"
        if letter == truth:
            return right("That is the one that counts here.")
        return wrong(
            {
                "a": "That property has no value here, so it decides nothing.",
                "b": "That property is about a port, and about no key store.",
                "c": "The profile names a key store, and something else wins over it here.",
                "d": "The message names a protocol. What the protocol is stands elsewhere.",
            }[letter]
        )

    def _port(self, answer: object) -> Verdict:
        number = whole(answer)
        if number is None:
            raise ValueError("Answer with a port number.")
        if number == self.instance.port:
            return right("The URL names no port, so the registered one is called.")
        return wrong("The instance calls another port.")

    def _mended(self, answer: object) -> Verdict:
        changes = _changes(answer)
        then = self.instance.changed(changes)
        outcome = self._made(changes)
        if outcome.accepted:
            return right("The instance would call the right port and offer the right key store.")
        if then.port != LISTENS:
            return wrong("The call was made: nobody listens on the port that is called then.")
        return wrong(f"The call was made: {outcome.words}. Which key store is offered then?")


def _changes(answer: object) -> list[Change]:
    """Take the answer for a list of changes.

    Raises:
        ValueError: it is none.
    """
    given = [answer] if isinstance(answer, Change) else answer
    found = list(given) if isinstance(given, list | tuple) else [None]
    changes = [one for one in found if isinstance(one, Change)]
    if len(changes) != len(found):
        raise ValueError("Hand in a list of changes, such as [changes.emptied(…)].")
    return changes
