"""What other verifiers say of the same question: OpenSSL through pyOpenSSL, and `cryptography`.

Law of this room: their words are theirs. Where one could not be asked the whole question, that is
said beside its answer; where it could not be asked at all, it has no verdict.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.ocsp import Response
from mtlskit.certs.path_rules import Role
from mtlskit.certs.policies import NOTHING, Wanted
from mtlskit.certs.signed import Crl

VERIFIERS = ("openssl", "cryptography")
"""Those who are asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """One certificate, what is at hand, what is trusted, and what it is to be used for.

    Attributes:
        java_anchors: those that Java sees as trusted in the files given; None: all of `anchors`.
    """

    leaf: Certificate
    others: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]
    role: Role
    at: datetime
    name: str | None = None
    max_depth: int | None = None
    crls: tuple[Crl, ...] = ()
    policies: Wanted = NOTHING
    at_hand: tuple[Certificate, ...] = ()
    responses: tuple[Response, ...] = ()
    java_anchors: tuple[Certificate, ...] | None = None

    def seen_by(self, stack: str) -> Question:
        """The question as a stack meets it: Java does not see every certificate of a store."""
        if stack != "java" or self.java_anchors is None:
            return self
        return replace(self, anchors=self.java_anchors)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verifier's answer; `accepted` is None where it could not be asked."""

    accepted: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A verifier's verdict that is not ours.

    Attributes:
        why: a sentence; None: it is not known.
    """

    verifier: str
    accepted: bool
    words: str
    why: str | None

    def __str__(self) -> str:
        ours, theirs = ("accepted", "refused") if not self.accepted else ("refused", "accepted")
        why = self.why or "Why is not known; that is worth a closer look."
        return f"{self.verifier} {theirs} what is {ours} here. {why}"


def differences(asked: Mapping[str, Ruling], codes: Sequence[str]) -> tuple[Difference, ...]:
    """Those verdicts that are not ours.

    Args:
        asked: the rulings, by verifier.
        codes: our reasons' codes, the decisive one first; (): accepted.
    """
    return tuple(
        Difference(name, one.accepted, one.words, _why(name, one.words, codes))
        for name, one in asked.items()
        if one.accepted is not None and one.accepted != (not codes)
    )


def _why(verifier: str, words: str, codes: Sequence[str]) -> str | None:
    """Every reason of ours that the verifier let pass has to be explained, or none is."""
    found = [_explained(verifier, words, code) for code in codes or ("accepted",)]
    known = [one for one in dict.fromkeys(found) if one is not None]
    return " ".join(known) if known and None not in found else None


def _explained(verifier: str, words: str, code: str) -> str | None:
    for row in _known_differences():
        if row["verifier"] == verifier and code in row["ours"] and row.get("words", "") in words:
            return str(row["why"])
    return None


@cache
def _known_differences() -> list[dict[str, Any]]:
    text = files("mtlskit.certs").joinpath("differences.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["difference"]
    return rows


@lru_cache(maxsize=32)
def ask(question: Question) -> Mapping[str, Ruling]:
    """Ask each verifier; none of them raises."""
    if not question.anchors:
        return dict.fromkeys(
            VERIFIERS, Ruling(accepted=None, words="not asked: nothing is trusted")
        )
    from mtlskit.certs import verifiers  # noqa: PLC0415 - heavy, for those who read rulings

    return {name: verifiers.asked(name, question) for name in VERIFIERS}
