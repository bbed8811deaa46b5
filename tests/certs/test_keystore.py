"""Formats are told by content, and identities are put together across files."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs import asn1, pkcs12
from mtlskit.certs.formats import der_kind, format_of
from mtlskit.certs.keystore import identities_of, open_store
from mtlskit.certs.pile import Pile
from mtlskit.lab.pki import self_signed
from mtlskit.material import Blob, Source

if TYPE_CHECKING:
    from conftest import Cast, Maker


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("client.pem", "x")
    return out.getvalue()


def _bcfks() -> bytes:
    """The beginning of Bouncy Castle's ObjectStore: encrypted data, then an integrity check."""
    pbes2 = asn1.encode(asn1.OID, bytes.fromhex("2a864886f70d01050d"))
    sealed = asn1.encode(asn1.SEQUENCE, pbes2) + asn1.encode(asn1.OCTET_STRING, b"x" * 99)
    check = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.INTEGER, b"\1"))
    return asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SEQUENCE, sealed) + check)


def test_each_format_is_known_by_its_content(cast: Cast) -> None:
    """The file's name plays no part, and a file cut short is still recognised."""
    p12 = cast.client.p12("x")
    assert format_of(cast.client.pem_chain()) == "pem"
    assert format_of(cast.client.der) == "der"
    assert format_of(p12) == "pkcs12"
    for data in (cast.client.der, p12):
        assert format_of(data[:60]) == format_of(data)
    assert format_of(b"\xfe\xed\xfe\xed\0\0\0\2") == "jks"
    assert format_of(b"\xce\xce\xce\xce\0\0\0\2") == "jceks"
    assert format_of(b"plain words") is None
    assert format_of(b"") is None
    assert format_of(b"\x30\x03\x02\x01\x05") is None
    assert der_kind(cast.client.der) == "certificate"


@pytest.mark.parametrize(
    ("data", "kind", "said"),
    [
        (b"\0\0\0\2\0\0\0\x14" + b"s" * 20 + b"\0\0\4\0" + b"x" * 50, "bks", "-srcstoretype BKS"),
        (_bcfks(), "bcfks", "-srcstoretype BCFKS"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n", "openssh", "ssh-keygen"),
        (b"PuTTY-User-Key-File-3: ssh-rsa", "ppk", "puttygen"),
        (_zip(), "zip", "Unpack"),
        (gzip.compress(b"x", mtime=0), "gzip", "Unpack"),
    ],
    ids=["bks", "bcfks", "openssh", "ppk", "zip", "gzip"],
)
def test_what_is_not_read_is_named_with_the_way_out(
    make: Maker, data: bytes, kind: str, said: str
) -> None:
    """Bouncy Castle's stores, SSH keys and archives are recognised, and the sentence helps."""
    store = make.opened(data)
    assert store.format == kind
    assert make.codes(store) == ["archive" if kind in {"zip", "gzip"} else "unsupported"]
    assert said in store.problems[0].text


@pytest.mark.parametrize(("data", "code"), [(b"", "empty"), (b"hello world", "not-recognised")])
def test_nothing_and_anything_are_told(make: Maker, data: bytes, code: str) -> None:
    """An empty file is empty, and any other text is not recognised."""
    assert make.codes(make.opened(data)) == [code]


@pytest.mark.needs("openssl")
def test_der_files_of_every_kind(
    make: Maker, files: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    """Certificate, keys, request and PKCS#7 in DER are what openssl wrote them as."""
    openssl, key = program("openssl"), str(files / "client.key")
    written = {
        "certificate": ("x509", "-in", str(files / "client.pem")),
        "key": ("ec", "-in", key),
        "request": ("req", "-new", "-key", key, "-subj", "/CN=x"),
    }
    for kind, words in written.items():
        make.run(openssl, *words, "-outform", "DER", "-out", str(tmp_path / kind))
        store = make.opened(tmp_path / kind)
        assert (store.format, [one.kind for one in store.entries]) == ("der", [kind])
    bag = tmp_path / "bag.p7b"
    words = ("-nocrl", "-certfile", str(files / "chain.pem"), "-outform", "DER")
    make.run(openssl, "crl2pkcs7", *words, "-out", str(bag))
    store = make.opened(bag)
    assert store.format == "pkcs7"
    assert [one.label for one in store.certificates] == [
        "Acme Client",
        "Acme Issuing CA",
        "Acme Root CA",
    ]
    assert make.codes(make.opened(bag.read_bytes()[:-200])) == ["damaged"]


def test_a_public_key_is_not_called_a_damaged_private_one(make: Maker, cast: Cast) -> None:
    """PKCS#1 public keys look like the beginning of private ones; they are left aside by name."""
    public = cast.second.key.public_key()
    text = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    (problem,) = make.opened(text).problems
    assert problem.code == "unsupported"
    assert "RSA PUBLIC KEY" in problem.text
    assert make.codes(make.opened(public.public_bytes(Encoding.DER, PublicFormat.PKCS1))) == [
        "not-recognised"
    ]


@pytest.mark.needs("openssl")
def test_encrypted_mail_is_named_as_such(
    make: Maker, files: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    """PKCS#7 that holds no certificates is not called damaged."""
    out = tmp_path / "mail.p7m"
    make.run(
        *(program("openssl"), "smime", "-encrypt", "-in", str(files / "root.pem"), "-aes128"),
        *("-outform", "DER", "-out", str(out), str(files / "second.pem")),
    )
    store = make.opened(out)
    assert store.format == "pkcs7"
    assert make.codes(store) == ["unsupported"]
    assert "encrypted for a recipient" in store.problems[0].text


def test_a_certificate_finds_its_key_in_another_file(make: Maker, cast: Cast) -> None:
    """cert.pem, key.pem and chain.pem make one identity."""
    stores = [
        make.opened(one)
        for one in (
            cast.client.pem_key(),
            cast.issuing.pem_chain(chain=False),
            cast.client.pem_chain(chain=False),
        )
    ]
    (identity,) = identities_of(stores)
    assert identity.key_matches
    assert [one.label for one in identity.chain] == ["Acme Issuing CA"]


def test_a_key_of_another_certificate_is_a_mismatch_across_files(make: Maker, cast: Cast) -> None:
    """cert.pem with the key of something else is an identity that says so."""
    stores = [make.opened(cast.client.pem_chain()), make.opened(cast.second.pem_key())]
    (identity,) = identities_of(stores)
    assert identity.key_matches is False
    assert [problem.code for problem in identity.problems] == ["key-mismatch"]


def test_a_certificate_without_any_key_is_an_identity_without_key(make: Maker, cast: Cast) -> None:
    """A leaf alone is shown as the identity that it would be, and what is missing is said."""
    (identity,) = identities_of([make.opened(cast.client.pem_chain())])
    assert identity.key is None
    assert [problem.code for problem in identity.problems] == ["no-private-key"]
    assert [one.label for one in identity.chain] == ["Acme Issuing CA"]


def test_authorities_alone_are_no_identity(make: Maker, cast: Cast) -> None:
    """A trust file holds no identity."""
    text = cast.root.pem_chain(chain=False) + cast.issuing.pem_chain(chain=False)
    assert identities_of([make.opened(text)]) == ()


def test_a_self_signed_client_is_an_identity(make: Maker) -> None:
    """A leaf that is its own issuer is a leaf all the same."""
    alone = self_signed("CN=Alone")
    (identity,) = identities_of([make.opened(alone.pem_chain() + alone.pem_key())])
    assert identity.key_matches
    assert identity.chain == ()


def test_a_locked_key_stays_an_identity(make: Maker, cast: Cast) -> None:
    """A leaf with a key that does not open is an identity without key, and the problem says why."""
    store = make.opened(cast.client.pem_chain() + cast.client.pem_key("secret"), "wrong")
    (identity,) = store.identities
    assert identity.key is None
    assert [problem.code for problem in identity.problems] == ["key-password"]
    (opened,) = identities_of([store, make.opened(cast.client.pem_key())])
    assert opened.key_matches


@given(st.binary(max_size=400))
def test_any_bytes_give_a_store(data: bytes) -> None:
    """Whatever the bytes are, the answer is a store that says what it is."""
    store = open_store(Blob(Source("x"), data), ["a", "b"])
    assert store.entries or store.problems


@given(
    st.sampled_from([b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce", b"\x30\x82", b"\x30\x80"]),
    st.binary(),
)
def test_any_bytes_behind_a_magic_number_give_a_store(magic: bytes, data: bytes) -> None:
    """The readers behind the magic numbers do not fail either."""
    store = open_store(Blob(Source("x"), magic + data), ["a"])
    assert store.entries or store.problems


def test_readers_at_work_do_not_show_passwords() -> None:
    """What a traceback or a log may print of a reader holds no password."""
    source = Source("x")
    for one in (Pile(["hush-hush"]), pkcs12._Opening(source, ["hush-hush"])):
        assert "hush" not in repr(one)
