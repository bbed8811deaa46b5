"""What a rule is, what it can answer, and the engine that asks them all.

Law of this room: a rule looks at a `Case` and answers `Found`, `Clear` or `Inapplicable`, each with
what it saw. It never guesses: evidence that is not there raises `Missing`, and the engine alone
turns that into `Unknown`. A rule that fails otherwise is `Broken`: our bug, never the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mtlskit.case import Case, Missing
from mtlskit.material import Because


@dataclass(frozen=True, slots=True)
class Found:
    """The fault is there; `because` says what was seen, most telling first.

    Attributes:
        remedy: what to do in this very case, where it can be said more exactly than in general.
        decisive: the evidence by itself explains the failure (an expired leaf was sent), as
            against making it possible (no issuer of the chain stands in the CA list).
        title: the cause in the words of this very case, where the general ones say too little.
    """

    because: tuple[Because, ...]
    remedy: str | None = None
    decisive: bool = True
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Clear:
    """Looked, and it is not there."""

    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """The question does not arise in this case."""

    because: tuple[Because, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The evidence that would answer is not at hand. Made by the engine alone.

    Attributes:
        doubt: how much what is at hand speaks against it, without deciding: 1 is not at all.
    """

    missing: str
    how: str
    doubt: float = 1.0


@dataclass(frozen=True, slots=True)
class Broken:
    """The rule itself failed. Made by the engine alone; a bug of mtlskit."""

    error: str


class Doubtful(Missing):
    """What would decide is missing, and what is at hand speaks against the cause.

    Attributes:
        doubt: by how much less likely that makes it.
    """

    def __init__(self, what: str, how: str, doubt: float = 2.0) -> None:
        super().__init__(what, how)
        self.doubt = doubt


Answer = Found | Clear | Inapplicable
Verdict = Found | Clear | Inapplicable | Unknown | Broken


@dataclass(frozen=True, slots=True)
class Rule:
    """One question about a case.

    Attributes:
        id: the cause that this rule speaks of (a stable id of the vocabulary).
        title: the question that the rule asks, as a short sentence.
        remedy: what to do about it; empty where the cause's own remedy says it.
        cites: RFC section or article that the rule rests on.
    """

    id: str
    title: str
    remedy: str
    cites: str
    ask: Callable[[Case], Answer]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's verdict on a case."""

    rule: Rule
    verdict: Verdict


_RULES: dict[str, Rule] = {}


def rule(
    cause: str, *, title: str, cites: str, remedy: str = ""
) -> Callable[[Callable[[Case], Answer]], Rule]:
    """Declare the decorated function to be the rule for `cause`."""

    def declare(ask: Callable[[Case], Answer]) -> Rule:
        if cause in _RULES:
            raise ValueError(f"two rules for {cause}")
        _RULES[cause] = Rule(cause, title, remedy, cites, ask)
        return _RULES[cause]

    return declare


def declared() -> tuple[Rule, ...]:
    """Every declared rule, in the order of declaration."""
    return tuple(_RULES.values())


def ask(rules: Iterable[Rule], case: Case) -> tuple[Finding, ...]:
    """Put every rule's question to the case.

    What was tried on a stand-in is kept from them: it was built from what was seen of the server,
    and tells nothing new about it.
    """
    case = case.having(attempts=tuple(one for one in case.attempts if not one.stand_in))
    return tuple(Finding(one, _verdict(one, case)) for one in rules)


def _verdict(one: Rule, case: Case) -> Verdict:
    try:
        return one.ask(case)
    except Doubtful as missing:
        return Unknown(missing.what, missing.how, missing.doubt)
    except Missing as missing:
        return Unknown(missing.what, missing.how)
    except Exception as error:  # noqa: BLE001 - a broken rule must not take the others down
        return Broken(f"{type(error).__name__}: {error}")
