"""Lesson 6: who refuses whom.

Law of this file: four endpoints fail in four ways, each behind a letter that chance gave it. Who
refused is known from how each was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, chosen, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson, Played
from mtlskit.lab.pki import Authority

_ENDS = ("server", "client", "application", "nobody")
_SAID = {
    "server": "There the server sent the alert: it looked at the client's certificate.",
    "client": "There Acme's side sent the alert, and never showed its certificate.",
    "application": "There both sides were content with each other; what refused is an application.",
    "nobody": "There nobody refused anybody: no connection came about.",
}


class Room(Lesson):
    """One key store, one trust store, four endpoints."""

    def set_up(self) -> None:
        """Lay out the stores, two new roots of the partner's, and the endpoints by letter."""
        cast = self.cast
        self.elsewhere = Authority.root("CN=Some Other Root CA, O=Somebody Else")
        self.renewed = cast.partner.recreated()
        beneath = self.renewed.intermediate("CN=Partner Example TLS CA 2, O=Partner Example Ltd")
        self.moved = beneath.server(f"CN={cast.host}, O=Partner Example Ltd", cast.host)
        ends = list(_ENDS)
        self.dice.shuffle(ends)
        self.ends = dict(zip("abcd", ends, strict=True))
        self.lay(cast.p12(cast.good), "the instance's key store")
        roots = [self.renewed, cast.partner.recreated()]
        self.dice.shuffle(roots)
        for number, one in enumerate(roots, 1):
            blob = certificates(f"root-{number}.pem", one.certificate)
            self.lay(blob, "a new root of the partner's, as it came by mail")
        self.words["fingerprint"] = self.renewed.certificate.fingerprint(hashes.SHA256()).hex()
        letters = tuple((letter, f"endpoint {letter.upper()}") for letter in self.ends)
        self.choices = {1: letters, 2: letters}

    @property
    def fingerprint(self) -> str:
        """What the partner says on the telephone: SHA-256 of the new root."""
        return str(self.words["fingerprint"])

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The four endpoints, by letter."""
        made: dict[str, Played] = {
            "server": self.usual(trust=(self.elsewhere.certificate,)),
            "client": self.usual(identity=self.moved),
            "application": self.usual(status=403, says="This client may not read orders."),
            "nobody": None,
        }
        return {letter: made[end] for letter, end in self.ends.items()}

    @property
    def graders(self) -> Sequence[Grader]:
        """Where the server refused; where the client did; a trust store that mends that."""
        return self._server, self._client, self._trusted

    def _server(self, answer: object) -> Verdict:
        return self._at(answer, 1, "server")

    def _client(self, answer: object) -> Verdict:
        return self._at(answer, 2, "client")

    def _at(self, answer: object, exercise: int, wanted: str) -> Verdict:
        end = self.ends[chosen(answer, self.choices[exercise])]
        return right(_SAID[end]) if end == wanted else wrong(_SAID[end])

    def _trusted(self, answer: object) -> Verdict:
        (letter,) = (one for one, end in self.ends.items() if end == "client")
        verdict = self.let_in("acme-client.p12", to=letter, trust=self.file(answer))
        if verdict.right:
            return right(f"{verdict.because} The fingerprint says that it is the partner's root.")
        return wrong("The endpoint's certificate does not lead to what is in this file.")
