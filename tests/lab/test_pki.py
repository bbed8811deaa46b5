"""The lab's certificates are what was wished for, as openssl, keytool and cryptography see them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtlskit.lab.pki import (
    Authority,
    Issued,
    Parts,
    new_key,
    now,
    pem,
    self_signed,
    write_private,
)


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.root("CN=Acme Root CA, O=Acme Corporation")


@pytest.fixture(scope="module")
def issuing(root: Authority) -> Authority:
    return root.intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")


@pytest.fixture
def verify(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., str]:
    """Asks openssl to verify an issued certificate; "" means that it holds."""

    def ask(issued: Issued, anchor: Issued, purpose: str = "sslclient") -> str:
        for name, data in {
            "leaf.pem": issued.pem_chain(chain=False),
            "chain.pem": pem(issued.chain),
            "root.pem": pem((anchor.certificate,)),
        }.items():
            (tmp_path / name).write_bytes(data)
        command = ["verify", "-no-CAfile", "-no-CApath", "-x509_strict"]
        command += ["-purpose", purpose, "-CAfile", "root.pem"]
        given = ["-untrusted", "chain.pem"] if issued.chain else []
        done = subprocess.run(
            [program("openssl"), *command, *given, "leaf.pem"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stderr if done.returncode else ""

    return ask


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", ["EC P-256", "EC P-384", "RSA 2048", "Ed25519", "Ed448"])
def test_defaults_are_right(kind: str, verify: Callable[..., str]) -> None:
    """A chain of defaults holds under openssl's strict checks, whatever the keys."""
    root = Authority.root("Root", key=kind)
    client = root.intermediate("Issuing", key=kind).client("Client", key=kind)
    assert verify(client, root) == ""


@pytest.mark.needs("openssl")
def test_each_side_has_its_purpose(
    root: Authority, issuing: Authority, verify: Callable[..., str]
) -> None:
    """A client's certificate serves clients, a server's servers, and an issued one both."""
    client, server = issuing.client("Client"), issuing.server("Server", "partner.example")
    both = issuing.issue("Both")
    assert verify(client, root) == verify(server, root, "sslserver") == ""
    assert verify(both, root) == verify(both, root, "sslserver") == ""
    assert "purpose" in verify(client, root, "sslserver")
    assert "purpose" in verify(server, root)


_BROKEN: dict[str, tuple[Parts, str]] = {
    "expired": ({"not_after": now() - timedelta(hours=1)}, "expired"),
    "not yet valid": ({"not_before": now() + timedelta(hours=1)}, "not yet valid"),
    "purpose": ({"eku": ["serverAuth"]}, "purpose"),
    "wrong signer": ({"signer": new_key()}, "signature"),
    "wrong issuer": ({"issuer": "CN=Nobody", "aki": None}, "issuer certificate"),
    "wrong aki": ({"aki": b"\1" * 20}, "issuer certificate"),
    "critical": (
        {"extra": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999"), b"\5\0"), True)]},
        "critical extension",
    ),
}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("fault", _BROKEN)
def test_fault_is_the_one_that_was_made(
    fault: str, root: Authority, issuing: Authority, verify: Callable[..., str]
) -> None:
    """Openssl finds in a broken certificate the fault that was asked for."""
    parts, words = _BROKEN[fault]
    parts = {"not_before": now() - timedelta(days=2), **parts}
    assert words in verify(issuing.client("Client", **parts), root)


@pytest.mark.needs("openssl")
def test_path_length_counts(root: Authority, verify: Callable[..., str]) -> None:
    """An authority with path length 0 may have a leaf beneath it and no authority."""
    policy = root.intermediate("Policy", path_length=0)
    assert verify(policy.client("Client"), root) == ""
    assert "path length" in verify(policy.intermediate("Branch").client("Client"), root)


@pytest.mark.needs("openssl")
def test_recreated_authority_has_the_name_and_not_the_key(
    root: Authority, verify: Callable[..., str]
) -> None:
    """A re-created root bears the same name, and the first one vouches for nothing of it."""
    again = root.recreated()
    assert again.certificate.subject == root.certificate.subject
    assert again.certificate.public_key() != root.certificate.public_key()
    assert verify(again.client("Client"), again) == ""
    assert verify(again.client("Client"), root) != ""


def test_chain_is_sent_without_the_root(root: Authority, issuing: Authority) -> None:
    """What is sent with a leaf are the authorities between it and the root, nearest first."""
    deeper = issuing.intermediate("Deeper")
    assert root.client("Client").chain == ()
    assert deeper.client("Client").chain == (deeper.certificate, issuing.certificate)


@pytest.mark.parametrize(
    ("part", "extension"),
    [
        ("eku", x509.ExtendedKeyUsage),
        ("ku", x509.KeyUsage),
        ("ca", x509.BasicConstraints),
        ("ski", x509.SubjectKeyIdentifier),
        ("aki", x509.AuthorityKeyIdentifier),
    ],
)
def test_a_part_named_as_none_is_left_out(
    part: str, extension: type[x509.ExtensionType], issuing: Authority
) -> None:
    """Each extension is there by default, and gone when it is named as None."""
    whole = issuing.client("Client").certificate.extensions
    bare = issuing.client("Client", **{part: None}).certificate.extensions
    assert whole.get_extension_for_class(extension)
    assert len(bare) == len(whole) - 1
    with pytest.raises(x509.ExtensionNotFound):
        bare.get_extension_for_class(extension)


def test_parts_stand_in_the_certificate_as_given(issuing: Authority) -> None:
    """Serial, hash, names, purposes and usages are those that were wished for."""
    made = issuing.issue(
        r"CN=Acme\, Inc. client, O=Acme Corporation",
        serial=77,
        hash="sha384",
        san=["api.example", "127.0.0.1", "::1", "ops@acme.example", "spiffe://acme/client"],
        eku=["clientAuth", "1.3.6.1.4.1.311.20.2.2"],
        ku=["digitalSignature", "keyAgreement"],
    ).certificate
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    purposes = list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert made.serial_number == 77
    assert made.signature_hash_algorithm.name == "sha384"
    assert [type(one).__name__ for one in names] == [
        "DNSName", "IPAddress", "IPAddress", "RFC822Name", "UniformResourceIdentifier",
    ]  # fmt: skip
    (common_name,) = made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common_name.value == "Acme, Inc. client"
    assert purposes[0] == ExtendedKeyUsageOID.CLIENT_AUTH
    assert purposes[1].dotted_string == "1.3.6.1.4.1.311.20.2.2"
    assert (usage.digital_signature, usage.key_agreement, usage.key_cert_sign) == (
        True,
        True,
        False,
    )


def test_wrong_key_signs_nothing_that_holds(issuing: Authority) -> None:
    """A certificate of a wrong signer names its issuer and does not bear its signature."""
    made = issuing.client("Client", signer=new_key()).certificate
    assert made.issuer == issuing.certificate.subject
    with pytest.raises(InvalidSignature):
        made.verify_directly_issued_by(issuing.certificate)


def test_self_signed_is_its_own_issuer() -> None:
    """A self-signed leaf is signed by its own key and is no authority."""
    made = self_signed("Client").certificate
    made.verify_directly_issued_by(made)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("kind", "made"), [("RSA 1024", rsa.RSAPrivateKey), ("Ed25519", ed25519.Ed25519PrivateKey)]
)
def test_keys_are_of_the_kind_that_was_named(kind: str, made: type) -> None:
    """A key is made by its name, as the kit writes it."""
    assert isinstance(new_key(kind), made)


def test_a_key_that_exists_is_used(issuing: Authority) -> None:
    """A renewal can keep its key."""
    key = new_key()
    first, second = issuing.client("Client", key=key), issuing.client("Client", key=key)
    assert first.certificate.public_key() == second.certificate.public_key() == key.public_key()


def test_what_cannot_be_made_is_said(issuing: Authority) -> None:
    """Unknown kinds of key and unknown usages are refused by name."""
    with pytest.raises(ValueError, match="no key of the kind 'DSA 1024'"):
        new_key("DSA 1024")
    with pytest.raises(ValueError, match="no key usage signEverything"):
        issuing.client("Client", ku=["signEverything"])


@pytest.mark.parametrize("password", [None, "open sesame"])
def test_pem_key_is_the_key(issuing: Authority, password: str | None) -> None:
    """The PEM key opens with its password alone and belongs to the certificate."""
    client = issuing.client("Client")
    key = load_pem_private_key(client.pem_key(password), password and password.encode())
    assert key.public_key() == client.certificate.public_key()
    if password:
        with pytest.raises(ValueError, match=r"password|decrypt"):
            load_pem_private_key(client.pem_key(password), b"guess")


@pytest.mark.needs("keytool")
@pytest.mark.parametrize("chain", [True, False])
def test_keytool_reads_the_store(
    issuing: Authority, tmp_path: Path, program: Callable[[str], str], *, chain: bool
) -> None:
    """Java's keytool finds the entry by its alias, with its chain or without."""
    store = write_private(
        tmp_path / "client.p12", issuing.client("Client").p12("changeit", "acme", chain=chain)
    )
    done = subprocess.run(
        [program("keytool"), "-list", "-v", "-keystore", store, "-storepass:env", "WORD"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"WORD": "changeit", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    assert "Alias name: acme" in done.stdout
    assert "PrivateKeyEntry" in done.stdout
    assert f"Certificate chain length: {2 if chain else 1}" in done.stdout


def test_store_holds_what_it_should(issuing: Authority) -> None:
    """A PKCS#12 store holds the leaf, its key, and its issuers unless told otherwise."""
    client = issuing.client("Client")
    whole = pkcs12.load_pkcs12(client.p12("secret"), b"secret")
    bare = pkcs12.load_pkcs12(client.p12("secret", chain=False), b"secret")
    assert whole.cert.certificate == bare.cert.certificate == client.certificate
    assert [one.certificate for one in whole.additional_certs] == [issuing.certificate]
    assert bare.additional_certs == []


def test_files_hold_chain_leaf_and_key(issuing: Authority) -> None:
    """The usual PEM files hold two certificates, one, and a key."""
    held = issuing.client("Client").files
    assert {name: data.count(b"BEGIN CERTIFICATE") for name, data in held.items()} == {
        "chain.pem": 2, "leaf.pem": 1, "key.pem": 0,
    }  # fmt: skip
    assert b"BEGIN PRIVATE KEY" in held["key.pem"]


def test_key_stays_out_of_sight(issuing: Authority) -> None:
    """No repr of an identity or authority shows its key."""
    assert "key" not in repr(issuing)
    assert "key" not in repr(issuing.client("Client"))


def test_written_file_is_its_owners_alone(tmp_path: Path) -> None:
    """A file with a key is readable by its owner only, also if it was there before."""
    path = write_private(tmp_path / "key.pem", b"long secret")
    write_private(path, b"secret")
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
