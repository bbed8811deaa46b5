"""The protocol table: properties win over profiles, and each entry names what decided it."""

from __future__ import annotations

from mtlskit.instance.exports import read_export
from mtlskit.instance.protocols import FACTORY, Scheme, offered, scheme_named, schemes, store_used
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source

CLASS = "glide.httpclient.protocol.myhttps.class"
PORT = "glide.httpclient.protocol.myhttps.port"


def settings(*made: lab.Made) -> Settings:
    """Read made-up records into settings."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(made)))])


def entry(*made: lab.Made, name: str = "myhttps") -> Scheme:
    """Return one entry of the table that the records make."""
    found = scheme_named(settings(*made), name)
    assert found is not None
    return found


def test_a_profile_registers_its_protocol_with_port_and_key_store() -> None:
    """Without properties the profile decides all."""
    scheme = entry(lab.profile("myhttps", "8443", "Mine"), lab.stored("Mine"))
    assert (scheme.by, scheme.offers_certificate, scheme.overrides) == ("profile", True, ())
    assert scheme.factory is not None
    assert str(scheme.factory) == "sys_protocol_profile myhttps"
    assert str(scheme.port) == "sys_protocol_profile myhttps, default_port = 8443"
    assert str(scheme.keystore) == "sys_protocol_profile myhttps, keystore = Mine"


def test_a_property_wins_over_the_profile_and_says_what_it_overrides() -> None:
    """With both ways set the profile's port and key store have no effect."""
    made = (
        lab.profile("myhttps", "8443", "Mine"),
        lab.prop(CLASS, FACTORY),
        lab.prop(PORT, "4433"),
        lab.stored("Mine"),
    )
    scheme = entry(*made)
    assert (scheme.by, scheme.keystore) == ("property", None)
    assert str(scheme.port) == f"sys_properties {PORT}, value = 4433"
    assert [str(one) for one in scheme.overrides] == [
        "sys_protocol_profile myhttps, keystore = Mine",
        "sys_protocol_profile myhttps, default_port = 8443",
    ]


def test_an_equal_port_overrides_nothing() -> None:
    """A property that says what the profile says changes nothing."""
    scheme = entry(lab.profile("myhttps", "8443", None), lab.prop(PORT, "8443"))
    assert (scheme.by, scheme.overrides) == ("profile", ())


def test_an_empty_property_is_an_unset_one() -> None:
    """Emptying both properties lets the profile count, as the article says."""
    empty = (lab.prop(CLASS, ""), lab.prop(PORT, ""))
    scheme = entry(lab.profile("myhttps", "8443", "Mine"), *empty)
    assert (scheme.by, scheme.properties) == ("profile", ())
    assert scheme_named(settings(*empty), "myhttps") is None


def test_properties_alone_register_a_protocol() -> None:
    """The old way needs no profile."""
    scheme = entry(lab.prop(CLASS, FACTORY), lab.prop(PORT, "4433"))
    assert (scheme.by, scheme.offers_certificate, scheme.profiles) == ("property", True, ())


def test_another_socket_factory_offers_no_certificate() -> None:
    """Only the factory of the key stores offers one."""
    scheme = entry(lab.prop(CLASS, "com.example.PlainSocketFactory"))
    assert not scheme.offers_certificate
    assert offered(settings(lab.prop(CLASS, "com.example.PlainSocketFactory")), scheme) == ()


def test_https_is_built_in_until_something_registers_it() -> None:
    """The table always tells of https and http."""
    names = {one.name: one.by for one in schemes(settings(lab.prop(CLASS, FACTORY)))}
    assert names == {"myhttps": "property", "https": "built-in", "http": "built-in"}
    https = entry(name="https")
    assert (https.offers_certificate, https.port and https.port.value) == (False, "443")
    changed = entry(lab.prop("glide.httpclient.protocol.https.class", FACTORY), name="https")
    assert (changed.by, changed.offers_certificate) == ("property", True)


def test_schemes_are_compared_without_regard_to_case() -> None:
    """MyHttps in a record is the scheme myhttps of a URL (RFC 3986, 3.1)."""
    scheme = entry(lab.profile("MyHttps", "8443", None), name="MYHTTPS")
    assert (scheme.name, scheme.profiles[0].protocol) == ("myhttps", "MyHttps")


def test_a_profile_offers_its_key_store_and_properties_offer_all() -> None:
    """Bypassing the profile opens the choice to every active key store, and to no trust store."""
    stores = (
        lab.stored("Mine"),
        lab.stored("SAML 2.0 SP Keystore", "Java Key Store"),
        lab.stored("Old", active=False),
        lab.stored("Root", "trust_store"),
    )
    profile = lab.profile("myhttps", "8443", "Mine")
    read = settings(*stores, profile)
    scheme = entry(*stores, profile)
    assert [one.name for one in offered(read, scheme) or ()] == ["Mine"]
    read = settings(*stores, profile, lab.prop(CLASS, FACTORY))
    scheme = entry(*stores, profile, lab.prop(CLASS, FACTORY))
    assert [one.name for one in offered(read, scheme) or ()] == ["Mine", "SAML 2.0 SP Keystore"]
    named = store_used(read, scheme)
    assert named is not None
    assert named.name == "Mine"


def test_without_certificates_what_is_offered_is_not_known() -> None:
    """None, and not (): the table was not exported."""
    profile = lab.profile("myhttps", "8443", "Mine")
    assert offered(settings(profile), entry(profile)) is None
