"""PKCS#12 as openssl, keytool and others write it, and as nobody should."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import asn1, derivation, pbe, work
from mtlskit.certs.bags import pfx
from mtlskit.certs.keystore import open_store
from mtlskit.material import Blob, Source

if TYPE_CHECKING:
    from conftest import Cast, Maker

WORD = "store-pass"
OLD = ("-provider", "legacy", "-provider", "default")


@pytest.fixture
def export(
    make: Maker, files: Path, program: Callable[[str], str], tmp_path: Path
) -> Callable[..., Path]:
    """Writes out.p12 of the client, its chain and key with the real openssl."""

    def written(*how: str) -> Path:
        out = tmp_path / "out.p12"
        make.run(
            *(program("openssl"), "pkcs12", "-export", "-in", str(files / "chain.pem")),
            *("-inkey", str(files / "client.key"), "-out", str(out), *how),
        )
        return out

    return written


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "how",
    [
        (),
        ("-legacy",),
        ("-keypbe", "PBE-SHA1-RC4-128", "-certpbe", "PBE-SHA1-RC2-128", *OLD),
        ("-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-RC4-40", *OLD),
        ("-keypbe", "aes-128-cbc", "-certpbe", "aes-192-cbc", "-macalg", "sha512"),
        ("-keypbe", "NONE", "-certpbe", "NONE"),
        ("-nomac",),
        ("-iter", "1", "-macalg", "sha384"),
        ("-noiter", "-nomaciter", "-legacy"),
    ],
    ids="-".join,
)
def test_stores_as_openssl_writes_them(
    make: Maker, cast: Cast, export: Callable[..., Path], how: tuple[str, ...]
) -> None:
    """Old and new ciphers, no cipher, no integrity check: the contents are the same."""
    store = make.opened(
        export("-name", "Acme Ünit", "-passout", "pass:" + WORD, *how), "wrong", WORD
    )
    assert store.problems == ()
    (identity,) = store.identities
    assert identity.certificate.der == cast.client.der
    assert identity.key_matches
    assert [one.label for one in identity.chain] == ["Acme Issuing CA", "Acme Root CA"]
    assert identity.source.name == "out.p12"
    assert "alias" in identity.source.place[0]


@pytest.mark.needs("keytool")
def test_stores_as_keytool_writes_them(make: Maker, cast: Cast, keytool_stores: Path) -> None:
    """Two identities and a trusted certificate, each under its alias."""
    store = make.opened(keytool_stores / "store.PKCS12", WORD)
    assert store.problems == ()
    assert {one.alias: one.kind for one in store.entries} == {
        "client": "identity",
        "zweite ü": "identity",
        "anchor": "trusted",
        "CN=Acme Issuing CA,O=Acme,C=DE": "certificate",
    }
    by_alias = {one.alias: one for one in store.identities}
    assert by_alias["client"].certificate.der == cast.client.der
    assert by_alias["zweite ü"].certificate.der == cast.second.der
    assert all(one.key_matches for one in by_alias.values())
    assert all("Acme Issuing CA" in one.chain[0].label for one in by_alias.values())


@pytest.mark.needs("keytool")
def test_the_table_is_that_of_keytool(
    make: Maker, keytool_stores: Path, program: Callable[[str], str]
) -> None:
    """Aliases, kinds, owners, serial numbers and fingerprints are those of ``keytool -list -v``."""
    path = keytool_stores / "store.PKCS12"
    words = ("-list", "-v", "-keystore", str(path), "-storepass", WORD)
    said = make.run(program("keytool"), "-J-Duser.language=en", "-J-Dfile.encoding=UTF-8", *words)
    store = make.opened(path, WORD)
    listed = [one for one in store.entries if one.kind != "certificate"]
    assert f"contains {len(listed)} entries" in said
    for entry in listed:
        assert entry.certificate is not None
        digits = entry.certificate.sha256.upper()
        colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
        assert colons in said
        assert f"Serial number: {entry.certificate.serial:x}" in said
        assert str(entry.certificate.subject).replace(",", ", ") in said
    assert said.count("PrivateKeyEntry") == len(store.identities)
    assert said.count("trustedCertEntry") == 1


def test_a_wrong_password_is_told_as_such(make: Maker, cast: Cast) -> None:
    """With wrong passwords, and without any, the answers differ."""
    data = cast.client.p12(WORD)
    assert make.codes(make.opened(data, "wrong", "worse")) == ["wrong-password"]
    assert make.codes(make.opened(data)) == ["no-password"]


@pytest.mark.needs("openssl")
def test_the_integrity_check_alone_tells_the_password(
    make: Maker, export: Callable[..., Path]
) -> None:
    """Where nothing is encrypted, the check still says that the password is wrong."""
    path = export("-keypbe", "NONE", "-certpbe", "NONE", "-passout", "pass:" + WORD)
    assert make.codes(make.opened(path, WORD)) == []
    wrong = make.opened(path, "wrong")
    assert make.codes(wrong) == ["wrong-password"]
    assert wrong.identities[0].key_matches


@pytest.mark.needs("certtool")
@pytest.mark.parametrize("word", ["--null-password", "--empty-password"])
def test_no_password_and_the_empty_one_both_open(
    make: Maker, cast: Cast, files: Path, program: Callable[[str], str], word: str
) -> None:
    """GnuTLS writes stores with no password at all; they open without one."""
    made = make.run(
        *(program("certtool"), "--to-p12", "--load-privkey", str(files / "client.key")),
        *("--load-certificate", str(files / "client.pem"), "--p12-name", "n", word, "--outder"),
        *("--outfile", str(files / f"p12{word}")),
    )
    assert made == ""
    store = make.opened(files / f"p12{word}")
    assert store.problems == ()
    assert store.identities[0].certificate.der == cast.client.der


@pytest.mark.parametrize("password", ["", "ä€😀", "x" * 200])
def test_odd_passwords_open(make: Maker, cast: Cast, password: str) -> None:
    """Passwords beyond ASCII, long ones, and the empty one."""
    if not password:
        data = pkcs12.serialize_key_and_certificates(
            b"n", cast.client.key, cast.client.certificate, None, NoEncryption()
        )
        assert make.opened(data).identities[0].key_matches
        return
    store = make.opened(cast.client.p12(password), password)
    assert store.problems == ()
    assert store.identities[0].key_matches


def test_a_password_that_cannot_be_written_is_wrong(make: Maker, cast: Cast) -> None:
    """Half a surrogate is no password, and nothing fails."""
    assert make.codes(make.opened(cast.client.p12(WORD), "\ud800")) == ["wrong-password"]


def _rebuilt(der: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The same PFX with an edited AuthenticatedSafe and the old integrity check."""
    parts = asn1.sequence(der)
    outer = pfx(der)
    safe = edit(outer.safe)
    octets = asn1.encode(asn1.EXPLICIT, asn1.encode(asn1.OCTET_STRING, safe))
    oid = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d010701"))
    version = b"\2\1\3"
    assert parts[0][0] == asn1.INTEGER
    return asn1.encode(
        asn1.SEQUENCE, version + asn1.encode(asn1.SEQUENCE, oid + octets) + (outer.mac or b"")
    )


def test_a_changed_file_is_no_wrong_password(make: Maker, cast: Cast) -> None:
    """The password opens the parts and the integrity check fails: the file was changed."""
    data = _rebuilt(cast.client.p12(WORD, "alias"), lambda safe: safe.replace(b"\0i\0a", b"\0i\0b"))
    store = make.opened(data, WORD)
    assert make.codes(store) == ["damaged"]
    assert "integrity" in store.problems[0].text
    assert store.identities


def test_without_integrity_check_the_parts_tell_the_password(make: Maker, cast: Cast) -> None:
    """A store without MacData opens with the right password and is refused with a wrong one."""
    der = cast.client.p12(WORD)
    outer = pfx(der)
    assert outer.mac is not None
    bare = asn1.encode(asn1.SEQUENCE, asn1.unwrapped(der)[: -len(outer.mac)])
    assert make.opened(bare, WORD).identities[0].key_matches
    assert "wrong-password" in make.codes(make.opened(bare, "wrong"))


def _indefinite(der: bytes, at: int, stop: int) -> bytes:
    """The elements from `at` to `stop`, constructed ones without a length, strings in pieces."""
    out = b""
    for tag, start, end in asn1.children(der, at, stop):
        if tag & 0x20:
            out += bytes((tag, 0x80)) + _indefinite(der, start, end) + b"\0\0"
        elif tag == asn1.OCTET_STRING and end - start > 40:
            halves = (der[start : start + 33], der[start + 33 : end])
            out += b"\x24\x80" + b"".join(asn1.encode(tag, one) for one in halves) + b"\0\0"
        elif tag == asn1.CONTEXT and end - start > 40:
            halves = (der[start : start + 33], der[start + 33 : end])
            pieces = b"".join(asn1.encode(asn1.OCTET_STRING, one) for one in halves)
            out += b"\xa0\x80" + pieces + b"\0\0"
        else:
            out += asn1.encode(tag, der[start:end])
    return out


def test_ber_with_indefinite_lengths_opens(make: Maker, cast: Cast) -> None:
    """Stores in BER, as Windows and old Java write them, are the same as in DER."""
    der = cast.client.p12(WORD, "ber")
    safe = pfx(der).safe
    inner = _indefinite(safe, 0, len(safe))
    # The integrity check is over the bytes as they stand, so it fails on what was rewritten.
    rebuilt = _rebuilt(der, lambda _: inner)
    store = make.opened(_indefinite(rebuilt, 0, len(rebuilt)), WORD)
    assert store.identities[0].key_matches
    assert store.identities[0].alias == "ber"
    whole = _indefinite(der, 0, len(der))
    store = make.opened(whole, WORD)
    assert store.problems == ()
    assert store.identities[0].key_matches


def test_a_check_by_pbmac1_is_understood(make: Maker, cast: Cast) -> None:
    """RFC 9579: the integrity check whose key comes from PBKDF2."""
    der = cast.client.p12(WORD)
    outer = pfx(der)
    assert outer.mac is not None
    key = hashlib.pbkdf2_hmac("sha256", WORD.encode(), b"saltsalt", 2048, 32)
    digest = hmac.digest(key, outer.safe, "sha256")

    def sequence(*parts: bytes) -> bytes:
        return asn1.encode(asn1.SEQUENCE, b"".join(parts))

    hmac256 = sequence(asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d0209")), b"\5\0")
    salt = asn1.encode(asn1.OCTET_STRING, b"saltsalt")
    kdf = sequence(
        asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d01050c")),
        sequence(salt, b"\2\2\x08\0", b"\2\1\x20", hmac256),
    )
    pbmac1 = sequence(
        asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d01050e")), sequence(kdf, hmac256)
    )
    info = sequence(pbmac1, asn1.encode(asn1.OCTET_STRING, digest))
    mac = sequence(info, asn1.encode(asn1.OCTET_STRING, b"unused"), b"\2\1\1")
    whole = asn1.encode(asn1.SEQUENCE, asn1.unwrapped(der)[: -len(outer.mac)] + mac)
    store = make.opened(whole, WORD)
    assert store.problems == ()
    assert make.codes(make.opened(whole, "wrong"))[0] == "wrong-password"


@pytest.mark.needs("openssl")
def test_a_key_with_another_password_is_told_apart(
    make: Maker, cast: Cast, export: Callable[..., Path]
) -> None:
    """The store's password is right, and the key has its own: a problem of its own."""
    out = export("-keypbe", "NONE", "-certpbe", "NONE", "-nomac", "-passout", "pass:")
    plain = cast.client.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    locked = cast.client.key.private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"key-pass")
    )
    data = _with_locked_key(out.read_bytes(), plain, locked)
    mac_word = make.opened(data, "store-pass")
    assert make.codes(mac_word) == ["key-password"]
    assert mac_word.identities[0].key is None
    both = make.opened(data, "store-pass", "key-pass")
    assert both.problems == ()
    assert both.identities[0].key_matches


def _with_locked_key(data: bytes, plain: bytes, locked: bytes) -> bytes:
    """Put an encrypted key in the place of the plain one, and a check with ``store-pass`` on it."""
    safe = pfx(data).safe
    key_bag, shrouded = (bytes.fromhex("060b2a864886f70d010c0a01") + one for one in (b"\1", b"\2"))

    def rewritten(at: int, stop: int) -> bytes:
        out = b""
        for tag, start, end in asn1.children(safe, at, stop):
            if safe[at:end] == key_bag:
                out += shrouded
            elif safe[at:end] == plain:
                out += locked
            elif tag & 0x20 or _nests(safe[start:end]):
                out += asn1.encode(tag, rewritten(start, end))
            else:
                out += safe[at:end]
            at = end
        return out

    new = rewritten(0, len(safe))
    key = pbe.pkcs12_bytes("store-pass", b"salty", 1, pbe.MAC, 20, pbe.Work())
    sha1 = asn1.encode(asn1.SEQUENCE, bytes.fromhex("06052b0e03021a0500"))
    digest = asn1.encode(asn1.OCTET_STRING, hmac.digest(key, new, "sha1"))
    mac = asn1.encode(
        asn1.SEQUENCE,
        asn1.encode(asn1.SEQUENCE, sha1 + digest) + asn1.encode(asn1.OCTET_STRING, b"salty"),
    )
    oid = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d010701"))
    octets = asn1.encode(asn1.EXPLICIT, asn1.encode(asn1.OCTET_STRING, new))
    safe_info = asn1.encode(asn1.SEQUENCE, oid + octets)
    return asn1.encode(asn1.SEQUENCE, b"\2\1\3" + safe_info + mac)


def test_two_thousand_million_rounds_are_refused_at_once(make: Maker, cast: Cast) -> None:
    """A file that asks for 2^31 rounds of hashing is refused without doing one of them."""
    der = cast.client.p12(WORD)
    rounds = asn1.encode(asn1.INTEGER, (2048).to_bytes(2, "big"))
    assert der.count(rounds) >= 2
    endless = asn1.encode(asn1.INTEGER, (2**31 - 1).to_bytes(4, "big"))
    for number, code in ((endless, "too-costly"), (asn1.encode(asn1.INTEGER, b"\0"), "damaged")):
        store = make.opened(_swollen(der, rounds, number), WORD)
        assert code in make.codes(store)


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What every derivation costs, while no rounds are really hashed."""
    costs: list[int] = []
    spend = pbe.Work.spend

    def noted(work: pbe.Work, rounds: int, each: int = 1) -> None:
        spend(work, rounds, each)
        costs.append(rounds * each)

    monkeypatch.setattr(pbe.Work, "spend", noted)
    monkeypatch.setattr(derivation, "hashed_often", lambda *_: bytes(64))
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", lambda *_: bytes(32))
    return costs


def test_all_tries_on_one_store_come_out_of_one_pot(
    make: Maker, cast: Cast, spent: list[int]
) -> None:
    """However many passwords there are, one store costs no more than its limit, told in figures."""
    rounds = asn1.encode(asn1.INTEGER, (2048).to_bytes(2, "big"))
    der = _swollen(cast.client.p12(WORD), rounds, _number_of(1_200_000))
    store = make.opened(der, *(f"wrong {at}" for at in range(20)))
    assert make.codes(store) == ["too-costly"]
    assert sum(spent) <= work.LIMIT + work.GUESS_LIMIT
    assert sum(spent) > work.LIMIT // 2
    said = store.problems[0].text
    assert "1200000 rounds of hashing (counted as 2400000)" in said
    assert f"{work.LIMIT} are allowed" in said


def _number_of(value: int) -> bytes:
    return asn1.encode(asn1.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("more", [("-iter", "2000000"), ("-iter", "1000000", "-macalg", "sha512")])
def test_a_store_of_two_million_rounds_still_opens(
    make: Maker, files: Path, program: Callable[[str], str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Some people set a thousand times what OpenSSL does by default."""
    make.run(
        *(program("openssl"), "pkcs12", "-export", "-in", str(files / "client.pem"), *more),
        *("-inkey", str(files / "client.key"), "-passout", f"pass:{WORD}", "-out", "s.p12"),
        cwd=tmp_path,
    )
    store = make.opened(tmp_path / "s.p12", WORD)
    assert store.problems == ()
    assert store.identities[0].key_matches


@pytest.mark.parametrize(
    ("hashed", "size", "each"),
    [("sha1", 20, 1), ("sha1", 32, 2), ("sha256", 32, 1), ("sha512", 32, 3)],
)
def test_a_round_is_counted_by_its_hash_and_by_the_blocks_of_the_key(
    hashed: str, size: int, each: int
) -> None:
    """PBKDF2 runs its rounds for each block, and a wide hash takes three times as long."""
    name = {"sha1": "2a864886f70d0207", "sha256": "2a864886f70d0209", "sha512": "2a864886f70d020b"}
    prf = _sequence(asn1.encode(asn1.OID, bytes.fromhex(name[hashed])), b"\5\0")
    algorithm = _sequence(_PBKDF2, _sequence(_SALT, b"\2\1\7", prf))
    pot = work.Work()
    key = derivation.derivation_from(algorithm, size)(b"x", pot)
    assert key == hashlib.pbkdf2_hmac(hashed, b"x", b"saltsalt", 7, size)
    assert work.LIMIT - pot.left == 7 * each


def _swollen(der: bytes, old: bytes, new: bytes) -> bytes:
    """Replace an element wherever it stands and put all lengths right."""

    def rewritten(data: bytes, at: int, stop: int) -> bytes:
        out = b""
        for tag, start, end in asn1.children(data, at, stop):
            if data[at:end] == old:
                out += new
            elif tag & 0x20 or (tag == asn1.OCTET_STRING and _nests(data[start:end])):
                out += asn1.encode(tag, rewritten(data, start, end))
            else:
                out += data[at:end]
            at = end
        return out

    return rewritten(der, 0, len(der))


def _nests(contents: bytes) -> bool:
    try:
        return contents[:1] == b"\x30" and bool(asn1.sequence(contents))
    except asn1.Asn1Error:
        return False


@pytest.mark.needs("keytool")
def test_a_secret_key_is_named_and_the_others_shown(
    make: Maker, keytool_stores: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    """A symmetric key is no part of TLS; the entries beside it are shown."""
    path = tmp_path / "secret.p12"
    path.write_bytes((keytool_stores / "store.PKCS12").read_bytes())
    make.run(
        *(program("keytool"), "-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "128"),
        *("-keystore", str(path), "-storepass", WORD),
    )
    store = make.opened(path, WORD)
    assert len(store.identities) == 2
    (problem,) = store.problems
    assert problem.code == "unsupported"
    assert "secret key" in problem.text


def test_every_cut_is_damage_or_at_least_told(cast: Cast) -> None:
    """A store cut short anywhere has a problem, and is recognised as PKCS#12."""
    der = cast.client.p12(WORD)
    for size in range(30, len(der), 7):
        store = open_store(Blob(Source("x"), der[:size]), [WORD])
        assert store.format == "pkcs12"
        assert [problem.code for problem in store.problems] == ["damaged"]


@given(st.data())
def test_any_changed_byte_gives_a_store(cast: Cast, data: st.DataObject) -> None:
    """A flipped byte is told, or harmless; it never makes the reader fail or hang."""
    der = bytearray(_cheap(cast))
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    store = open_store(Blob(Source("x"), bytes(der)), [WORD])
    assert store.entries or store.problems


_CHEAP: list[bytes] = []


def _cheap(cast: Cast) -> bytes:
    if not _CHEAP:
        _CHEAP.append(cast.client.p12(WORD))
    return _CHEAP[0]


def _pfx(mac: bytes, safe: bytes = b"\x30\x00") -> bytes:
    """A store with this AuthenticatedSafe and these MacData."""
    oid = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d010701"))
    octets = asn1.encode(asn1.EXPLICIT, asn1.encode(asn1.OCTET_STRING, safe))
    return _sequence(b"\2\1\3", _sequence(oid, octets), mac)


def _sequence(*parts: bytes) -> bytes:
    return asn1.encode(asn1.SEQUENCE, b"".join(parts))


def _number(size: int) -> bytes:
    return asn1.encode(asn1.INTEGER, b"\x7f" * size)


def _checked(rounds: bytes) -> bytes:
    """MacData with SHA-1 and these rounds."""
    sha1 = _sequence(bytes.fromhex("06052b0e03021a"))
    digest = _sequence(sha1, asn1.encode(asn1.OCTET_STRING, bytes(20)))
    return _sequence(digest, b"\4\x08saltsalt", rounds)


_PBMAC1 = _sequence(bytes.fromhex("06092a864886f70d01050e"), _sequence())
_SALT = b"\4\x08saltsalt"
_AES = _sequence(bytes.fromhex("060960864801650304012a"), b"\4\x10" + bytes(16))
_SHORT_AES = _sequence(bytes.fromhex("060960864801650304012a"), b"\4\x01\0")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")


@pytest.mark.parametrize(
    ("mac", "code"),
    [
        (_sequence(), "damaged"),
        (_sequence(_sequence()), "damaged"),
        (_sequence(_sequence(), _SALT), "damaged"),
        (_sequence(_sequence(_PBMAC1, b"\4\0"), _SALT), "damaged"),
        (_checked(_number(9)), "too-costly"),
        (_checked(_number(2000)), "too-costly"),
        (_checked(asn1.encode(asn1.INTEGER, b"\x80" + bytes(2000))), "damaged"),
    ],
    ids=["empty", "short", "no digest", "pbmac1", "9 bytes", "2000 bytes", "negative"],
)
@pytest.mark.parametrize("words", [(), (WORD,)], ids=["unsaid", "given"])
def test_broken_integrity_checks_are_told(
    make: Maker, mac: bytes, code: str, words: tuple[str, ...]
) -> None:
    """MacData without its fields, or with endless rounds, is a problem and no exception."""
    assert make.codes(make.opened(_pfx(mac), *words)) == [code]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (_sequence(), "damaged"),
        (_sequence(_sequence(_PBKDF2)), "damaged"),
        (_sequence(_sequence(_PBKDF2, _sequence(_SALT, b"\2\1\1")), _SHORT_AES), "damaged"),
        (_sequence(_sequence(_SCRYPT), _AES), "damaged"),
        (_sequence(_sequence(_SCRYPT, _sequence()), _AES), "damaged"),
        (_sequence(_sequence(_SCRYPT, _sequence(_SALT, _number(2000), *[b"\2\1\1"] * 2)), _AES),
         "unsupported"),
        (_sequence(_sequence(_SCRYPT, _sequence(_SALT, b"\2\1\3", *[b"\2\1\1"] * 2)), _AES),
         "unsupported"),
        (_sequence(_sequence(_PBKDF2, _sequence(_SALT, _number(5))), _AES), "too-costly"),
        (_sequence(_sequence(_PBKDF2, _sequence(_SALT, _number(2000))), _AES), "too-costly"),
    ],
)  # fmt: skip
def test_broken_encryptions_of_a_key_are_told(make: Maker, parameters: bytes, code: str) -> None:
    """PBES2 without its fields, or with endless work, is a problem: in DER and in PEM."""
    algorithm = _sequence(bytes.fromhex("06092a864886f70d01050d"), parameters)
    der = _sequence(algorithm, asn1.encode(asn1.OCTET_STRING, bytes(32)))
    text = base64.encodebytes(der)
    label = b"ENCRYPTED PRIVATE KEY-----\n"
    pem = b"-----BEGIN " + label + text + b"-----END " + label
    for data in (der, pem):
        assert make.codes(make.opened(data, WORD)) == [code]


def test_guessing_costs_little(spent: list[int]) -> None:
    """Where no password was given, millions of rounds are not spent on the empty one."""
    data = _pfx(_checked(_number_of(4_000_000)))
    store = open_store(Blob(Source("x"), data))
    assert [one.code for one in store.problems] == ["no-password"]
    assert spent == []


def test_a_guess_takes_nothing_from_the_passwords_that_were_given() -> None:
    """What the empty password costs is in a pot of its own; once it opens, it is no guess."""
    pot = work.Work.for_passwords(["given"])
    pot.trying("")
    pot.spend(work.GUESS_LIMIT)
    assert pot.left == work.LIMIT
    with pytest.raises(work.WrongPassword):
        pot.spend(1)
    pot.opened_by("")
    pot.spend(work.LIMIT - 1)
    with pytest.raises(work.TooMuchWork, match="1 are left"):
        pot.spend(2)


def test_the_memory_that_scrypt_may_ask_for_has_a_limit(make: Maker) -> None:
    """256 MB are granted and no more: told as not supported, before any is taken."""
    block = asn1.encode(asn1.INTEGER, b"\x08")
    for power, code in ((18, "too-costly"), (19, "unsupported")):
        # Sixteen lanes make the first one too much work, so that neither is done.
        parts = (_SALT, _number_of(1 << power), block, b"\2\1\x10")
        parameters = _sequence(_sequence(_SCRYPT, _sequence(*parts)), _AES)
        algorithm = _sequence(bytes.fromhex("06092a864886f70d01050d"), parameters)
        der = _sequence(algorithm, asn1.encode(asn1.OCTET_STRING, bytes(32)))
        store = make.opened(der, WORD)
        assert make.codes(store) == [code]
        assert code == "too-costly" or f"scrypt with N={1 << power}" in store.problems[0].text


@pytest.mark.parametrize("data", [b"\x30\x80\x06\x81", b"\x30\x03\x06\x82\x01"])
def test_a_file_that_ends_within_a_length_is_no_store(make: Maker, data: bytes) -> None:
    """Where the format shows in the first bytes only, a cut among them is told."""
    assert make.codes(make.opened(data)) == ["not-recognised"]
