"""Stores beside each other: what both hold, what differs, what renews what, what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.compare import Comparison, compare
from mtlskit.certs.entries import Entry, Store
from mtlskit.certs.keystore import open_store
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source
from mtlskit.page.plain import plain
from mtlskit.page.text import brief, text

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Cast, Maker

NOW = datetime.now(UTC)


def store(name: str, data: bytes, *passwords: str) -> Store:
    return open_store(Blob(Source(name), data), passwords)


def named(held: Store, *aliases: str) -> Store:
    """The store with these aliases, in the order of its entries."""
    pairs = zip(held.entries, aliases, strict=True)
    return replace(held, entries=tuple(replace(one, alias=alias) for one, alias in pairs))


def test_what_both_hold_and_what_one_lacks(cast: Cast) -> None:
    """Certificates are told apart by their bytes, chain members count."""
    found = compare(
        (store("a.p12", cast.client.p12("x"), "x"), store("b.pem", cast.second.pem_chain()))
    )
    assert [one.label for one in found.common] == ["Acme Issuing CA"]
    assert not found.same
    where = {one.certificate.label: tuple(map(bool, one.places)) for one in found.held}
    assert where["Acme Client"] == (True, False)
    assert where["Acme Second"] == (False, True)


def test_the_same_in_other_formats_is_the_same(cast: Cast) -> None:
    """A PKCS#12 store and a PEM file of the same certificates do not differ."""
    found = compare(
        (store("a.p12", cast.client.p12("x"), "x"), store("b.pem", cast.client.pem_chain()))
    )
    assert found.same
    assert found.differences == found.missing == found.renewals == ()
    assert "Every store holds the same certificates" in str(found)


def test_an_intermediate_that_stands_only_in_the_other_is_missing(cast: Cast) -> None:
    """Which one, where it stands, and for whom it is needed; the root beside it."""
    alone = store("alone.pem", cast.client.pem_chain(chain=False))
    trust = store("trust.pem", cast.issuing.pem_chain() + cast.root.pem_chain(chain=False))
    found = compare((alone, trust))
    told = [
        (one.kind, one.issuer.label, str(one.lacking), one.needed_by.label) for one in found.missing
    ]
    assert told == [
        ("intermediate", "Acme Issuing CA", "alone.pem", "Acme Client"),
        ("root", "Acme Root CA", "alone.pem", "Acme Issuing CA"),
    ]
    assert "alone.pem lacks the intermediate Acme Issuing CA" in str(found)


def test_a_namesake_of_the_issuer_is_not_the_missing_one(cast: Cast) -> None:
    """A CA re-created under the old name did not issue it."""
    other = Authority.root("CN=Acme Issuing CA, O=Acme, C=DE")
    alone = store("alone.pem", cast.client.pem_chain(chain=False))
    assert compare((alone, store("other.pem", other.pem_chain()))).missing == ()


@pytest.mark.parametrize("again", [True, False], ids=["same key", "new key"])
def test_a_renewal_is_told_with_what_it_kept(cast: Cast, *, again: bool) -> None:
    """The newer one is the one that begins later, whichever store is named first."""
    name = "CN=Renewed, O=Acme"
    old = cast.issuing.client(name, not_before=NOW - timedelta(300))
    new = cast.issuing.client(name, **({"key": old.key} if again else {}))
    found = compare((store("new", new.pem_chain()), store("old", old.pem_chain())))
    (one,) = found.renewals
    assert (one.older.source.name, one.newer.source.name) == ("old", "new")
    assert (one.same_subject, one.same_key) == (True, again)
    kept = "same" if again else "new"
    assert f"same subject and issuer, {kept} key" in " ".join(str(found).split())


def test_the_same_subject_from_another_issuer_is_no_renewal(cast: Cast) -> None:
    """Neither the key nor the issuer is the same, so that nothing was renewed."""
    old = cast.issuing.client("CN=Twice", not_before=NOW - timedelta(300))
    new = cast.root.client("CN=Twice")
    found = compare((store("a", old.pem_chain()), store("b", new.pem_chain())))
    assert found.renewals == ()
    assert [one.alike for one in found.differences] == ["subject"]


def test_the_same_key_from_another_issuer_is_a_renewal(cast: Cast) -> None:
    """The key alone is enough, and the page says that the issuer is another one."""
    old = cast.issuing.client("CN=Moved", not_before=NOW - timedelta(300))
    new = cast.root.client("CN=Moved", key=old.key)
    found = compare((store("a", old.pem_chain()), store("b", new.pem_chain())))
    assert "same subject, other issuer, same key" in " ".join(str(found).split())


def test_the_same_key_under_another_name_is_told(cast: Cast) -> None:
    """A new subject is a frequent reason for a refusal after a renewal."""
    old = cast.issuing.client("CN=before", not_before=NOW - timedelta(300))
    new = cast.issuing.client("CN=after", key=old.key)
    (one,) = compare((store("a", old.pem_chain()), store("b", new.pem_chain()))).renewals
    assert (one.same_key, one.same_subject) == (True, False)


def test_the_same_alias_on_another_certificate_is_a_difference(cast: Cast, make: Maker) -> None:
    """Java does not regard case; both sides of each field are told."""
    first = named(make.opened(cast.client.pem_chain(chain=False)), "Client")
    second = named(make.opened(cast.second.pem_chain(chain=False)), "client")
    (one,) = compare((first, second)).differences
    fields = {name: (mine, theirs) for name, mine, theirs in one.fields}
    assert (one.alike, one.name) == ("alias", "Client")
    assert fields["key"] == ("EC P-256", "RSA 2048")
    assert "issuer" not in fields
    assert "client.example" in fields["alternative names"][0]


def test_the_first_look_names_every_difference(cast: Cast, make: Maker) -> None:
    """Folded are both sides of it; what differs is not."""
    first = named(make.opened(cast.client.pem_chain(chain=False)), "client")
    second = named(make.opened(cast.second.pem_chain(chain=False)), "client")
    short = " ".join(text(brief(compare((first, second)).page(), "Left out:")).split())
    assert "Same alias client, other subject, serial number, " in short
    assert "key (EC P-256 against RSA 2048)" in short
    assert "Both sides" not in short


def test_duplicates_within_one_store(cast: Cast) -> None:
    """The same certificate twice in a file is told with both places."""
    twice = store("twice.pem", cast.client.pem_chain(chain=False) * 2)
    (one,) = compare((twice,)).duplicates
    assert one.certificate.label == "Acme Client"
    assert len(one.sources) == 2


def test_names_that_some_programs_do_not_find(cast: Cast, make: Maker) -> None:
    """Upper case, odd characters, and aliases that Java takes for one."""
    whole = cast.client.pem_chain() + cast.root.pem_chain(chain=False)
    held = named(store("Äcme Keys.p12", whole), "acme", "ACME", "my key")
    told = [(one.what, one.name, one.because) for one in compare((held,)).odd_names]
    assert told[0][:2] == ("file", "Äcme Keys.p12")
    assert "upper case, a blank, the letter Ä;" in told[0][2]
    assert "differs from acme in case alone" in told[1][2]
    assert "a blank" in told[2][2]
    plain_ones = named(make.opened(cast.client.pem_chain(chain=False)), "client-2026.v1")
    assert [one.name for one in compare((plain_ones,)).odd_names if one.what == "alias"] == []


def test_what_could_not_be_read_is_told(cast: Cast) -> None:
    """A locked store beside an open one: the page says so, and does not call them the same."""
    locked = store("locked.p12", cast.client.p12("x"))
    found = Comparison((locked, store("b", cast.client.pem_chain())), locked.problems)
    assert not found.same
    assert found.known == (False, True)
    shown = " ".join(str(found).split())
    assert "What stands in locked.p12 is not known" in shown
    assert "[not known]" in shown
    assert "not known: locked.p12 could not be opened." in shown
    told: dict[str, Any] = found.plain()
    assert [one["in"][0] for one in told["certificates"]] == [None, None]
    assert found.missing == ()


@pytest.mark.needs("keytool")
def test_a_java_store_shows_its_certificates_without_a_password(
    cast: Cast, keytool_stores: Path, make: Maker
) -> None:
    """In a JKS only keys are sealed, so that a certificate that is not seen is not there."""
    locked = make.opened(keytool_stores / "store.JKS")
    found = compare((locked, store("b", cast.client.pem_chain())))
    assert found.known == (True, True)
    assert any(any(one.locked) for one in found.keys)
    assert "[locked]" in str(found)


def test_private_keys_have_a_row_of_their_own(cast: Cast) -> None:
    """The key of the same identity stands in one store, and another key in the other."""
    whole = store("whole.p12", cast.client.p12("p"), "p")
    bare = store("bare.pem", cast.client.pem_chain())
    other = store("other.pem", cast.second.pem_chain() + cast.second.pem_key())
    found = compare((whole, bare, other))
    held = {one.label: [bool(place) for place in one.places] for one in found.keys}
    assert held == {"Acme Client": [True, False, False], "Acme Second": [False, False, True]}
    assert not found.same_keys
    assert "private key of Acme Client" in " ".join(str(found).split())
    assert "other.pem, block 3" in str(found.plain()["keys"])
    twice = compare((whole, store("again.p12", cast.client.p12("q"), "q")))
    assert (twice.same, twice.same_keys) == (True, True)


def test_every_face_tells_the_same_and_no_secret(cast: Cast) -> None:
    """JSON, text and HTML; hostile names are harmless."""
    bad = cast.root.client(r"CN=\<script\>alert(1)\</script\>")
    found = compare(
        (store("a", cast.client.pem_chain() + cast.client.pem_key()), store("b", bad.pem_chain()))
    )
    told = json.loads(json.dumps(plain(found)))
    assert set(told) >= {"same", "certificates", "differences", "renewals", "missing"}
    assert "<script" not in found._repr_html_()
    assert "PRIVATE" not in str(found) + json.dumps(told)
    assert "Looked for and not found" in str(found)


@pytest.mark.needs("module:pandas")
def test_the_frame_has_a_column_for_each_store(cast: Cast) -> None:
    """Yes or no for each certificate; stores of one name are told apart."""
    stores = [
        store("in/a.pem", cast.client.pem_chain()),
        store("out/a.pem", cast.second.pem_chain()),
    ]
    frame = compare(stores).frame()
    assert list(frame.columns)[-2:] == ["in/a.pem", "out/a.pem"]
    assert frame["in/a.pem"].sum() == 2


def test_nothing_to_compare_is_said(cast: Cast) -> None:
    """No store, one store, an empty one: a page all the same."""
    assert "No store was given" in str(compare(()))
    assert "Not known." in str(compare((store("e", b""), store("f", b"x"))))
    assert "no certificate" in str(compare((Store(Source("e"), "pem"),)))
    assert compare((store("one", cast.client.pem_chain()),)).same


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=12))
def test_any_aliases_and_file_names_are_told(aliases: list[str], file: str) -> None:
    """Each alias is odd at most once, and the page stands."""
    entries = tuple(Entry(Source(file), alias, "trusted") for alias in aliases)
    found = compare((Store(Source(file), "jks", entries), Store(Source(file), "jks", entries)))
    assert len([one for one in found.odd_names if one.what == "alias"]) <= 2 * len(aliases)
    assert str(found)
    assert found._repr_html_()
