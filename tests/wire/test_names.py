import csv
import re
from pathlib import Path

import pytest

from mtlskit.wire import names

TABLES = sorted(Path(names.__file__).parent.glob("*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_row_names_something_and_says_where_that_stands(path: Path) -> None:
    """Every row of every table has a name and a source, and no number stands twice."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["name"] and row["source"] for row in rows)
    keys = [int(row["code"], 0) if "code" in row else row["name"] for row in rows]
    assert len(set(keys)) == len(keys)


def test_the_parts_of_a_cipher_suite_make_up_its_name() -> None:
    """What the table says of a suite agrees with the name that the registry gave it."""
    for suite in names.cipher_suites().values():
        if not suite.cipher or suite.cipher in {"NULL", "DES40_CBC"}:
            continue
        middle = f"{suite.key_exchange}_WITH_" if suite.key_exchange else ""
        assert suite.name.startswith(f"TLS_{middle}{suite.cipher}"), suite
        hashed = {"SHA1": "SHA"}.get(suite.mac, suite.mac) or suite.prf
        end = suite.name.removeprefix(f"TLS_{middle}{suite.cipher}")
        assert end in {"", f"_{hashed}"}, suite


def test_a_suite_without_a_mac_authenticates_by_its_cipher() -> None:
    """Each suite has a record MAC or an authenticating cipher, and never both."""
    for suite in names.cipher_suites().values():
        aead = re.search("GCM|CCM|POLY1305|OMAC|IMIT", suite.cipher) is not None
        assert aead != bool(suite.mac) or not suite.cipher, suite


def test_each_cipher_that_can_be_opened_is_used_by_a_suite() -> None:
    """The sizes of a cipher are kept only if a suite is made of it."""
    used = {suite.cipher for suite in names.cipher_suites().values()}
    assert set(names.ciphers()) <= used


def test_numbers_are_named_as_the_registries_name_them() -> None:
    """Well-known numbers have their well-known names."""
    assert names.version_name(0x0303) == "1.2"
    assert names.version_name(0x0300) == "SSL 3.0"
    assert names.cipher_name(0x1301) == "TLS_AES_128_GCM_SHA256"
    assert names.alert_name(42) == "bad_certificate"
    assert names.alert_name(116) == "certificate_required"
    assert names.scheme_name(0x0804) == "rsa_pss_rsae_sha256"
    assert names.group_name(4588) == "X25519MLKEM768"
    assert names.extension_name(47) == "certificate_authorities"
    assert names.client_certificate_type_name(64) == "ecdsa_sign"
    assert names.content_type_name(22) == "handshake"
    assert names.handshake_name(25) == "CompressedCertificate"
    assert names.compression_name(2) == "brotli"


def test_a_number_that_no_table_knows_is_told_as_a_number() -> None:
    """Unknown numbers and numbers that mean nothing on purpose are told apart."""
    assert names.alert_name(99) == "unknown (0x63)"
    assert names.cipher_name(0x4242) == "unknown (0x4242)"
    assert names.cipher_name(0x4A4A) == "GREASE (0x4a4a)"
    assert names.extension_name(0x1A1A) == "GREASE (0x1a1a)"
    assert names.group_name(0x1A2A) == "unknown (0x1a2a)"
