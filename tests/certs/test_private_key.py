"""A private key shows nothing of itself and goes nowhere."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mtlskit.certs.keystore import Identity
from mtlskit.certs.private_key import PrivateKey
from mtlskit.lab.pki import Issued

if TYPE_CHECKING:
    from conftest import Cast, Maker


def _identity(make: Maker, issued: Issued) -> Identity:
    (identity,) = make.opened(issued.pem_chain() + issued.pem_key()).identities
    return identity


def test_no_text_of_it_holds_the_key(make: Maker, cast: Cast) -> None:
    """Neither repr nor str of the key, its identity or its store has a secret number in it."""
    store = make.opened(cast.client.pem_chain() + cast.client.pem_key())
    (identity,) = store.identities
    secret = cast.client.key.private_numbers().private_value
    raw = cast.client.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for shown in (
        repr(store),
        repr(identity),
        str(identity),
        repr(identity.key),
        f"{identity.key}",
    ):
        assert str(secret) not in shown
        assert raw.hex() not in shown
        assert "not shown" in shown


def test_it_is_neither_copied_nor_pickled(make: Maker, cast: Cast) -> None:
    """Every way of copying raises, also through the identity that holds it."""
    identity = _identity(make, cast.client)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="stays in memory"):
            attempt(identity.key)
    for attempt in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="stays in memory"):
            attempt(identity)


def test_it_has_no_place_for_more(make: Maker, cast: Cast) -> None:
    """Nothing can be hung on it."""
    key = _identity(make, cast.client).key
    assert key is not None
    assert not hasattr(key, "__dict__")


def test_an_identity_knows_whether_its_key_fits(make: Maker, cast: Cast) -> None:
    """The public half decides; without a key there is no answer."""
    identity = _identity(make, cast.client)
    assert identity.key_matches is True
    assert replace(identity, key=PrivateKey(cast.second.key)).key_matches is False
    assert replace(identity, key=None).key_matches is None
    assert identity.key is not None
    assert identity.key.kind == "EC"
    assert identity.key.bits == 256
