import pytest
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from mtlskit.wire.keys import expand_label, prf

SERVER = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")


def test_a_traffic_secret_gives_the_key_and_iv_of_the_standard() -> None:
    """The server's handshake key of the first trace of RFC 8448 (section 3) comes out."""
    assert expand_label(SHA256(), SERVER, "key", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label(SHA256(), SERVER, "iv", 12).hex() == "5d313eb2671276ee13000b30"


def test_more_than_one_block_of_the_hash_is_not_derived() -> None:
    """TLS never asks for more; whoever does is told so instead of getting too few bytes."""
    with pytest.raises(ValueError, match="33 bytes"):
        expand_label(SHA256(), SERVER, "key", 33)


def test_the_prf_gives_as_many_bytes_as_are_wanted() -> None:
    """A longer output begins with the shorter one, whatever the hash."""
    for version, digest in ((0x0303, SHA256()), (0x0303, SHA384()), (0x0301, SHA256())):
        long = prf(version, digest, b"secret", b"label seed", 200)
        assert len(long) == 200
        assert prf(version, digest, b"secret", b"label seed", 50) == long[:50]


def test_the_prf_of_tls_1_2_is_p_hash() -> None:
    """A published value: P_SHA256 of "test label" (IETF mailing list, TLS 1.2 PRF test vectors)."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    wanted = (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
        "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
        "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
        "87347b66"
    )
    assert prf(0x0303, SHA256(), secret, seed, 100).hex() == wanted


def test_the_prf_of_tls_1_0_mixes_two_hashes_of_overlapping_halves() -> None:
    """With a secret of odd length, both halves hold the byte in the middle (RFC 2246, 5)."""
    whole = prf(0x0301, SHA256(), b"abc", b"seed", 20)
    assert whole != prf(0x0301, SHA256(), b"abbc", b"seed", 19)[:20]
    assert whole == prf(0x0301, SHA256(), b"abbc", b"seed", 20)
