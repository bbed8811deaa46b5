"""How a path search is told to people.

Law of this room: every path and every reason is shown, and where other verifiers rule otherwise
that stands out, with the reason if it is known.
"""

from __future__ import annotations

from mtlskit.certs import path_tree, rulings, stacks
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
    return Page(
        f"{leaf.label} as a TLS {found.question.role}",
        (
            _verdict(found),
            *_reason_table(found),
            *_repair(found),
            *_problems(found),
            path_tree.section(found),
            _ruling_section(found),
            *_stack_section(found),
        ),
    )


def _stack_section(found: PathSearch) -> tuple[Block, ...]:
    if found.question.role != "client":
        return ()  # the stacks are known as servers that judge a client
    ruling = rulings.ask(found.question)["cryptography"]
    webpki = stacks.Answer("webpki", "cryptography", ruling.accepted, ruling.words)
    return (stacks.section(found.question, (*found.answers, webpki)),)


def _verdict(found: PathSearch) -> Block:
    by = "" if found.profile == stacks.BASE else f" by {stacks.profile(found.profile).title}"
    if found.accepted:
        path = " → ".join(one.label for one in found.paths[0].certificates)
        more = tuple(Paragraph(one.because) for one in found.remarks)
        tone: Tone = "warn" if more else "good"
        return Callout(f"Accepted{by}", (Paragraph(f"The path {path} holds."), *more), tone)
    return Callout(f"Refused{by}", (Paragraph(found.reasons[0].because),), "bad")


def _reason_table(found: PathSearch) -> tuple[Block, ...]:
    if not found.reasons:
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
    if not found.problems:
        return ()
    said = (one.text if str(one.source) in one.text else str(one) for one in found.problems)
    items = Items(tuple((text,) for text in said))
    return (Callout("Not everything that was given was judged", (items,), "warn"),)


def _ruling_section(found: PathSearch) -> Block:
    fields: list[tuple[str, Inline]] = list(found.rulings.items())
    marks = tuple(
        Callout(f"{one.verifier} rules otherwise", (Paragraph(str(one)),), "warn")
        for one in found.differences
    )
    work = f"The search took {found.work}." if found.work.paths else "One path was built."
    return Section("What other verifiers say", (*marks, Fields(tuple(fields)), Paragraph(work)))
