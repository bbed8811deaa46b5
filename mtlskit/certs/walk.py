"""What a rule is asked: a path to be judged, and why one is not accepted.

Law of this room: the list of codes is closed, and its order is that in which one reason is more
decisive than another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mtlskit.certs import policies
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.ocsp import Response
from mtlskit.certs.signed import Crl

Role = Literal["client", "server"]

CODES = (
    # The closed list, in the order in which one is more decisive than another: what cannot be
    # read, what does not lead to an anchor, what does not hold, what is not allowed.
    "malformed",
    "budget",
    "untrusted-root",
    "missing-issuer",
    "bad-signature",
    "revoked",
    "expired",
    "not-yet-valid",
    "version",
    "not-a-ca",
    "basic-constraints",
    "key-usage",
    "path-length",
    "critical-extension",
    "name-constraint",
    "policy",
    "purpose",
    "san",
    "name-mismatch",
    "weak-key",
    "weak-signature",
    "key-identifier",
    "serial",
    "revocation-unknown",
)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for which a path is not accepted.

    Attributes:
        code: one of `CODES`.
        certificate: the one at fault.
        because: a sentence with the certificate's name in it.
        expected, presented: both sides, where the matter has two.
    """

    code: str
    certificate: Certificate
    because: str
    expected: str = ""
    presented: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """A path to be judged, and what it is to be used for.

    Attributes:
        certificates: the leaf first, the anchor (or what comes nearest to one) last.
        anchored: whether the last one is trusted.
        crls: revocation lists; if there is one, each certificate must be covered.
        others: further certificates at hand, of which one may have signed a list.
        policies: what the verifier asks of certificate policies.
        responses: OCSP responses; if there is one, the leaf must be covered at least.
    """

    certificates: tuple[Certificate, ...]
    anchored: bool
    role: Role
    at: datetime
    name: str | None = None
    max_depth: int | None = None
    crls: tuple[Crl, ...] = ()
    others: tuple[Certificate, ...] = ()
    policies: policies.Wanted = policies.NOTHING
    responses: tuple[Response, ...] = ()

    @property
    def leaf(self) -> Certificate:
        """The certificate that is asked about."""
        return self.certificates[0]

    @property
    def issuers(self) -> tuple[Certificate, ...]:
        """All but the leaf."""
        return self.certificates[1:]

    def below_anchor(self) -> tuple[Certificate, ...]:
        """All that somebody else vouches for: not a trusted certificate, not a root."""
        last = self.certificates[-1]
        trusted = self.anchored or (last.self_issued and len(self.certificates) > 1)
        return self.certificates[:-1] if trusted else self.certificates


Rule = Callable[[Walk], Iterator[Reason]]
