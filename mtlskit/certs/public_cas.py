"""Public CAs, and until when they issue certificates that a TLS client may use.

Law of this file: the dates stand in `public_cas.toml`, each with its source. A certificate is
public by the policy in it, not by the name of its issuer.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.policies import CERTIFICATE_POLICIES, policies_from

TLS_POLICIES = frozenset({"2.23.140.1.1", "2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3"})
"""Extended, domain, organization and individual validation (Baseline Requirements, 7.1.6.1)."""


@dataclass(frozen=True, slots=True)
class PublicCa:
    """One CA and its dates.

    Attributes:
        organizations: how the O of its issuing certificates begins, in lower case.
        default_off: from this day clientAuth is put in by request only; None: not announced.
        ends: from this day it is not put in any more.
        note: what to know before relying on the dates, or nothing.
    """

    name: str
    organizations: tuple[str, ...]
    default_off: date | None
    ends: date
    note: str
    sources: tuple[str, ...]

    def told(self, on: date | None = None) -> str:
        """Say its dates in a sentence or two; `on` decides what is past."""
        over = on is not None and on >= self.ends
        ends = f"has issued none with clientAuth since {self.ends}"
        if not over:
            ends = f"issues none with clientAuth from {self.ends} on"
        parts = [f"{self.name} {ends}"]
        if self.default_off and not over:
            parts.append(f", and since {self.default_off} only where it is asked for")
        said = "".join(parts) + "."
        return f"{said[0].upper()}{said[1:]} {self.note}".rstrip()


@cache
def public_cas() -> dict[str, PublicCa]:
    """Return every row of the table by its id; ``every`` is what holds for all others."""
    text = files("mtlskit.certs").joinpath("public_cas.toml").read_text("utf-8")
    return {
        name: PublicCa(
            row["name"],
            tuple(row["organizations"]),
            row.get("default_off"),
            row["ends"],
            row["note"],
            tuple(row["sources"]),
        )
        for name, row in tomllib.loads(text).items()
    }


def issued_by(one: Certificate) -> PublicCa | None:
    """Return the public CA that issued this certificate of a server; None: no public one did."""
    if one.ca or not _is_public(one):
        return None
    known = public_cas()
    organization = (one.issuer.first("O") or "").casefold()
    named = (ca for ca in known.values() if organization.startswith(ca.organizations or ("\0",)))
    return next(named, known["every"])


def _is_public(one: Certificate) -> bool:
    extension = one.extension(CERTIFICATE_POLICIES)
    if extension is None:
        return False
    try:
        return not TLS_POLICIES.isdisjoint(policies_from(extension.value))
    except asn1.Asn1Error:
        return False
