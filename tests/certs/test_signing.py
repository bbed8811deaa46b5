"""Signatures over the bytes as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mtlskit.certs.signing import signed_by, verified
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
    ("how", "padding"),
    [("sha256", "pss"), ("sha1", "pss"), ("sha384", "pkcs1"), ("sha1", "pkcs1"), ("md5", "pkcs1")],
)
def test_rsa_signatures_of_openssl(
    make: Maker, program: Callable[[str], str], tmp_path: Path, how: str, padding: str
) -> None:
    """PKCS#1 and PSS paddings, with old hashes too, are checked as openssl made them."""
    openssl = program("openssl")
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:17")
    make.run(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=r"),
        *(f"-{how}", "-keyout", "k.pem", "-outform", "DER", "-out", "c.der"),
        *(pss if padding == "pss" else ()),
        cwd=tmp_path,
    )
    one = make.facts((tmp_path / "c.der").read_bytes())
    assert signed_by(one, one)
    assert how in one.signature_algorithm.lower()
    changed = make.facts(one.der[:-1] + bytes((one.der[-1] ^ 1,)))
    assert verified(changed, one.key.spki) is False
