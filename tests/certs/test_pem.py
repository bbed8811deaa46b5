"""PEM as people send it: in any order, with text around, cut, encrypted, mislabelled."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.keystore import open_store
from mtlskit.lab.pki import Authority, pem
from mtlskit.material import Blob, Source

if TYPE_CHECKING:
    from conftest import Cast, Maker

WORD = "correct horse"
OLD = ("-provider", "legacy", "-provider", "default")


def _subjects(store_certificates: object) -> list[str]:
    return [one.label for one in store_certificates]


@pytest.fixture(scope="module")
def bundle(cast: Cast) -> bytes:
    return cast.client.pem_chain() + cast.root.pem_chain(chain=False) + cast.client.pem_key()


@pytest.mark.parametrize(
    "mangle",
    [
        lambda text: text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
        lambda text: b"Dear partner,\nhere it is: > " + text + b"\nbest wishes \xff\xfe",
        lambda text: text.replace(b"\n", b"\n   "),
        lambda text: b"-----BEGIN NOTHING\n-----END CERTIFICATE-----\n" + text,
        lambda text: text.replace(b"-----\n", b"----- ").replace(b"\n-----", b" -----"),
    ],
)
def test_whatever_stands_around_and_between_the_blocks(
    make: Maker, bundle: bytes, mangle: Callable[[bytes], bytes]
) -> None:
    """Line ends, marks, mail text and indentation do not hide the contents."""
    store = make.opened(mangle(bundle))
    (identity,) = store.identities
    assert identity.label == "Acme Client"
    assert _subjects(identity.chain) == ["Acme Issuing CA", "Acme Root CA"]
    assert identity.key_matches
    assert store.problems == ()


def test_a_chain_upside_down_is_put_right_and_told(make: Maker, cast: Cast) -> None:
    """The chain is the right one whatever the order, and the wrong order is a problem."""
    parts = (cast.root, cast.issuing, cast.client)
    upside_down = b"".join(one.pem_chain(chain=False) for one in parts) + cast.client.pem_key()
    store = make.opened(upside_down)
    assert _subjects(store.identities[0].chain) == ["Acme Issuing CA", "Acme Root CA"]
    assert make.codes(store) == ["chain-order"]
    assert _subjects(store.certificates)[0] == "Acme Root CA"


def test_a_chain_without_a_key_has_an_order_too(make: Maker, cast: Cast) -> None:
    """As a CA sends it: the leaf last is told; in order, or without a leaf, nothing is."""
    leaf, issuing, root = (
        one.pem_chain(chain=False) for one in (cast.client, cast.issuing, cast.root)
    )
    assert make.codes(make.opened(root + issuing + leaf)) == ["chain-order"]
    assert make.codes(make.opened(leaf + root + issuing)) == ["chain-order"]
    assert make.codes(make.opened(leaf + issuing + root)) == []
    assert make.codes(make.opened(root + issuing)) == []
    stranger = Authority.root("CN=Stranger").pem_chain()
    assert make.codes(make.opened(stranger + leaf)) == []


def test_each_entry_says_where_it_stood(make: Maker, bundle: bytes) -> None:
    """The source names the file and the block."""
    places = [str(entry.source) for entry in make.opened(bundle).entries]
    assert places == ["file, block 1", "file, block 2", "file, block 3"]


def test_a_key_that_fits_nothing_is_a_mismatch(make: Maker, cast: Cast) -> None:
    """One leaf and one key that do not belong together are one identity that says so."""
    store = make.opened(cast.client.pem_chain() + cast.second.pem_key())
    (identity,) = store.identities
    assert identity.key_matches is False
    assert make.codes(store) == ["key-mismatch"]
    assert [problem.code for problem in identity.problems] == ["key-mismatch"]


def test_two_identities_in_one_file_are_told_apart(make: Maker, cast: Cast) -> None:
    """Keys find their certificates, not their neighbours."""
    parts = (
        cast.second.pem_key(),
        cast.client.pem_chain(chain=False),
        cast.second.pem_chain(chain=False),
        cast.client.pem_key(),
        cast.issuing.pem_chain(chain=False),
    )
    store = make.opened(b"".join(parts))
    assert {one.label for one in store.identities} == {"Acme Client", "Acme Second"}
    assert all(one.key_matches for one in store.identities)
    assert all(_subjects(one.chain) == ["Acme Issuing CA"] for one in store.identities)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "command",
    [
        ("rsa", "-traditional"),
        ("rsa", "-traditional", "-aes128", "-passout", "pass:" + WORD),
        ("rsa", "-traditional", "-aes256", "-passout", "pass:" + WORD),
        ("rsa", "-traditional", "-des3", "-passout", "pass:" + WORD),
        ("pkcs8", "-topk8", "-nocrypt"),
        ("pkcs8", "-topk8", "-passout", "pass:" + WORD),
        (
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-128-cbc",
            "-v2prf",
            "hmacWithSHA512",
            "-passout",
            "pass:" + WORD,
        ),
        ("pkcs8", "-topk8", "-v2", "des3", "-passout", "pass:" + WORD),
        ("pkcs8", "-topk8", "-scrypt", "-passout", "pass:" + WORD),
        ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:" + WORD),
        ("pkcs8", "-topk8", "-v1", "PBE-MD5-DES", *OLD, "-passout", "pass:" + WORD),
        ("pkcs8", "-topk8", "-v1", "PBE-SHA1-RC2-40", *OLD, "-passout", "pass:" + WORD),
    ],
    ids=lambda command: "-".join(command)[:40],
)
def test_keys_as_openssl_writes_them(
    make: Maker, cast: Cast, files: Path, program: Callable[[str], str], command: tuple[str, ...]
) -> None:
    """PKCS#1 and PKCS#8, plain and under every encryption that openssl offers, are opened."""
    words = (program("openssl"), command[0], "-in", str(files / "second.key"), *command[1:])
    text = make.run(*words).encode()
    (entry,) = make.opened(text, "wrong", WORD).entries
    assert entry.kind == "key"
    assert entry.key is not None
    assert entry.key.spki == make.facts(cast.second).key.spki
    if "-passout" in command:
        assert make.codes(make.opened(text, "wrong")) == ["key-password"]
        assert make.codes(make.opened(text)) == ["no-password"]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("encrypt", [(), ("-aes128", "-passout", "pass:" + WORD)])
def test_ec_keys_as_openssl_writes_them(
    make: Maker, cast: Cast, files: Path, program: Callable[[str], str], encrypt: tuple[str, ...]
) -> None:
    """SEC 1 keys, with their EC PARAMETERS before them, are opened."""
    words = (program("openssl"), "ec", "-in", str(files / "client.key"), *encrypt)
    text = make.run(*words).encode()
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    store = make.opened(parameters + text, WORD)
    assert store.problems == ()
    assert store.keys[0].spki == make.facts(cast.client).key.spki


@pytest.mark.needs("openssl")
def test_trusted_certificates_requests_and_lists(
    make: Maker, cast: Cast, files: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    """OpenSSL's TRUSTED CERTIFICATE, a CSR, a CRL and a PKCS#7 in one file are all shown."""
    openssl = program("openssl")
    trusted = make.run(
        openssl, "x509", "-in", str(files / "client.pem"), "-trustout", "-addtrust", "clientAuth"
    )
    assert "TRUSTED" in trusted
    request = make.run(
        openssl, "req", "-new", "-key", str(files / "client.key"), "-subj", "/CN=Asked"
    )
    (tmp_path / "index.txt").touch()
    (tmp_path / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=3\n"
    )
    crl = make.run(
        *(openssl, "ca", "-gencrl", "-config", "ca.cnf", "-cert", str(files / "root.pem")),
        *("-keyfile", str(files / "root.key")),
        cwd=tmp_path,
    )
    bag = make.run(openssl, "crl2pkcs7", "-nocrl", "-certfile", str(files / "chain.pem"))
    store = make.opened((trusted + request + crl + bag).encode())
    assert store.problems == ()
    assert [one.kind for one in store.entries] == ["certificate", "request", "crl"] + [
        "certificate"
    ] * 3
    asked, listed = store.entries[1].request, store.entries[2].crl
    assert asked is not None
    assert (asked.label, str(asked.key)) == ("Asked", "EC P-256")
    assert listed is not None
    assert listed.revoked == 0
    assert listed.issuer == make.facts(cast.root).subject
    assert listed.next_update is not None
    assert (listed.next_update - listed.this_update).days == 3
    assert str(store.entries[3].source) == "file, block 4, entry 1"


@pytest.mark.needs("openssl")
def test_friendly_names_before_a_block_are_its_alias(
    make: Maker, cast: Cast, program: Callable[[str], str], tmp_path: Path
) -> None:
    """What ``openssl pkcs12`` prints before a block names the identity."""
    (tmp_path / "x.p12").write_bytes(cast.client.p12(WORD, "Schöner Name"))
    text = make.run(
        *(program("openssl"), "pkcs12", "-in", str(tmp_path / "x.p12")),
        *("-passin", "pass:" + WORD, "-nodes"),
    )
    store = make.opened(text.encode("utf-8", "surrogateescape"))
    assert store.identities[0].label == "Schöner Name"


def test_a_missing_end_line_is_damage_and_the_next_block_is_read(make: Maker, cast: Cast) -> None:
    """A block without its END line is told with its byte; what follows is shown."""
    text = cast.client.pem_chain(chain=False).replace(b"-----END CERTIFICATE-----\n", b"")
    store = make.opened(b"xx\n" + text + cast.root.pem_chain(chain=False))
    assert _subjects(store.certificates) == ["Acme Root CA"]
    (problem,) = store.problems
    assert problem.code == "damaged"
    assert "begins at byte 3 is cut short" in problem.text


def test_broken_base64_and_broken_der_are_damage(make: Maker, cast: Cast) -> None:
    """Both are told for their block, and a sound block beside them is shown."""
    good = cast.root.pem_chain(chain=False)
    text = good.replace(b"MI", b"M*", 1)
    assert make.codes(make.opened(text + good)) == ["damaged"]
    short = base64.encodebytes(cast.root.der[:200])
    text = b"-----BEGIN CERTIFICATE-----\n" + short + b"-----END CERTIFICATE-----\n"
    store = make.opened(text + good)
    assert make.codes(store) == ["damaged"]
    assert "at byte" in store.problems[0].text
    assert _subjects(store.certificates) == ["Acme Root CA"]


def test_the_contents_count_and_not_the_label(make: Maker, cast: Cast) -> None:
    """A key that is labelled as a certificate is a key."""
    text = cast.client.pem_key().replace(b"PRIVATE KEY", b"CERTIFICATE")
    assert [one.kind for one in make.opened(text).entries] == ["key"]


@pytest.mark.parametrize(
    ("label", "code", "said"),
    [
        ("OPENSSH PRIVATE KEY", "unsupported", "ssh-keygen"),
        ("PGP MESSAGE", "unsupported", "PGP MESSAGE"),
        ("CERTIFICATE", "damaged", "something else"),
        ("PUBLIC KEY", "unsupported", "PUBLIC KEY"),
    ],
)
def test_foreign_blocks_are_named(make: Maker, label: str, code: str, said: str) -> None:
    """No block is skipped in silence."""
    text = f"-----BEGIN {label}-----\naGVsbG8gd29ybGQ=\n-----END {label}-----\n".encode()
    (problem,) = make.opened(text).problems
    assert problem.code == code
    assert said in problem.text


def test_an_unknown_cipher_of_a_key_is_named(make: Maker, cast: Cast) -> None:
    """The encryption that cannot be undone is told by its name."""
    text = cast.client.pem_key().replace(
        b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: SEED-CBC,00112233\n\n", 1
    )
    (problem,) = make.opened(text, "x").problems
    assert problem.code == "unsupported"
    assert "SEED-CBC" in problem.text
    text = text.replace(b"SEED-CBC,00112233", b"AES-128-CBC,zz")
    assert make.codes(make.opened(text, "x")) == ["damaged"]


def test_a_damaged_key_is_no_wrong_password(make: Maker, cast: Cast) -> None:
    """An RSA key whose numbers do not belong together is damaged."""
    text = cast.second.pem_key()
    der = bytearray(base64.b64decode(b"".join(text.splitlines()[1:-1])))
    der[100] ^= 1
    text = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(bytes(der))
    assert make.codes(make.opened(text + b"-----END PRIVATE KEY-----\n")) == ["damaged"]


def test_many_certificates_take_little_time(make: Maker, cast: Cast) -> None:
    """Two thousand certificates with one key among them are no quadratic matter."""
    text = pem([cast.root.certificate, cast.issuing.certificate] * 1000)
    store = make.opened(text + cast.client.pem_chain(chain=False) + cast.client.pem_key())
    assert len(store.entries) == 2001
    assert len(store.certificates) == 3


def test_many_begin_lines_take_little_time(make: Maker) -> None:
    """Fifty thousand blocks that never end are one problem each, found in one pass."""
    store = make.opened(b"-----BEGIN CERTIFICATE-----\n" * 50_000)
    assert len(store.problems) == 50_000


@given(st.data())
def test_any_change_gives_a_store_with_or_without_problems(
    bundle: bytes, data: st.DataObject
) -> None:
    """Bytes cut out and put in anywhere never make the reader fail."""
    at = data.draw(st.integers(0, len(bundle)))
    until = data.draw(st.integers(at, min(len(bundle), at + 60)))
    text = bundle[:at] + data.draw(st.binary(max_size=20)) + bundle[until:]
    store = open_store(Blob(Source("x"), text), [WORD])
    assert store.entries or store.problems
