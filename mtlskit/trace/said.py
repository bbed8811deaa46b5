"""A phrase that was recognised in a log: who wrote it, what it says, and where it stands.

Law of this file: it keeps what was read and judges nothing. What the phrase means, and what it does
not mean, stands beside its pattern in `dialects/phrases`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mtlskit.material import Side, Source


@dataclass(frozen=True, slots=True)
class Said:
    """One recognised phrase.

    Attributes:
        phrase: id of its row among the phrases.
        speaker: whose program wrote it: the client's or the server's; None: the text does not tell.
        text: the words that were recognised, as they stand in the log, cut to a readable length.
        source: where it stands, such as ``node.log, line 17``.
        values: what stood at the phrase's variable places: ``alert``, ``peer``, ``subject`` ...
    """

    phrase: str
    speaker: Side | None
    text: str
    source: Source
    values: Mapping[str, str]
