"""A private key as an opaque thing. Law of this room: it stays in memory.

No repr, no copy, no pickle, and nothing here writes it; whoever calls `unlocked` must not either.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtlskit.certs.public_key import PublicKey, key_from


class PrivateKey:
    """A private key in memory, known by its public half.

    Attributes:
        public: the public half, whose `spki` says to which certificate the key belongs.
    """

    __slots__ = ("_key", "public")

    public: PublicKey

    def __init__(self, key: PrivateKeyTypes) -> None:
        self._key = key
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = key_from(spki)

    @property
    def kind(self) -> str:
        """``RSA``, ``EC``, ``Ed25519`` and so on."""
        return self.public.kind

    @property
    def bits(self) -> int | None:
        """The key's size."""
        return self.public.bits

    @property
    def spki(self) -> bytes:
        """The public half in DER, as it stands in the certificate that belongs to the key."""
        return self.public.spki

    def unlocked(self) -> PrivateKeyTypes:
        """The key itself, to sign with. Never write it anywhere."""
        return self._key

    def __repr__(self) -> str:
        return f"<PrivateKey {self.public}, not shown>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A private key stays in memory: it is never pickled or copied")

    def __copy__(self) -> NoReturn:
        self.__reduce__()

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()
