"""One TCP connection of a capture. Law of this file: it holds what was seen, no more."""

from __future__ import annotations

from mtlskit.wire.half import Half, Piece


class Flow:
    """One TCP connection: two directions, and how they began and ended.

    Attributes:
        key: addresses and ports of its first segment, from sender to receiver; `halves` go by it.
        opener: which half sent the SYN; None if none was seen.
        hello: which half sent a ClientHello (1 - that of a ServerHello); None if none was seen.
        random: of the ClientHello that TLS began with; empty if it is not known.
        tls: TLS was found.
        late: its beginning was not captured.
        closings: who sent FIN or RST, in order: half, ``fin`` or ``reset``, time, frame.
        prologue: what was said before TLS began, cut short: half and bytes.
        before: how many bytes were said before TLS began.
        repeated, conflicts: segments that came twice; and those that said something else then.
        lost: bytes that were not captured.
    """

    __slots__ = (
        "before",
        "began",
        "closed",
        "closings",
        "conflicts",
        "done",
        "first",
        "halves",
        "hello",
        "kept",
        "key",
        "last23",
        "late",
        "lost",
        "opener",
        "prologue",
        "random",
        "repeated",
        "shelved",
        "speaker",
        "tls",
        "turns",
    )

    def __init__(self, key: bytes, frame: int, time: int | None) -> None:
        self.key, self.first, self.began = key, frame, time
        self.halves = (Half(self, 0), Half(self, 1))
        self.opener: int | None = None
        self.hello: int | None = None
        self.tls = self.late = self.closed = self.done = False
        self.closings: list[tuple[int, str, int | None, int]] = []
        self.prologue: list[tuple[int, bytes]] = []
        self.before = self.repeated = self.conflicts = self.lost = 0
        self.speaker = self.last23 = -1
        self.turns = 0
        self.random = b""
        self.kept = 0  # bytes in memory
        self.shelved: list[object] = []  # what the keeper gave for what it laid aside

    @property
    def last(self) -> int:
        """The last frame that belongs to it."""
        return max(self.first, self.halves[0].frame, self.halves[1].frame)

    def take_pieces(self) -> list[tuple[int, Piece]]:
        """Hand over what is held, in order: half and piece."""
        first, second = (half.take_pieces() for half in self.halves)
        self.kept = 0
        both = [(0, one) for one in first] + [(1, one) for one in second]
        both.sort(key=lambda one: one[1].order)
        return both
