"""Every path from a certificate to an anchor, and every reason for which one does not hold.

Law of this room: all paths over the material at hand are kept, each with all its reasons, and
`cryptography` and OpenSSL are asked for their ruling, which is shown beside ours and never hidden.
The work has a budget that is said when it is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mtlskit.certs import rulings
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.chain import Pool
from mtlskit.certs.ocsp import Response
from mtlskit.certs.path_rules import HINTS, Reason, Role, Walk, reasons
from mtlskit.certs.policies import NOTHING, Wanted
from mtlskit.certs.rulings import Difference
from mtlskit.certs.signed import Crl
from mtlskit.certs.signing import verified
from mtlskit.material import Problem
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from mtlskit.certs.repair import Step
    from mtlskit.certs.stacks import Answer, Verdict

__all__ = ["Path", "PathSearch", "Reason", "search"]

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


@dataclass(frozen=True, slots=True)
class Work:
    """How much one search took, of what it may take (`STEP_LIMIT`, `CHECK_LIMIT`, `PATH_LIMIT`).

    Attributes:
        steps: certificates that were looked at.
        checks: signatures that were checked.
        paths: paths that were judged.
    """

    steps: int
    checks: int
    paths: int

    def __str__(self) -> str:
        return (
            f"{self.steps} of at most {STEP_LIMIT} steps, {self.checks} of at most {CHECK_LIMIT} "
            f"signature checks and {self.paths} of at most {2 * PATH_LIMIT} paths"
        )


@dataclass(frozen=True, slots=True)
class PathSearch(Shown):
    """The answer to one question about one certificate.

    Attributes:
        reasons: why it is refused, by the path that comes nearest, the decisive one first; ():
            it is accepted.
        paths: every candidate, the best first.
        question: what was asked, for `rulings` and `repair`.
        work: what the search took.
        profile: ``rfc5280``, or the stack whose rules were asked.
        answers: what real engines said of it, where they were asked.
        problems: what could not be fetched, where that was asked for.
    """

    accepted: bool
    reasons: tuple[Reason, ...]
    paths: tuple[Path, ...]
    question: rulings.Question = field(repr=False)
    work: Work = field(default=Work(0, 0, 0), compare=False)
    profile: str = "rfc5280"
    answers: tuple[Answer, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def repair(self) -> tuple[Step, ...]:
        """The fewest steps that would get the certificate accepted; (): it is. Worked out anew.

        Always by RFC 5280's rules: what mends a chain for them mends it for nearly every stack.
        """
        from mtlskit.certs.repair import steps_for  # noqa: PLC0415 - it searches again

        return steps_for(self)

    @property
    def remarks(self) -> tuple[Reason, ...]:
        """What the best path has that does not count here, but does with well-known verifiers."""
        return self.paths[0].remarks

    @property
    def stacks(self) -> tuple[Verdict, ...]:
        """What each known stack would say, as the server of this client; worked out anew."""
        from mtlskit.certs.stacks import verdicts  # noqa: PLC0415 - it searches again

        return verdicts(self.question) if self.question.role == "client" else ()

    @property
    def rulings(self) -> Mapping[str, str]:
        """What ``openssl`` and ``cryptography`` say, in their own words; asked when it is read."""
        return {name: one.words for name, one in rulings.ask(self.question).items()}

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Where another verifier's verdict is not ours, and why, if that is known.

        A stack's own rules are expected to differ, and nothing is made of it.
        """
        if self.profile != "rfc5280":
            return ()
        codes = tuple(one.code for one in self.reasons)
        return rulings.differences(rulings.ask(self.question), codes)

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Those other verifiers, by name, whose verdict is not ours."""
        return tuple(one.verifier for one in self.differences)

    def frame(self) -> pd.DataFrame:
        """The reasons as a pandas frame.

        Raises:
            ImportError: pandas is not installed; the message says how to get it.
        """
        from mtlskit.certs.inventory import frame_of  # noqa: PLC0415 - it brings a room along

        columns = ("code", "certificate", "because", "expected", "presented")
        rows = [cells(one) for one in self.reasons]
        return frame_of({name: [row[at] for row in rows] for at, name in enumerate(columns)})

    def plain(self) -> dict[str, Plain]:
        """The interface's JSON."""
        return {
            "accepted": self.accepted,
            "reasons": [_plain(one) for one in self.reasons],
            "paths": [
                {
                    "certificates": [str(one.subject) for one in path.certificates],
                    "anchored": path.anchored,
                    "reasons": [_plain(one) for one in path.reasons],
                }
                for path in self.paths
            ],
            "rulings": dict(self.rulings),
            "repair": [one.text for one in self.repair],
            "differences": [str(one) for one in self.differences],
            "profile": self.profile,
            "stacks": [one.plain() for one in self.stacks],
            "asked": [one.plain() for one in self.answers],
            "problems": [str(one) for one in self.problems],
        }

    def page(self) -> Page:
        """Describe the verdict, the reasons, the paths, and what others say."""
        from mtlskit.certs.path_page import page_of  # noqa: PLC0415 - it knows this class

        return page_of(self)


def search(  # noqa: PLR0913 - the question's parts, all by name
    leaf: Certificate,
    others: Iterable[Certificate],
    anchors: Iterable[Certificate],
    *,
    role: Role,
    at: datetime,
    name: str | None = None,
    max_depth: int | None = None,
    crls: Iterable[Crl] = (),
    policies: Wanted = NOTHING,
    at_hand: Iterable[Certificate] = (),
    responses: Iterable[Response] = (),
) -> PathSearch:
    """Search every path from `leaf` to one of `anchors` over `others`, and judge each.

    Args:
        leaf: the certificate in question.
        others: intermediates and roots at hand; what is not among `anchors` is not trusted.
        anchors: trusted certificates; any certificate may be one, also a leaf or an intermediate.
        role: what the leaf is used as.
        at: the time to judge at, aware.
        name: the host name or address that the leaf must speak for (RFC 9525).
        max_depth: how many intermediates the verifier allows; None: any number.
        crls: revocation lists; if there is one, each certificate below the anchor must be covered.
        policies: what the verifier asks of certificate policies; by default nothing of its own.
        at_hand: certificates that are neither sent nor trusted; `PathSearch.repair` may name them.
        responses: OCSP responses; if there is one, the leaf must be covered by it or by a list.
    """
    question = rulings.Question(
        leaf,
        tuple(others),
        tuple(anchors),
        role,
        at,
        name,
        max_depth,
        tuple(crls),
        policies,
        tuple(at_hand),
        tuple(responses),
    )
    return answer(question)


def answer(question: rulings.Question) -> PathSearch:
    """Search for what was asked; see `search`."""
    climb = Climb(question)
    paths = climb.paths()
    work = Work(climb.used_steps, climb.used_checks, len(paths))
    spent = (_given_up(question.leaf, work),) if climb.spent else ()
    ranked = sorted((*paths, *spent), key=rank)
    best = ranked[0]
    if best.anchored and not best.reasons:
        return PathSearch(
            accepted=True, reasons=(), paths=tuple(ranked), question=question, work=work
        )
    given_up = tuple(one for path in spent if path is not best for one in path.reasons)
    return PathSearch(
        accepted=False,
        reasons=given_up + best.reasons,
        paths=tuple(ranked),
        question=question,
        work=work,
    )


def walk_of(
    one: rulings.Question, certificates: tuple[Certificate, ...], *, anchored: bool
) -> Walk:
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


def rank(path: Path) -> tuple[bool, int, int]:
    """The nearest to acceptance first: anchored, few reasons, long."""
    return not path.anchored, len(path.reasons), -len(path.certificates)


def _given_up(leaf: Certificate, work: Work) -> Path:
    text = (
        f"The search from {leaf.label} was given up after {work.steps} steps and {work.checks} "
        "signature checks: the certificates at hand allow more paths than are worth following, as "
        "many CAs of the same name do."
    )
    limits = f"{STEP_LIMIT} steps, {CHECK_LIMIT} signature checks, {2 * PATH_LIMIT} paths"
    reason = Reason("budget", leaf, text, limits, str(work))
    return Path((leaf,), anchored=False, reasons=(reason,))


class Climb:
    """One search: from the leaf up, at each step to every issuer that may be meant."""

    def __init__(self, question: rulings.Question) -> None:
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


def _another_key(child: Certificate, issuer: Certificate) -> bool:
    """Whether the identifiers say that this is a namesake of the issuer with another key."""
    return bool(child.aki and issuer.ski and child.aki != issuer.ski)


def untrusted(root: Certificate) -> Reason:
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
    text = f"The issuer of {child.label}, {child.issuer}, is not among the certificates at hand."
    presented = "none of that name"
    if namesakes:
        text += " One of the same name is, with another key."
        presented = ", ".join(one.ski.hex() for one in namesakes if one.ski)
    expected = f"key identifier {child.aki.hex()}" if child.aki else str(child.issuer)
    return Reason("missing-issuer", child, text, expected, presented)


def cells(one: Reason) -> tuple[str, str, str, str, str]:
    return one.code, one.certificate.label, one.because, one.expected, one.presented


def _plain(one: Reason) -> dict[str, Plain]:
    return {
        "code": one.code,
        "certificate": str(one.certificate.subject),
        "because": one.because,
        "expected": one.expected,
        "presented": one.presented,
        "sha256": one.certificate.sha256,
        "source": str(one.certificate.source),
    }
