"""How a path search is told to people.

Law of this room: every path and every reason is shown, and where other verifiers rule otherwise
that stands out, with the reason if it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtlskit.certs import java_trust, path_tree, rulings, stacks
from mtlskit.certs.paths import PathSearch, cells
from mtlskit.page.blocks import (
    Badge,
    Block,
    Callout,
    Fields,
    Inline,
    Items,
    Page,
    Paragraph,
    Section,
    Table,
    Tone,
)


def page_of(found: PathSearch) -> Page:
    """Describe the verdict, the reasons, what would mend it, the paths, and what others say."""
    leaf = found.question.leaf
    verdicts = found.stacks
    return Page(
        f"{leaf.label} as a TLS {found.question.role}",
        (
            _verdict(found, verdicts),
            *_notes(found),
            *_reason_table(found),
            *_repair(found),
            *_problems(found),
            path_tree.section(found),
            _ruling_section(found),
            *_stack_section(found, verdicts),
        ),
    )


def _stack_section(found: PathSearch, verdicts: Sequence[stacks.Verdict]) -> tuple[Block, ...]:
    if not verdicts:
        return ()  # the stacks are known as servers that judge a client
    ruling = rulings.ask(found.question)["cryptography"]
    words = f'as told under "{_OTHERS}"'
    webpki = stacks.Answer("webpki", "cryptography", ruling.accepted, words)
    said = stacks.section(found.question, (*found.answers, webpki), verdicts)
    return (replace(said, folded=not found.answers),)  # who asked the engines wants to see it


def _verdict(found: PathSearch, verdicts: Sequence[stacks.Verdict]) -> Block:
    """The whole answer in a few lines: by whose rules, why, and which stacks say no."""
    by = "RFC 5280" if found.profile == stacks.BASE else stacks.profile(found.profile).title
    others = (Paragraph(stacks.summary(verdicts)),) if verdicts else ()
    if not found.accepted:
        why = Paragraph(path_tree.told(found.reasons[0]))
        return Callout(f"Refused by {by}", (why, *others), "bad")
    path = " → ".join(one.label for one in found.paths[0].certificates)
    more = tuple(Paragraph(one.because) for one in found.remarks)
    holds = Paragraph(f"The path {path} holds.")
    return Callout(f"Accepted by {by}", (holds, *more, *others), "warn" if more else "good")


def _notes(found: PathSearch) -> tuple[Block, ...]:
    """What Java does not see of the trust, which decides where Java is the one that verifies."""
    said: list[Inline] = [one.text for one in found.problems if one.code == java_trust.CODE]
    tone: Tone = "warn" if found.profile == "java" else "info"
    return (Callout("What Java would see", (Items(tuple(said)),), tone),) if said else ()


def _reason_table(found: PathSearch) -> tuple[Block, ...]:
    if len(found.reasons) < 2:  # noqa: PLR2004 - the verdict has told the one there is
        return ()
    columns = ("Reason", "Certificate", "Because", "Expected", "Presented")
    rows = tuple((Badge(one.code, "bad"), *cells(one)[1:]) for one in found.reasons)
    return (Table(columns, rows, "Every reason, the decisive one first"),)


def _repair(found: PathSearch) -> tuple[Block, ...]:
    steps = found.repair
    if not steps:
        return ()
    items = Items(tuple((step.text,) for step in steps), numbered=len(steps) > 1)
    return (Section("What would mend it", (items,)),)


def _problems(found: PathSearch) -> tuple[Block, ...]:
    wrong = [one for one in found.problems if one.code != java_trust.CODE]
    if not wrong:
        return ()
    said = (one.text if str(one.source) in one.text else str(one) for one in wrong)
    items = Items(tuple((text,) for text in said))
    whole = all(one.code in _REMARKS for one in wrong)
    title = "Noticed in the files" if whole else "Not everything that was given was judged"
    return (Callout(title, (items,), "warn"),)


_REMARKS = {"chain-order", "no-begin-line"}
"""Problems of files that were read whole."""


def _ruling_section(found: PathSearch) -> Block:
    fields: list[tuple[str, Inline]] = list(found.rulings.items())
    marks = tuple(
        Callout(f"{one.verifier} rules otherwise", (Paragraph(str(one)),), "warn")
        for one in found.differences
    )
    work = f"The search took {found.work}." if found.work.paths else "One path was built."
    words = (Fields(tuple(fields)), Paragraph(work))
    if not marks:
        return Section(_OTHERS, words, folded=True)
    return Section(_OTHERS, (*marks, Section("In their own words", words, folded=True)))


_OTHERS = "What other verifiers say"
