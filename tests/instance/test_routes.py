"""Routes: a URL is followed through the settings, with the record behind each step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.instance.exports import read_export
from mtlskit.instance.protocols import FACTORY
from mtlskit.instance.routes import Address, address_of, messages_to, route, schemes_to
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source, Unreadable

URL = "myhttps://partner.example.com:8443/orders"


def settings(*made: lab.Made) -> Settings:
    """Read made-up records into settings."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("myhttps://Partner.test/a?key=1", Address("myhttps", "partner.test", None, "/a")),
        ("My_Https://h:8443", Address("My_Https", "h", 8443, "")),
        ("https://user:word@h:1/x", Address("https", "h", 1, "/x")),
        (" https://[2001:DB8::1]:443/ ", Address("https", "2001:db8::1", 443, "/")),
        ("https://h:/", Address("https", "h", None, "/")),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart_whatever_its_scheme(url: str, address: Address) -> None:
    """Scheme, host, port and path are told; user and query are let go."""
    assert address_of(url) == address
    assert "word" not in str(address_of(url))


@pytest.mark.parametrize(
    "url",
    ["", "partner.example.com", "https://", "https:///x", "https://h:99999/", "https://h:x/",
     "https://a b/", "://h", "https://[::1/", "https://${host}:${port}/"],
)  # fmt: skip
def test_what_is_no_url_is_refused_in_words(url: str) -> None:
    """One sentence says what was expected."""
    with pytest.raises(Unreadable) as caught:
        route(settings(), url)
    assert caught.value.problem.code == "not-a-url"


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_refusal(text: str) -> None:
    """No text leads to a traceback."""
    for url in (text, f"https://{text}"):
        try:
            assert address_of(url).host
        except Unreadable:
            continue


def test_a_healthy_call_uses_the_profile() -> None:
    """Scheme, port, key store and message are found, each step with its record."""
    world = lab.WORLDS["healthy"]
    road = route(settings(*world.records), world.url)
    assert road.scheme is not None
    assert (road.scheme.name, road.scheme.by, road.port) == ("myhttps", "profile", 8443)
    assert road.key_store is not None
    assert road.key_store.name == "Partner Client Keystore"
    assert [one.name for one in road.offered or ()] == ["Partner Client Keystore"]
    assert road.message is not None
    assert road.message.name == "Partner Orders"
    assert [one.text for one in road.because] == [
        "the record Partner Orders calls myhttps://partner.example.com:8443",
        "myhttps uses DBKeyStoreSocketFactory, because of sys_protocol_profile myhttps",
        "the URL itself names port 8443",
        "the registered port is sys_protocol_profile myhttps, default_port = 8443",
        "the key store Partner Client Keystore may be offered",
    ]


def test_a_bypassed_profile_shows_every_key_store_that_may_be_offered() -> None:
    """In the broken world the property decides, and the choice is open."""
    world = lab.WORLDS["broken"]
    road = route(settings(*world.records), world.url)
    assert road.scheme is not None
    assert road.scheme.by == "property"
    assert len(road.offered or ()) == 3
    assert any("has no effect" in one.text for one in road.because)


def test_a_url_without_a_port_uses_the_registered_one() -> None:
    """The URL's own port comes first."""
    read = settings(lab.profile("myhttps", "8443", None))
    assert route(read, "myhttps://h/").port == 8443
    assert route(read, "myhttps://h:99/").port == 99
    assert route(read, "https://h/").port == 443


def test_an_unregistered_scheme_leads_nowhere() -> None:
    """Nothing is guessed for a scheme that nothing registers."""
    road = route(settings(lab.profile("myhttps", "8443", None)), "other://h/")
    assert (road.scheme, road.port, road.offered) == (None, None, ())
    assert road.because[-1].text == "nothing registers the scheme other"


def test_a_message_with_a_profile_takes_its_protocol() -> None:
    """Where mutual authentication is ticked, the profile decides even if the URL says https."""
    url = "https://partner.example.com/orders"
    made = (lab.profile("myhttps", "8443", None), lab.message("Orders", url, "myhttps"))
    road = route(settings(*made), url)
    assert road.scheme is not None
    assert road.scheme.name == "myhttps"
    plain = route(settings(made[0], lab.message("Orders", url, None)), url)
    assert plain.scheme is not None
    assert plain.scheme.name == "https"


def test_the_schemes_to_a_host_are_those_of_its_messages() -> None:
    """Without a message to the host, every scheme that offers a certificate comes into question."""
    made = (
        lab.profile("myhttps", "8443", None),
        lab.profile("otherhttps", "443", None),
        lab.message("Orders", URL, "myhttps"),
        lab.message("Made of variables", "myhttps://${host}:${port}/", "myhttps"),
        lab.prop("glide.httpclient.protocol.plain.class", "com.example.Other"),
    )
    read = settings(*made)
    assert [one.name for one in messages_to(read, "PARTNER.example.com")] == ["Orders"]
    assert [one.name for one in schemes_to(read, "partner.example.com")] == ["myhttps"]
    assert [one.name for one in schemes_to(read, "127.0.0.1")] == ["myhttps", "otherhttps"]
    assert [one.name for one in schemes_to(read, None)] == ["myhttps", "otherhttps"]
    assert FACTORY not in str(read.properties)


def test_a_call_through_a_mid_server_says_that_other_key_stores_count() -> None:
    """What the instance has set is told, and that it does not decide there."""
    agent = lab.Link("ecc_agent", "mid-north")
    url = "myhttps://partner.example.com:8443/orders"
    fields = (("function_name", "post"), ("rest_endpoint", url), ("use_mid_server", agent))
    records = (
        *(one for one in lab.WORLDS["healthy"].records if one.table != "sys_rest_message"),
        lab.Made("sys_rest_message_fn", "post", fields),
    )
    settings = settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(records)))])
    told = route(settings, url)
    assert told.message is not None
    assert "MID Server mid-north" in " ".join(one.text for one in told.because)
