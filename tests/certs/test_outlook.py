"""Warnings before they hurt: dates, weak keys, public CAs, chains cut short."""

from __future__ import annotations

import json
from base64 import encodebytes
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.inventory import Inventory
from mtlskit.certs.keystore import open_store
from mtlskit.certs.outlook import Outlook
from mtlskit.certs.public_cas import TLS_POLICIES, issued_by, public_cas
from mtlskit.lab.pki import Authority, Issued, Parts
from mtlskit.material import Blob, Source
from mtlskit.page.plain import plain

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)
DOMAIN_VALIDATED = "2.23.140.1.2.1"


def public(organization: str, *eku: str, policy: str = DOMAIN_VALIDATED) -> Issued:
    """A certificate as the public CA of this organization issues it to a server."""
    root = Authority.root(f"CN=Root, O={organization}")
    issuing = root.intermediate(f"CN=R1, O={organization}")
    info = x509.PolicyInformation(x509.ObjectIdentifier(policy), None)
    parts: Parts = {"eku": eku, "extra": [(x509.CertificatePolicies([info]), False)]}
    return issuing.issue("CN=api.example", san=["api.example"], **parts)


def old_fashioned(made: Issued) -> bytes:
    """The certificate, made with RSA and SHA-256, as if it had been signed with SHA-1."""
    rsa_with = bytes.fromhex("2a864886f70d0101")
    assert made.der.count(rsa_with + b"\x0b") == 2
    changed = made.der.replace(rsa_with + b"\x0b", rsa_with + b"\x05")
    return b"-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % encodebytes(changed)


def inventory(*files: bytes, at: datetime | None = NOW, within: int = 30) -> Inventory:
    stores = (open_store(Blob(Source(f"f{n}"), data)) for n, data in enumerate(files))
    return Inventory(tuple(stores), at=at, within=within)


def codes(found: Inventory) -> list[str]:
    return [one.code for one in found.warnings]


def test_what_ends_within_the_days_is_warned_of(cast: Cast) -> None:
    """Thirty days by default, or as many as are asked for; and what is over."""
    ends = NOW + timedelta(days=20, hours=1)
    soon = cast.root.client("CN=soon", not_after=ends).pem_chain()
    late = cast.root.client("CN=late", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    whole = soon + cast.root.pem_chain(chain=False)
    assert codes(inventory(whole)) == ["expires-soon"]
    assert codes(inventory(whole, within=20)) == []
    assert codes(inventory(whole, at=None)) == []
    (over,) = inventory(late.pem_chain() + cast.root.pem_chain(chain=False)).warnings
    assert over.code == "expired"
    assert over.text == f"late expired on {NOW - timedelta(2):%Y-%m-%d}, 2 days ago."
    assert "in 20 days" in inventory(whole).warnings[0].text


def test_an_issuer_in_the_chain_counts_too(cast: Cast) -> None:
    """A leaf outlives its issuer; the row of the leaf says so, and the warning names the issuer."""
    issuing = cast.root.intermediate("CN=short", not_after=NOW + timedelta(5))
    leaf = issuing.client("CN=long")
    found = inventory(leaf.pem_chain() + leaf.pem_key())
    (warning,) = found.warnings
    assert (warning.code, warning.certificate.label) == ("expires-soon", "short")
    assert found.rows[0].subject == "CN=long"
    assert "short expires on" in found.rows[0].warnings[0]
    assert found.expiring == found.warnings


def test_what_begins_later_is_warned_of(cast: Cast) -> None:
    """A certificate for next week is not usable today."""
    early = cast.root.client("CN=early", not_before=NOW + timedelta(7))
    assert codes(inventory(early.pem_chain() + cast.root.pem_chain(chain=False))) == [
        "not-yet-valid"
    ]


def test_weak_keys_and_hashes_are_warned_of(cast: Cast) -> None:
    """RSA with 1024 bits and SHA-1, in a leaf; a root's own signature does not count."""
    weak = cast.root.client("CN=weak", key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - weak on purpose
    old = Authority.root("CN=old", key="RSA 2048")
    root, leaf = old_fashioned(old), old_fashioned(old.client("CN=leaf"))
    assert codes(inventory(weak.pem_chain() + cast.root.pem_chain(chain=False))) == ["weak-key"]
    assert codes(inventory(root)) == []
    assert codes(inventory(root + leaf)) == ["weak-signature"]


def test_a_public_certificate_without_client_auth_is_no_clients(cast: Cast) -> None:
    """The CA's dates stand in the warning, in words that fit the time."""
    made = public("DigiCert Inc", "serverAuth")
    found = inventory(made.pem_chain() + made.pem_key())
    (warning,) = found.warnings
    assert warning.code == "client-auth-missing"
    assert "DigiCert" in warning.text
    assert "2027-03-01" in warning.text
    later = inventory(made.pem_chain(), at=datetime(2027, 4, 1, tzinfo=UTC))
    assert any("DigiCert has issued none" in one.text for one in later.warnings)
    before = inventory(made.pem_chain(), at=datetime(2026, 4, 1, tzinfo=UTC))
    assert any("DigiCert issues none" in one.text for one in before.warnings)
    private = cast.issuing.server("CN=api.example", "api.example")
    assert "client-auth-missing" not in codes(inventory(private.pem_chain()))


@pytest.mark.parametrize(
    ("organization", "name"),
    [
        ("Let's Encrypt", "Let's Encrypt"),
        ("Google Trust Services LLC", "Google Trust Services"),
        ("Sectigo Limited", "Sectigo"),
        ("ZeroSSL", "Sectigo"),
        ("Somebody Else", "the public CA that issued it"),
    ],
)
def test_the_next_renewal_will_lack_what_this_one_has(
    organization: str, name: str, make: Maker
) -> None:
    """Whoever issued it in public will not do so again; any other falls under Chrome's date."""
    made = public(organization, "serverAuth", "clientAuth")
    found = inventory(made.pem_chain() + made.pem_key())
    assert codes(found) == ["client-auth-ends"]
    ca = issued_by(make.facts(made))
    assert ca is not None
    assert ca.name == name
    assert str(ca.ends) in found.warnings[0].text


def test_the_name_of_a_public_ca_alone_is_not_enough(make: Maker) -> None:
    """A private CA of the same company issues without the public policies."""
    made = public("DigiCert Inc", "clientAuth", policy="2.16.840.1.114412.1.1")
    assert issued_by(make.facts(made)) is None
    assert issued_by(make.facts(Authority.root("CN=Root, O=DigiCert Inc"))) is None


def test_each_row_of_the_table_has_its_sources_and_dates_in_order() -> None:
    """No date without a source; all end by Chrome's date, after it was off by default."""
    rows = public_cas()
    for ca in rows.values():
        assert ca.sources
        assert all(len(one) > 20 for one in ca.sources)
        assert date(2025, 1, 1) < ca.ends <= rows["every"].ends
        assert ca.default_off is None or ca.default_off < ca.ends
        assert all(one == one.casefold() for one in ca.organizations)
        assert not ca.note or ca.note.endswith(".")


def test_a_chain_without_the_intermediate_that_lies_beside_it(cast: Cast) -> None:
    """Which one it lacks and where that stands; with it, or with only the root absent, nothing."""
    alone = cast.client.pem_chain(chain=False) + cast.client.pem_key()
    trust = cast.issuing.pem_chain() + cast.root.pem_chain(chain=False)
    whole = cast.client.pem_chain() + cast.client.pem_key()
    store = open_store(Blob(Source("k.p12"), cast.client.p12("x", chain=False)), ["x"])
    other = open_store(Blob(Source("trust.pem"), trust))
    found = Inventory((store, other), at=NOW)
    (warning,) = found.warnings
    assert warning.code == "missing-intermediate"
    assert "lacks the intermediate Acme Issuing CA. It stands in trust.pem" in warning.text
    assert warning.text in found.rows[0].warnings
    assert codes(inventory(whole)) == []
    (unsure,) = inventory(alone).warnings
    assert "If that is no root" in unsure.text


def test_a_public_certificate_always_needs_an_intermediate() -> None:
    """Public CAs do not issue from a root, so the warning is sure."""
    made = public("Let's Encrypt", "serverAuth")
    found = inventory(made.pem_chain(chain=False) + made.pem_key())
    assert codes(found) == ["client-auth-missing", "missing-intermediate"]
    assert "A public CA issues from an intermediate" in found.warnings[1].text


def test_every_face_tells_the_warnings(cast: Cast) -> None:
    """Page, timeline, JSON and rows; a warning is told once however often it stands there."""
    soon = cast.root.client("CN=soon", not_after=NOW + timedelta(days=5, hours=1))
    found = inventory(soon.pem_chain() * 3 + cast.root.pem_chain(chain=False))
    assert len(found.warnings) == 1
    text = str(found)
    assert "1 warning, before it hurts" in text
    assert "| is now" in text
    assert "data:image/svg" in found._repr_html_()
    told = json.loads(json.dumps(plain(found)))
    assert [one["code"] for one in told["warnings"]] == ["expires-soon"]
    assert [len(one["warnings"]) for one in told["entries"]] == [1, 1, 1, 0]


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 10**6))
def test_any_time_and_any_number_of_days_are_judged(at: datetime, within: int) -> None:
    """From year 1 to 9999, no overflow."""
    found = Outlook(at, within).of_certificate(LEAF.certificates[0])
    assert {one.code for one in found} <= {"expired", "expires-soon", "not-yet-valid"}


@given(st.binary(max_size=40))
def test_any_bytes_in_the_policies_are_judged(value: bytes) -> None:
    """Malformed policies make no public certificate, and no error."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.32"), value)
    made = AUTHORITY.issue("CN=x", key=AUTHORITY.key, extra=[(unknown, False)])
    one = open_store(Blob(Source("x"), made.pem_chain())).certificates[0]
    assert issued_by(one) is None
    assert list(Outlook(NOW).of_purpose(one)) == []


AUTHORITY = Authority.root("CN=a")
LEAF = open_store(Blob(Source("x"), Authority.root("CN=x").pem_chain()))


def test_the_policies_are_the_baseline_requirements() -> None:
    """Four, all under the arc of the CA/Browser Forum for servers."""
    assert len(TLS_POLICIES) == 4
    assert all(one.startswith("2.23.140.1.") for one in TLS_POLICIES)
