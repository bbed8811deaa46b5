"""A CA's reply under another alias than its key, made by keytool, and pinned partners."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mtlskit.certs.inventory import Inventory
from mtlskit.lab.pki import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Cast, Maker

WORD = "changeit"


@pytest.fixture(scope="module", params=["PKCS12", "JKS"])
def apart(
    request: pytest.FixtureRequest,
    cast: Cast,
    make: Maker,
    program: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A key with its self-signed certificate, and beside it what a CA issued for the key."""
    folder = tmp_path_factory.mktemp("reply")
    root = Authority.root("CN=batch client")
    issued = cast.issuing.client("CN=batch client", key=root.key)
    (folder / "own.p12").write_bytes(root.p12(WORD, "mykey"))
    (folder / "reply.pem").write_bytes(issued.pem_chain(chain=False))
    keytool, kind = program("keytool"), request.param
    store = ("-storetype", kind, "-storepass", WORD)
    make.run(
        *(keytool, "-importkeystore", "-srckeystore", "own.p12", "-srcstorepass", WORD),
        *("-destkeystore", "store", "-deststoretype", kind, "-deststorepass", WORD),
        cwd=folder,
    )
    make.run(
        *(keytool, "-importcert", "-noprompt", "-alias", "signed", "-file", "reply.pem"),
        *("-keystore", "store", *store),
        cwd=folder,
    )
    make.run(
        *(keytool, "-importcert", "-noprompt", "-alias", "signed", "-file", "reply.pem"),
        *("-keystore", "lone", *store),
        cwd=folder,
    )
    return folder


@pytest.mark.needs("keytool")
def test_a_reply_beside_its_key_is_warned_of_by_name(apart: Path, make: Maker) -> None:
    """Both aliases, what is sent instead, and the command that mends it."""
    held = Inventory((make.opened(apart / "store", WORD),))
    (warning,) = (one for one in held.warnings if one.code == "reply-apart")
    for said in (
        'under alias "signed"',
        'under alias "mykey", with the self-signed certificate batch client',
        "keytool -importcert -alias mykey -file REPLY -keystore store.",
    ):
        assert said in warning.text
    assert held.notes == ()


@pytest.mark.needs("keytool")
def test_the_order_of_the_entries_does_not_matter(
    apart: Path, make: Maker, program: Callable[[str], str], tmp_path: Path
) -> None:
    """Where the reply comes first, the key still goes with its own certificate, as in Java."""
    given = ("-destkeystore", "turned", "-deststoretype", "PKCS12", "-deststorepass", WORD)
    for store in ("lone", "own.p12"):
        source = ("-srckeystore", str(apart / store), "-srcstorepass", WORD)
        make.run(program("keytool"), "-importkeystore", *source, *given, cwd=tmp_path)
    held = Inventory((make.opened(tmp_path / "turned", WORD),))
    (own,) = held.identities
    assert own.certificate.self_issued
    assert [one.code for one in held.warnings] == ["reply-apart"]


@pytest.mark.needs("keytool")
def test_a_clients_certificate_alone_among_the_trusted_is_noted(apart: Path, make: Maker) -> None:
    """It may be meant so, and is no warning; the note says what it may be."""
    held = Inventory((make.opened(apart / "lone", WORD),))
    (note,) = held.notes
    assert note.code == "no-key-with-it"
    assert "import it onto the alias of the key" in note.text
    assert "No private key with batch client" in str(held)
    assert [one for one in held.warnings if one.code == "reply-apart"] == []


@pytest.mark.needs("keytool")
def test_a_trust_store_of_cas_has_no_note(keytool_stores: Path, make: Maker) -> None:
    """A root among the trusted is what a trust store is for."""
    assert Inventory((make.opened(keytool_stores / "store.JKS", "store-pass"),)).notes == ()
