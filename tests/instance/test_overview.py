"""The settings at a glance: protocols, key stores with what speaks against them, risks, calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mtlskit.case import Case
from mtlskit.certs.keystore import open_store
from mtlskit.instance.exports import read_export
from mtlskit.instance.overview import Overview, overview, remarks_on, risks
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.instance.usable import flaws
from mtlskit.lab import exports as lab
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source
from mtlskit.page.blocks import Section, Table
from mtlskit.report.planning import settings_causes

WORD = "made-up-word"
NOW = datetime.now(UTC)
HEALTHY, BROKEN = lab.WORLDS["healthy"], lab.WORLDS["broken"]


def read(world: lab.World) -> Settings:
    """Read a made-up instance."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(world.records)))])


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Whoever issues the clients."""
    return Authority.root("CN=Partner CA")


def attached(data: bytes) -> lab.World:
    """Return the healthy instance with this file as the partner's key store."""
    return HEALTHY.carrying({"partner.jks": data})


@pytest.fixture(scope="module")
def expired(authority: Authority) -> bytes:
    """A key store whose certificate has run out."""
    ends = NOW - timedelta(days=3)
    made = authority.client("CN=orders", not_before=NOW - timedelta(days=9), not_after=ends)
    return made.p12(WORD, "orders")


@pytest.fixture(scope="module")
def keyless(authority: Authority) -> bytes:
    """A file with a certificate and no key, as an upload of the wrong file gives it."""
    return authority.client("CN=orders").pem_chain()


def test_the_broken_instance_at_a_glance() -> None:
    """Each protocol with what decides it, each store with its use; what is set in vain."""
    told = overview(read(BROKEN), at=NOW)
    assert {one.name: one.by for one in told.protocols} == {
        "myhttps": "property",
        "myhttpstest": "profile",
        "https": "built-in",
        "http": "built-in",
    }
    used = {one.record.name: one.used_by for one in told.stores}
    assert used["Partner Test Keystore"] == ("myhttpstest",)
    assert used["Partner Client Keystore"] == ()
    assert {one.name: one.era for one in told.protocols}["myhttps"] == "both"


def test_the_record_that_decides_and_the_calls_that_are_set_up_are_named() -> None:
    """Of a protocol the property or profile; of a message its address and what it can offer."""
    calls = _cells(overview(read(BROKEN)), "Calls that are set up")
    assert calls["Partner Orders"][2:] == (BROKEN.url, "may be offered, by myhttps")
    rows = _cells(overview(read(BROKEN)), "Protocols")
    assert rows["myhttps"][1] == f"sys_properties {lab.CLASS}"
    assert rows["myhttpstest"][1] == "sys_protocol_profile myhttpstest"
    assert rows["https"][1] == "built-in"
    assert "keystore = Partner Client Keystore has no effect" in str(rows["myhttps"])


def test_a_message_by_plain_https_offers_none_though_it_is_ticked() -> None:
    """A scheme that offers no certificate is told, and one that nothing registers."""
    urls = {"A": "https://user:s3cret@p.example.com/a?key=s3cret", "B": "other://p.example.com/"}
    made = [
        lab.Made("sys_rest_message", name, (("name", name), ("rest_endpoint", url)))
        for name, url in urls.items()
    ]
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])
    rows = _cells(overview(settings), "Calls that are set up")
    assert rows["A"][3] == "none: https offers none"
    assert rows["B"][3] == "none: nothing registers other"
    assert "s3cret" not in str(rows)
    assert "Not given, so not looked at" in str(overview(settings))


def _cells(told: Overview, title: str) -> dict[str, tuple[str, ...]]:
    """Return the rows of a section's table by their first cell."""
    (section,) = (one for one in told.blocks() if isinstance(one, Section) and one.title == title)
    (table,) = (one for one in section.blocks if isinstance(one, Table))
    rows = [tuple(str(getattr(cell, "text", cell)) for cell in row) for row in table.rows]
    return {row[0]: row for row in rows}


ODD = {
    "broken": "both ways",
    "duplicate-profile": "2 profiles",
    "keystore-name": "written MyHttps",
    "https-overridden": "every outbound https call",
}


@pytest.mark.parametrize("name", lab.WORLDS)
def test_what_is_odd_about_a_protocol_is_remarked(name: str) -> None:
    """Two ways at once, two profiles, capitals and https itself; of a sound one nothing."""
    told = [each for one in overview(read(lab.WORLDS[name])).protocols for each in remarks_on(one)]
    assert bool(told) == (name in {*ODD, "port", "property-overrides-profile"})
    assert any(ODD.get(name, "") in each for each in told) or not told


def test_a_store_that_cannot_be_used_says_why(expired: bytes, keyless: bytes) -> None:
    """Expired, keyless and locked files are told with the record."""
    for data, words in ((expired, "expired on"), (keyless, "holds no private key")):
        (store,) = (
            one
            for one in overview(read(attached(data)), at=NOW, passwords=(WORD,)).stores
            if one.used_by
        )
        assert words in store.remarks[0]
    locked = overview(read(attached(expired)), at=NOW)
    assert "locked" in str(locked)
    assert WORD not in str(locked)


def test_the_rule_on_the_reference_looks_into_the_file(expired: bytes, keyless: bytes) -> None:
    """A keyless file needs no password to be found; of a locked one the password is needed."""
    found = settings_causes(Case(settings=read(attached(keyless)), url=HEALTHY.url, at=NOW))
    assert [(one.cause, one.standing) for one in found] == [
        ("instance.keystore-reference", "LIKELY")
    ]
    assert "holds no private key" in found[0].because[0].text
    case = Case(settings=read(HEALTHY), url=HEALTHY.url, at=NOW)
    assert settings_causes(case) == ()
    store = open_store(Blob(Source("partner.jks"), expired), (WORD,))
    (one,) = settings_causes(case.having(stores=(store,)))
    assert "expired on" in one.because[0].text


def test_a_record_that_says_it_expired_is_suspected_and_not_sentenced() -> None:
    """The date in a record may be that of any certificate in its file."""
    record = (read(HEALTHY).key_stores or ())[0]
    (flaw,) = flaws(record, None, datetime(2050, 1, 1, tzinfo=UTC))
    assert not flaw.decides
    assert "2044-01-01" in flaw.text


RISKS = (
    ("com.glide.communications.httpclient.verify_hostname", "false", True),
    ("com.glide.communications.httpclient.verify_hostname", "true", False),
    ("com.glide.communications.trustmanager_trust_all", "TRUE", True),
    ("glide.outbound.sslv3.disabled", "", False),
)


@pytest.mark.parametrize(("name", "value", "weak"), RISKS)
def test_a_property_that_weakens_tls_is_a_risk_and_no_cause(
    name: str, value: str, *, weak: bool
) -> None:
    """It is told with what it switches off; it is not blamed for a refusal."""
    records = (*(one for one in HEALTHY.records if one.key != name), lab.prop(name, value))
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(records)))])
    assert [one.record.name for one in risks(settings)] == ([name] if weak else [])
    assert (name in str(overview(settings))) == weak
    assert settings_causes(Case(settings=settings, url=HEALTHY.url)) == ()


CONFIG = b"""<?xml version="1.0" encoding="UTF-8"?><parameters>
<!-- a MID Server's own file -->
<parameter name="url" value="https://northwind-made-up.example.com"/>
<parameter name="mid.httpclient.protocol.myhttps.path" value="/opt/agent/partner.p12"/>
<parameter name="mid.httpclient.protocol.myhttps.port" value="8443"/>
<parameter name="mid.httpclient.protocol.myhttps.password" value="MADE-UP-PASSWORD" secure="true"/>
<parameter name="mid.instance.password" value="MADE-UP-PASSWORD" secure="true"/>
</parameters>"""


def test_a_mid_servers_file_tells_its_protocols_and_never_a_password() -> None:
    """Path and port are kept; a secure value is let go while reading."""
    export = read_export(Blob(Source("config.xml"), CONFIG))
    settings = settings_from([export])
    (one,) = settings.mid or ()
    assert (one.protocol, one.path, one.port) == ("myhttps", "/opt/agent/partner.p12", 8443)
    assert "MADE-UP-PASSWORD" not in repr([row.cells for row in export.rows])
    assert "/opt/agent/partner.p12" in str(overview(settings))


def test_the_records_of_mid_servers_are_kept_apart() -> None:
    """Two MID Servers with a protocol of one name are two."""
    made = [
        lab.Made(
            "ecc_agent_config",
            f"{agent} {what}",
            (
                ("param_name", f"mid.httpclient.protocol.myhttps.{what}"),
                ("value", value),
                ("ecc_agent", lab.Link("ecc_agent", agent)),
            ),
        )
        for agent in ("north", "south")
        for what, value in (("path", f"/{agent}.p12"), ("port", "443"))
    ]
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])
    assert {(one.agent, one.path) for one in settings.mid or ()} == {
        ("north", "/north.p12"),
        ("south", "/south.p12"),
    }


def test_the_log_of_calls_tells_addresses_and_no_more() -> None:
    """Paths, queries and users of a URL are left out; a call without an answer is told so."""
    made = [
        lab.Made(
            "sys_outbound_http_log",
            status,
            (
                ("url", "https://user:s3cret@weather.example.com/forecast?key=s3cret"),
                ("response_status", status),
                ("sys_created_on", "2026-01-15 09:30:00"),
            ),
        )
        for status in ("200", "-1", "", "abc")
    ]
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])
    calls = settings.calls or ()
    assert [one.status for one in calls] == [200, -1, None, None]
    assert [one.answered for one in calls] == [True, False, False, False]
    said = str(overview(settings)) + overview(settings)._repr_html_()
    assert "https://weather.example.com" in said
    assert "s3cret" not in said


def test_connections_given_in_parts_and_soap_functions_are_calls_too() -> None:
    """The URL of a connection is put together; with mutual authentication by its profile's name."""
    protocol = lab.Link("sys_protocol_profile", "myhttps")
    parts = (("name", "C"), ("host", "p.example.com"), ("port", "8443"), ("base_path", "/a"))
    mutual = (("use_mutual_auth", "true"), ("protocol_profile", protocol), ("protocol", "https"))
    function = (("function_name", "F"), ("soap_endpoint", "myhttps://p.example.com/soap"))
    made = (
        lab.Made("http_connection", "C", (*parts, *mutual)),
        lab.Made("sys_soap_message_function", "F", function),
    )
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])
    assert {one.kind: one.url for one in settings.messages or ()} == {
        "http-connection": "myhttps://p.example.com:8443/a",
        "soap-function": "myhttps://p.example.com/soap",
    }
