"""Every way in which a path can break, at each place, with the certificate at fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mtlskit.certs import asn1, paths
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.path_rules import CODES
from mtlskit.lab.pki import Authority, Issued, new_key, self_signed

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
Ask = Callable[..., paths.PathSearch]


@pytest.fixture(name="ask")
def _ask(make: Maker) -> Ask:
    """Searches from issued certificates: leaf, others, anchors."""

    def asked(
        leaf: Issued, others: list[Any], anchors: list[Any], role: str = "client", **more: object
    ) -> paths.PathSearch:
        return paths.search(
            make.facts(leaf, "leaf"),
            [make.facts(one, "other") for one in others],
            [make.facts(one, "anchor") for one in anchors],
            role=role,
            **{"at": NOW, **more},
        )

    return asked


def _codes(found: paths.PathSearch) -> list[str]:
    return [reason.code for reason in found.reasons]


def _at_fault(found: paths.PathSearch) -> str:
    return found.reasons[0].certificate.label


@pytest.mark.parametrize("role", ["client", "server"])
def test_an_intact_chain_is_accepted_by_all(ask: Ask, cast: Cast, role: str) -> None:
    """A sound chain is accepted by us, by OpenSSL and by cryptography."""
    leaf = cast.issuing.server("CN=s", "s.example") if role == "server" else cast.client
    name = "s.example" if role == "server" else None
    found = ask(leaf, [cast.issuing], [cast.root], role, name=name)
    assert found.accepted
    assert found.reasons == ()
    assert [one.label for one in found.paths[0].certificates][1:] == [
        "Acme Issuing CA",
        "Acme Root CA",
    ]
    assert found.rulings["openssl"].startswith("accepted")
    assert found.rulings["cryptography"] == "accepted"
    assert found.differences == ()


def test_a_missing_intermediate_is_the_leafs_missing_issuer(ask: Ask, cast: Cast) -> None:
    """The certificate whose issuer is missing is the one at fault, and the issuer is named."""
    found = ask(cast.client, [], [cast.root])
    assert not found.accepted
    assert _codes(found) == ["missing-issuer"]
    assert _at_fault(found) == "Acme Client"
    assert "CN=Acme Issuing CA" in found.reasons[0].because
    assert "unable to get local issuer certificate" in found.rulings["openssl"]


def test_an_unknown_root_is_told_where_the_chain_ends(ask: Ask, cast: Cast) -> None:
    """Without the root the last issuer lacks its own; with it, the root itself is not trusted."""
    other = Authority.root("CN=Other")
    found = ask(cast.client, [cast.issuing], [other])
    assert (_codes(found), _at_fault(found)) == (["missing-issuer"], "Acme Issuing CA")
    found = ask(cast.client, [cast.issuing, cast.root], [other])
    assert (_codes(found), _at_fault(found)) == (["untrusted-root"], "Acme Root CA")


def test_a_namesake_with_another_key_is_not_the_issuer(ask: Ask, cast: Cast) -> None:
    """A trusted CA of the same name with another key is told as such, not as a bad signature."""
    namesake = Authority.root("CN=Acme Root CA, O=Acme, C=DE")
    found = ask(cast.client, [cast.issuing], [namesake])
    assert _codes(found) == ["missing-issuer"]
    assert "with another key" in found.reasons[0].because
    assert found.reasons[0].expected != found.reasons[0].presented


def test_a_self_signed_leaf_is_trusted_only_when_pinned(ask: Ask) -> None:
    """It is its own untrusted root, unless it is among the anchors."""
    alone = self_signed("CN=alone")
    assert _codes(ask(alone, [], [Authority.root("CN=r")])) == ["untrusted-root"]
    assert ask(alone, [], [alone]).accepted


def test_an_intermediate_may_be_the_anchor(ask: Ask, cast: Cast) -> None:
    """Any trusted certificate ends a path; OpenSSL wants a root, and the difference is shown."""
    found = ask(cast.client, [], [cast.issuing])
    assert found.accepted
    assert [one.verifier for one in found.differences] == ["openssl"]
    assert "openssl rules otherwise" in str(found)
    assert "X509_V_FLAG_PARTIAL_CHAIN" in str(found)


def _edited(make: Maker, one: Issued, issuer: Issued, edit: Callable[[bytes], bytes]) -> bytes:
    return make.forged(one.der, issuer, edit)


def _with_flipped_signature(one: Issued) -> bytes:
    return one.der[:-1] + bytes((one.der[-1] ^ 1,))


def test_a_changed_signature_is_found_and_the_rest_of_the_path_too(make: Maker, cast: Cast) -> None:
    """The certificate with the bad signature is named, and what else is wrong is told as well."""
    late = cast.root.intermediate("CN=late", not_after=NOW - DAY, not_before=NOW - 9 * DAY)
    leaf = late.client("CN=leaf")
    found = paths.search(
        make.facts(_with_flipped_signature(leaf)),
        [make.facts(late)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
    )
    assert _codes(found) == ["bad-signature", "expired"]
    assert [reason.certificate.label for reason in found.reasons] == ["leaf", "late"]


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    # what is done to a CA: the code that must come first
    "expired": ("expired", {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}),
    "early": ("not-yet-valid", {"not_before": NOW + DAY}),
    "not a CA": ("not-a-ca", {"ca": False}),
    "no basic constraints": ("basic-constraints", {"ca": None}),
    "key usage": ("key-usage", {"ku": ["digitalSignature", "cRLSign"]}),
    "purpose": ("purpose", {"eku": ["emailProtection"]}),
    "weak key": ("weak-key", {"key": "RSA 1024"}),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("place", ["root", "intermediate"])
def test_a_broken_authority_is_at_fault(ask: Ask, what: str, place: str) -> None:
    """Each fault of a CA is the first reason, on that CA, wherever it stands."""
    code, parts = BROKEN[what]
    root = Authority.root("CN=root", **(parts if place == "root" else {}))
    middle = root.intermediate("CN=intermediate", **(parts if place == "intermediate" else {}))
    found = ask(middle.client("CN=leaf"), [middle], [root])
    assert not found.accepted
    assert (found.reasons[0].code, _at_fault(found)) == (code, place)
    assert found.reasons[0].because.endswith(".")


LEAF: dict[str, tuple[str, dict[str, Any]]] = {
    "expired": ("expired", {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}),
    "early": ("not-yet-valid", {"not_before": NOW + DAY}),
    "key usage": ("key-usage", {"ku": ["keyEncipherment"]}),
    "purpose": ("purpose", {"eku": ["serverAuth"]}),
    "weak key": ("weak-key", {"key": "RSA 1024"}),
    "wrong key": ("bad-signature", {"signer": new_key()}),
}


@pytest.mark.parametrize("what", LEAF)
def test_a_broken_leaf_is_at_fault(ask: Ask, cast: Cast, what: str) -> None:
    """Each fault of a leaf is the first reason, on the leaf."""
    code, parts = LEAF[what]
    found = ask(cast.issuing.client("CN=leaf", **parts), [cast.issuing], [cast.root])
    assert (_codes(found)[0], _at_fault(found)) == (code, "leaf")


@pytest.mark.parametrize(
    ("role", "eku", "ku", "accepted"),
    [
        ("client", ["clientAuth"], ["digitalSignature"], True),
        ("client", ["anyExtendedKeyUsage"], None, True),
        ("client", None, None, True),
        ("client", ["serverAuth"], None, False),
        ("client", None, ["keyEncipherment"], False),
        ("server", ["serverAuth"], ["keyEncipherment"], True),
        ("server", ["clientAuth"], None, False),
    ],
)
def test_purpose_and_usage_depend_on_the_role(  # noqa: PLR0913 - one row of a table
    ask: Ask, cast: Cast, role: str, eku: list[str] | None, ku: list[str] | None, *, accepted: bool
) -> None:
    """A client needs clientAuth and digitalSignature, a server serverAuth; absent means any."""
    leaf = cast.issuing.issue("CN=leaf", eku=eku, ku=ku, san=["a.example"])
    assert ask(leaf, [cast.issuing], [cast.root], role).accepted is accepted


def test_a_key_identifier_that_differs_is_a_remark(ask: Ask, cast: Cast) -> None:
    """RFC 5280 takes it for a hint; OpenSSL refuses it, and the page says that they differ."""
    leaf = cast.issuing.client("CN=leaf", aki=b"somebody else")
    found = ask(leaf, [cast.issuing], [cast.root])
    assert found.accepted
    assert [one.code for one in found.remarks] == ["key-identifier"]
    assert "openssl" in [one.verifier for one in found.differences]
    assert "OpenSSL and Java refuse that" in str(found)


def test_a_path_too_long_is_the_fault_of_the_authority_that_limits_it(ask: Ask) -> None:
    """The path length counts the CAs below; self-issued ones do not count."""
    root = Authority.root("CN=root", path_length=1)
    one = root.intermediate("CN=one")
    two = one.intermediate("CN=two")
    found = ask(two.client("CN=leaf"), [two, one], [root])
    assert (_codes(found), _at_fault(found)) == (["path-length"], "root")
    assert (found.reasons[0].expected, found.reasons[0].presented) == ("1", "2")
    assert ask(one.client("CN=leaf"), [one], [root]).accepted


def test_a_self_issued_authority_does_not_count(ask: Ask) -> None:
    """RFC 5280, 6.1.4 (l): a CA that certified its own new key takes up no place."""
    root = Authority.root("CN=root")
    one = root.intermediate("CN=one", path_length=0)
    again = one.intermediate("CN=one", path_length=0)
    found = ask(again.client("CN=leaf"), [again, one], [root])
    assert found.accepted
    assert len(found.paths[0].certificates) == 4


def test_the_other_verifiers_judge_at_the_same_time(ask: Ask, cast: Cast) -> None:
    """The time that is asked about is theirs too."""
    found = ask(cast.client, [cast.issuing], [cast.root], at=NOW + 5000 * DAY)
    assert "expired" in found.rulings["openssl"]
    assert found.rulings["cryptography"] != "accepted"


@pytest.mark.parametrize(("depth", "accepted"), [(0, False), (1, True), (None, True)])
def test_the_verifiers_own_depth_counts_intermediates(
    ask: Ask, cast: Cast, depth: int | None, *, accepted: bool
) -> None:
    """A depth of one allows one certificate between leaf and anchor."""
    found = ask(cast.client, [cast.issuing], [cast.root], max_depth=depth)
    assert found.accepted is accepted


def test_an_unknown_critical_extension_is_refused(make: Maker, ask: Ask, cast: Cast) -> None:
    """Critical and unknown: refused; the same without the mark: accepted."""
    for critical in (True, False):
        extra = make.unknown("1.2.3.4", b"\5\0", critical=critical)
        found = ask(cast.issuing.client("CN=leaf", **extra), [cast.issuing], [cast.root])
        assert _codes(found) == (["critical-extension"] if critical else [])


def test_a_malformed_extension_is_a_reason(make: Maker, ask: Ask, cast: Cast) -> None:
    """What could not be read counts against the path, with the certificate's name."""
    eku = make.unknown("2.5.29.37", b"\x30\x09")
    found = ask(cast.issuing.client("CN=leaf", eku=None, **eku), [cast.issuing], [cast.root])
    assert (_codes(found), _at_fault(found)) == (["malformed"], "leaf")


@pytest.mark.parametrize("value", [b"\x30\0", b"\x30\x07"])
def test_an_empty_or_malformed_san_is_a_reason_of_its_own(
    make: Maker, ask: Ask, cast: Cast, value: bytes
) -> None:
    """A SAN that holds nothing, or cannot be read, is refused as such."""
    san = make.unknown("2.5.29.17", value)
    found = ask(cast.issuing.client("CN=leaf", san=None, **san), [cast.issuing], [cast.root])
    assert _codes(found) == ["san"]


def test_a_wrong_name_is_told_with_both_sides(ask: Ask, cast: Cast) -> None:
    """The name that was called and those presented stand in the reason; without SAN it is `san`."""
    server = cast.issuing.server("CN=s", "a.example")
    found = ask(server, [cast.issuing], [cast.root], "server", name="b.example")
    assert _codes(found) == ["name-mismatch"]
    assert (found.reasons[0].expected, found.reasons[0].presented) == ("b.example", "a.example")
    bare = cast.issuing.issue("CN=b.example", san=None, eku=["serverAuth"])
    assert _codes(ask(bare, [cast.issuing], [cast.root], "server", name="b.example")) == ["san"]


def _of_version_1(tbs: bytes) -> bytes:
    parts = asn1.children(tbs, 0, len(tbs))
    return tbs[parts[0][2] : parts[-2][2]]


def _with_serial(octets: bytes) -> Callable[[bytes], bytes]:
    def edit(tbs: bytes) -> bytes:
        parts = asn1.children(tbs, 0, len(tbs))
        return tbs[: parts[0][2]] + asn1.encode(asn1.INTEGER, octets) + tbs[parts[1][2] :]

    return edit


def _judge(make: Maker, cast: Cast, edit: Callable[[bytes], bytes]) -> paths.PathSearch:
    leaf: Certificate = make.facts(make.forged(cast.client.der, cast.issuing, edit))
    others, anchors = [make.facts(cast.issuing)], [make.facts(cast.root)]
    return paths.search(leaf, others, anchors, role="client", at=NOW)


def test_a_leaf_of_version_1_is_refused_as_such(make: Maker, cast: Cast) -> None:
    """Version 1 has no extensions, and version 3 is what RFC 5280 wants."""
    assert _codes(_judge(make, cast, _of_version_1)) == ["version"]


@pytest.mark.parametrize(
    ("octets", "accepted"),
    [(b"\0", False), (b"\xff", False), (b"\x7f" * 20, True), (b"\x7f" * 21, False)],
)
def test_serial_numbers_are_positive_and_at_most_20_bytes(
    make: Maker, cast: Cast, octets: bytes, *, accepted: bool
) -> None:
    """RFC 5280, 4.1.2.2."""
    found = _judge(make, cast, _with_serial(octets))
    assert _codes(found) == ([] if accepted else ["serial"])


def test_a_weak_hash_counts_but_not_on_a_root(make: Maker) -> None:
    """SHA-1 on a leaf is refused; what a root says of itself is not looked at."""
    root = Authority.root("CN=root", key="RSA 2048")
    leaf = root.client("CN=leaf", key="RSA 2048")
    weak = x509.load_der_x509_certificate(leaf.der)
    found = paths.search(
        _renamed(make.facts(weak), "sha1WithRSAEncryption"),
        [],
        [_renamed(make.facts(root), "sha1WithRSAEncryption")],
        role="client",
        at=NOW,
    )
    assert _codes(found) == ["weak-signature"]
    assert _at_fault(found) == "leaf"


def _renamed(one: Certificate, algorithm: str) -> Certificate:
    return replace(one, signature_algorithm=algorithm)


def test_every_true_reason_is_told(ask: Ask) -> None:
    """Four faults are four reasons, the decisive one first."""
    root = Authority.root("CN=root")
    middle = root.intermediate("CN=middle", not_after=NOW - DAY, not_before=NOW - 9 * DAY)
    leaf = middle.client("CN=leaf", eku=["serverAuth"], ku=["keyEncipherment"])
    found = ask(leaf, [middle], [Authority.root("CN=stranger")])
    assert _codes(found) == ["missing-issuer", "expired", "key-usage", "purpose"]


def test_a_dead_branch_does_not_hide_the_good_one(ask: Ask, cast: Cast) -> None:
    """A renewed issuer beside its expired self: the good path is found, the other one kept."""
    old = Authority.root("CN=old root")
    key = new_key()
    expired = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
    bad = old.intermediate("CN=Issuing", key=key, **expired)
    good = cast.root.intermediate("CN=Issuing", key=key)
    found = ask(good.client("CN=leaf"), [bad, good], [cast.root])
    assert found.accepted
    assert [path.anchored for path in found.paths] == [True, False]
    assert {reason.code for reason in found.paths[1].reasons} == {"missing-issuer", "expired"}


def test_authorities_that_sign_each_other_make_no_loop(make: Maker) -> None:
    """Cross-signed CAs end in a sentence, and an anchor behind them is found."""
    first, second = Authority.root("CN=A"), Authority.root("CN=B")
    crossed = [
        first.intermediate("CN=B", key=second.key),
        second.intermediate("CN=A", key=first.key),
    ]
    leaf = make.facts(first.client("CN=leaf"))
    others = [make.facts(one) for one in (*crossed, first, second)]
    refused = paths.search(leaf, others, [], role="client", at=NOW)
    assert refused.reasons[0].code == "untrusted-root"
    lost = paths.search(leaf, others[:2], [], role="client", at=NOW)
    assert _codes(lost) == ["missing-issuer"]
    assert "circle" in lost.reasons[0].because
    anchored = paths.search(leaf, others, [make.facts(second)], role="client", at=NOW)
    assert anchored.accepted


def test_hundreds_of_namesakes_cost_little_work(make: Maker) -> None:
    """Forty CAs of one name that all signed each other are given up within the limits."""
    keys = [new_key() for _ in range(40)]
    first = [Authority.root("CN=Same", key=key) for key in keys]
    others = [
        make.facts(issuer.intermediate("CN=Same", key=key, aki=None, ski=None))
        for issuer, other in pairwise([*first, first[0]])
        for key in (other.key, *keys[:8])
    ]
    leaf = make.facts(first[0].client("CN=leaf", aki=None))
    found = paths.search(leaf, others, [make.facts(Authority.root("CN=z"))], role="client", at=NOW)
    assert found.work.checks <= paths.CHECK_LIMIT + 1
    assert found.work.steps <= paths.STEP_LIMIT + len(others)
    assert not found.accepted
    assert "budget" in _codes(found) or len(found.paths) <= 2 * paths.PATH_LIMIT
    assert all(reason.code in CODES for path in found.paths for reason in path.reasons)


def test_a_very_long_chain_is_given_up_and_told(make: Maker) -> None:
    """Thirty intermediates are more than any verifier follows."""
    authority = root = Authority.root("CN=root")
    made = []
    for number in range(30):
        authority = authority.intermediate(f"CN=ca {number}")
        made.append(make.facts(authority))
    leaf = make.facts(authority.client("CN=leaf"))
    found = paths.search(leaf, made, [make.facts(root)], role="client", at=NOW)
    assert _codes(found) == ["budget"]


def test_a_signature_of_another_kind_than_the_key_is_bad(make: Maker, cast: Cast) -> None:
    """An EC signature under an issuer with an Ed25519 key does not verify, and nothing fails."""
    issuer = Authority.root("CN=Ed", key="Ed25519")
    stranger = new_key("EC P-256")
    assert isinstance(stranger, ec.EllipticCurvePrivateKey)
    leaf = issuer.client("CN=leaf", signer=stranger)
    found = paths.search(
        make.facts(leaf), [], [make.facts(issuer), make.facts(cast.root)], role="client", at=NOW
    )
    assert _codes(found) == ["bad-signature"]


@pytest.mark.parametrize("kind", ["EC P-384", "EC P-521", "Ed25519", "Ed448", "RSA 2048"])
def test_every_kind_of_key_signs_and_verifies(ask: Ask, kind: str) -> None:
    """Signatures of all kinds that occur are verified."""
    root = Authority.root("CN=root", key=kind)
    assert ask(root.client("CN=leaf"), [], [root]).accepted


def test_the_answer_is_told_to_programs_and_people(ask: Ask, cast: Cast) -> None:
    """JSON has the keys of the interface; the page has verdict, reasons, paths and rulings."""
    found = ask(cast.client, [], [cast.root])
    told = found.plain()
    assert list(told)[:4] == ["accepted", "reasons", "paths", "rulings"]
    assert told["accepted"] is False
    assert isinstance(told["reasons"], list)
    assert {"code", "certificate", "because"} <= set(told["reasons"][0])
    text = str(found)
    for said in ("Refused", "missing-issuer", "openssl", "cryptography"):
        assert said in text


@pytest.mark.needs("module:pandas")
def test_the_reasons_are_a_frame(ask: Ask, cast: Cast) -> None:
    """One row a reason."""
    frame = ask(cast.client, [], [cast.root]).frame()
    assert list(frame["code"]) == ["missing-issuer"]
    assert list(frame["certificate"]) == ["Acme Client"]


def test_no_anchor_at_all_is_an_answer(ask: Ask, cast: Cast) -> None:
    """With nothing trusted the path has no end, and the other verifiers are not asked."""
    found = ask(cast.client, [cast.issuing, cast.root], [])
    assert _codes(found) == ["untrusted-root"]
    assert all(words.startswith("not asked") for words in found.rulings.values())


@pytest.mark.parametrize(("trees", "named"), [(8, 30), (150, 150)])
def test_many_names_and_constraints_cost_little(make: Maker, trees: int, named: int) -> None:
    """A few broken constraints are told with a few bases; ten thousand pairs are not compared."""
    limits = x509.NameConstraints([x509.DNSName(f"{at}.a.example") for at in range(trees)], None)
    root = Authority.root("CN=root", extra=[(limits, True)])
    leaf = root.client("CN=x", san=[f"{at}.b.example" for at in range(named)])
    found = paths.search(
        make.facts(leaf), [], [make.facts(root)], role="client", at=datetime.now(UTC)
    )
    if trees == 8:
        assert [one.code for one in found.reasons] == ["name-constraint"] * 20
        assert found.reasons[0].expected.endswith("4.a.example and 3 more")
    else:
        assert [one.code for one in found.reasons] == ["malformed"]
        assert "too many to compare" in found.reasons[0].because
