"""All paths of a search as one tree: the leaf first, at each step every issuer that was tried.

Law of this file: it shows what `paths` found, each reason at the certificate that is at fault, and
finds nothing itself. What two paths share is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.path_rules import Reason
from mtlskit.certs.paths import Path, PathSearch
from mtlskit.page.blocks import Badge, Block, Fields, Inline, Items, Section, Tone
from mtlskit.page.tree import Node, Tree

FEW = 20
"""In a larger tree, only certificates of which there is something to say are folded beneath it."""
_CAPTION = "The certificate on top; beneath each one, who may have issued it"


@dataclass(slots=True)
class _Step:
    """One certificate at one place of the tree.

    Attributes:
        child: the certificate that it may have issued; None for the leaf.
        trusted: it is an anchor.
        holds: it lies on a path that is accepted.
        above: the issuers that were tried for it, by their bytes.
    """

    certificate: Certificate
    child: Certificate | None = None
    trusted: bool = False
    holds: bool = False
    reasons: dict[tuple[str, str], Reason] = field(default_factory=dict)
    remarks: dict[tuple[str, str], Reason] = field(default_factory=dict)
    above: dict[bytes, _Step] = field(default_factory=dict)

    @property
    def tone(self) -> Tone:
        """Bad with a reason, good on a way that holds."""
        if self.reasons:
            return "bad"
        if self.remarks:
            return "warn"
        return "good" if self.holds else "plain"

    @property
    def standing(self) -> str:
        """How it stands, in the words of the reasons' codes."""
        codes = dict.fromkeys(one.code for one in (*self.reasons.values(), *self.remarks.values()))
        words = ["trusted"] if self.trusted else []
        words += codes or ([] if words else ["holds" if self.holds else "nothing against it"])
        return ", ".join(words)


def tree(found: PathSearch) -> Tree:
    """Return the tree of all paths."""
    return Tree(_node(_steps(found)))


def section(found: PathSearch) -> Section:
    """Draw the tree, and fold at each node what is known of it."""
    steps = list(_in_order(_steps(found)))
    telling = [one for one in steps if one.tone != "plain" or len(steps) <= FEW]
    nodes = map(_folded, telling)
    ways = "1 way" if len(found.paths) == 1 else f"{len(found.paths)} ways"
    picture = tree(found).picture(_CAPTION)
    return Section(f"The path, {ways} tried", (picture, *nodes))


def _steps(found: PathSearch) -> _Step:
    root = _Step(found.question.leaf)
    for path in found.paths:
        _add(root, path)
    return root


def _add(root: _Step, path: Path) -> None:
    step, accepted = root, path.anchored and not path.reasons
    for at, one in enumerate(path.certificates):
        if at:
            step = step.above.setdefault(one.der, _Step(one, step.certificate))
        step.holds |= accepted
        for told, into in ((path.reasons, step.reasons), (path.remarks, step.remarks)):
            mine = (reason for reason in told if reason.certificate.der == one.der)
            into.update({(reason.code, reason.because): reason for reason in mine})
    step.trusted |= path.anchored


def _node(step: _Step) -> Node:
    """Paths are short (`paths.LENGTH_LIMIT`), so that this may call itself."""
    said = f"{step.standing} [{step.certificate.source}]"
    above = tuple(map(_node, step.above.values()))
    return Node(step.certificate.label, said, step.tone, above)


def _in_order(step: _Step) -> Iterator[_Step]:
    yield step
    for one in step.above.values():
        yield from _in_order(one)


def _folded(step: _Step) -> Section:
    whose = f", issuer of {step.child.label}" if step.child else ""
    reasons = (*step.reasons.values(), *step.remarks.values())
    blocks: list[Block] = [Items(tuple(map(told, reasons)))] if reasons else []
    title = f"{step.certificate.label}{whose}: {step.standing}"
    return Section(title, (*blocks, _facts(step.certificate)), folded=True)


def told(reason: Reason) -> Inline:
    """Tell a reason in one paragraph, with both sides of what does not match."""
    said: list[str | Badge] = [Badge(reason.code, "bad"), f" {reason.because}"]
    if reason.expected or reason.presented:
        sides = (reason.expected or "nothing", reason.presented or "nothing")
        said.append(" Expected: {}. Presented: {}.".format(*sides))
    return tuple(said)


def _facts(one: Certificate) -> Fields:
    eku = "any purpose" if one.eku is None else ", ".join(one.eku)
    return Fields(
        (
            ("Stands in", str(one.source)),
            ("Subject", str(one.subject)),
            ("Issuer", str(one.issuer)),
            ("Valid", f"{one.not_before:%Y-%m-%d} to {one.not_after:%Y-%m-%d}"),
            ("Key", f"{one.key}, signed with {one.signature_algorithm}"),
            ("Purposes", eku),
            ("SHA-256", one.sha256),
        )
    )
