"""Files looked at without a connection: what is said of files that are something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import mtlskit
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Unreadable


def _request() -> Blob:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=wanted")
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return Blob(Source("wanted.csr"), made.public_bytes(Encoding.PEM))


@pytest.mark.parametrize("what", ["chain", "trust"])
def test_a_request_is_no_certificate(what: str) -> None:
    """Whose it is, and what to ask the CA for; as the chain and as the trust."""
    chain = Blob(Source("a.pem"), Authority.root("CN=R").client("CN=c").pem_chain())
    given = {"chain": chain, "trust": chain, what: _request()}
    with pytest.raises(Unreadable) as told:
        mtlskit.verify(**given)
    assert told.value.problem.code == "request"
    assert "certificate request (CSR) for CN=wanted, not a certificate" in str(told.value)
    assert "Ask the CA for the certificate" in str(told.value)


def test_a_key_alone_is_no_chain() -> None:
    """What is there is said, and what was expected."""
    key = Blob(Source("a.key"), Authority.root("CN=R").pem_key())
    with pytest.raises(Unreadable, match=r"a\.key: There is a private key in it and no cert"):
        mtlskit.verify(key)


@pytest.mark.parametrize(
    "page", [b"<!doctype html><p>404", b"<html><form>password<input></form></html>"]
)
def test_a_web_page_is_a_web_page(page: bytes) -> None:
    """Whatever it says: it is no certificate, and it is not called a login page."""
    blob = Blob(Source("client.cer"), page)
    (problem,) = mtlskit.inspect(blob).problems
    assert problem.text.startswith("This is a web page (HTML), not a certificate")
    with pytest.raises(Unreadable, match="This is a web page"):
        mtlskit.verify(blob)
    assert mtlskit.compare(blob, blob).known == (False, False)


def test_the_trust_has_no_order() -> None:
    """A pinned certificate after its CA is no chain upside down; in the chain it is."""
    root = Authority.root("CN=R")
    client = root.client("CN=c")
    turned = Blob(Source("t.pem"), root.pem_chain() + client.pem_chain(chain=False))
    asked = {"at": datetime.now(UTC)}
    told = mtlskit.verify(Blob(Source("a.pem"), client.pem_chain()), trust=turned, **asked)
    assert (told.accepted, told.problems) == (True, ())
    told = mtlskit.verify(turned, trust=Blob(Source("r.pem"), root.pem_chain()), **asked)
    assert [one.code for one in told.problems] == ["chain-order"]
