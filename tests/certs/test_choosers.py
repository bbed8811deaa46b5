"""Which identity a client library sends: the table against real key managers."""

import base64
import random
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mtlskit.certs.choosers import choose, choosers
from mtlskit.certs.keystore import Store, open_store
from mtlskit.certs.offers import QUESTIONS, Wanted
from mtlskit.collect.files import read_blob
from mtlskit.lab.pki import Authority

NOW = datetime.now(UTC)
PROGRAM = Path(__file__).with_name("KeyManagers.java")
WORDS = ("partner", "acme", "saml-sp", "prod", "test", "old", "new", "mtls", "x", "client-2027")
SCHEMES = {"EC": "ecdsa_secp256r1_sha256", "RSA": "rsa_pss_rsae_sha256"}


@dataclass
class World:
    """A store of made-up identities, and a request."""

    folder: Path
    type: str
    aliases: list[str]
    wanted: Wanted

    @property
    def line(self) -> str:
        """How the Java program is asked."""
        kinds = ",".join(
            kind for one in self.wanted.schemes for kind, name in SCHEMES.items() if name == one
        )
        issuers = ",".join(base64.b64encode(one).decode() for one in self.wanted.authorities)
        return f"{self.folder} {self.type} {','.join(self.aliases)} {kinds} {issuers or '-'}"

    @property
    def store(self) -> Store:
        """The store as this kit reads it."""
        return open_store(read_blob(self.folder / f"store.{self.type.lower()}"), ("changeit",))


@pytest.fixture(scope="module")
def authorities() -> list[Authority]:
    """Three CAs; the third's certificates come through an intermediate."""
    first, second, root = (Authority.root(f"CN=Root {number}, O=Made up") for number in "ABC")
    return [first, second, root.intermediate("CN=Issuing C, O=Made up")]


def world(folder: Path, number: int, authorities: list[Authority]) -> World:
    """Make identities of every kind under random aliases."""
    dice = random.Random(number)  # noqa: S311 - worlds, not keys
    folder.mkdir()
    names = [f"{dice.choice(WORDS)}{dice.randrange(100)}" for _ in range(dice.randrange(1, 15))]
    aliases = list(dict.fromkeys(names))
    for alias in aliases:
        kind = dice.choice(("EC", "EC", "RSA"))
        issued = dice.choice(authorities).client(
            f"CN={alias}",
            key="EC P-256" if kind == "EC" else "RSA 2048",
            not_after=NOW + timedelta(days=dice.choice((-1, 9, 9))),
            not_before=NOW - timedelta(days=5),
            eku=dice.choice((["clientAuth"], ["serverAuth"], None)),
        )
        whole = (issued.certificate, *issued.chain)
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in whole)
        (folder / f"{alias}.pem").write_bytes(pem)
        key = issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{alias}.p8").write_bytes(key)
        (folder / f"{alias}.kind").write_text(kind)
    listed = dice.sample(authorities, dice.randrange(4))
    schemes = dice.choice((("EC", "RSA"), ("RSA", "EC"), ("EC",)))
    wanted = Wanted(
        tuple(one.certificate.subject.public_bytes() for one in listed),
        tuple(SCHEMES[one] for one in schemes),
        tls="1.3",
    )
    return World(folder, dice.choice(("JKS", "PKCS12")), aliases, wanted)


@pytest.mark.needs("java")
def test_java_sends_what_the_table_says(tmp_path: Path, authorities: list[Authority]) -> None:
    """In forty stores, both key managers of a real JVM choose the alias that was foretold."""
    worlds = [world(tmp_path / f"w{number}", number, authorities) for number in range(40)]
    asked = "\n".join(one.line for one in worlds) + "\n"
    told = subprocess.run(
        ("java", str(PROGRAM)),
        input=asked,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    wrong = []
    for one, line in zip(worlds, told.stdout.splitlines(), strict=True):
        for library, alias in zip(("jsse-sunx509", "jsse-pkix"), line.split(), strict=True):
            store = one.store
            choice = choose(library, store.identities, wanted=one.wanted, at=NOW, store=store)
            ours = choice.chosen.identity.alias if choice.chosen else "-"
            if ours != alias:
                wrong.append((one.line, library, ours, alias))
    assert not wrong


def test_the_table_uses_its_own_words_only() -> None:
    """Every switch of every library has a value that the code knows."""
    for one in choosers().values():
        assert one.reads in {"store", "list", "one"}
        assert one.order in {"given", "store", "hash-map"}
        assert set(one.filters) | set(one.preferences) <= set(QUESTIONS)
        assert one.source
