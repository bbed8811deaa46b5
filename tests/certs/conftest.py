"""Certificates made by the lab, key stores made by the real keytool and openssl, and a forger.

The stores are made once a session: keytool takes half a second for each step.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs import asn1
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.entries import Store
from mtlskit.certs.keystore import open_store
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Blob, Source

STORE_PASSWORD = "store-pass"
KEY_PASSWORD = "other-pass"


@dataclass(frozen=True)
class Cast:
    """A root, an intermediate, and two leaves of it."""

    root: Authority
    issuing: Authority
    client: Issued
    second: Issued


@pytest.fixture(scope="session")
def cast() -> Cast:
    root = Authority.root("CN=Acme Root CA, O=Acme, C=DE")
    issuing = root.intermediate("CN=Acme Issuing CA, O=Acme, C=DE")
    client = issuing.client("CN=Acme Client, O=Acme, C=DE", san=["client.example", "192.0.2.7"])
    second = issuing.client("CN=Acme Second, O=Acme, C=DE", key="RSA 2048")
    return Cast(root, issuing, client, second)


class Maker:
    """What the tests of this room make again and again."""

    @staticmethod
    def facts(made: Issued | x509.Certificate | bytes, name: str = "x.der") -> Certificate:
        """Read a certificate, however it was made."""
        if isinstance(made, Issued):
            made = made.der
        if isinstance(made, x509.Certificate):
            made = made.public_bytes(Encoding.DER)
        return read_certificate(made, Source(name))

    @staticmethod
    def opened(data: bytes | Path, *passwords: str) -> Store:
        """Open a store from bytes or from a file."""
        name = "file"
        if isinstance(data, Path):
            name, data = data.name, data.read_bytes()
        return open_store(Blob(Source(name), data), passwords)

    @staticmethod
    def codes(store: Store) -> list[str]:
        """The codes of a store's problems."""
        return [problem.code for problem in store.problems]

    @staticmethod
    def forged(certificate: bytes, issuer: Issued, edit: Callable[[bytes], bytes]) -> bytes:
        """Edit the contents of the TBSCertificate and sign it anew (ECDSA with SHA-256)."""
        outer = asn1.expect(certificate, 0, len(certificate), asn1.SEQUENCE)
        (_, start, stop), (_, _, algorithm_stop), _ = asn1.children(certificate, *outer)
        tbs = asn1.encode(asn1.SEQUENCE, edit(certificate[start:stop]))
        assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
        signature = b"\0" + issuer.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
        algorithm = certificate[stop:algorithm_stop]
        return asn1.encode(asn1.SEQUENCE, tbs + algorithm + asn1.encode(asn1.BIT_STRING, signature))

    @staticmethod
    def unknown(oid: str, value: bytes, *, critical: bool = False) -> dict[str, Any]:
        """A part for the lab's certificates that adds any extension at all."""
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        return {"extra": [(unknown, critical)]}

    @staticmethod
    def run(*command: str, cwd: Path | None = None) -> str:
        """Run a program that must succeed; give what it prints."""
        done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, (done.stderr + done.stdout).decode(errors="replace")
        return done.stdout.decode("utf-8", "surrogateescape")


@pytest.fixture(scope="session")
def make() -> Maker:
    return Maker()


@pytest.fixture(scope="session")
def files(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM files of the cast, for the programs to read."""
    folder = tmp_path_factory.mktemp("pem")
    for name, one in (("root", cast.root), ("issuing", cast.issuing), ("client", cast.client)):
        (folder / f"{name}.pem").write_bytes(one.pem_chain(chain=False))
        (folder / f"{name}.key").write_bytes(one.pem_key())
    (folder / "second.pem").write_bytes(cast.second.pem_chain(chain=False))
    (folder / "second.key").write_bytes(cast.second.pem_key())
    (folder / "chain.pem").write_bytes(cast.client.pem_chain() + cast.root.pem_chain(chain=False))
    return folder


@pytest.fixture(scope="session")
def keytool_stores(make: Maker, cast: Cast, files: Path, program: Callable[[str], str]) -> Path:
    """Stores named after their format: keys "client" and "zweite ü", the root trusted.

    In JKS and JCEKS the key of "zweite ü" has another password than the store.
    """
    folder = files / "keytool"
    folder.mkdir()
    (folder / "one.p12").write_bytes(cast.client.p12(STORE_PASSWORD, "client"))
    (folder / "two.p12").write_bytes(cast.second.p12(STORE_PASSWORD, "zweite ü"))
    keytool = (program("keytool"), "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
    word = ("-srcstorepass", STORE_PASSWORD, "-deststorepass", STORE_PASSWORD)
    first = ("-destkeystore", "store.PKCS12", "-deststoretype", "PKCS12", *word)
    for source in ("one.p12", "two.p12"):
        make.run(*keytool, "-importkeystore", "-srckeystore", source, *first, cwd=folder)
    make.run(
        *(*keytool, "-importcert", "-noprompt", "-alias", "anchor"),
        *("-file", str(files / "root.pem"), "-keystore", "store.PKCS12"),
        *("-storetype", "PKCS12", "-storepass", STORE_PASSWORD),
        cwd=folder,
    )
    for kind in ("JKS", "JCEKS"):
        target = ("-destkeystore", f"store.{kind}", "-deststoretype", kind, *word)
        make.run(*keytool, "-importkeystore", "-srckeystore", "store.PKCS12", *target, cwd=folder)
        make.run(
            *(*keytool, "-keypasswd", "-alias", "zweite ü", "-keystore", f"store.{kind}"),
            *("-storetype", kind, "-storepass", STORE_PASSWORD),
            *("-keypass", STORE_PASSWORD, "-new", KEY_PASSWORD),
            cwd=folder,
        )
    return folder
