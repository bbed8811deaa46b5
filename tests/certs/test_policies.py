"""Certificate policies beyond NIST's suite: odd extensions, and graphs that no tree holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from mtlskit.certs import paths, policies
from mtlskit.certs.policies import NOTHING, Wanted, faults
from mtlskit.lab.pki import Authority

if TYPE_CHECKING:
    from conftest import Maker

NOW = datetime.now(UTC)
Extra = tuple[x509.ExtensionType, bool]


def _oid(number: int) -> x509.ObjectIdentifier:
    return x509.ObjectIdentifier(f"1.3.6.1.4.1.55555.{number}")


def _policies(*numbers: int) -> Extra:
    return x509.CertificatePolicies([x509.PolicyInformation(_oid(n), None) for n in numbers]), False


def _raw(oid: str, value: str) -> Extra:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
    return unknown, False


def test_policies_matter_to_nobody_who_does_not_ask(make: Maker) -> None:
    """Different policies on a path are no reason to refuse it, unless somebody demands one."""
    root = Authority.root("CN=Root")
    issuing = root.intermediate("CN=Issuing", extra=[_policies(1)])
    leaf = make.facts(issuing.client("CN=leaf", extra=[_policies(2)]))
    given = leaf, [make.facts(issuing)], [make.facts(root)]
    assert paths.search(*given, role="client", at=NOW).accepted
    wanted = Wanted(explicit=True)
    found = paths.search(*given, role="client", at=NOW, policies=wanted)
    (reason,) = found.reasons
    assert (reason.code, reason.certificate.label) == ("policy", "leaf")
    assert reason.expected.endswith(".1")
    assert reason.presented.endswith(".2")


def test_a_malformed_extension_is_told_on_its_certificate(make: Maker) -> None:
    """Policies that cannot be read do not hold."""
    root = Authority.root("CN=Root")
    one = make.facts(root.client("CN=odd", extra=[_raw("2.5.29.36", "3003800101ff")]))
    (fault,) = faults([one], NOTHING)
    assert (fault.code, fault.certificate) == ("malformed", one)


@pytest.mark.parametrize(
    ("oid", "value"),
    [("2.5.29.36", "30038001ff"), ("2.5.29.36", "30038101ff"), ("2.5.29.54", "0201ff")],
)
def test_a_negative_number_of_certificates_is_malformed(make: Maker, oid: str, value: str) -> None:
    """SkipCerts is zero or more (RFC 5280, 4.2.1.11 and 4.2.1.14)."""
    root = Authority.root("CN=Root")
    one = make.facts(root.client("CN=odd", extra=[_raw(oid, value)]))
    (fault,) = faults([one], NOTHING)
    assert (fault.code, fault.certificate) == ("malformed", one)
    assert "zero or more" in fault.because


def test_mappings_that_would_grow_a_tree_without_end_cost_nothing(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen CAs that map each of two policies to both would be 65536 leaves of a tree."""
    both = x509.CertificatePolicies([x509.PolicyInformation(_oid(n), None) for n in (1, 2)])
    pairs = [(_oid(a), _oid(b)) for a in (1, 2) for b in (1, 2)]
    value = b"".join(_pair(issuer, subject) for issuer, subject in pairs)
    maps = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("2.5.29.33"), bytes((0x30, len(value))) + value
    )
    authority = root = Authority.root("CN=Root")
    path = []
    for number in range(16):
        authority = authority.intermediate(f"CN=CA {number}", extra=[(both, False), (maps, False)])
        path.append(make.facts(authority))
    leaf = make.facts(authority.client("CN=leaf", extra=[(both, False)]))
    levels: list[dict[str, Any]] = []
    grown = policies._Descent._grow

    def counted(descent: Any, *given: Any, last: bool) -> None:  # noqa: ANN401 - as the method's own
        grown(descent, *given, last=last)
        levels.append(descent.levels[-1])

    monkeypatch.setattr(policies._Descent, "_grow", counted)
    assert list(faults([leaf, *reversed(path)], Wanted(explicit=True))) == []
    assert len(levels) == 17
    assert all(len(level) <= 2 for level in levels)
    assert all(len(node.parents) <= 2 for level in levels for node in level.values())
    assert root.is_root


def _pair(issuer: x509.ObjectIdentifier, subject: x509.ObjectIdentifier) -> bytes:
    both = b"".join(_encoded(one) for one in (issuer, subject))
    return bytes((0x30, len(both))) + both


def _encoded(oid: x509.ObjectIdentifier) -> bytes:
    """1.3.6.1.4.1.55555 is 2b 06 01 04 01 83 b2 03; the last arc is below 128."""
    contents = bytes.fromhex("2b0601040183b203") + bytes((int(oid.dotted_string.split(".")[-1]),))
    return bytes((6, len(contents))) + contents


@pytest.mark.parametrize(
    ("oid", "name"),
    [
        ("2.5.29.18", "issuerAltName"),
        ("2.5.29.32", "certificatePolicies"),
        ("2.5.29.33", "policyMappings"),
        ("2.5.29.36", "policyConstraints"),
        ("2.5.29.54", "inhibitAnyPolicy"),
    ],
)
@pytest.mark.parametrize("at", ["leaf", "intermediate"])
def test_what_is_critical_is_read_or_refused(make: Maker, oid: str, name: str, at: str) -> None:
    """RFC 5280, 4.2: a critical extension that cannot be processed refuses the path, and once."""
    bad = make.unknown(oid, b"\x04\x00", critical=True)
    root = Authority.root("CN=root")
    sound = root.intermediate("CN=Issuing")
    issuing = root.intermediate("CN=Issuing", key=sound.key, **bad) if at != "leaf" else sound
    leaf = sound.client("CN=x", **bad) if at == "leaf" else sound.client("CN=x")
    found = paths.search(
        make.facts(leaf),
        [make.facts(issuing)],
        [make.facts(root)],
        role="client",
        at=datetime.now(UTC),
    )
    (reason,) = found.reasons
    assert (reason.code, reason.certificate.label) == (
        "malformed", "x" if at == "leaf" else "Issuing"
    )  # fmt: skip
    assert f"The extension {name} is malformed" in reason.because
