"""How much work a file may ask for before its passwords are tried (RFC 8018, 4.2).

Law of this room: all the hashing for one store comes out of one pot, whatever its parts ask for and
however many passwords there are. A file of 100 bytes can name two thousand million rounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LIMIT = 9_000_000
"""What one store may cost, in rounds of PBKDF2 with SHA-256: some 3 seconds with `GUESS_LIMIT`.

OpenSSL and Windows write 2,048 and 2,000 rounds, Java 10,000 for each key. A store of 2,000,000
rounds in its integrity check, its certificates and its key costs 8,000,000.
"""
GUESS_LIMIT = 3_000_000
"""The same for the passwords that nobody gave: the empty one, and none. GnuTLS writes 600,000."""
PYTHON_ROUND = 2
"""A round of hashing that Python itself loops over costs as much as so many of them within C."""

Password = str | None
"""None is PKCS#12's "no password", which is not the empty one."""


class WrongPassword(Exception):  # noqa: N818 - what it says of the password
    """What came out is certainly not what went in."""


class TooMuchWork(Exception):  # noqa: N818 - what it says of the file
    """The file asks for more than its limit; the message says how much, `code` what that is."""

    code = "too-costly"


class NoRounds(TooMuchWork):
    """The file asks for no work at all, which no program writes."""

    code = "damaged"


@dataclass(slots=True)
class Work:
    """What may still be spent on one store.

    Attributes:
        left: so much, for the passwords that were given.
        for_guesses: so much, for the others; what is too much for a guess counts as a wrong one.
        given: the passwords that are no guesses; None: all of them.
        guessing: whether the password that is being tried is a guess.
    """

    left: int = LIMIT
    for_guesses: int = GUESS_LIMIT
    given: set[Password] | None = field(default=None, repr=False)
    guessing: bool = False

    @classmethod
    def for_passwords(cls, given: Iterable[str]) -> Work:
        """What may be spent where these were given, and all else is a guess."""
        return cls(given=set(given))

    def trying(self, password: Password) -> Password:
        """Say whose work comes next; give the password back."""
        self.guessing = self.given is not None and password not in self.given
        return password

    def opened_by(self, password: Password) -> None:
        """This password is the right one, and no guess from now on."""
        if self.given is not None:
            self.given.add(password)
        self.guessing = False

    def spend(self, rounds: int, each: int = 1) -> None:
        """Take from what is left.

        Raises:
            TooMuchWork: so much is not left.
            WrongPassword: so much is not left for a guess.
        """
        if rounds < 1:
            raise NoRounds("asks for less than one round of hashing, and one is the least")
        cost = rounds * each
        if self.guessing and self.for_guesses < cost <= LIMIT:
            raise WrongPassword
        if cost > (self.for_guesses if self.guessing else self.left):
            raise TooMuchWork(self._too_much(rounds, cost))
        if self.guessing:
            self.for_guesses -= cost
        else:
            self.left -= cost

    def _too_much(self, rounds: int, cost: int) -> str:
        counted = "" if cost == rounds else f" (counted as {told(cost)})"
        left = "" if self.left == LIMIT else f", of which {self.left} are left"
        return (
            f"asks for {told(rounds)} rounds of hashing{counted}, and {LIMIT} are allowed for one "
            f"file{left}. Export it again with fewer rounds"
        )


def told(number: int) -> str:
    """A number for people; one that fills pages is only bounded."""
    return str(number) if abs(number) < 1 << 63 else "more than 2^63"
