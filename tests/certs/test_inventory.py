"""An inventory tells what is there, in a page, a frame and JSON, and nothing that is secret."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mtlskit.certs.inventory import Inventory
from mtlskit.certs.inventory_told import FIRST, ROWS_SHOWN
from mtlskit.certs.keystore import open_store
from mtlskit.lab.pki import pem
from mtlskit.material import Blob, Problem, Source
from mtlskit.page.markdown import markdown
from mtlskit.page.plain import plain
from mtlskit.page.text import brief, text

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)


@pytest.fixture
def inventory(make: Maker, cast: Cast) -> Inventory:
    stores = (
        make.opened(cast.client.pem_chain() + cast.client.pem_key()),
        make.opened(cast.second.p12("word"), "word"),
        make.opened(b"nonsense"),
    )
    return Inventory(stores, at=NOW)


def test_one_row_an_entry(inventory: Inventory) -> None:
    """Every entry has a row with its facts, whether its key fits, and how far its chain goes."""
    first, issuer, second, _ = inventory.rows
    assert (first.kind, first.has_key, first.key_matches) == ("identity", True, True)
    assert first.san == ("dns:client.example", "ip:192.0.2.7")
    assert (first.chain_to, first.chain_complete) == ("Acme Issuing CA", False)
    assert (issuer.kind, issuer.ca, issuer.has_key) == ("certificate", True, False)
    assert (second.format, second.key) == ("pkcs12", "RSA 2048")
    assert first.days_left is not None
    assert 80 < first.days_left < 91
    assert len(inventory.identities) == 2
    assert len(inventory.certificates) == 3


def test_a_chain_with_its_root_is_complete(make: Maker, cast: Cast) -> None:
    """The last issuer is told, and that it is a root."""
    whole = cast.client.pem_chain() + cast.root.pem_chain(chain=False)
    (first, *_) = Inventory((make.opened(whole),)).rows
    assert (first.chain_to, first.chain_complete) == ("Acme Root CA", True)
    assert first.days_left is None


def test_problems_of_all_kinds_stand_together_once(make: Maker, cast: Cast) -> None:
    """Those of files, stores, certificates and identities, none twice."""
    odd = cast.root.client("CN=odd", san=None, **make.unknown("2.5.29.17", b"\x30\x05"))
    stores = (make.opened(odd.pem_chain(chain=False)), make.opened(b"nonsense"))
    given = Problem("missing", "There is no file x.", Source("x"))
    found = Inventory(stores, (given, given)).problems
    assert [one.code for one in found] == ["missing", "not-recognised", "malformed"]


def test_a_certificate_without_a_key_is_no_problem_but_is_told(make: Maker, cast: Cast) -> None:
    """A lone certificate may be somebody else's; the page says that its key is not there."""
    inventory = Inventory((make.opened(cast.client.pem_chain()),))
    assert inventory.problems == ()
    assert "No private key for Acme Client" in str(inventory)
    whole = make.opened(cast.client.pem_chain() + cast.client.pem_key())
    assert "No private key" not in str(Inventory((whole,)))


def test_no_face_of_it_shows_a_secret(inventory: Inventory, cast: Cast) -> None:
    """Text, HTML, Markdown and JSON have no byte of a key and no password."""
    raw = cast.client.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secret = cast.client.key.private_numbers().private_value
    faces = [
        str(inventory),
        inventory._repr_html_(),
        markdown(inventory.page()),
        json.dumps(plain(inventory)),
    ]
    for face in faces:
        assert "Acme Client" in face
        assert raw.hex()[60:120] not in face
        assert str(secret) not in face
        assert f"{secret:x}" not in face


def test_the_page_marks_what_is_over_or_soon(make: Maker, cast: Cast) -> None:
    """Expired and nearly expired certificates are marked in words."""
    late = cast.root.client("CN=late", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    soon = cast.root.client("CN=soon", not_after=NOW + timedelta(days=5, hours=1))
    text = markdown(Inventory((make.opened(late.pem_chain() + soon.pem_chain()),), at=NOW).page())
    assert "expired" in text
    assert "5 days left" in text
    assert "expired" not in str(Inventory((make.opened(late.pem_chain()),)))


def test_hostile_names_are_shown_harmless(make: Maker, cast: Cast) -> None:
    """HTML in a name is text on the page, and hidden characters are escapes."""
    bad = cast.root.client(r"CN=\<script\>alert(1)\</script\>", san=["x.example"])
    html = Inventory((make.opened(bad.pem_chain()),))._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_long_store_is_cut_on_the_page_only(make: Maker, cast: Cast) -> None:
    """The page says how many more there are; the rows have all."""
    store = make.opened(pem([cast.root.certificate] * (ROWS_SHOWN + 7)))
    inventory = Inventory((store,))
    assert len(inventory.rows) == ROWS_SHOWN + 7
    assert "7 more entries are in .frame()" in str(inventory)


def test_nothing_given_is_said(make: Maker) -> None:
    """An inventory of nothing is a page, and so is one of an empty store."""
    assert "No file was given" in str(Inventory())
    assert "Nothing could be read" in str(Inventory((make.opened(b""),)))


@pytest.mark.needs("module:pandas")
def test_the_frame_has_a_column_for_each_fact(inventory: Inventory) -> None:
    """One row an entry, one column a fact, dates as dates."""
    frame = inventory.frame()
    assert len(frame) == len(inventory.rows)
    assert {"subject", "sha256", "key_matches", "days_left", "problems"} <= set(frame.columns)
    assert str(frame["not_after"].dtype).startswith("datetime64")


def test_without_pandas_one_line_says_what_to_install() -> None:
    """The extra is asked for when it is needed, in one line, and never at import."""
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from mtlskit.certs.inventory import Inventory\n"
        "try:\n    Inventory().frame()\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout.strip()
        == "Frames need pandas. Install it with: pip install 'mtlskit[notebook]'"
    )


def test_a_certificate_and_its_key_in_two_files_are_confirmed(cast: Cast) -> None:
    """Either row names the other's place, and the page says that they belong together."""
    whose = open_store(Blob(Source("a.crt"), cast.client.pem_chain(chain=False)))
    key = open_store(Blob(Source("a.key"), cast.client.pem_key()))
    held = Inventory((whose, key))
    first, second = held.rows
    assert (first.has_key, first.key_matches, first.key_source) == (True, True, "a.key, block 1")
    assert (second.key_matches, second.key_of) == (True, "a.crt, block 1")
    shown = " ".join(str(held).replace("|", " ").split())
    assert "The private key in a.key, block 1 belongs to Acme Client in a.crt, block 1." in shown


def test_a_key_in_another_file_that_does_not_fit_is_refuted(cast: Cast) -> None:
    """Both places are named there too."""
    whose = open_store(Blob(Source("a.crt"), cast.client.pem_chain(chain=False)))
    key = open_store(Blob(Source("b.key"), cast.second.pem_key()))
    held = Inventory((whose, key))
    assert (held.rows[0].key_matches, held.rows[0].key_source) == (False, "b.key, block 1")
    assert "belongs to" not in str(held)


def test_a_locked_key_is_locked_and_not_absent(make: Maker, cast: Cast) -> None:
    """In the row, in the JSON and on the page."""
    sealed = cast.client.pem_chain(chain=False) + cast.client.pem_key("word")
    held = Inventory((make.opened(sealed),))
    assert held.rows[0].has_key == "locked"
    told: dict[str, Any] = held.plain()
    assert told["entries"][0]["has_key"] == "locked"
    assert "[locked]" in str(held)


def test_that_nothing_ends_is_an_answer(make: Maker, cast: Cast) -> None:
    """It is said with the days; of files that were not read, nothing is promised."""
    good, bad = make.opened(cast.client.pem_chain()), make.opened(b"\xfe\xed\xfe\xed")
    at = datetime.now(UTC)
    assert "Nothing ends within 7 days." in str(Inventory((good,), at=at, within=7))
    held = Inventory((good, bad), at=at, within=7)
    assert "Of what could be read, nothing ends within 7 days." in str(held)
    assert held.unread == ("file",)
    assert "ends within" not in str(Inventory((good,), at=at, within=9999))


def test_a_request_alone_is_told_for_what_it_is(make: Maker, cast: Cast) -> None:
    """And beside certificates nothing is made of it."""
    name = x509.Name.from_rfc4514_string("CN=wanted")
    made = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = made.sign(cast.client.key, hashes.SHA256()).public_bytes(Encoding.PEM)
    said = "A request (CSR) for wanted, no certificate"
    assert said in str(Inventory((make.opened(request),)))
    assert said not in str(Inventory((make.opened(request + cast.client.pem_chain()),)))


def test_many_problems_are_folded(make: Maker) -> None:
    """The first few stand on top; the others are beneath, and none is lost on the page."""
    held = Inventory((make.opened(b"-----BEGIN CERTIFICATE-----\n" * 40),))
    assert len(held.problems) == 40
    whole, short = str(held), text(brief(held.page(), "Left out:"))
    assert short.count("is cut short") == FIRST
    assert f"and {40 - FIRST} more, beneath this" in short
    assert whole.count("is cut short") == 40 + FIRST
