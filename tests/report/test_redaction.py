"""What is secret by its form is taken out, and no secret of a case is in any face of its report."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Literal

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

import mtlskit
from mtlskit.lab import scenes
from mtlskit.page.blocks import Page, Paragraph, Picture
from mtlskit.report.redaction import address, clean, clean_page

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (f"CLIENT_RANDOM {HEX} {HEX}", "[key log taken out]"),
        (f"x SERVER_TRAFFIC_SECRET_0 {HEX} {HEX} y", "x [key log taken out] y"),
        (f"CLIENT_HANDSHAKE_TRAFFIC_SECRET {HEX} {HEX}", "[key log taken out]"),
        (
            "a\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb",
            "a\n[private key taken out]\nb",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "[private key taken out]"),
        ("see https://me:pw@h.example/x", "see https://[taken out]@h.example/x"),
        (
            "-Djavax.net.ssl.keyStorePassword=geheim -x",
            "-Djavax.net.ssl.keyStorePassword=[taken out] -x",
        ),
        ("the password is wrong", "the password is wrong"),
        ("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"),
    ],
)
def test_the_form_of_a_secret_is_known(given: str, left: str) -> None:
    """Keys, key-log lines and passwords are replaced; everything else stays."""
    assert clean(given) == left


@pytest.mark.parametrize("piece", ["a.", "A_", "-----BEGIN ", "://", "pass", "CLIENT_RANDOM "])
def test_a_hostile_text_is_cleaned_in_no_time(piece: str) -> None:
    """No run of letters makes the search for secrets slow: it would not come back here."""
    assert clean(piece * 100_000)


def test_a_page_is_cleaned_everywhere() -> None:
    """Titles, text, words and drawings alike."""
    secret = f"CLIENT_RANDOM {HEX} {HEX}"
    page = Page(secret, (Paragraph(("a", secret)), Picture(f"<svg>{secret}</svg>", secret)))
    assert HEX not in repr(clean_page(page))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://u:p@h:1/a?b=c#d", "https://h:1/a"),
        ("https://h/a", "https://h/a"),
        ("no url?x", "no url"),
        ("https://[::1", "https://[::1"),
    ],
)
def test_an_address_is_told_without_what_may_be_secret(url: str, told: str) -> None:
    """User, query and fragment are left out."""
    assert address(url) == told


def _forms(secret: bytes) -> list[bytes]:
    """A secret's bytes as they might be written: raw, hex, and base64 at each offset."""
    inner = [b64encode(secret[skip:])[4:60] for skip in range(3)]
    return [secret, secret.hex().encode(), secret.hex(":").encode(), *inner]


def _secrets(staged: scenes.Staged) -> list[bytes]:
    password = (staged.password or "").encode()
    key, _, _ = pkcs12.load_key_and_certificates(staged.identity_files[0].data, password)
    assert key is not None
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    number = key.private_numbers().private_value
    scalar = number.to_bytes(32, "big")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    body = [line for line in pem.splitlines() if b"-----" not in line]
    stores = [form for one in staged.identity_files for form in _forms(one.data)[1:]]
    return [password, str(number).encode(), *body, *_forms(der), *_forms(scalar), *stores]


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_no_secret_is_in_any_face(tls: Literal["1.2", "1.3"], tmp_path: Path) -> None:
    """Neither key, password nor key log stands in a file, on a page or in a picture."""
    with scenes.stage("client.chain-incomplete", tls=tls) as staged:
        report = mtlskit.diagnose(
            staged.target,
            identity=staged.identity_files,
            trust=staged.trust_files,
            material=staged.material_files,
            password=staged.password,
            server_name=staged.server_name,
            timeout=5.0,
        )
    files = report.save(tmp_path / "r")
    shown = [str(report), repr(report), *report._repr_mimebundle_().values()]
    drawn = re.findall('base64,([^"]+)', report._repr_html_())
    assert drawn
    faces = [one.read_bytes() for one in files] + [one.encode() for one in shown]
    whole = b"\n".join([*faces, *map(b64decode, drawn), json.dumps(report.json()).encode()])
    found = [one for one in _secrets(staged) if one and one in whole]
    assert found == []
    assert not re.search(rb"CLIENT_RANDOM|_TRAFFIC_SECRET|PRIVATE KEY-----", whole)
