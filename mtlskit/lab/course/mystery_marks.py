"""How an answer to a mystery is marked, and what would have led to it.

Law of this file: as in `mark`: a wrong answer is told how near it is, and never what is right. The
commands of a trail are plain tools', filled in with what was handed out.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

from mtlskit.diagnosis.causes import causes as vocabulary
from mtlskit.lab.course.mark import Mark
from mtlskit.lab.course.mystery_handed import Handed
from mtlskit.lab.course.mystery_pick import told
from mtlskit.lab.course.mystery_stage import Answer
from mtlskit.page.blocks import Block, Items, Listing, Paragraph

MOST = 6
LEAST = 2
"""Points of a right answer after all hints."""
_FAMILY, _PARTY = 2, 1
_FAMILIES = {
    "client": "The fault lies in what the client holds or sends.",
    "server": "The fault lies in what the endpoint shows, trusts or asks for.",
    "protocol": "The fault lies in what the two sides speak, before any certificate counts.",
    "network": "The fault lies on the way between the two.",
    "instance": "The fault lies in the settings of the instance.",
    "application": "TLS is not at fault.",
    "none": "Not every mystery has a fault.",
}
_NOBODY = ("none", "unknown")
"""Answers that name nobody who must act."""
_REFUSED = {
    "client": "It was the client that refused.",
    "server": "It was the server that refused, or would not go on.",
    "between": "Neither of the two refused: something between them did.",
    None: "Nobody sent a refusal; look at how far it came, or at what is written down.",
}


def graded(
    name: str, given: Sequence[str], answer: Answer, opened: int, *, known: bool = False
) -> Mark:
    """Mark an answer.

    Args:
        name: the mystery's.
        given: the causes that were named.
        answer: what was staged.
        opened: hints that are open.
        known: the right answer was shown already.
    """
    right = _right(given, answer)
    most = max(MOST - opened, LEAST)
    wanted = len(answer.causes)
    if right == wanted and len(given) <= wanted + len(answer.along & set(given)):
        points = 0 if known else most
        return Mark(name, right=True, points=points, because=answer.broken, most=MOST)
    share, because = _near(given, answer)
    if right:
        share, because = most // 2, "One of the two causes is right; another one is to be found."
        if wanted == 1:
            share, because = _FAMILY, "The cause is among what you named; name it alone."
    points = 0 if known else min(share, max(most - 1, 1))
    return Mark(name, right=False, points=points, because=because, most=MOST)


def _right(given: Sequence[str], answer: Answer) -> int:
    """Count the causes that were named, each once."""
    first, *rest = answer.causes
    named = set(given)
    return bool(named & {first, *answer.same}) + sum(one in named for one in rest)


def _near(given: Sequence[str], answer: Answer) -> tuple[int, str]:
    """Say how near an answer is: the family and side of the cause, or who must act."""
    known = vocabulary()
    if set(given) & answer.along:
        return _FAMILY, "That is true as well, and it is not what the others follow from."
    families = {_family(one) for one in answer.causes}
    if families & {_family(one) for one in given}:
        return _FAMILY, "The side is right, and the cause is another one on it."
    parties = {known[one].party for one in answer.causes}
    named = {known[one].party for one in given if one not in _NOBODY}
    if parties & named:
        return _PARTY, "Those who must act are right; the cause lies elsewhere."
    return 0, "Neither the side nor those who must act are right."


def _family(cause: str) -> str:
    return cause.partition(".")[0]


def hints(answer: Answer, handed: Handed) -> tuple[str, ...]:
    """Give the hints, the one that says least first."""
    families = dict.fromkeys(_FAMILIES[_family(one)] for one in answer.causes)
    looks = " ".join(told()["trail"][one][0] for one in answer.causes)
    lines = list(dict.fromkeys(_commands(answer, handed)))
    look = f"Look here: {lines[0]}" if lines else "Look at the files once more."
    first = _REFUSED[answer.refused_by]
    return first, " ".join(families), look, looks


def trail(answer: Answer, handed: Handed) -> tuple[Block, ...]:
    """Tell what was wrong, what would have shown it, and by which commands."""
    looks = tuple(f"{one}: {told()['trail'][one][0]}" for one in answer.causes)
    blocks: list[Block] = [Paragraph(answer.broken), Items(looks)]
    lines = tuple(dict.fromkeys(_commands(answer, handed)))
    if lines:
        blocks += [Paragraph("What would have shown it:"), Listing("\n".join(lines))]
    blocks.append(Paragraph(f"With the kit: {handed.command}"))
    blocks.append(Paragraph(f"To mend it: {answer.mend}"))
    return tuple(blocks)


def _commands(answer: Answer, handed: Handed) -> Iterator[str]:
    values = _values(handed)
    for cause in answer.causes:
        for group in told()["trail"][cause][1:]:
            for line in told()["commands"][group]:
                names = {name for _, name, _, _ in string.Formatter().parse(line) if name}
                if all(values.get(one) for one in names) and _fits(line, values):
                    yield line.format(**values)


def _fits(line: str, values: dict[str, str]) -> bool:
    """Leave out the commands for PEM where the store is a PKCS#12 file, and the other way round."""
    if "{identity}" not in line:
        return True
    packed = values["identity"].endswith(".p12")
    return packed != line.startswith("openssl x509")


def _values(handed: Handed) -> dict[str, str]:
    first = {
        name: getattr(handed, name)[0]
        for name in ("identity", "trust", "material", "records", "settings")
        if getattr(handed, name)
    }
    return first | {
        "host": handed.host or "",
        "port": str(handed.port or ""),
        "name": handed.server_name or "",
        "password": handed.password or "",
        "via": dict(handed.manner).get("via", ""),
        "url": handed.url or "",
    }
