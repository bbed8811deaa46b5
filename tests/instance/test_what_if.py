"""What would be sent, what would change: worked out from exports, with real key stores in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.certs.keystore import Store, open_store
from mtlskit.certs.offers import Wanted
from mtlskit.instance import changes
from mtlskit.instance.changes import Change, changed, present
from mtlskit.instance.exports import read_export
from mtlskit.instance.offering import offering, opened_once
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.instance.whatif import what_if
from mtlskit.lab import exports as lab
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Unreadable

WORD = "made-up-word"
NOW = datetime.now(UTC)
URL = lab.WORLDS["broken"].url


@pytest.fixture(scope="module")
def partner() -> Authority:
    """The authority that the partner's endpoint accepts."""
    return Authority.root("CN=Partner CA,O=Partner")


@pytest.fixture(scope="module")
def files(partner: Authority) -> Mapping[str, bytes]:
    """The key stores of the made-up instance: the partner's, and two of other authorities."""
    other = Authority.root("CN=Other CA,O=Other")
    return {
        "partner.jks": partner.client("CN=orders.northwind.example").p12(WORD, "orders"),
        "samlkeystore.jks": other.client("CN=saml.northwind.example").p12(WORD, "saml"),
        "partnertest.jks": other.client("CN=test.northwind.example").p12(WORD, "trial"),
    }


@pytest.fixture(scope="module")
def wanted(partner: Authority) -> Wanted:
    """A request that lists the partner's authority alone."""
    return Wanted((partner.certificate.subject.public_bytes(),), tls="1.2")


def read(world: lab.World, files: Mapping[str, bytes] = MappingProxyType({})) -> Settings:
    """Read a made-up instance with these files attached."""
    data = lab.as_unload(world.carrying(files).records)
    return settings_from([read_export(Blob(Source("a.xml"), data))])


BROKEN, HEALTHY = lab.WORLDS["broken"], lab.WORLDS["healthy"]


def test_one_key_store_sends_the_certificate_that_the_server_lists(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """With one store, opened, it is certain which certificate JSSE sends."""
    told = offering(read(HEALTHY, files), URL, wanted=wanted, at=NOW, passwords=(WORD,))
    assert told.certain
    assert [one.label for one in told.sends] == ["orders"]
    assert told.answer == "The certificate orders of Partner Client Keystore would be sent."


def test_several_key_stores_leave_it_open_and_each_says_what_it_would_send(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """The order of the records decides, which nobody here knows; foreign issuers are withheld."""
    told = offering(read(BROKEN, files), URL, wanted=wanted, at=NOW, passwords=(WORD,))
    assert not told.certain
    assert [one.record.name for one in told.stores or ()] == list(STORES)
    sent = {one.record.name: one.sends.label if one.sends else None for one in told.stores or ()}
    assert sent == {STORES[0]: None, STORES[1]: "orders", STORES[2]: None}
    assert {one.label for one in told.identities} == {"orders", "saml", "trial"}
    assert "the order in which the instance loads them" in str(told).replace("\n", " ")


STORES = ("SAML 2.0 SP Keystore", "Partner Client Keystore", "Partner Test Keystore")


def test_what_is_sent_names_the_store_and_every_outcome_there_can_be(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """Before it may be one or none, by the order; after, one. An alias alone names nothing."""
    settings = read(BROKEN, files)
    told = what_if(settings, EMPTIED, URL, wanted=wanted, at=NOW, passwords=(WORD,))
    (sent,) = (one for one in told.differences if one.what == "Certificate sent")
    one = f"orders of {STORES[1]}"
    assert (sent.before, sent.after) == (f"{one}, or none: it depends on the order", one)
    shut = dict(offering(settings, URL).facts())["Certificate sent"]
    assert shut == "not known: no key store's file was given that opens"
    nobody = Wanted((Authority.root("CN=Nobody").certificate.subject.public_bytes(),), tls="1.2")
    none = offering(settings, URL, wanted=nobody, at=NOW, passwords=(WORD,))
    assert dict(none.facts())["Certificate sent"] == "none"


def test_one_store_that_stays_shut_is_told_beside_those_that_are_known(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """What is not known is not left out of the outcomes."""
    other = Authority.root("CN=Other").client("CN=saml").p12("another-word", "saml")
    mixed = read(BROKEN, {**files, "samlkeystore.jks": other})
    told = dict(offering(mixed, URL, wanted=wanted, at=NOW, passwords=(WORD,)).facts())
    assert told["Certificate sent"] == (
        f"something not known of {STORES[0]}, or orders of {STORES[1]}, or none: "
        "it depends on the order"
    )


def test_a_key_store_is_opened_once_within_a_question(
    files: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file and passwords are not opened again; afterwards nothing is kept."""
    opened: list[str] = []

    def counting(blob: Blob, passwords: Sequence[str] = ()) -> Store:
        opened.append(blob.source.name)
        return open_store(blob, passwords)

    monkeypatch.setattr("mtlskit.instance.offering.open_store", counting)
    settings = read(BROKEN, files)
    with opened_once():
        for _ in range(3):
            offering(settings, URL, passwords=(WORD,))
    assert len(opened) == len(files)
    offering(settings, URL, passwords=(WORD,))
    assert len(opened) == 2 * len(files)


def test_without_a_request_the_first_identity_is_sent(files: Mapping[str, bytes]) -> None:
    """A server that lists nothing gets whatever the store holds."""
    told = offering(read(HEALTHY, files), URL, at=NOW, passwords=(WORD,))
    assert [one.label for one in told.sends] == ["orders"]


def test_a_locked_store_says_that_the_records_own_password_is_of_no_use(
    files: Mapping[str, bytes],
) -> None:
    """The password field is encrypted by the instance; it is asked for instead of guessed."""
    told = offering(read(HEALTHY, files), URL)
    assert told.sends == ()
    assert not told.certain
    assert "encrypted" in told.answer


def test_a_key_store_given_as_a_file_stands_for_its_attachment(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """Exports that name the file alone are completed by the file itself."""
    store = open_store(Blob(Source("Partner.JKS"), files["partner.jks"]), (WORD,))
    told = offering(read(HEALTHY), URL, wanted=wanted, at=NOW, stores=(store,))
    assert [one.label for one in told.sends] == ["orders"]
    none = offering(read(HEALTHY), URL, wanted=wanted, at=NOW)
    assert "was not given" in none.answer


def test_a_scheme_without_certificates_sends_none() -> None:
    """The built-in https offers nothing."""
    told = offering(read(HEALTHY), "https://partner.example.com/")
    assert told.certain
    assert dict(told.facts())["Certificate sent"] == "none"


EMPTIED = (changes.emptied(lab.CLASS), changes.emptied(lab.PORT))


def test_emptying_the_properties_lets_the_profile_count(
    files: Mapping[str, bytes], wanted: Wanted
) -> None:
    """The article's remedy, on paper: one key store, the right port, one certificate."""
    settings = read(BROKEN, files)
    told = what_if(settings, EMPTIED, URL, wanted=wanted, at=NOW, passwords=(WORD,))
    differs = {one.what: (one.before, one.after) for one in told.differences if one.differs}
    assert differs["Decided by"] == ("property", "profile")
    assert differs["Registered port"] == ("4433", "8443")
    assert differs["Key stores that may be offered"] == (", ".join(STORES), STORES[1])
    assert told.after is not None
    assert [one.label for one in told.after.sends] == ["orders"]
    assert settings == read(BROKEN, files)
    assert lab.CLASS in str(told)


def test_without_a_url_every_scheme_is_compared() -> None:
    """What the changes do to the protocol table is told scheme by scheme."""
    told = what_if(read(BROKEN), EMPTIED)
    (one,) = (each for each in told.differences if each.differs)
    assert one.what == "myhttps"
    assert "4433" in one.before
    assert "8443" in one.after


def test_changes_that_change_nothing_say_so() -> None:
    """A cure that is none must not look like one."""
    told = what_if(read(HEALTHY), (), URL)
    assert told.nothing
    assert "no difference" in str(told)


CHANGES = {
    "a property valued": (changes.valued(lab.PORT, "8443"), "4433"),
    "a profile re-pointed": (changes.repointed("myhttps", STORES[2]), STORES[1]),
    "a profile's port": (changes.ported("myhttps", 9443), "8443"),
    "a profile renamed": (changes.renamed("myhttps", "other"), "myhttps"),
    "a profile removed": (
        changes.removed("myhttpstest"),
        f"default port 8443, key store {STORES[2]}",
    ),
    "a profile added": (changes.added("third"), ""),
    "a store set inactive": (changes.activated(STORES[2], active=False), "true"),
    "a file renamed": (
        Change("sys_attachment", "partner.jks", "file_name", "p.jks"),
        "partner.jks",
    ),
    "a URL": (Change("sys_rest_message", "Partner Orders", "rest_endpoint", "https://a/"), URL),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_made_on_paper_and_can_be_seen(name: str) -> None:
    """Each kind of change gives other settings, of the records that it names alone."""
    change, was = CHANGES[name]
    settings = read(BROKEN)
    assert present(settings, change) == was
    then = changed(settings, (change,))
    assert then != settings
    if change.kind == "set" and change.field not in {"protocol", "file_name"}:
        assert present(then, change) == change.value
    assert settings == read(BROKEN)


@pytest.mark.parametrize(
    "change",
    [
        changes.emptied("glide.httpclient.protocol.none.class"),
        changes.removed("none"),
        changes.activated("none", active=False),
        Change("incident", "INC1"),
        Change("sys_protocol_profile", "myhttps", "colour", "red"),
        Change("sys_certificate", STORES[0], "colour", "red"),
    ],
)
def test_a_change_of_nothing_is_refused(change: Change) -> None:
    """A name that no record has, or a field that is not known, is one clear sentence."""
    with pytest.raises(Unreadable) as caught:
        what_if(read(BROKEN), (change,))
    assert caught.value.problem.code == "no-such-record"


def test_of_two_profiles_of_one_name_a_change_must_say_which() -> None:
    """Without the sys_id it is refused, with it that one is changed."""
    settings = read(lab.WORLDS["duplicate-profile"])
    with pytest.raises(Unreadable, match="say which"):
        changed(settings, (changes.removed("myhttps"),))
    second = (settings.profiles or ())[1]
    then = changed(settings, (changes.removed("myhttps", second.sys_id),))
    assert then.profiles == (settings.profiles or ())[:1]


def test_a_change_can_be_written_by_hand() -> None:
    """Quotation marks keep a name together; an empty value empties; what is none is refused."""
    assert changes.written('sys_certificate "Partner Test Keystore" active=false') == (
        changes.activated(STORES[2], active=False)
    )
    assert changes.written(f"sys_properties {lab.CLASS} value=") == changes.emptied(lab.CLASS)
    assert changes.written("sys_protocol_profile a removed") == changes.removed("a")


@given(st.text())
def test_any_text_is_a_change_or_a_refusal(text: str) -> None:
    """No text breaks the reading of changes, nor their trying."""
    with suppress(Unreadable):
        what_if(read(HEALTHY), (changes.written(text),), URL)
