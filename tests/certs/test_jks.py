"""Java's own stores, made by the real keytool."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import java_object
from mtlskit.certs.asn1 import Asn1Error
from mtlskit.certs.jks import _halves
from mtlskit.certs.keystore import open_store
from mtlskit.material import Blob, Source

if TYPE_CHECKING:
    from conftest import Cast, Maker

WORD, OTHER = "store-pass", "other-pass"
KINDS = ("JKS", "JCEKS")
pytestmark = pytest.mark.needs("keytool")


def _signed(body: bytes, password: str = WORD) -> bytes:
    """A store's body with the digest that belongs to it."""
    secret = password.encode("utf-16-be") + b"Mighty Aphrodite"
    return body + hashlib.sha1(secret + body).digest()  # noqa: S324 - the format's own


def _entry(kind: int, alias: str, *rest: bytes) -> bytes:
    name = alias.encode()
    return struct.pack(">IH", kind, len(name)) + name + b"\0" * 8 + b"".join(rest)


def _body(count: int, *entries: bytes, version: int = 2) -> bytes:
    return struct.pack(">III", 0xFEEDFEED, version, count) + b"".join(entries)


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_is_read_with_both_passwords(
    make: Maker, cast: Cast, keytool_stores: Path, kind: str
) -> None:
    """Identities with their chains, and the trusted certificate, under their aliases."""
    store = make.opened(keytool_stores / f"store.{kind}", WORD, OTHER)
    assert store.format == kind.lower()
    assert store.problems == ()
    by_alias = {one.alias: one for one in store.entries}
    assert {alias: one.kind for alias, one in by_alias.items()} == {
        "client": "identity",
        "zweite ü": "identity",
        "anchor": "trusted",
    }
    identities = {one.label: one for one in store.identities}
    assert all(one.key_matches for one in identities.values())
    assert identities["client"].certificate.der == cast.client.der
    chain = [one.label for one in identities["client"].chain]
    assert chain == ["Acme Issuing CA", "Acme Root CA"]  # keytool took the root from the store
    assert identities["client"].chain[0].source.place[-1] == "chain[1]"


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_password_is_told_apart(make: Maker, keytool_stores: Path, kind: str) -> None:
    """The store's password is right and one key has its own: that entry alone says so."""
    store = make.opened(keytool_stores / f"store.{kind}", WORD)
    assert make.codes(store) == ["key-password"]
    assert "zweite ü" in str(store.problems[0])
    locked = {one.label: one.key is None for one in store.identities}
    assert locked == {"client": False, "zweite ü": True}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_still_shows_the_certificates(
    make: Maker, keytool_stores: Path, kind: str
) -> None:
    """Certificates are not encrypted, so that they are told whatever the password is."""
    path = keytool_stores / f"store.{kind}"
    wrong = make.opened(path, "nonsense")
    assert make.codes(wrong) == ["wrong-password"]
    assert len(wrong.certificates) == 4
    without = make.opened(path)
    assert set(make.codes(without)) == {"no-password"}
    assert len(without.identities) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_is_that_of_keytool(
    make: Maker, keytool_stores: Path, program: Callable[[str], str], kind: str
) -> None:
    """Aliases, kinds, owners, serial numbers and fingerprints are those of ``keytool -list -v``."""
    path = keytool_stores / f"store.{kind}"
    said = make.run(
        *(program("keytool"), "-J-Duser.language=en", "-J-Dfile.encoding=UTF-8"),
        *("-list", "-v", "-keystore", str(path), "-storetype", kind, "-storepass", WORD),
    )
    store = make.opened(path, WORD, OTHER)
    assert f"contains {len(store.entries)} entries" in said
    for one in store.certificates:
        digits = one.sha256.upper()
        assert ":".join(digits[at : at + 2] for at in range(0, 64, 2)) in said
        assert f"Serial number: {one.serial:x}" in said
    assert said.count("PrivateKeyEntry") == len(store.identities)


def test_a_secret_key_is_stepped_over(
    make: Maker, keytool_stores: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    """JCEKS holds a secret key as a Java object of unsaid length; what follows it is read."""
    path = tmp_path / "secret.jceks"
    path.write_bytes((keytool_stores / "store.JCEKS").read_bytes())
    make.run(
        *(program("keytool"), "-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "128"),
        *("-keystore", str(path), "-storetype", "JCEKS", "-storepass", WORD, "-keypass", WORD),
    )
    store = make.opened(path, WORD, OTHER)
    assert len(store.entries) == 3
    (problem,) = store.problems
    assert problem.code == "unsupported"
    assert "secret key" in problem.text


def test_a_changed_byte_fails_the_digest(make: Maker, keytool_stores: Path) -> None:
    """A store that was changed is not called sound."""
    data = bytearray((keytool_stores / "store.JKS").read_bytes())
    data[-30] ^= 1
    (problem,) = make.opened(bytes(data), WORD, OTHER).problems
    assert problem.code == "damaged"
    assert 'its integrity check fails, though the password opens the private key of entry "' in (
        problem.text
    )


@pytest.mark.needs("keytool")
def test_a_changed_byte_and_a_locked_key_leave_two_readings(
    make: Maker, keytool_stores: Path
) -> None:
    """One key opens and one does not: another password, or a changed file; both are said."""
    data = bytearray((keytool_stores / "store.JKS").read_bytes())
    data[-30] ^= 1
    (problem,) = (one for one in make.opened(bytes(data), WORD).problems if not one.source.place)
    assert problem.code == "wrong-password"
    assert 'One opens the private key of entry "client"' in problem.text
    (alone,) = make.opened(bytes(data), "neither").problems
    assert (alone.code, "One opens" in alone.text) == ("wrong-password", False)


def test_a_changed_key_does_not_open(make: Maker, keytool_stores: Path) -> None:
    """A key has a digest of its own, so that no changed key is ever used."""
    path = keytool_stores / "store.JKS"
    (sealed,) = (one for one in make.opened(path, WORD).identities if one.label == "client")
    assert sealed.key is not None
    data = path.read_bytes()
    protector = bytes.fromhex("060a2b060104012a021101010500")
    at = data.index(protector, data.index(b"\0\6client")) + len(protector) + 3
    for place in (at + 30, at + 60, at + 100):
        changed = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
        (client,) = (one for one in make.opened(changed, WORD).identities if one.label == "client")
        assert client.key is None


def test_a_cut_is_told_with_its_byte_and_what_came_before_is_shown(
    make: Maker, keytool_stores: Path
) -> None:
    """The entries in front of the damage are told."""
    data = (keytool_stores / "store.JKS").read_bytes()
    store = make.opened(data[: len(data) // 2], WORD, OTHER)
    assert "damaged" in make.codes(store)
    assert any("at byte" in problem.text for problem in store.problems)
    assert store.entries


def test_a_claimed_count_of_two_thousand_million_is_damage(make: Maker, cast: Cast) -> None:
    """The one entry that is there is shown; the other 2^31 - 2 are missing."""
    der = cast.root.der
    trusted = _entry(2, "one", b"\0\5X.509", struct.pack(">I", len(der)), der)
    store = make.opened(_signed(_body(2**31 - 1, trusted)), WORD)
    assert make.codes(store) == ["damaged"]
    assert [one.label for one in store.certificates] == ["Acme Root CA"]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (_entry(9, "odd"), "damaged"),
        (_entry(2, "sdsi", b"\0\4SDSI", b"\0\0\0\1x"), "unsupported"),
        (_entry(2, "cut", b"\0\5X.509", b"\0\0\0\2\x30\x05"), "damaged"),
        (_entry(1, "huge", b"\xff\xff\xff\xff"), "damaged"),
        (_entry(1, "bad", b"\0\0\0\2\x30\x00", b"\0\0\0\0"), "damaged"),
        (struct.pack(">IH", 2, 2) + b"\xff\xff", "damaged"),
    ],
)
def test_odd_entries_are_named(make: Maker, entry: bytes, code: str) -> None:
    """An unknown kind, a foreign certificate, a length beyond the end: a problem each."""
    assert code in make.codes(make.opened(_signed(_body(1, entry)), WORD))


def test_version_1_names_no_certificate_type(make: Maker, cast: Cast) -> None:
    """The first version of JKS has no type in front of a certificate."""
    der = cast.root.der
    trusted = _entry(2, "old", struct.pack(">I", len(der)), der)
    store = make.opened(_signed(_body(1, trusted, version=1)), WORD)
    assert store.problems == ()
    assert store.entries[0].alias == "old"


def test_an_alias_with_hidden_characters_is_shown_escaped(make: Maker, cast: Cast) -> None:
    """An alias that would turn the line is told with an escape."""
    der = cast.root.der
    trusted = _entry(2, "a\u202eb", b"\0\5X.509", struct.pack(">I", len(der)), der)
    (entry,) = make.opened(_signed(_body(1, trusted)), WORD).entries
    assert entry.alias == "a\\u{202E}b"


def test_equal_halves_of_a_salt_are_made_unequal() -> None:
    """The JDK's rule for equal halves, as it is and not as it was meant."""
    assert _halves(b"abcdabcd") == (b"dabd", b"abcd")
    assert _halves(b"abcdefgh") == (b"abcd", b"efgh")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xac\xed\0\5", b"\xac\xed\0\5\x73\x72" + b"\0" * 30, b"\xac\xed\0\5" + b"\x75" * 90],
)
def test_what_is_no_java_object_is_refused(data: bytes) -> None:
    """The skipper ends with a sentence, whatever it is given."""
    with pytest.raises(Asn1Error):
        java_object.end_of(data, 0, len(data))


@given(st.data())
def test_any_changed_bytes_give_a_store(keytool_stores: Path, data: st.DataObject) -> None:
    """A store with any bytes put in anywhere is a store with or without problems."""
    kind = data.draw(st.sampled_from(KINDS))
    whole = (keytool_stores / f"store.{kind}").read_bytes()
    at = data.draw(st.integers(4, len(whole)))
    changed = whole[:at] + data.draw(st.binary(max_size=8)) + whole[at + 1 :]
    words = [WORD, OTHER] if kind == "JKS" else []  # a JCEKS key costs 400,000 rounds of MD5
    store = open_store(Blob(Source("x"), changed), words)
    assert store.entries or store.problems
