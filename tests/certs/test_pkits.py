"""NIST's Public Key Interoperability Test Suite: its paths, its lists, its verdicts."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest

from mtlskit.certs import paths
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.policies import ANY, Wanted
from mtlskit.certs.signed import Crl, read_crl
from mtlskit.material import Source

AT = datetime(2011, 4, 15, tzinfo=UTC)
"""NIST's certificates were made in 2010; those of the tests about dates are off by years."""
AGREEMENT = 0.95
TESTS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "pkits.toml").read_text(encoding="utf-8")
)["tests"]


def _bytes(folder: str, name: str, ending: str) -> bytes:
    place = f"x509/PKITS_data/{folder}/{name}.{ending}"
    with cryptography_vectors.open_vector_file(place, "rb") as file:
        data: bytes = file.read()
    return data


@cache
def _certificate(name: str) -> Certificate:
    return read_certificate(_bytes("certs", name, "crt"), Source(f"{name}.crt"))


@cache
def _crl(name: str) -> Crl:
    return read_crl(_bytes("crls", name, "crl"), Source(f"{name}.crl"))


def _wanted(test: dict[str, Any]) -> Wanted:
    named = {f"2.16.840.1.101.3.2.1.48.{number}" for number in test.get("policies", ())}
    flags = (test.get(flag, False) for flag in ("explicit", "no_mapping", "no_any"))
    return Wanted(frozenset(named or {ANY}), *flags)


@cache
def _found(number: str) -> paths.PathSearch:
    test = next(test for test in TESTS if test["id"] == number)
    leaf, *others = map(_certificate, test["path"].split())
    others += map(_certificate, test.get("others", "").split())
    return paths.search(
        leaf,
        others,
        [_certificate("TrustAnchorRootCertificate")],
        role="server",
        at=AT,
        crls=[_crl(name) for name in ("TrustAnchorRootCRL", *test.get("crls", "").split())],
        policies=_wanted(test),
    )


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test["id"])
def test_the_verdict_is_nists_or_the_difference_is_known(test: dict[str, Any]) -> None:
    """Each path is accepted or refused as NIST has it; where not, the data says why."""
    found = _found(test["id"])
    agreed = found.accepted == (test["expected"] == "accept")
    assert agreed != ("differs" in test), [reason.because for reason in found.reasons]


def test_nearly_all_verdicts_are_nists() -> None:
    """95 of 100 agree at least, and all 224 tests of the suite are there."""
    agreed = [test for test in TESTS if "differs" not in test]
    assert len(agreed) >= AGREEMENT * len(TESTS)
    assert len({tuple(test["id"].split(".")[1:3]) for test in TESTS}) == 224
