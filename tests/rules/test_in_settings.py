"""Rules on settings: each fault is found where it is, alone and together, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pytest

from mtlskit.case import Case
from mtlskit.certs.keystore import open_store
from mtlskit.instance.exports import read_export
from mtlskit.instance.protocols import FACTORY
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.lab.exports import attachment, message, profile, prop, stored
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Target
from mtlskit.report import judge
from mtlskit.rules import in_settings
from mtlskit.rules.rule import Clear, Found, Inapplicable, Rule, Unknown, Verdict, ask
from mtlskit.trace.events import Asked, Ended, Symptom, Trace

RULES = [one for one in vars(in_settings).values() if isinstance(one, Rule)]
CLASS = "glide.httpclient.protocol.{}.class"
PORT = "glide.httpclient.protocol.{}.port"
MY_CLASS, MY_PORT = CLASS.format("myhttps"), PORT.format("myhttps")
URL = "myhttps://partner.example.com:8443/orders"
HOST = Target("partner.example.com", 8443)
Records = tuple[lab.Made, ...]


def xml(records: Sequence[lab.Made]) -> Settings:
    """Read records by way of one XML file."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(records)))])


def json(records: Sequence[lab.Made]) -> Settings:
    """Read records by way of a JSON file for each table, with labels for values."""
    tables = dict.fromkeys(one.table for one in records)
    files = {
        table: lab.as_table_api([one for one in records if one.table == table], display="true")
        for table in tables
    }
    return settings_from(read_export(Blob(Source(name), data)) for name, data in files.items())


def csv(records: Sequence[lab.Made]) -> Settings:
    """Read records by way of a CSV file for each table, with labels as the header."""
    tables = dict.fromkeys(one.table for one in records)
    files = {
        table: lab.as_csv([one for one in records if one.table == table], labels=True)
        for table in tables
    }
    return settings_from(read_export(Blob(Source(name), data)) for name, data in files.items())


FORMATS = pytest.mark.parametrize("read", [xml, json, csv])


def verdicts(case: Case) -> dict[str, Verdict]:
    """Ask every rule on settings."""
    return {one.rule.id: one.verdict for one in ask(RULES, case)}


def found(case: Case) -> dict[str, Found]:
    """Return what is found."""
    return {name: one for name, one in verdicts(case).items() if isinstance(one, Found)}


def test_every_cause_of_the_settings_has_its_rule() -> None:
    """Eight causes, eight questions."""
    assert sorted(one.id for one in RULES) == [
        "instance.duplicate-profile",
        "instance.https-overridden",
        "instance.keystore-name",
        "instance.keystore-reference",
        "instance.port",
        "instance.property-overrides-profile",
        "instance.scheme",
        "instance.several-keystores",
    ]


# --- healthy instances: nothing may be blamed -----------------------------------------------------

STORE = stored("Partner Client Keystore")
MINE: Records = (STORE, profile("myhttps", "8443", "Partner Client Keystore"))
SOMETHING = prop("com.glide.communications.httpclient.verify_hostname", "true")
BASE: Records = (SOMETHING, *MINE)
SAML = stored("SAML 2.0 SP Keystore")

HEALTHY: dict[str, tuple[Records, str]] = {
    "plain": (BASE, URL),
    "URL without a port": (BASE, "myhttps://partner.example.com/orders"),
    "stock key store": (
        (*BASE, SAML, *attachment("SAML 2.0 SP Keystore", "samlKeystore.jks"),
         *attachment("Partner Client Keystore", "partner.jks")), URL),
    "empty properties": ((*BASE, prop(MY_CLASS, ""), prop(MY_PORT, "")),
                         URL),
    "a property that says the same": ((*BASE, prop(MY_PORT, "8443")), URL),
    "another partner's profile": (
        (*BASE, stored("Other"), profile("othermtls", "443", "Other")), URL),
    "one client certificate for two partners": (
        (*BASE, profile("othermtls", "443", "Partner Client Keystore")), URL),
    "two profiles with endpoints of their own": (
        (*BASE, stored("Test"), profile("myhttpstest", "8443", "Test"),
         message("Orders", URL, "myhttps"),
         message("Trial", "myhttpstest://trial.example.com:8443/", "myhttpstest")), URL),
    "another partner's properties": (
        (*BASE, profile("othermtls", "443", "Partner Client Keystore"),
         prop(CLASS.format("othermtls"), FACTORY)), URL),
    "the old way alone": (
        (SOMETHING, STORE, prop(MY_CLASS, FACTORY), prop(MY_PORT, "8443"),
         profile("unrelated", "443", "Partner Client Keystore")), URL),
    "PKCS12": ((SOMETHING, stored("P", "pkcs12_key_store"), profile("myhttps", "8443", "P")), URL),
    "a type that is not known": ((SOMETHING, stored("P", "x"), profile("myhttps", "8443", "P")),
                                 URL),
    "an inactive store that nobody names": ((*BASE, stored("Old", active=False)), URL),
    "a public endpoint beside it": (
        (*BASE, message("Weather", "https://weather.example.com/", None)),
        "myhttps://partner.example.com:8443/"),
}  # fmt: skip


@FORMATS
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_instance_is_blamed_for_nothing(
    read: Callable[[Sequence[lab.Made]], Settings], name: str
) -> None:
    """Stock records, other partners' profiles and equal properties are no fault."""
    records, url = HEALTHY[name]
    for target in (HOST, None) if ":8443" in url else (HOST,):
        answers = verdicts(Case(settings=read(records), url=url, target=target))
        assert {type(one) for one in answers.values()} <= {Clear, Inapplicable}, answers


# --- one fault each -------------------------------------------------------------------------------

OVERRIDE: Records = (prop(MY_CLASS, FACTORY),)
FAULTS: dict[str, tuple[Records, str]] = {
    # cause: records beside or instead of the healthy ones, words that the remedy must hold
    "instance.port": ((prop(MY_PORT, "4433"),), MY_PORT),
    "instance.property-overrides-profile": ((*OVERRIDE, SAML), MY_CLASS),
    "instance.duplicate-profile": (
        (stored("Test"), profile("myhttpstest", "8443", "Test")), "myhttpstest"),
    "instance.keystore-name": (
        attachment("Partner Client Keystore", "Partner Store.jks"), "partnerstore.jks"),
    "instance.https-overridden": (
        (prop(CLASS.format("https"), FACTORY),), CLASS.format("https")),
}  # fmt: skip
ALONG: dict[str, set[str]] = {
    # what is true as well whenever this fault is there
    "instance.port": {"instance.property-overrides-profile"},
    "instance.property-overrides-profile": {"instance.several-keystores"},
}


@FORMATS
@pytest.mark.parametrize("cause", FAULTS)
def test_a_fault_is_found_and_says_what_to_set(
    read: Callable[[Sequence[lab.Made]], Settings], cause: str
) -> None:
    """Exactly this fault is found, with the file and the record, and with what to do."""
    records, words = FAULTS[cause]
    seen = found(Case(settings=read((*BASE, *records)), url=URL))
    assert {cause} <= set(seen) <= {cause} | ALONG.get(cause, set())
    assert seen[cause].because[0].source is not None
    assert "sys_" in str(seen[cause].because[0].source)
    assert words in (seen[cause].remedy or "")


@FORMATS
@pytest.mark.parametrize("pair", list(combinations(FAULTS, 2)), ids=" and ".join)
def test_two_faults_at_once_are_both_found(
    read: Callable[[Sequence[lab.Made]], Settings], pair: tuple[str, str]
) -> None:
    """One fault does not hide another."""
    records = tuple(made for cause in pair for made in FAULTS[cause][0])
    seen = found(Case(settings=read((*BASE, *records)), url=URL))
    also = set[str]().union(*(ALONG.get(cause, set()) for cause in pair))
    also |= (
        {"instance.several-keystores"} if "instance.property-overrides-profile" in pair else set()
    )
    assert set(pair) <= set(seen) <= set(pair) | also


def test_the_broken_sample_names_its_causes_with_values() -> None:
    """The finding holds the present value, the expected one, and the steps."""
    world = lab.WORLDS["broken"]
    seen = found(Case(settings=xml(world.records), url=world.url))
    assert set(world.causes) <= set(seen)
    assert seen["instance.port"].decisive
    assert seen["instance.property-overrides-profile"].decisive
    assert not seen["instance.duplicate-profile"].decisive
    first = seen["instance.port"].because[0].text
    assert first == (
        "myhttps is registered with port 4433, by sys_properties "
        "glide.httpclient.protocol.myhttps.port; 8443 was expected"
    )
    assert seen["instance.port"].remedy == (
        "In sys_properties, export as a backup, then set to empty: "
        f"glide.httpclient.protocol.myhttps.class (now {FACTORY}) and "
        "glide.httpclient.protocol.myhttps.port (now 4433). Then the protocol profile myhttps "
        "counts. It has the right port, 8443."
    )


@FORMATS
def test_a_diagnosis_from_exports_alone_names_the_cause_or_nothing(
    read: Callable[[Sequence[lab.Made]], Settings],
) -> None:
    """The broken sample gives its main cause first; the healthy one rules every cause out."""
    broken, healthy = (
        judge(Case(settings=read(lab.WORLDS[name].records), url=URL)).diagnosis.opinions
        for name in ("broken", "healthy")
    )
    first, second, third = lab.WORLDS["broken"].causes
    assert [(one.cause, one.standing) for one in broken[:2]] == [
        (first, "LIKELY"),
        (second, "LIKELY"),
    ]
    assert {one.party for one in broken[:2]} == {"instance-admin"}
    assert (third, "POSSIBLE") in [(one.cause, one.standing) for one in broken]
    said = {one.standing for one in healthy if one.cause.startswith("instance.")}
    assert said == {"RULED_OUT"}


# --- the port -------------------------------------------------------------------------------------


def test_the_port_is_asked_of_the_target_where_no_url_is_given() -> None:
    """HOST:PORT is enough to compare with what is registered."""
    broken = xml(lab.WORLDS["broken"].records)
    (seen,) = (found(Case(settings=broken, target=Target("127.0.0.1", 9999))),)
    assert seen["instance.port"].decisive
    right = verdicts(Case(settings=broken, target=Target("127.0.0.1", 8443)))
    assert isinstance(right["instance.port"], Clear)


def test_a_default_port_does_not_decide_where_the_url_names_one() -> None:
    """A profile's default port is for URLs without a port; a property's is said to count always."""
    read = xml(BASE)
    named = found(Case(settings=read, url="myhttps://partner.example.com:9999/"))
    assert not named["instance.port"].decisive
    case = Case(settings=read, url="myhttps://p.example.com/", target=Target("p.example.com", 9999))
    assert found(case)["instance.port"].decisive
    assert found(case)["instance.port"].remedy == (
        "In the protocol profile myhttps, set Default port to 9999 (now 8443)."
    )


def test_the_only_message_of_the_exports_tells_the_call_where_nothing_else_does() -> None:
    """From exports alone the port is judged; with two such messages it is not guessed which."""
    world = lab.WORLDS["broken"]
    assert found(Case(settings=xml(world.records)))["instance.port"].decisive
    more = message("Stock", "myhttps://partner.example.com:9443/stock", "myhttps")
    answer = verdicts(Case(settings=xml((*world.records, more))))["instance.port"]
    assert isinstance(answer, Unknown)


def test_a_port_that_nobody_told_is_asked_for() -> None:
    """A URL without a port says nothing of the endpoint, nor does the 443 read into it."""
    for target in (None, Target("p.example.com", 443)):
        case = Case(settings=xml(BASE), url="myhttps://p.example.com/", target=target)
        answer = verdicts(case)["instance.port"]
        assert isinstance(answer, Unknown)
        assert "port" in answer.missing


def test_the_remedy_without_a_profile_makes_one() -> None:
    """Emptying the properties alone would leave the protocol unregistered."""
    made = (STORE, *OVERRIDE, prop(MY_PORT, "4433"))
    remedy = found(Case(settings=xml(made), url=URL))["instance.port"].remedy or ""
    assert f"set {MY_PORT} to 8443" in remedy
    assert "make one protocol profile myhttps" in remedy


# --- property against profile ---------------------------------------------------------------------


def test_a_bypassed_profile_decides_only_where_more_than_one_key_store_is_there() -> None:
    """With one key store alone the bypass picks the same one."""
    cause = "instance.property-overrides-profile"
    one = found(Case(settings=xml((*BASE, *OVERRIDE)), url=URL))
    assert not one[cause].decisive
    two = found(Case(settings=xml((*BASE, *OVERRIDE, SAML)), url=URL))
    assert two[cause].decisive
    assert "SAML 2.0 SP Keystore" in two[cause].because[-1].text
    unknown = found(Case(settings=xml((MINE[1], *OVERRIDE)), url=URL))
    assert unknown[cause].decisive


# --- competing profiles ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "decisive"),
    [
        (profile("myhttps", "443", "Test", key="second"), True),
        (profile("MyHttps", "443", "Test"), True),
        (profile("myhttpsprod", "443", "Test"), False),
        (profile("myhttps-old", "443", "Test"), False),
        (profile("copy", "8443", "Partner Client Keystore"), False),
    ],
    ids=lambda value: str(getattr(value, "key", value)),
)
def test_profiles_compete_by_name_surely_and_by_likeness_perhaps(
    other: lab.Made, *, decisive: bool
) -> None:
    """One protocol name twice is a fault; a test or production twin only makes it possible."""
    case = Case(settings=xml((*BASE, stored("Test"), other)), url=URL)
    answer = found(case)["instance.duplicate-profile"]
    assert answer.decisive is decisive
    assert len({one.source for one in answer.because}) == 2


def test_profiles_that_the_url_does_not_use_do_not_matter() -> None:
    """Twins of another protocol are not this call's fault."""
    twins = (profile("other", "1", None), profile("othertest", "2", None))
    read = xml((*BASE, *twins))
    assert "instance.duplicate-profile" not in found(Case(settings=read, url=URL))
    assert "instance.duplicate-profile" in found(Case(settings=read, target=HOST))


# --- names and stores -----------------------------------------------------------------------------


def test_a_protocol_with_capital_letters_is_a_fault() -> None:
    """The protocol's name may hold small letters and digits only."""
    for name, plain in (("MyHttps", "myhttps"), ("my_https", "myhttps")):
        made = (SOMETHING, STORE, profile(name, "8443", "Partner Client Keystore"))
        case = Case(settings=xml(made), url=URL.replace("myhttps", name))
        answer = found(case)["instance.keystore-name"]
        assert answer.decisive
        assert f"to {plain}" in (answer.remedy or "")


def client() -> Authority:
    """Make a certificate authority."""
    return Authority.root("CN=Northwind Root CA")


REFERENCES: dict[str, tuple[Records, bool, str]] = {
    "empty": ((profile("myhttps", "8443", None),), True, "names no key store"),
    "absent": ((profile("myhttps", "8443", "Gone"), stored("Other")), False, "do not hold"),
    "inactive": ((profile("myhttps", "8443", "S"), stored("S", active=False)), True, "not active"),
    "trust store": ((profile("myhttps", "8443", "S"), stored("S", "trust_store")), True,
                    "a key store was expected"),
    "no file": ((profile("myhttps", "8443", "S"), stored("S"), stored("Other"),
                 *attachment("Other", "other.jks")), False, "no file is attached"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_a_profile_must_name_a_key_store_that_can_be_used(name: str) -> None:
    """Missing, inactive, of the wrong type or without its file: told with the profile's record."""
    records, decisive, words = REFERENCES[name]
    answer = found(Case(settings=xml((SOMETHING, *records)), url=URL))[
        "instance.keystore-reference"
    ]
    assert answer.decisive is decisive
    assert any(words in one.text for one in answer.because)
    assert "protocol profile myhttps" in (answer.remedy or "")


def test_a_key_store_without_a_private_key_is_found_out_by_opening_it() -> None:
    """The attached file holds a certificate alone; a locked file is not blamed for being locked."""
    issued = client().client("CN=Northwind Client")
    key_store = (SOMETHING, stored("S"), profile("myhttps", "8443", "S"))
    bare = attachment("S", "s.pem", issued.pem_chain())
    locked = attachment("S", "s.p12", issued.p12("changeit"))
    cause = "instance.keystore-reference"
    answer = found(Case(settings=xml((*key_store, *bare)), url=URL))[cause]
    assert "holds no private key" in answer.because[0].text
    assert isinstance(verdicts(Case(settings=xml((*key_store, *locked)), url=URL))[cause], Clear)


# --- the scheme -----------------------------------------------------------------------------------


def traced(*, asked: bool) -> Trace:
    """Make the trace of a refused connection, with or without a CertificateRequest."""
    source = Source("partner.example.com:8443")
    request = Asked((), (), (), (), source) if asked else None
    ended = Ended("refused", "server", "after-handshake", Symptom(alert=42), ())
    chain = (Authority.root("CN=Server"),)
    return Trace(source, HOST, (), ended, asked=request, server_chain=chain)


PLAIN = "https://partner.example.com:8443/orders"


def test_plain_https_is_the_fault_where_the_endpoint_asked_for_a_certificate() -> None:
    """Without a trace it is possible, with a CertificateRequest sure, without one ruled out."""
    case = Case(settings=xml(BASE), url=PLAIN)
    assert not found(case)["instance.scheme"].decisive
    sure = found(case.having(trace=traced(asked=True)))["instance.scheme"]
    assert sure.decisive
    assert "myhttps://" in (sure.remedy or "")
    answer = verdicts(case.having(trace=traced(asked=False)))["instance.scheme"]
    assert isinstance(answer, Clear)


def test_settings_do_not_explain_a_call_that_was_made_without_the_instance() -> None:
    """Where mtlskit itself offered the key store in vain, the settings are only possible."""
    world = lab.WORLDS["broken"]
    store = open_store(Blob(Source("c.p12"), client().client("CN=C").p12("changeit")), ["changeit"])
    case = Case(settings=xml(world.records), url=world.url, trace=traced(asked=True))
    assert found(case)["instance.port"].decisive
    ours = found(case.having(chosen=store.identities[0]))
    assert not any(one.decisive for one in ours.values())
    assert "made without the instance" in ours["instance.port"].because[-1].text


def test_a_scheme_that_nothing_registers_is_a_fault() -> None:
    """A misspelt scheme meets no protocol."""
    answer = found(Case(settings=xml(BASE), url=URL.replace("myhttps", "myhtps")))[
        "instance.scheme"
    ]
    assert answer.decisive
    assert "is not registered" in answer.because[0].text


def test_the_messages_to_the_host_tell_the_scheme_where_no_url_is_given() -> None:
    """The exported message is named as the place to correct."""
    read = xml((*BASE, message("Orders", PLAIN, None)))
    answer = found(Case(settings=read, target=HOST))["instance.scheme"]
    assert "sys_rest_message" in str(answer.because[0].source)
    unknown = verdicts(Case(settings=xml(BASE), target=HOST))["instance.scheme"]
    assert isinstance(unknown, Unknown)


# --- what is missing ------------------------------------------------------------------------------


def test_without_settings_every_question_stays_open() -> None:
    """No exports: unknown, with the tables to export."""
    for answer in verdicts(Case(url=URL)).values():
        assert isinstance(answer, Unknown)
        assert "--settings" in answer.how


def test_a_missing_table_is_asked_for_by_name() -> None:
    """A profile alone cannot tell whether a property overrides it, nor what is used."""
    answers = verdicts(Case(settings=xml(MINE), url=URL))
    port = answers["instance.port"]
    assert isinstance(port, Unknown)
    assert "sys_properties" in port.missing
    assert isinstance(answers["instance.duplicate-profile"], Clear)
    partly = verdicts(Case(settings=xml((SOMETHING, MINE[1])), url=URL))
    store = partly["instance.keystore-reference"]
    assert isinstance(store, Unknown)
    assert "sys_certificate" in store.missing


def test_a_url_that_cannot_be_followed_is_asked_for_again() -> None:
    """A bad URL is the user's to correct, and no bug of a rule."""
    for answer in verdicts(Case(settings=xml(BASE), url="no url")).values():
        assert type(answer).__name__ != "Broken"
