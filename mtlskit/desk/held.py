"""One file of the step of identities and trust. Law of this file: no widget, and no password.

Of a file only what was read from it is kept; its bytes stay in memory only while it is locked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from mtlskit.collect.evidence import Evidence, gather
from mtlskit.desk.pool import AbsentKey
from mtlskit.material import Blob

Role = Literal["identity", "trust", "material"]
LOCKED = {"password-needed", "no-password", "wrong-password", "key-password"}
"""Codes of problems that another password may solve."""


@dataclass(frozen=True, slots=True)
class Held:
    """One file that was handed in.

    Attributes:
        blob: its bytes, only while it waits for its password.
        tried: a password was tried on it.
    """

    role: Role
    name: str
    evidence: Evidence
    blob: Blob | None = field(repr=False)
    tried: bool

    @classmethod
    def opened(cls, role: Role, blob: Blob, password: str | None) -> Held:
        """Open a file as far as the password goes."""
        evidence = gather([blob], (password,) if password else ())
        locked = any(problem.code in LOCKED for problem in evidence.problems)
        return cls(role, blob.source.name, evidence, blob if locked else None, password is not None)

    @property
    def certified(self) -> bool:
        """Whether it holds a certificate."""
        return bool(self.evidence.certificates)

    @property
    def keyed(self) -> bool:
        """Whether it holds a private key that could be opened."""
        stores = self.evidence.stores
        return any(one.keys or any(own.key for own in one.identities) for one in stores)

    @property
    def absent(self) -> bool:
        """Whether it stood in a saved case, which keeps no key: to call, it is needed again."""
        stores = self.evidence.stores
        keys = [one.key for store in stores for one in store.entries]
        closed = any(one.code in LOCKED for one in self.evidence.problems)
        return any(isinstance(key, AbsentKey) for key in keys) or (closed and self.blob is None)

    def replaced_by(self, other: Held) -> bool:
        """Whether another file brings what this one could not keep."""
        own = {one.der for one in other.evidence.certificates}
        same = any(one.der in own for one in self.evidence.certificates)
        return self.absent and (same or self.name == other.name)

    def without_bytes(self) -> Held:
        """Return what may be kept of it."""
        evidence = Evidence(stores=self.evidence.stores, problems=self.evidence.problems)
        return replace(self, blob=None, evidence=evidence)
