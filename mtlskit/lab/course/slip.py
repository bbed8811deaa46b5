"""A slip of the pen: a name that is not there, a letter that cannot be chosen.

Law of this file: a trainee who mistypes reads one sentence, and no traceback.
"""

from __future__ import annotations


class Slip(ValueError):  # noqa: N818 - the name is what it is
    """What was typed cannot be meant; the sentence says what can."""

    def _render_traceback_(self) -> list[str]:
        """Show the sentence alone; IPython asks for this."""
        return [str(self)]
