"""A capture told to a person: which connections it holds, and how each ended.

Law of this file: a connection is told from its trace alone; one line for each, the ladder for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mtlskit.page.blocks import Badge, Block, Callout, Fields, Inline, Items, Page, Section, Table

if TYPE_CHECKING:
    from mtlskit.collect.capture import Capture
    from mtlskit.collect.captured import Captured

SHOWN: Final = 200
"""The most connections of which a line is shown."""
_COLUMNS: Final = ("No.", "Time (UTC)", "Client", "Server", "Server name", "TLS", "Ended", "Frames")
_TONES: Final = {
    "accepted": "good",
    "refused": "bad",
    "unreachable": "bad",
    "undecided": "warn",
}


def page_of(capture: Capture) -> Page:
    """Describe a capture as a page."""
    many = len(capture.connections)
    facts: tuple[tuple[str, Inline], ...] = (
        ("Format", capture.format),
        ("Packets", f"{capture.packets}"),
        ("TLS connections", f"{many}"),
        ("TCP connections without TLS", f"{capture.plain}"),
    )
    blocks: list[Block] = [Fields(facts)]
    if capture.problems:
        blocks.append(
            Callout(
                "Not everything could be read",
                (Items(tuple(one.text for one in capture.problems)),),
                tone="warn",
            )
        )
    if many:
        blocks.append(Table(_COLUMNS, tuple(_row(one) for one in capture.connections[:SHOWN])))
    if many > SHOWN:
        text = f"{many - SHOWN} more connections are not shown."
        blocks.append(Items((text,)))
    if many == 1:
        blocks.append(Section("The connection", capture.connections[0].trace.page().blocks))
    return Page(f"Capture {capture.source}", tuple(blocks))


def _row(one: Captured) -> tuple[Inline, ...]:
    trace = one.trace
    ended = trace.ended
    who = f" by the {ended.refused_by}" if ended.refused_by else ""
    why = f": {ended.symptom.name}" if ended.symptom.name else ""
    tone = _TONES[ended.outcome]
    return (
        f"{one.number}",
        f"{one.began:%Y-%m-%d %H:%M:%S}" if one.began else "not recorded",
        one.client,
        one.server,
        trace.server_name or "",
        trace.tls or "",
        (Badge(ended.outcome, tone), f"{who}{why}"),  # type: ignore[arg-type]  # a tone is a str
        f"{one.first_frame} to {one.last_frame}",
    )
