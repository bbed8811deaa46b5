"""Every path from a certificate to an anchor, and every reason for which one does not hold.

Law of this room: all paths over the material at hand are kept, each with all its reasons, and
`cryptography` and OpenSSL are asked for their ruling, which is shown beside ours and never hidden.
The work has a budget that is said when it is spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mtlskit.certs import rulings
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.climb import CHECK_LIMIT, PATH_LIMIT, STEP_LIMIT, Climb, Path
from mtlskit.certs.ocsp import Response
from mtlskit.certs.path_rules import Reason, Role
from mtlskit.certs.policies import NOTHING, Wanted
from mtlskit.certs.rulings import Difference
from mtlskit.certs.signed import Crl
from mtlskit.material import Problem
from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain
from mtlskit.page.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from mtlskit.certs.repair import Step
    from mtlskit.certs.stacks import Answer, Verdict

__all__ = [
    "CHECK_LIMIT",
    "PATH_LIMIT",
    "STEP_LIMIT",
    "Path",
    "PathSearch",
    "Reason",
    "answer",
    "search",
]


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
        problems: what could not be read or fetched, and which other identities were not judged.
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
