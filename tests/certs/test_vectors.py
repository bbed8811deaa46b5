"""Every certificate, key, store, request and list that `cryptography-vectors` ships.

The files are others' and hold everything odd that a library met in ten years; their expected values
stand in that library's own tests. Here each one must be read, or refused with a reason.
"""

from collections import Counter
from functools import cache
from pathlib import Path

import cryptography_vectors
import pytest

from mtlskit.certs.entries import Store
from mtlskit.certs.inventory import Inventory
from mtlskit.certs.keystore import open_store
from mtlskit.collect.files import kind_of
from mtlskit.material import Blob, Source

ROOT = Path(cryptography_vectors.__file__).parent
ROOMS = ("x509", "pkcs12", "pkcs7", "asymmetric")
PASSWORDS = ("password", "cryptography", "baz", "123456", "a123456", "test", "cryptography")
CODES = {
    "damaged", "empty", "key-mismatch", "key-password", "malformed", "no-password",
    "no-private-key", "not-recognised", "too-large", "trailing-bytes", "unsupported",
    "wrong-password", "chain-order",
}  # fmt: skip


@cache
def opened(room: str) -> list[tuple[Path, Store]]:
    """Open every file of a room, with passwords that its authors used."""
    files = sorted(path for path in (ROOT / room).rglob("*") if path.is_file())
    return [
        (path, open_store(Blob(Source(path.name), path.read_bytes()), PASSWORDS)) for path in files
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_file_is_read_or_refused_with_a_reason(room: str) -> None:
    """No file goes by in silence, and none makes the reader fail."""
    stores = opened(room)
    assert len(stores) >= 10
    for path, store in stores:
        problems = Inventory((store,)).problems
        assert store.entries or problems or store.format == "public-key", path
        assert {one.code for one in problems} <= CODES, path
        assert all(one.text.strip() and one.source.name for one in problems), path
        assert kind_of(Blob(Source(path.name), path.read_bytes())), path


def test_nearly_all_certificates_that_are_none_of_the_odd_ones_are_read() -> None:
    """NIST's own certificates and revocation lists are all read, each without a complaint."""
    stores = [one for path, one in opened("x509") if path.suffix in (".crt", ".crl")]
    kinds = Counter(entry.kind for store in stores for entry in store.entries)
    assert kinds["certificate"] > 400
    assert kinds["crl"] > 150
    odd = [store.source.name for store in stores if store.problems]
    assert len(odd) < len(stores) / 50, odd


def test_everything_can_be_shown_as_text_html_and_rows() -> None:
    """One inventory of all of it prints, and no name in it acts."""
    stores = tuple(store for room in ("x509", "pkcs12") for _, store in opened(room))[::7]
    inventory = Inventory(stores)
    assert "<script" not in inventory._repr_html_()
    assert str(inventory)
    assert len(inventory.rows) > 50
