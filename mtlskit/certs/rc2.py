"""RC2 in CBC mode (RFC 2268), decryption only.

Law of this room: it opens old PKCS#12 files and does nothing else. Windows and older Java encrypt
certificates with a 40-bit key, which `cryptography` no longer offers.
"""

from __future__ import annotations

_PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
"""PITABLE of section 2: a permutation of the bytes, from the digits of pi."""

_BLOCK = 8
_ROTATIONS = (1, 2, 3, 5)
_MASH_AFTER = (44, 20)
"""Round keys are used from 63 down to 0; a mashing round follows these (after 5 and 11 mixes)."""


def decrypt_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks; the effective key size is the key's own. Padding is left on.

    Raises:
        ValueError: the data is no whole number of blocks, or the initialisation vector is none.
    """
    if len(data) % _BLOCK or len(iv) != _BLOCK:
        raise ValueError("RC2 works on blocks of 8 bytes")
    round_keys = _expanded(key)
    plain = bytearray()
    before = iv
    for at in range(0, len(data), _BLOCK):
        block = data[at : at + _BLOCK]
        opened = _block(round_keys, block)
        plain += bytes(one ^ other for one, other in zip(opened, before, strict=True))
        before = block
    return bytes(plain)


def _expanded(key: bytes) -> list[int]:
    """Section 2: 64 round keys of 16 bits."""
    size = len(key)
    octets = list(key)
    for i in range(size, 128):
        octets.append(_PI[(octets[i - 1] + octets[i - size]) & 0xFF])
    octets[128 - size] = _PI[octets[128 - size]]
    for i in range(127 - size, -1, -1):
        octets[i] = _PI[octets[i + 1] ^ octets[i + size]]
    return [octets[i] | octets[i + 1] << 8 for i in range(0, 128, 2)]


def _block(keys: list[int], block: bytes) -> bytes:
    """Section 4: one block."""
    words = [int.from_bytes(block[i : i + 2], "little") for i in range(0, _BLOCK, 2)]
    for j in range(63, -1, -1):
        i = j % 4
        turn = _ROTATIONS[i]
        word = (words[i] >> turn | words[i] << 16 - turn) & 0xFFFF
        one, two, three = words[i - 1], words[i - 2], words[i - 3]
        words[i] = (word - keys[j] - (one & two) - (~one & three)) & 0xFFFF
        if j in _MASH_AFTER:
            for m in (3, 2, 1, 0):
                words[m] = (words[m] - keys[words[m - 1] & 63]) & 0xFFFF
    return b"".join(word.to_bytes(2, "little") for word in words)
