"""Signatures over the bytes as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mtlskit.certs import asn1, paths
from mtlskit.certs.signing import made_by, signed_by, verified
from mtlskit.lab.pki import Authority

if TYPE_CHECKING:
    from conftest import Cast, Maker


def test_only_the_issuer_signed_it(make: Maker, cast: Cast) -> None:
    """The right key verifies, another does not, and a namesake's key does not either."""
    child, issuer = make.facts(cast.client), make.facts(cast.issuing)
    assert signed_by(child, issuer)
    assert not signed_by(child, make.facts(cast.root))
    namesake = Authority.root("CN=Acme Issuing CA, O=Acme, C=DE")
    assert not signed_by(child, make.facts(namesake))


def test_the_name_counts_beside_the_key(make: Maker, cast: Cast) -> None:
    """The right key under another name is no issuer."""
    other = Authority.root("CN=Elsewhere", key=cast.issuing.key)
    child = make.facts(cast.client)
    assert verified(child, make.facts(other).key.spki) is True
    assert not signed_by(child, make.facts(other))


def test_a_key_that_is_none_gives_no_answer(make: Maker, cast: Cast) -> None:
    """What cannot be checked is neither right nor wrong."""
    assert verified(make.facts(cast.client), b"\x30\x00") is None


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("how", "padded"),
    [("sha256", "pss"), ("sha1", "pss"), ("sha384", "pkcs1"), ("sha1", "pkcs1"), ("md5", "pkcs1")],
)
def test_rsa_signatures_of_openssl(
    make: Maker, program: Callable[[str], str], tmp_path: Path, how: str, padded: str
) -> None:
    """PKCS#1 and PSS paddings, with old hashes too, are checked as openssl made them."""
    openssl = program("openssl")
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:17")
    make.run(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=r"),
        *(f"-{how}", "-keyout", "k.pem", "-outform", "DER", "-out", "c.der"),
        *(pss if padded == "pss" else ()),
        cwd=tmp_path,
    )
    one = make.facts((tmp_path / "c.der").read_bytes())
    assert signed_by(one, one)
    assert how in one.signature_algorithm.lower()
    changed = make.facts(one.der[:-1] + bytes((one.der[-1] ^ 1,)))
    assert verified(changed, one.key.spki) is False


@pytest.mark.parametrize("salt", [-1, 1 << 40, 1 << 20_000], ids=["-1", "2^40", "2^20000"])
def test_a_salt_of_pss_that_cannot_be_gives_no_answer(make: Maker, cast: Cast, salt: int) -> None:
    """A certificate sent with an impossible salt length is not told, and stops nothing."""
    number = asn1.encode(
        asn1.INTEGER, salt.to_bytes(salt.bit_length() // 8 + 1, "big", signed=True)
    )
    pss = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d01010a"))
    fields = b"".join(
        asn1.encode(asn1.EXPLICIT + at, field)
        for at, field in ((0, _SHA256), (1, _MGF1), (2, number))
    )
    algorithm = asn1.encode(asn1.SEQUENCE, pss + asn1.encode(asn1.SEQUENCE, fields))
    spki = make.facts(Authority.root("CN=RSA", key=rsa.generate_private_key(65537, 2048))).key.spki
    signature = asn1.encode(asn1.BIT_STRING, bytes(257))
    der = asn1.encode(asn1.SEQUENCE, b"\x30\x00" + algorithm + signature)
    assert not made_by(der, spki)
    child = replace(make.facts(cast.client), der=der)
    assert verified(child, spki) is None


def _pss(salt: int, masked: bytes) -> bytes:
    """An AlgorithmIdentifier of RSASSA-PSS with SHA-256."""
    oid = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d01010a"))
    number = asn1.encode(asn1.INTEGER, bytes((salt,)))
    fields = ((0, _SHA256), (1, _MASK + masked), (2, number))
    parts = [
        asn1.encode(asn1.EXPLICIT + at, asn1.encode(asn1.SEQUENCE, one) if at == 1 else one)
        for at, one in fields
    ]
    return asn1.encode(asn1.SEQUENCE, oid + asn1.encode(asn1.SEQUENCE, b"".join(parts)))


def test_salt_and_mask_of_pss_have_to_be_those_that_are_named(make: Maker) -> None:
    """RFC 4055, 3.1: a signature with another salt length, or another mask, does not verify."""
    key = rsa.generate_private_key(65537, 2048)
    spki = make.facts(Authority.root("CN=RSA", key=key)).key.spki
    tbs = b"\x30\x03\x02\x01\x07"
    for salt, masked, hashed in (
        (32, _SHA256, hashes.SHA256()),
        (20, _SHA256, hashes.SHA256()),
        (32, _SHA384, hashes.SHA384()),
    ):
        scheme = padding.PSS(padding.MGF1(hashed), salt)
        signature = asn1.encode(asn1.BIT_STRING, b"\0" + key.sign(tbs, scheme, hashes.SHA256()))
        for named_salt, named_mask in ((32, _SHA256), (20, _SHA256), (32, _SHA384), (20, _SHA384)):
            der = asn1.encode(asn1.SEQUENCE, tbs + _pss(named_salt, named_mask) + signature)
            assert made_by(der, spki) == ((named_salt, named_mask) == (salt, masked))


def test_two_signature_algorithms_in_one_certificate_are_malformed(make: Maker, cast: Cast) -> None:
    """RFC 5280, 4.1.1.2: the one within and the one beside the signature are the same."""
    der = cast.client.der
    sha256, sha384 = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040303")
    assert der.count(sha256) == 2
    assert make.facts(der).problems == ()
    outer = der.rindex(sha256)
    beside = der[:outer] + sha384 + der[outer + len(sha384) :]
    for changed in (der.replace(sha256, sha384, 1), beside):
        found = paths.search(
            make.facts(changed),
            [make.facts(cast.issuing)],
            [make.facts(cast.root)],
            role="client",
            at=datetime.now(UTC),
        )
        assert found.reasons[0].code == "malformed"
        assert "two signature algorithms differ" in found.reasons[0].because


_SHA384 = asn1.encode(asn1.SEQUENCE, bytes.fromhex("0609608648016503040202"))
_MASK = bytes.fromhex("06092a864886f70d010108")
_SHA256 = asn1.encode(asn1.SEQUENCE, bytes.fromhex("0609608648016503040201"))
_MGF1 = asn1.encode(asn1.SEQUENCE, bytes.fromhex("06092a864886f70d010108") + _SHA256)
