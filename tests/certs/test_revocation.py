"""Revocation lists: what counts, what does not, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlskit
from mtlskit.__main__ import main
from mtlskit.certs import paths
from mtlskit.certs.access import access_of
from mtlskit.certs.revocation_list import contents_of
from mtlskit.certs.signed import Crl, read_crl
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Blob, Source, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Cast, Maker

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def _point(**parts: object) -> x509.IssuingDistributionPoint:
    usual: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**usual, **parts})


def _crl(der: bytes, name: str = "x.crl") -> Crl:
    return read_crl(der, Source(name))


def _search(make: Maker, cast: Cast, *lists: bytes, leaf: Issued | None = None) -> paths.PathSearch:
    return paths.search(
        make.facts(leaf or cast.client),
        [make.facts(cast.issuing)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
        crls=[_crl(der, f"{at}.crl") for at, der in enumerate(lists, 1)],
    )


def _only(found: paths.PathSearch) -> str:
    (reason,) = found.reasons
    return f"{reason.code}: {reason.because}"


def test_without_lists_nobody_asks_and_with_all_of_them_all_is_known(
    make: Maker, cast: Cast
) -> None:
    """No list: not looked at. A list of each CA: accepted, and OpenSSL says the same."""
    assert _search(make, cast).accepted
    found = _search(make, cast, revocation_list(cast.root), revocation_list(cast.issuing))
    assert found.accepted
    assert found.rulings["openssl"].startswith("accepted")


def test_a_revoked_certificate_is_told_with_time_reason_and_list(make: Maker, cast: Cast) -> None:
    """Since when, why, and by which file; OpenSSL says so too."""
    listed = revocation_list(cast.issuing, cast.client.certificate)
    found = _search(make, cast, revocation_list(cast.root), listed)
    said = _only(found)
    assert said.startswith("revoked: Acme Client is revoked since 20")
    assert "(key compromise)" in said
    assert "2.crl" in said
    assert "revoked" in found.rulings["openssl"]
    assert found.differences[0].verifier == "cryptography"
    assert "does not look at revocation lists" in str(found)


def test_a_revoked_intermediate_is_at_fault_itself(make: Maker, cast: Cast) -> None:
    """The certificate that is listed is the one at fault."""
    listed = revocation_list(cast.root, cast.issuing.certificate)
    found = _search(make, cast, listed, revocation_list(cast.issuing))
    assert _only(found).startswith("revoked: Acme Issuing CA is revoked")


def test_each_list_that_does_not_count_is_named_with_its_reason(make: Maker, cast: Cast) -> None:
    """Too old, not yet, another key, another kind: each says which list and why."""
    scope = _point(only_contains_ca_certs=True)
    issuing, root = cast.issuing, revocation_list(cast.root)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.9"), b"\x05\0")
    cases = {
        "ran out": revocation_list(issuing, this_update=NOW - 9 * DAY, next_update=NOW - DAY),
        "which is later": revocation_list(issuing, this_update=NOW + DAY),
        "was not made with a key of its issuer": revocation_list(issuing, signer=cast.root.key),
        "delta CRLs only": revocation_list(issuing, extra=[(x509.DeltaCRLIndicator(1), True)]),
        "is for the certificates of CAs only": revocation_list(issuing, extra=[(scope, True)]),
        "critical extension 1.3.6.1.4.1.55555.9": revocation_list(issuing, extra=[(unknown, True)]),
    }
    for words, der in cases.items():
        said = _only(_search(make, cast, root, der))
        assert said.startswith("revocation-unknown: Whether Acme Client is revoked is not known")
        assert words in said
        assert "2.crl" in said or "delta" in words
    assert "no revocation list of CN=Acme Issuing CA" in _only(_search(make, cast, root))


def _amends(number: int) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.DeltaCRLIndicator(number), True)]


def test_a_list_of_changes_amends_the_full_one_that_it_names(make: Maker, cast: Cast) -> None:
    """It adds and takes back; one that amends a later list is passed over."""
    root, client = revocation_list(cast.root), cast.client.certificate
    full = revocation_list(cast.issuing)
    held = revocation_list(cast.issuing, client, reason=x509.ReasonFlags.certificate_hold)
    adds = revocation_list(cast.issuing, client, number=2, extra=_amends(1))
    takes = revocation_list(
        cast.issuing, client, reason=x509.ReasonFlags.remove_from_crl, number=2, extra=_amends(1)
    )
    later = revocation_list(cast.issuing, client, number=9, extra=_amends(8))
    assert _only(_search(make, cast, root, full, adds)).startswith("revoked")
    assert _only(_search(make, cast, root, held)).startswith("revoked")
    assert _search(make, cast, root, held, takes).accepted
    assert _search(make, cast, root, full, later).accepted


def test_of_several_lists_of_changes_the_newest_decides(make: Maker, cast: Cast) -> None:
    """In whatever order they are given."""
    hold, back = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
    root, client = revocation_list(cast.root), cast.client.certificate
    full = revocation_list(cast.issuing)
    for reasons, accepted in (((hold, back), True), ((back, hold), False)):
        changes = [
            revocation_list(cast.issuing, client, number=at, reason=reason, extra=_amends(1))
            for at, reason in enumerate(reasons, 2)
        ]
        assert _search(make, cast, root, full, *changes).accepted == accepted
        assert _search(make, cast, root, full, *reversed(changes)).accepted == accepted


def test_a_list_of_changes_amends_no_list_of_its_own_age_or_later(make: Maker, cast: Cast) -> None:
    """RFC 5280, 5.2.4: the full list's number is less than that of the changes to it."""
    hold, back = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
    root, client = revocation_list(cast.root), cast.client.certificate
    takes = revocation_list(cast.issuing, client, number=5, reason=back, extra=_amends(1))
    for number, accepted in ((4, True), (5, False), (6, False)):
        full = revocation_list(cast.issuing, client, number=number, reason=hold)
        assert _search(make, cast, root, full, takes).accepted == accepted, number


def test_a_list_of_changes_amends_a_list_of_the_same_scope_only(make: Maker, cast: Cast) -> None:
    """RFC 5280, 5.2.4 (b): changes for users' certificates say nothing of a list for all."""
    hold, back = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
    root, client = revocation_list(cast.root), cast.client.certificate
    users = [(_point(only_contains_user_certs=True), True)]
    extra = [*_amends(1), *users]
    takes = revocation_list(cast.issuing, client, number=2, reason=back, extra=extra)
    for scope, accepted in (([], False), (users, True)):
        full = revocation_list(cast.issuing, client, reason=hold, extra=scope)
        assert _search(make, cast, root, full, takes).accepted == accepted


def test_a_list_counts_only_within_the_dates_of_its_signers_certificate(
    make: Maker, cast: Cast
) -> None:
    """A CA may sign lists with a key of its own; the certificate for that key has to be valid."""
    name = str(make.facts(cast.issuing).subject)
    late = {"not_before": NOW - 9 * DAY, "not_after": NOW - DAY}
    early = {"not_before": NOW + DAY, "not_after": NOW + 9 * DAY}
    for dates, accepted in (({}, True), (late, False), (early, False)):
        signer = cast.root.intermediate(name, **dates)
        found = paths.search(
            make.facts(cast.client),
            [make.facts(cast.issuing), make.facts(signer)],
            [make.facts(cast.root)],
            role="client",
            at=NOW,
            crls=[_crl(revocation_list(cast.root)), _crl(revocation_list(signer))],
        )
        assert found.accepted == accepted, dates
        assert accepted or "a certificate that does not hold" in _only(found)


def test_an_unknown_critical_extension_of_one_entry_makes_a_list_useless(
    make: Maker, cast: Cast
) -> None:
    """RFC 5280, 5.3: it may say that the entry means something else; be it another's entry."""
    root = revocation_list(cast.root)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.9"), b"\x05\0")
    for critical in (True, False):
        of_entries = [(unknown, critical)]
        other = revocation_list(cast.issuing, cast.second.certificate, of_entries=of_entries)
        found = _search(make, cast, root, other)
        assert found.accepted != critical
        assert not critical or "critical extension 1.3.6.1.4.1.55555.9" in _only(found)


def test_a_list_that_names_two_signature_algorithms_is_malformed(make: Maker, cast: Cast) -> None:
    """RFC 5280, 5.1.1.2: what is said of the signature within is what stands beside it."""
    der = revocation_list(cast.issuing)
    sha256, sha384 = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040303")
    assert der.count(sha256) == 2
    assert contents_of(der).unusable == ()
    changed = der.replace(sha256, sha384, 1)
    assert "signature algorithm" in contents_of(changed).unusable[0]
    said = _only(_search(make, cast, revocation_list(cast.root), changed))
    assert "is malformed" in said


def test_a_list_that_ran_out_still_tells_what_it_lists(make: Maker, cast: Cast) -> None:
    """An old list does not decide, but nobody has to look into it by hand."""
    old = revocation_list(
        cast.issuing,
        cast.client.certificate,
        this_update=NOW - 9 * DAY,
        next_update=NOW - DAY,
    )
    said = _only(_search(make, cast, revocation_list(cast.root), old))
    assert "it lists Acme Client as revoked since" in said


def test_a_signer_whose_key_usage_forbids_it_does_not_count(make: Maker) -> None:
    """RFC 5280, 4.2.1.3: cRLSign is needed to sign lists."""
    root = Authority.root("CN=Root")
    issuing = root.intermediate("CN=Issuing", ku=("keyCertSign",))
    found = paths.search(
        make.facts(issuing.client("CN=c")),
        [make.facts(issuing)],
        [make.facts(root)],
        role="client",
        at=NOW,
        crls=[_crl(revocation_list(root)), _crl(revocation_list(issuing))],
    )
    assert "whose key usage does not allow it" in _only(found)


def test_the_contents_of_a_list_are_those_that_cryptography_reads(cast: Cast) -> None:
    """Serial numbers, times and reasons, one by one."""
    der = revocation_list(
        cast.issuing, cast.client.certificate, cast.second.certificate,
        reason=x509.ReasonFlags.superseded,
    )  # fmt: skip
    theirs = x509.load_der_x509_crl(der)
    ours = contents_of(der)
    assert {one.serial_number: one.revocation_date_utc for one in theirs} == {
        serial: entry.since for (_, serial), entry in ours.entries.items()
    }
    assert {entry.reason for entry in ours.entries.values()} == {"superseded"}
    assert ours.unusable == ()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_list_is_unusable_and_nothing_fails(data: st.DataObject) -> None:
    """Whatever byte is changed, a list is read or told as malformed."""
    der = bytearray(_LIST)
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    found = contents_of(bytes(der))
    assert found.unusable or found.entries is not None


_LIST = revocation_list(
    Authority.root("CN=R"),
    Authority.root("CN=X").certificate,
    extra=[
        (
            _point(
                full_name=[x509.UniformResourceIdentifier("http://a.example/crl")],
                only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}),
            ),
            True,
        )
    ],
)


def test_a_ca_cannot_vouch_for_the_signer_of_its_own_status(make: Maker, cast: Cast) -> None:
    """A revoked CA issues a namesake of its issuer, whose list says that the CA is good."""
    twin = cast.issuing.intermediate(str(make.facts(cast.root).subject))
    found = paths.search(
        make.facts(cast.client),
        [make.facts(cast.issuing), make.facts(twin)],
        [make.facts(cast.root)],
        role="client",
        at=NOW,
        crls=[_crl(revocation_list(twin)), _crl(revocation_list(cast.issuing))],
    )
    (reason,) = found.reasons
    assert (reason.code, reason.certificate.label) == ("revocation-unknown", "Acme Issuing CA")
    assert "a certificate that does not hold" in reason.because


def test_a_list_for_some_reasons_covers_only_these(make: Maker, cast: Cast) -> None:
    """Unless lists for the other reasons are at hand, the status is not known."""

    def some(*reasons: x509.ReasonFlags) -> bytes:
        point = _point(only_some_reasons=frozenset(reasons))
        return revocation_list(cast.issuing, extra=[(point, True)])

    every = set(x509.ReasonFlags) - {
        x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl
    }  # fmt: skip
    one = x509.ReasonFlags.key_compromise
    root = revocation_list(cast.root)
    assert "some reasons" in _only(_search(make, cast, root, some(one)))
    assert _search(make, cast, root, some(one), some(*(every - {one}))).accepted


def test_addresses_of_lists_responders_and_issuers_are_read(make: Maker, cast: Cast) -> None:
    """Where more is to be had stands in the certificate; repair names it."""
    uri = x509.UniformResourceIdentifier
    point = x509.DistributionPoint([uri("http://ca.example/a.crl")], None, None, None)
    methods = x509.AuthorityInformationAccessOID
    extra = [
        (x509.CRLDistributionPoints([point]), False),
        (
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(methods.OCSP, uri("http://ca.example/ocsp")),
                    x509.AccessDescription(methods.CA_ISSUERS, uri("http://ca.example/ca.cer")),
                ]
            ),
            False,
        ),
    ]
    leaf = cast.issuing.client("CN=addressed", extra=extra)
    access = access_of(make.facts(leaf))
    assert access.issuers == ("http://ca.example/ca.cer",)
    assert access.ocsp == ("http://ca.example/ocsp",)
    assert access.crls == ("http://ca.example/a.crl",)
    assert access_of(make.facts(cast.client)).crls == ()
    found = _search(make, cast, revocation_list(cast.root), leaf=leaf)
    assert "http://ca.example/a.crl" in found.repair[0].text


def test_the_door_takes_lists_from_files(cast: Cast, tmp_path: Path) -> None:
    """`verify(crls=…)` and `--crl` read PEM and DER; a file without a list is refused in words."""
    chain = tmp_path / "chain.pem"
    chain.write_bytes(cast.client.pem_chain())
    trust = tmp_path / "root.pem"
    trust.write_bytes(cast.root.pem_chain(chain=False))
    root, issuing = tmp_path / "root.crl", tmp_path / "issuing.crl"
    root.write_bytes(revocation_list(cast.root))
    listed = revocation_list(cast.issuing, cast.client.certificate)
    issuing.write_bytes(x509.load_der_x509_crl(listed).public_bytes(Encoding.PEM))
    found = mtlskit.verify(chain, trust=trust, crls=[root, issuing])
    assert [reason.code for reason in found.reasons] == ["revoked"]
    terminal = ["verify", str(chain), "--trust", str(trust), "--crl", str(root)]
    assert main(terminal) == 1
    assert main([*terminal, str(issuing)]) == 1
    assert main(terminal[:4]) == 0
    with pytest.raises(Unreadable, match="no revocation list"):
        mtlskit.verify(chain, trust=trust, crls=Blob(Source("a.pem"), chain.read_bytes()))


def test_the_door_says_what_would_mend_a_chain(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--material` is neither sent nor trusted; what in it is missing is named with its file."""
    leaf, trust, more = (tmp_path / name for name in ("leaf.pem", "root.pem", "partner.pem"))
    leaf.write_bytes(cast.client.pem_chain(chain=False))
    trust.write_bytes(cast.root.pem_chain(chain=False))
    more.write_bytes(cast.issuing.pem_chain(chain=False))
    asked = ["verify", str(leaf), "--trust", str(trust), "--material", str(more)]
    assert main(asked) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Add CN=Acme Issuing CA,O=Acme,C=DE, which stands in partner.pem" in said
    chain = [str(leaf), str(more)]
    assert main(["verify", *chain, "--trust", str(trust), "--max-depth", "0"]) == 1
    assert main(["verify", *chain, "--trust", str(trust), "--max-depth", "1"]) == 0
