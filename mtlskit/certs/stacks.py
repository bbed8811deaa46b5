"""What other stacks would say of the same client chain, and which rule makes the difference.

Law of this file: a prediction is called one. What makes the difference is found by trying: a switch
makes it if the verdict turns when that switch alone is set as RFC 5280 has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.path_rules import Reason
from mtlskit.certs.profiles import BASE, Profile, profile, profiles
from mtlskit.certs.rulings import Question
from mtlskit.certs.stack_paths import search_as
from mtlskit.page.blocks import Badge, Block, Callout, Paragraph, Section, Table
from mtlskit.page.plain import Plain

__all__ = [
    "BASE",
    "STACKS",
    "Answer",
    "Verdict",
    "judge",
    "predict",
    "profile",
    "search_as",
    "section",
    "verdicts",
]

STACKS = tuple(name for name in profiles() if name != BASE)
"""The stacks that can be predicted."""


UNSEEN = "Java does not see the trusted certificate in the file that holds it."
"""Why Java refuses what it would accept if the trust store marked its certificates."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a real engine said, when it was asked.

    Attributes:
        stack: the stack that it speaks for.
        engine: its name and version, as it tells them.
        accepted: None: it could not be asked; `words` say why.
        unasked: what of the question it was not asked, such as ``the revocation lists``.
    """

    stack: str
    engine: str
    accepted: bool | None
    words: str
    unasked: tuple[str, ...] = ()

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        return {
            "stack": self.stack,
            "engine": self.engine,
            "accepted": self.accepted,
            "words": self.words,
            "unasked": list(self.unasked),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A prediction.

    Attributes:
        stack: its name in `STACKS`.
        title: its name for people.
        reason: why it refuses, the decisive reason; None: it accepts.
        switch: the switch by which its verdict is another than the RFC's; None: it is the same, or
            no single switch makes the difference.
        because: the reason and the difference, in one or two sentences.
        source: where the switch was seen.
    """

    stack: str
    title: str
    accepted: bool
    reason: Reason | None
    switch: str | None
    because: str
    source: str = ""

    def plain(self) -> dict[str, Plain]:
        """Tell it to a program."""
        return {
            "stack": self.stack,
            "accepted": self.accepted,
            "code": self.reason.code if self.reason else None,
            "switch": self.switch,
            "because": self.because,
        }


def predict(  # noqa: PLR0913 - the question's parts; the last one by name
    leaf: Certificate,
    sent: Iterable[Certificate],
    anchors: Iterable[Certificate],
    stack: str,
    at: datetime,
    *,
    handshake: bool = True,
) -> Verdict:
    """Predict whether a stack, as the server, accepts a client's chain.

    Args:
        leaf: the client's certificate.
        sent: what was sent with it, in the order of sending.
        anchors: what the server trusts.
        stack: one of `STACKS`, or ``rfc5280``.
        at: the server's time, aware.
        handshake: whether what its TLS library refuses for itself counts too, as a limit on the
            number of certificates; False: the chain alone.

    Raises:
        ValueError: there is no such stack.
    """
    question = Question(leaf, tuple(sent), tuple(anchors), "client", at)
    return judge(question, profile(stack), handshake=handshake)


def verdicts(question: Question, *, handshake: bool = True) -> tuple[Verdict, ...]:
    """Predict every stack's verdict on one question."""
    return tuple(judge(question, profile(one), handshake=handshake) for one in STACKS)


def judge(question: Question, stack: Profile, *, handshake: bool = True) -> Verdict:
    """Predict a verdict, and find what makes the difference from the RFC's."""
    seen = question.seen_by(stack.name)
    found = search_as(seen, stack, handshake=handshake)
    switch = _difference(seen, stack, found.accepted, handshake=handshake)
    reason = None if found.accepted else found.reasons[0]
    told = [reason.because] if reason else []
    if reason and seen is not question and search_as(question, stack, handshake=handshake).accepted:
        told.append(UNSEEN)
    if switch is not None:
        told.append(f"In {stack.title}, {stack.table[switch].says}.")
    source = stack.table[switch].source if switch else ""
    because = " ".join(told) or "It holds."
    return Verdict(stack.name, stack.title, found.accepted, reason, switch, because, source)


def _difference(
    question: Question,
    stack: Profile,
    accepted: bool,  # noqa: FBT001 - the verdict to turn
    *,
    handshake: bool,
) -> str | None:
    """The switch that alone turns the verdict, where it is another than the RFC's."""
    base = profile(BASE)
    if search_as(question, base, handshake=handshake).accepted == accepted:
        return None
    for name in stack.differing(base):
        turned = stack.with_switch(name, base)
        if search_as(question, turned, handshake=handshake).accepted != accepted:
            return name
    return None


# The page.


def summary(found: Sequence[Verdict]) -> str:
    """Say in one sentence which stacks would refuse it."""
    against = [one.title for one in found if not one.accepted]
    if not against:
        return f"All {len(found)} stacks that are predicted here would accept it."
    if len(against) == len(found):
        return f"All {len(found)} stacks that are predicted here would refuse it."
    return f"{len(against)} of {len(found)} stacks would refuse it: {', '.join(against)}."


def section(
    question: Question, answers: Sequence[Answer] = (), found: Sequence[Verdict] | None = None
) -> Section:
    """Describe what every stack says: predicted, and asked where there is an answer.

    The verdicts are `found`, if they are known already.
    """
    asked = {one.stack: one for one in answers}
    predicted = verdicts(question) if found is None else found
    rows = _together(_row(one, asked.get(one.stack)) for one in predicted)
    columns = ("Stack", "Predicted", "Asked", "Because")
    differing = _contradicted(question, asked)
    blocks: tuple[Block, ...] = (Table(columns, rows, _CAPTION),)
    if differing:
        text = f"{' and '.join(differing)} answered otherwise than was predicted: the answer holds."
        blocks = (Callout("A prediction was wrong", (Paragraph(text),), "warn"), *blocks)
    return Section("What other stacks would say", blocks, folded=True)


def _contradicted(question: Question, asked: Mapping[str, Answer]) -> list[str]:
    """Those stacks whose engine answered otherwise than was predicted of the chain alone."""
    return [
        stack.title
        for stack in map(profile, STACKS)
        if (answer := asked.get(stack.name))
        and not answer.unasked  # another question than the one that was predicted
        and answer.accepted is not None
        and answer.accepted != _predicted(question, stack)
    ]


def _predicted(question: Question, stack: Profile) -> bool:
    return search_as(question.seen_by(stack.name), stack, handshake=False).accepted


_CAPTION = (
    "As the server that this client certificate is sent to. Predicted by rules measured on the "
    "stacks; asked of the programs on this machine, about the chain alone."
)


_Row = tuple[str, Badge, str | tuple[Badge, str], str]


def _together(rows: Iterable[_Row]) -> tuple[_Row, ...]:
    """Stacks that say the same of it share a row, so that it is told once."""
    found: dict[tuple[object, ...], list[str]] = {}
    for title, *rest in rows:
        found.setdefault(tuple(rest), []).append(title)
    return tuple((", ".join(titles), *rest) for rest, titles in found.items())  # type: ignore[misc]  # the row's own rest


def _row(verdict: Verdict, answer: Answer | None) -> _Row:
    because = verdict.because + (f" ({verdict.source})" if verdict.source else "")
    return verdict.title, _badge(verdict.accepted), _told(answer), because


def _badge(accepted: bool) -> Badge:  # noqa: FBT001 - the verdict to show
    return Badge("accepts", "good") if accepted else Badge("refuses", "bad")


def _told(answer: Answer | None) -> str | tuple[Badge, str]:
    if answer is None:
        return "not asked"
    if answer.accepted is None:
        return answer.words
    words = f" {answer.engine}"  # and what it said, where that is more than a yes
    if not answer.accepted:
        words += f": {answer.words}"
    if answer.unasked:
        words += f" (not asked about {' and '.join(answer.unasked)})"
    return _badge(answer.accepted), words
