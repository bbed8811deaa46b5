"""Lesson 5: the handshake in TLS 1.2 and 1.3.

Law of this file: the partner's test endpoint speaks one version and one cipher suite, by chance.
When a refusal comes is looked up in real handshakes, and is no wisdom of this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mtlskit.lab.course.grading import Verdict, bare, chosen, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson, Outcome, Played

_SUITES = {
    "1.2": {
        "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    },
    "1.3": {
        one: one
        for one in (
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
        )
    },
}
"""OpenSSL's name of a suite, and the name that IANA gives it, by version."""


class Room(Lesson):
    """Two endpoints: the usual one speaks both versions, the one for tests a single one."""

    def set_up(self) -> None:
        """Lay out a good key store and an expired one, and throw the dice for the test endpoint."""
        cast = self.cast
        old = cast.client(not_before=cast.ago(days=370), not_after=cast.ago(days=5))
        self.lay(cast.p12(cast.good), "the instance's key store")
        self.lay(cast.p12(old, "acme-old.p12"), "last year's key store, expired")
        self.spoken = self.dice.choice(("1.2", "1.3"))
        self.set_to = "1.3" if self.spoken == "1.2" else "1.2"
        self.suite = self.dice.choice(sorted(_SUITES[self.spoken]))

    @property
    def endpoints(self) -> Mapping[str, Played]:
        """The usual one, and the one for tests."""
        limit = "ciphers" if self.spoken == "1.2" else "suites"
        one = self.usual(versions=(self.spoken, self.spoken), **{limit: self.suite})
        return {"orders": self.usual(), "test": one}

    @property
    def graders(self) -> Sequence[Grader]:
        """When a refusal comes; the suite that was agreed on; the version that works."""
        return self._late, self._agreed, self._spoken

    def _late(self, answer: object) -> Verdict:
        letter = chosen(answer, self.exercise(1).choices)
        late = [one for one in ("1.2", "1.3") if _done_before(self.tried("acme-old.p12", tls=one))]
        truth = {("1.2",): "a", ("1.3",): "b", ("1.2", "1.3"): "c"}.get(tuple(late), "")
        if letter == truth:
            return right(
                "In TLS 1.3 the server's Finished came before the client's certificate, so the "
                "client was done when it had sent its own. The alert was still to come."
            )
        return wrong(
            "Compare the order: in one of the two ladders the server's Finished stands above the "
            "alert, in the other one there is none."
        )

    def _agreed(self, answer: object) -> Verdict:
        if bare(answer) in {bare(self.suite), bare(_SUITES[self.spoken][self.suite])}:
            return right("The server chose it, in its ServerHello, among those that were offered.")
        return wrong("The test endpoint agreed to another cipher suite.")

    def _spoken(self, answer: object) -> Verdict:
        found = re.search(r"1[._]?([0-3])(?!\d)", str(answer))
        if not found:
            raise ValueError("Answer with a version of TLS, such as 1.2.")
        version = f"1.{found[1]}"
        if version not in _SUITES:
            return wrong(f"TLS {version} is not in use any more (RFC 8996), and not spoken there.")
        return self.let_in("acme-client.p12", to="test", tls=version)


def _done_before(outcome: Outcome) -> bool:
    """Say whether the server's Finished was seen before its alert."""
    told = [one.name for one in outcome.trace.events if one.sender == "server"]
    return "Finished" in told
