from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.lab.pki import Authority
from mtlskit.material import Source
from mtlskit.trace.at_hand import joined
from mtlskit.trace.dialects import java
from mtlskit.trace.dialects.java_blocks import split_names
from mtlskit.trace.printed import PrintedCertificate, moment, printed_name

SOURCE = Source("node.log")
LOG = Path(__file__).parent / "dialects" / "java" / "jdk17-tls1.3-none.client.log"


@pytest.fixture(scope="module")
def leaf() -> Certificate:
    issued = Authority.root("Example Root CA").client("Client")
    return read_certificate(issued.certificate.public_bytes(Encoding.DER), Source("client.pem"))


def printed(certificate: Certificate) -> PrintedCertificate:
    return PrintedCertificate(
        SOURCE, certificate.subject, certificate.issuer, certificate.serial, ski=certificate.ski
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=Root, O=Example Partner, C=US", "CN=Root,O=Example Partner,C=US"),
        ('CN=a, O="Example, Inc.", C=US', "CN=a,O=Example\\, Inc.,C=US"),
        ("CN=a\\, b, C=US", "CN=a\\, b,C=US"),
        ("EMAILADDRESS=a@b.example, CN=x", "emailAddress=a@b.example,CN=x"),
        ("OID.2.5.4.97=NTRDE-1, CN=x", "organizationIdentifier=NTRDE-1,CN=x"),
        ("CN=a + OU=b, C=US", "CN=a+OU=b,C=US"),
        ("CN=x,DC=example,DC=com", "CN=x,DC=example,DC=com"),
    ],
)
def test_a_printed_name_is_read(text: str, shown: str) -> None:
    """Names as Java prints them are read, with quotes, escapes and keywords of its own."""
    name = printed_name(text)
    assert name is not None
    assert str(name) == shown


@pytest.mark.parametrize(
    "text", ["", "no name", "CN", "FOO=bar", "CN=a, ", "CN=a b=c, <", "1.2=x="]
)
def test_what_is_no_name_is_none(text: str) -> None:
    """A text that is no distinguished name is not taken for one, nor does it raise."""
    name = printed_name(text)
    assert name is None or name.rdns


@given(st.text(max_size=80))
def test_any_text_may_be_asked_for_a_name(text: str) -> None:
    """No text raises, and what is read can be written."""
    name = printed_name(text)
    assert name is None or str(name)


def test_a_printed_name_is_the_one_in_the_certificate(leaf: Certificate) -> None:
    """A name that was printed compares as the same as the certificate's own."""
    name = printed_name(f"CN={leaf.issuer.common_name}")
    assert name is not None
    assert name.same_as(leaf.issuer)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("CN=A, O=X, C=US", ("CN=A, O=X, C=US",)),
        ("CN=A, O=X, C=US, CN=B, C=US", ("CN=A, O=X, C=US", "CN=B, C=US")),
        ("CN=A, CN=B", ("CN=A", "CN=B")),
        ('CN=A, O="X, CN=no", C=US, OU=B, C=DE', ('CN=A, O="X, CN=no", C=US', "OU=B, C=DE")),
        ("CN=A, OU=1, OU=2, O=X, CN=B", ("CN=A, OU=1, OU=2, O=X", "CN=B")),
        ("CN=A, DC=x, DC=com, CN=B, DC=x", ("CN=A, DC=x, DC=com", "CN=B, DC=x")),
        ("C=US, O=X, CN=A, C=DE, CN=B", ("C=US, O=X, CN=A, C=DE, CN=B",)),
    ],
)
def test_names_joined_by_commas_are_taken_apart(text: str, names: tuple[str, ...]) -> None:
    """A list on one line is cut where a part comes that cannot follow, or not at all."""
    assert split_names(text) == names


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-11-23 08:07:15.000 UTC", datetime(2026, 11, 23, 8, 7, 15, tzinfo=UTC)),
        ("2026-11-23 08:07:15.000 GMT+02:00", datetime(2026, 11, 23, 6, 7, 15, tzinfo=UTC)),
        ("2026-08-01 24:00:00.000 UTC", datetime(2026, 8, 1, tzinfo=UTC)),  # Java's midnight
        ("2026-08-01 24:59:59.000 UTC", datetime(2026, 8, 1, 0, 59, 59, tzinfo=UTC)),
        ("2026-08-01 25:00:00.000 UTC", None),
        ("2026-11-23 08:07:15.000 CST", None),
        ("2026-13-23 08:07:15.000 UTC", None),
        ("Fri May 31 10:28:49 CEST 2013", None),
        ("", None),
    ],
)
def test_a_printed_time_counts_only_with_a_zone_that_is_one(
    text: str, when: datetime | None
) -> None:
    """CST names four zones, so a time in it is not known."""
    assert moment(text) == when


def test_a_printed_certificate_is_known_by_all_of_its_fields(leaf: Certificate) -> None:
    """One field that differs, or is missing, and it is not that certificate."""
    same = printed(leaf)
    assert same.is_of(leaf)
    assert not replace(same, serial=leaf.serial + 1).is_of(leaf)
    assert not replace(same, serial=None).is_of(leaf)
    assert not replace(same, issuer=leaf.subject).is_of(leaf)
    assert not replace(same, ski=b"other").is_of(leaf)


def test_a_chain_is_joined_whole_or_not(leaf: Certificate) -> None:
    """A printed chain becomes the real one only if every certificate of it is at hand."""
    (trace,) = java.read(LOG.read_text(encoding="utf-8").split("\n"), SOURCE)
    sent = replace(trace, client_chain=None, client_printed=(printed(leaf),))
    assert joined(sent, (leaf,)).client_chain == (replace(leaf, source=SOURCE),)
    assert joined(sent, ()).client_chain is None
    more = replace(sent, client_printed=(printed(leaf), replace(printed(leaf), serial=1)))
    assert joined(more, (leaf,)).client_chain is None


def test_an_empty_message_stays_empty(leaf: Certificate) -> None:
    """What was seen to be empty is not filled by what is at hand."""
    (trace,) = java.read(LOG.read_text(encoding="utf-8").split("\n"), SOURCE)
    assert joined(trace, (leaf,)).client_chain == ()


def test_names_asked_for_get_the_encoding_of_those_at_hand(leaf: Certificate) -> None:
    """The list's names compare byte for byte with certificates at hand, whatever their strings."""
    (trace,) = java.read(LOG.read_text(encoding="utf-8").split("\n"), SOURCE)
    asked = joined(trace, (leaf,)).asked
    assert asked is not None
    assert leaf.issuer.der in asked.authorities_der
    assert leaf.subject.der not in asked.authorities_der


def test_a_printed_chain_is_shown_as_what_was_sent(leaf: Certificate) -> None:
    """The page of a trace names the certificates that the log printed, and where."""
    (trace,) = java.read(LOG.read_text(encoding="utf-8").split("\n"), SOURCE)
    sent = replace(trace, client_chain=None, client_printed=(printed(leaf),))
    assert "CN=Client (issued by CN=Example" in " ".join(str(sent).split())
    assert "none: the message was empty" in " ".join(str(trace).split())


def test_a_long_run_of_blanks_costs_no_more_than_its_length() -> None:
    """Hostile names are given up in steps that grow with their length alone."""
    blanks = " " * 19_000
    assert printed_name(f'CN={blanks}"') is None
    assert printed_name(f"CN={blanks}x") is not None
