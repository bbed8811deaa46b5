"""Identities held against a request: every question, both sides told."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.keystore import Identity, open_store
from mtlskit.certs.matching import match
from mtlskit.certs.offers import Question, Wanted, offer
from mtlskit.certs.public_key import PublicKey
from mtlskit.certs.schemes import fitting
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Blob, Source

NOW = datetime.now(UTC)
ROOT = Authority.root("CN=Root, O=Made up")
ISSUING = ROOT.intermediate("CN=Issuing, O=Made up")
STRANGER = Authority.root("CN=Stranger, O=Made up")
NAME = ROOT.certificate.subject.public_bytes()
SCHEMES = ("ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256")


def held(issued: Issued, *, chain: bool = True, name: str = "client.p12") -> Identity:
    """The identity as a key store holds it."""
    blob = Blob(Source(name), issued.p12("word", chain=chain))
    (one,) = open_store(blob, ("word",)).identities
    return one


def fact(certificate: x509.Certificate) -> Certificate:
    """The certificate as this kit reads it."""
    return read_certificate(certificate.public_bytes(Encoding.DER), Source("bridge.pem"))


BROKEN = {
    "issuer": (STRANGER.client("CN=c"), "leads to CN=Stranger,O=Made up; the server lists CN=Root"),
    "algorithm": (
        ISSUING.client("CN=c", key="EC P-384"),
        "EC P-384; the server takes ecdsa",
    ),
    "purpose": (ISSUING.client("CN=c", eku=("serverAuth",)), "serverAuth, not for clientAuth"),
    "dates": (ISSUING.client("CN=c", not_after=NOW - timedelta(hours=1)), "it ended on"),
}


@pytest.mark.parametrize("question", BROKEN)
def test_each_fault_is_answered_where_it_belongs(question: Question) -> None:
    """One fault makes one "no" about what was asked, with both sides."""
    issued, words = BROKEN[question]
    found = offer(held(issued), Wanted((NAME,), SCHEMES, tls="1.3"), NOW)
    assert [one.question for one in found.checks if one.answer == "no"] == [question]
    assert words in found[question].text


def test_a_sound_identity_fits() -> None:
    """Nothing speaks against an identity that has all that was asked for."""
    assert offer(held(ISSUING.client("CN=c")), Wanted((NAME,), SCHEMES, tls="1.3"), NOW).fits


def test_a_leaf_alone_is_told_what_would_lead_it_into_the_list() -> None:
    """Without its intermediate no issuer is listed; the one at hand that mends it is named."""
    alone = held(ISSUING.client("CN=c"), chain=False)
    bridge = fact(ISSUING.certificate)
    check = offer(alone, Wanted((NAME,), SCHEMES, tls="1.3"), NOW, (bridge,))["issuer"]
    assert check.answer == "no"
    assert "with Issuing (bridge.pem) added, it would lead into the list" in check.text


def test_an_empty_list_limits_nothing() -> None:
    """A request without authorities is met by any issuer (RFC 8446, 4.2.4)."""
    assert offer(held(STRANGER.client("CN=c")), Wanted((), SCHEMES, tls="1.3"), NOW).fits


def test_names_that_are_none_are_survived() -> None:
    """Bytes in the list that are no name match nothing and are told so."""
    wanted = Wanted((b"\x30\x03junk", b""), SCHEMES)
    check = offer(held(ISSUING.client("CN=c")), wanted, NOW)["issuer"]
    assert check.answer == "no"
    assert "an unreadable name" in check.text


def test_two_identities_of_one_name_are_told_apart() -> None:
    """Where labels are the same, the file is said with them."""
    good, bad = held(ISSUING.client("CN=c")), held(STRANGER.client("CN=c"), name="other.p12")
    told = str(match([bad, good], Wanted((NAME,), SCHEMES, tls="1.3"), at=NOW))
    assert "client in client.p12 fits what the server asks for." in told
    assert "client in other.p12: its chain leads to" in told


def test_libraries_part_where_the_list_does_not_name_the_issuer() -> None:
    """OpenSSL sends what Java, Go and GnuTLS keep back: the same fault, two symptoms."""
    found = match([held(STRANGER.client("CN=c"))], Wanted((NAME,), SCHEMES, tls="1.3"), at=NOW)
    sends = {one.choice.chooser.id: one.choice.chosen is not None for one in found.sendings}
    assert sends["openssl"]
    assert sends["gnutls-forced"]
    assert not any(sends[one] for one in ("jsse-sunx509", "jsse-pkix", "go", "gnutls"))


@pytest.mark.parametrize(
    ("key", "scheme", "tls", "signs"),
    [
        (PublicKey("EC", 256, "P-256", b""), "ecdsa_secp384r1_sha384", "1.2", True),
        (PublicKey("EC", 256, "P-256", b""), "ecdsa_secp384r1_sha384", "1.3", False),
        (PublicKey("RSA", 2048, None, b""), "rsa_pkcs1_sha256", "1.2", True),
        (PublicKey("RSA", 2048, None, b""), "rsa_pkcs1_sha256", "1.3", False),
        (PublicKey("RSA", 1024, None, b""), "rsa_pss_rsae_sha512", "1.3", False),
        (PublicKey("RSA", 1024, None, b""), "rsa_pss_rsae_sha256", "1.3", True),
        (PublicKey("RSA", 2048, None, b""), "rsa_pss_pss_sha256", "1.3", False),
        (PublicKey("RSA-PSS", 2048, None, b""), "rsa_pss_pss_sha256", "1.3", True),
        (PublicKey("Ed25519", 256, None, b""), "ed25519", "1.3", True),
        (PublicKey("Ed25519", 256, None, b""), "unknown (0xfefe)", "1.3", False),
        (PublicKey("DSA", 2048, None, b""), "dsa_sha256", "1.2", True),
    ],
)
def test_which_key_signs_by_which_scheme(
    key: PublicKey, scheme: str, tls: str, *, signs: bool
) -> None:
    """Curves and PKCS #1 are bound in TLS 1.3 only; PSS needs room for its hash."""
    assert fitting(key, [scheme], tls) == ((scheme,) if signs else ())
