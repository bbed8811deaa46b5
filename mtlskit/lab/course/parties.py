"""The parties of the story: Acme's authorities, its instance, and Partner Example Ltd.

Law of this file: names and serial numbers come from the dice, so that no two runs have the same
answers and the same seed has them again. Keys are always new.
"""

from __future__ import annotations

from random import Random
from typing import Unpack

from mtlskit.lab.cast import CLIENT, Cast
from mtlskit.lab.pki import Authority, Issued, Parts

ACME = "O=Acme Corporation"


class Parties(Cast):
    """The lab's usual parties, with names and serial numbers that differ from run to run."""

    def __init__(self, dice: Random, tls: str = "1.3") -> None:
        super().__init__(tls)
        self.dice = dice
        self.root_name = f"Acme Root CA R{dice.randint(1, 9)}"
        self.issuing_name = f"Acme Issuing CA {dice.randint(2, 9)}"
        self.root = Authority.root(f"CN={self.root_name}, {ACME}")
        self.issuing = self.root.intermediate(f"CN={self.issuing_name}, {ACME}")
        self.good = self.client()

    def client(self, authority: Authority | None = None, **parts: Unpack[Parts]) -> Issued:
        """Issue a certificate to Acme's instance, by its issuing authority or by another one."""
        wanted: Parts = {"serial": self.serial(), **parts}
        return (authority or self.issuing).client(CLIENT, **wanted)

    def serial(self) -> int:
        """Throw a serial number: positive, and eight octets long."""
        return self.dice.getrandbits(62) | 1 << 62
