"""Lists of signature schemes, written so that a person can read them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.schemes import grouped

OPENSSL = [
    "ecdsa_secp256r1_sha256",
    "ecdsa_secp384r1_sha384",
    "ecdsa_secp521r1_sha512",
    "ed25519",
    "ed448",
    "rsa_pss_pss_sha256",
    "rsa_pss_pss_sha384",
    "rsa_pss_pss_sha512",
    "rsa_pss_rsae_sha256",
    "rsa_pss_rsae_sha384",
    "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha256",
    "rsa_pkcs1_sha384",
    "rsa_pkcs1_sha512",
    "ecdsa_sha224",
    "rsa_sha224",
    "dsa_sha224",
    "dsa_sha256",
]


def test_what_openssl_asks_for_is_one_sentence() -> None:
    """Hashes of one algorithm stand side by side, and the count is told."""
    assert grouped(OPENSSL) == (
        "18: ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512, ed25519, "
        "ed448, rsa_pss_pss_sha256/384/512, rsa_pss_rsae_sha256/384/512, rsa_pkcs1_sha256/384/512, "
        "ecdsa_sha224, rsa_sha224, dsa_sha224/256"
    )


def test_a_short_list_stays_as_it_is() -> None:
    """Six names are read as quickly as they are counted."""
    assert grouped(OPENSSL[-6:]) == ", ".join(OPENSSL[-6:])
    assert grouped(OPENSSL[-7:]).startswith("7: ")
    assert grouped(()) == ""


NAMES = st.sampled_from([*OPENSSL, "unknown (0x0a0a)", "rsa_md5", "rsa_sha1", "sha256", "mldsa44"])


@given(names=st.lists(NAMES, min_size=7, max_size=25, unique=True))
def test_nothing_is_left_out(names: list[str]) -> None:
    """Unfolded again, the same names are there."""
    count, _, told = grouped(names).partition(": ")
    found = []
    for one in told.split(", "):
        first, *more = one.split("/")
        head = first.rpartition("_")[0]
        found += [first] + [f"{head}_{tail if tail == 'md5' else 'sha' + tail}" for tail in more]
    assert int(count) == len(names)
    assert sorted(found) == sorted(names)
    assert re.fullmatch(r"[\w ,/()]+", told)
