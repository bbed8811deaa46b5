"""The page of `accuracy.py`: what was answered, counted. Law: nothing is run here, only counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mtlskit.diagnosis.causes import causes

MODES = {
    "material": "with the key material at hand, without experiments",
    "published": "with the key material, and what the certificate's own CA publishes",
    "owner": "with the key material, and the CA certificates that the endpoint's owner named",
    "both": "with the key material, what its CA publishes, and what the endpoint's owner named",
    "experiments": "with the key material at hand, with experiments",
    "left-out": "with the key material, this stack's habits left out",
    "readable": "without key material, the client's Certificate message readable",
    "ending": "where only the ending is known: alert or HTTP status, stage, TLS version",
    "sealed": "from a capture of TLS 1.3 without its key log",
}
ALIKE = {"ending": "ending, all alike", "sealed": "sealed, all alike"}
"""Modes in which the kit is asked a second time, with each staged fault taken for as frequent."""
BESIDE = {**ALIKE, "left-out": "material"}
"""The mode that a section is compared with."""
GIVEN = {
    "material": (
        "Given: the connection, made by the kit itself as the client would make it; the client's "
        "certificate, key and chain, and what lies beside them; the client's trust store."
    ),
    "published": (
        "Given besides: what is to be had at the addresses in the client's certificates, as "
        "`--fetch issuers crls` asks for it: the revocation lists and certificates of its CAs. "
        "They are of the CA, and current; the server's own copies are not looked at."
    ),
    "owner": (
        "Given besides: the CA certificates by which the server verifies clients "
        "(`--server-trust`), as the endpoint's owner would name them when asked."
    ),
    "both": "Given besides: both of the two above.",
    "experiments": (
        "Given: as in the first table, and the kit may change one thing and call again."
    ),
    "left-out": "Given: as in the first table; habits that were measured on this stack are not.",
    "readable": (
        "Given: the connection, with the key log where it is TLS 1.3; nothing of the client's."
    ),
    "ending": "Given: how the connection ended, and nothing else.",
    "sealed": "Given: the sealed connection, nothing of the client's.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the kit said of one fault on one stack in one TLS version.

    Attributes:
        right: the causes that are right; one, in most cases.
        said: the causes that it named, best first, without those that it ruled out.
        refused_by: the side that it named; `truth` is the side that did refuse.
        parties: whom it named as the ones who may have to act.
        cause: the cause that was staged, or ``none`` where the server accepted.
        sign: what could be seen of the ending, for the best possible guess from it.
    """

    stack: str
    fault: str
    tls: str
    mode: str
    right: frozenset[str]
    said: tuple[str, ...]
    ruled_out: frozenset[str]
    refused_by: str | None
    truth: str | None
    standing: str
    parties: tuple[str, ...]
    connections: int
    cause: str
    sign: tuple[object, ...]

    @property
    def first(self) -> bool:
        """The right cause is first."""
        return bool(self.said) and self.said[0] in self.right

    @property
    def among_three(self) -> bool:
        """The right cause is among the first three."""
        return bool(self.right & set(self.said[:3]))

    @property
    def wrong_side(self) -> bool:
        """The other side is said to have refused, or the one that must act is not named."""
        if self.refused_by not in {self.truth, None}:
            return True
        if not self.said or self.said[0] in {"none", "unknown"}:
            return False
        # What the two speak in common is a matter of both.
        both = any(one.startswith("protocol.") for one in (*self.right, self.said[0]))
        owners = {causes()[one].party for one in self.right if one != "none"}
        return not both and not owners & set(self.parties)

    @property
    def one_party(self) -> bool:
        """One party alone is named as the one that must act."""
        return len(self.parties) == 1

    @property
    def excluded(self) -> bool:
        """The right cause is among those ruled out."""
        return bool(self.right & self.ruled_out) and not self.right & set(self.said)


def written(answers: Sequence[Answer], versions: Mapping[str, str]) -> Iterator[str]:
    """Write the page."""
    yield "# How often the diagnosis is right on real servers"
    yield from ("", "\n".join(_ABOUT), "")
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"The servers: {named}."
    for mode, words in MODES.items():
        mine = [one for one in answers if one.mode == mode]
        if mine:
            beside = [one for one in answers if one.mode == BESIDE.get(mode)]
            yield from _section(words, mine, beside)


_ABOUT = (
    "Made by `bench/accuracy.py`. A case is one fault on one real server in one TLS version; what",
    "is right is the fault that was staged, or `none` where the server accepted. The kit is never",
    "told which fault it is.",
    "",
    "*Wrong side*: the other side is said to have refused, or the party that must act is not among",
    "those that the report names. *One party*: the report names one party alone; it does so only",
    "where nine tenths of what the evidence leaves open is that party's, and else it names those",
    "between whom it is open, with what would settle it. What the two speak in common (versions,",
    "cipher suites, names) is a matter of both.",
)


def _section(words: str, answers: list[Answer], beside: list[Answer]) -> Iterator[str]:
    yield from ("", f"## {words[0].upper()}{words[1:]}", "", GIVEN[answers[0].mode], "")
    yield "| stack | cases | right first | in first three | wrong side | one party | ruled out |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    by_stack: dict[str, list[Answer]] = defaultdict(list)
    for one in answers:
        by_stack[one.stack].append(one)
    for name, mine in (*by_stack.items(), ("all", answers)):
        cells = [name, str(len(mine)), _share(mine, "first"), _share(mine, "among_three")]
        cells += [_count(mine, "wrong_side"), _share(mine, "one_party"), _count(mine, "excluded")]
        yield f"| {' | '.join(cells)} |"
    if answers[0].mode in ALIKE:
        yield from _best_guess(answers, beside)
    if answers[0].mode == "experiments":
        yield from _confirmed(answers)
    if answers[0].mode == "left-out":
        yield from _falls(beside, answers)
    yield from _misses(answers)


def _falls(whole: list[Answer], answers: list[Answer]) -> Iterator[str]:
    """Tell how much each stack loses with its own habits."""

    def right(mine: list[Answer], stack: str) -> float:
        of = [one.first for one in mine if one.stack == stack]
        return 100 * sum(of) / len(of)

    stacks = sorted({one.stack for one in answers})
    falls = {one: right(whole, one) - right(answers, one) for one in stacks}
    lost = ", ".join(f"{one} {fall:.1f}" for one, fall in falls.items() if fall > 0) or "none"
    yield ""
    yield (
        f"Points lost against the first table, by stack: {lost}; the others lose nothing. The "
        f"most is {max(falls.values()):.1f}."
    )


def _share(answers: Sequence[Answer], key: str) -> str:
    return f"{100 * sum(getattr(one, key) for one in answers) / len(answers):.1f} %"


def _count(answers: Sequence[Answer], key: str) -> str:
    return str(sum(getattr(one, key) for one in answers))


def _best_guess(answers: list[Answer], alike: list[Answer]) -> Iterator[str]:
    """Compare with the best possible guess from these signs, in the two mixtures of faults."""
    number = Counter(one.cause for one in answers)
    yield from ("", *_WEIGHED, "")
    yield "| mixture of faults | the kit | best possible | best possible, stack known |"
    yield "| --- | --- | --- | --- |"
    rows: tuple[tuple[str, list[Answer], Callable[[Answer], float]], ...] = (
        (
            "as support meets them",
            answers,
            lambda one: causes()[one.cause].prior / number[one.cause],
        ),
        ("each staged fault alike", alike, lambda _: 1.0),
    )
    for name, mine, weight in rows:
        whole = sum(map(weight, mine))
        kit = sum(weight(one) for one in mine if one.first) / whole
        best = [_best(mine, weight, known=known) / whole for known in (False, True)]
        yield f"| {name} | {' | '.join(f'{100 * one:.1f} %' for one in (kit, *best))} |"


_WEIGHED = (
    "The best possible single guess knows these very cases and always names the cause that is",
    "heaviest under the same signs (TLS version, outcome, stage, alert, HTTP status, silence, and",
    "whether a certificate was sent as far as sizes tell). Two mixtures: *as support meets them*",
    "weighs each case by the kit's own prior for its cause, shared among the cause's cases;",
    "*each staged fault alike* counts every case once, and the kit is asked again with a prior",
    "that says so. The table above counts cases alike, and asks the kit with its own prior.",
)


def _best(answers: list[Answer], weight: Callable[[Answer], float], *, known: bool) -> float:
    seen: dict[tuple[object, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in answers:
        for cause in one.right:
            seen[one.sign, one.stack if known else ""][cause] += weight(one)
    return sum(max(weights.values()) for weights in seen.values())


def _confirmed(answers: list[Answer]) -> Iterator[str]:
    """Tell how often an experiment confirmed what was right, and what it cost."""
    refused = [one for one in answers if one.truth is not None]
    most = max(one.connections for one in answers)
    sure = sum(one.first and one.standing == "CONFIRMED" for one in refused)
    wrong = sum(not one.first and one.standing == "CONFIRMED" for one in answers)
    yield ""
    yield (
        f"An experiment confirmed the right cause in {sure} of {len(refused)} refusals, and a "
        f"wrong one in {wrong}. No diagnosis made more than {most} connections. Faults that an "
        "experiment confirmed, of the refusals that they led to:"
    )
    yield ""
    proved = Counter(one.fault for one in refused if one.first and one.standing == "CONFIRMED")
    of = Counter(one.fault for one in refused)
    for fault, count in sorted(proved.items()):
        yield f"- {fault}: {count} of {of[fault]}"


def _misses(answers: list[Answer]) -> Iterator[str]:
    missed = [one for one in answers if not one.first]
    if not missed:
        return
    yield from ("", "| fault | TLS | right | said first | second | stacks |")
    yield "| --- | --- | --- | --- | --- | --- |"
    where: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for one in missed:
        said = (*one.said, "-", "-")
        right = " or ".join(sorted(one.right)) + (" (ruled out)" if one.excluded else "")
        first = said[0] + (" (wrong side)" if one.wrong_side else "")
        where[one.fault, one.tls, right, first, said[1]].append(one.stack)
    for key in sorted(where):
        yield f"| {' | '.join((*key, ', '.join(sorted(set(where[key])))))} |"
