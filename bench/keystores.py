"""What it costs to look into a JKS of 500 entries: every second one a key with its chain.

Peer: `keytool -list -v` of the same file. Whole processes, wall time. Ours opens every private key
with the password as well, to tell whether it belongs to its certificate; keytool does not.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from os import environ, urandom
from pathlib import Path
from time import perf_counter

import many
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from table import Row, alternate

from mtlskit.certs.asn1 import NULL, OCTET_STRING, OID, SEQUENCE, encode
from mtlskit.lab.pki import Authority, Issued

ROUNDS = 7
ENTRIES = 500
PASSWORD = "benchmark"  # noqa: S105 - of a store that is thrown away
_ROOT = Path(__file__).resolve().parent.parent
_PROTECTOR = bytes.fromhex("2b060104012a02110101")
"""1.3.6.1.4.1.42.2.17.1.1, the JDK's own way to seal a key in a JKS."""


def measure() -> list[Row]:
    """Compare; without keytool there is nothing to compare with."""
    if shutil.which("keytool") is None:
        raise SystemExit("keytool is not installed: there is no peer for this benchmark.")
    with tempfile.TemporaryDirectory() as folder:
        store, secret = Path(folder, "many.jks"), Path(folder, "password")
        store.write_bytes(_jks())
        secret.write_text(PASSWORD, "utf-8")
        ours = [sys.executable, "-m", "mtlskit", "inspect", str(store)]
        peer = ["keytool", "-list", "-v", "-keystore", str(store), "-storepass", PASSWORD]
        assert _told(peer).count("Alias name:") == ENTRIES
        return [
            _row("as text", [*ours, "--password-file", str(secret)], peer),
            _row("as JSON", [*ours, "--password-file", str(secret), "--json"], peer),
        ]


def _row(what: str, ours: list[str], peer: list[str]) -> Row:
    mine, theirs = alternate(ROUNDS, lambda: _run(ours), lambda: _run(peer))
    return Row(f"`inspect` of {ENTRIES} entries, {what}", "`keytool -list -v`", mine, theirs,
               f"{mine / theirs:.2f}x", "less than 1x", mine < theirs)  # fmt: skip


def _run(command: list[str]) -> float:
    start = perf_counter()
    _told(command)
    return perf_counter() - start


def _told(command: list[str]) -> str:
    environment = {**environ, "PYTHONPATH": str(_ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's installation is byte-compiled
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout, done.stderr
    return done.stdout


def _jks() -> bytes:
    """Write a store as the JDK does: entries, then a digest over the password and all of it."""
    root = Authority.root("CN=Bench Root")
    client = root.intermediate("CN=Bench Issuing").client("CN=Bench Client", key="RSA 2048")
    sealed = _sealed(client)
    sent = (client.certificate, *client.chain, root.certificate)
    chain = b"".join(_certificate(one.public_bytes(Encoding.DER)) for one in sent)
    entries = []
    for at, der in enumerate(many.ders(ENTRIES)):
        head = (at % 2 + 1).to_bytes(4, "big") + _text(f"entry-{at}") + bytes(8)
        key = _counted(sealed, 4) + len(sent).to_bytes(4, "big") + chain
        entries.append(head + (_certificate(der) if at % 2 else key))
    whole = b"\xfe\xed\xfe\xed\0\0\0\2" + ENTRIES.to_bytes(4, "big") + b"".join(entries)
    secret = PASSWORD.encode("utf-16-be")
    return whole + hashlib.sha1(secret + b"Mighty Aphrodite" + whole).digest()  # noqa: S324 - the format asks for it


def _sealed(issued: Issued) -> bytes:
    plain = issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secret, last = PASSWORD.encode("utf-16-be"), urandom(20)
    data, stream = last, b""
    while len(stream) < len(plain):
        last = hashlib.sha1(secret + last).digest()  # noqa: S324 - the JDK's own
        stream += last
    data += bytes(one ^ other for one, other in zip(plain, stream, strict=False))
    data += hashlib.sha1(secret + plain).digest()  # noqa: S324 - the format asks for it
    algorithm = encode(SEQUENCE, encode(OID, _PROTECTOR) + encode(NULL, b""))
    return encode(SEQUENCE, algorithm + encode(OCTET_STRING, data))


def _certificate(der: bytes) -> bytes:
    return _text("X.509") + _counted(der, 4)


def _text(text: str) -> bytes:
    return _counted(text.encode(), 2)


def _counted(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data
