"""Lines of a log that show themselves as they are.

Law of this file: what is shown is what stands there, without quotation marks.
"""

from __future__ import annotations


class Listed(str):
    """Lines to look at; in everything else a string."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
