"""One change, and the plan of them. Law of this file: the most telling change stands first.

What a change is about has a file of its own: the way, the hello, the client's certificate, the
server's. Nobody is called here.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtlskit.collect.call import Call


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to do differently.

    Attributes:
        cause: the cause that it speaks of; None for a control.
        text: what is changed, as a sentence.
        remedy: what to do for good if it helps.
        call: the attempt with the change made.
    """

    cause: str | None
    text: str
    remedy: str
    call: Call
