"""The way up from a certificate: every path that its issuers allow, within a budget.

Law of this room: every path is followed to its end, and where a search is given up, that is said.
No path is judged by how it was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.path_rules import HINTS, Reason, Walk, reasons
from mtlskit.certs.rulings import Question
from mtlskit.certs.signing import verified

LENGTH_LIMIT = 20
"""Certificates in one path. Java stops at 10, cryptography at 10, OpenSSL at 102."""
CHECK_LIMIT = 600
"""Signature checks of one search; the longest honest search needs some dozens."""
STEP_LIMIT = 4000
"""Certificates looked at in one search."""
PATH_LIMIT = 32
"""Paths that are kept and judged."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way up from the leaf.

    Attributes:
        certificates: leaf first; the anchor last if there is one.
        anchored: whether the last one is trusted.
        reasons: why it is not accepted, the decisive one first; (): it is.
        remarks: what does not count here, but does with well-known verifiers.
    """

    certificates: tuple[Certificate, ...]
    anchored: bool
    reasons: tuple[Reason, ...]
    remarks: tuple[Reason, ...] = ()


class Climb:
    """One search: from the leaf up, at each step to every issuer that may be meant."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.trusted = {one.der for one in question.anchors}
        self.pool = Pool((*question.anchors, *question.others))
        self.signers: dict[bytes, bytes] = {}
        self.links: dict[tuple[bytes, bytes], bool] = {}
        self.checks = CHECK_LIMIT
        self.steps = STEP_LIMIT
        self.spent = False
        self.used_steps = self.used_checks = 0

    def paths(self) -> list[Path]:
        """Every path that ends: at an anchor, or where it cannot go on.

        Beyond `PATH_LIMIT` only those that end at an anchor are looked at; once one is accepted,
        little work is spent on the others.
        """
        found: list[Path] = []
        circles: list[Path] = []
        for certificates, end in self.ways((self.question.leaf,)):
            if end is not None and len(found) >= PATH_LIMIT:
                continue
            if end is not None and end.presented == _CIRCLE:
                circles[:] = circles or [self._judged(certificates, end)]
                continue
            path = self._judged(certificates, end)
            found.append(path)
            if path.anchored and not path.reasons:
                self.steps, self.checks = min(self.steps, 200), min(self.checks, 40)
            if len(found) >= 2 * PATH_LIMIT:
                self.spent = True
                break
        return found or circles

    def _judged(self, certificates: tuple[Certificate, ...], end: Reason | None) -> Path:
        anchored = certificates[-1].der in self.trusted
        walk = walk_of(self.question, certificates, anchored=anchored)
        found = reasons(walk)
        wrong = found if end is None else (end, *found)
        return Path(certificates, anchored, tuple(wrong), tuple(reasons(walk, HINTS)))

    def ways(
        self, path: tuple[Certificate, ...]
    ) -> Iterator[tuple[tuple[Certificate, ...], Reason | None]]:
        """Each way on from here to its end, with the reason for which it ends without anchor."""
        top = path[-1]
        if top.der in self.trusted:
            yield path, None
            return
        if top.self_issued and self._signed(top, top):
            yield path, untrusted(top)  # no other key can have signed it as well
            return
        namesakes = self._namesakes(path)
        self.steps -= 1 + len(namesakes)
        self.used_steps += 1 + len(namesakes)
        signed = False
        for issuer in namesakes:
            if self.steps < 0 or self.checks < 0 or len(path) >= LENGTH_LIMIT:
                self.spent = True
                return
            if self._signed(top, issuer):
                signed = True
                yield from self.ways((*path, issuer))
        if not signed:
            yield from self._unsigned(path, namesakes)

    def _unsigned(
        self, path: tuple[Certificate, ...], namesakes: Sequence[Certificate]
    ) -> Iterator[tuple[tuple[Certificate, ...], Reason | None]]:
        """Where no certificate at hand signed the last one.

        The likeliest issuer is followed all the same if it may be the one that was meant, so that
        what else is wrong further up is told as well.
        """
        top = path[-1]
        meant = [one for one in namesakes if not _another_key(top, one)]
        if not namesakes and self.pool.named(top.issuer.der) and not top.self_issued:
            yield path, _circle(top)
        elif meant:
            yield from self.ways((*path, meant[0]))
        else:
            yield path, missing(top, namesakes)

    def _namesakes(self, path: Sequence[Certificate]) -> list[Certificate]:
        """Those of the issuer's name that the path does not hold yet, the likeliest first."""
        seen = {(one.key.spki, one.subject.der) for one in path}
        named = self.pool.named(path[-1].issuer.der)
        fresh = [one for one in named if (one.key.spki, one.subject.der) not in seen]
        return sorted(fresh, key=lambda one: self._likelihood(path[-1], one), reverse=True)

    def _likelihood(
        self, child: Certificate, issuer: Certificate
    ) -> tuple[bool, bool, bool, float]:
        at = self.question.at
        return (
            child.aki is not None and child.aki == issuer.ski,
            issuer.der in self.trusted,
            issuer.not_before <= at <= issuer.not_after,
            issuer.not_before.timestamp(),
        )

    def _signed(self, child: Certificate, issuer: Certificate) -> bool:
        """Whether the issuer's key signed the child; once its key is known, no other is tried."""
        spki = issuer.key.spki
        if child.der in self.signers:
            return self.signers[child.der] == spki
        if (child.der, spki) not in self.links:
            self.checks -= 1
            self.used_checks += 1
            self.links[child.der, spki] = verified(child, spki) is True
        if self.links[child.der, spki]:
            self.signers[child.der] = spki
        return child.der in self.signers


def walk_of(one: Question, certificates: tuple[Certificate, ...], *, anchored: bool) -> Walk:
    """A path, to be judged by the rules for what was asked."""
    return Walk(
        certificates,
        anchored,
        one.role,
        one.at,
        one.name,
        one.max_depth,
        one.crls,
        (*one.others, *one.anchors),
        one.policies,
        one.responses,
    )


def _another_key(child: Certificate, issuer: Certificate) -> bool:
    """Whether the identifiers say that this is a namesake of the issuer with another key."""
    return bool(child.aki and issuer.ski and child.aki != issuer.ski)


def untrusted(root: Certificate) -> Reason:
    """The end of the way is no trusted one."""
    text = f"{root.label} is its own issuer, and it is not among the trusted certificates."
    return Reason("untrusted-root", root, text, "a trusted certificate", root.sha256)


_CIRCLE = "a circle"


def _circle(child: Certificate) -> Reason:
    text = (
        f"The issuers of {child.label} at hand issued each other, and none of them is trusted: "
        "the path leads round in a circle."
    )
    return Reason("missing-issuer", child, text, "an issuer that leads on", _CIRCLE)


def missing(child: Certificate, namesakes: Sequence[Certificate]) -> Reason:
    """Nobody at hand signed this one."""
    text = f"The issuer of {child.label}, {child.issuer}, is not among the certificates at hand."
    presented = "none of that name"
    if namesakes:
        text += " One of the same name is, with another key."
        presented = ", ".join(one.ski.hex() for one in namesakes if one.ski)
    expected = f"key identifier {child.aki.hex()}" if child.aki else str(child.issuer)
    return Reason("missing-issuer", child, text, expected, presented)
