"""RC2 against cryptography, which still has it with 128 bits; 40 bits: see the PKCS#12 tests."""

from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.rc2 import _PI, decrypt_cbc


def test_the_table_is_a_permutation() -> None:
    """Each byte stands once in the table of section 2."""
    assert sorted(_PI) == list(range(256))


@given(
    st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8), st.binary(max_size=64)
)
def test_128_bits_decrypt_as_elsewhere(key: bytes, vector: bytes, data: bytes) -> None:
    """With 128-bit keys the result is that of cryptography."""
    whole = data[: len(data) // 8 * 8]
    decryptor = Cipher(RC2(key), modes.CBC(vector)).decryptor()
    assert decrypt_cbc(key, vector, whole) == decryptor.update(whole) + decryptor.finalize()


def test_half_a_block_is_refused() -> None:
    """What is no whole number of blocks was not encrypted so."""
    with pytest.raises(ValueError, match="blocks"):
        decrypt_cbc(b"k" * 5, b"v" * 8, b"1234567")
