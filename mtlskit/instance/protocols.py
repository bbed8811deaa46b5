"""The effective protocol table: which scheme uses which socket factory, port and key store.

Law of this room: a property that has a value wins over a protocol profile, as the instance does it.
With the socket factory set by a property the profile's key store is bypassed, and every active key
store may be offered (release notes Xanadu patch 11 and Zurich patch 3, PRB1923704). Each entry
names the record and the field that decided it, and what was set in vain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from mtlskit.instance.reading import port_number
from mtlskit.instance.records import Profile, Property, StoredCertificate
from mtlskit.instance.settings import Settings
from mtlskit.material import Source

_NEARLY = 0.85
"""Two names that share so much of their letters are one name and a slip of the pen."""
FACTORY = "com.glide.certificates.DBKeyStoreSocketFactory"
"""The socket factory that offers a client certificate from the instance's key stores."""

_NAME = re.compile(r"glide\.httpclient\.protocol\.(?P<scheme>.+)\.(?P<what>class|port)\Z")
_BUILT_IN = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and the record and field that it stands in.

    Attributes:
        record: the record as a person would find it: ``sys_properties glide.…``.
        field: the column; "" for what is built in or follows from the record as a whole.
        source: None for what is built in.
    """

    value: str
    record: str
    field: str
    source: Source | None

    def __str__(self) -> str:
        return f"{self.record}, {self.field} = {self.value}" if self.field else self.record


@dataclass(frozen=True, slots=True)
class Scheme:
    """One entry of the protocol table.

    Attributes:
        name: the scheme in small letters, as URLs are compared.
        by: what decides it.
        factory: the socket factory; None for the built-in one, which offers no certificate.
        port: the registered port; None if none is registered.
        keystore: the key store that a profile names and that is used; None if there is none, or
            if it is bypassed.
        overrides: what is set on a profile, and has no effect.
    """

    name: str
    by: Literal["property", "profile", "built-in"]
    factory: Setting | None
    port: Setting | None
    keystore: Setting | None
    overrides: tuple[Setting, ...]
    profiles: tuple[Profile, ...]
    class_property: Property | None
    port_property: Property | None

    @property
    def era(self) -> Literal["properties", "profile", "both", "built-in"]:
        """Which way registers it: the old one, the present one, or both, which is a conflict."""
        if self.properties:
            return "both" if self.profiles else "properties"
        return "profile" if self.profiles else "built-in"

    @property
    def offers_certificate(self) -> bool:
        """True if a call by this scheme may offer a client certificate."""
        return self.factory is not None and self.factory.value == FACTORY

    @property
    def misspelt(self) -> Property | None:
        """The class property, where it names a class that is nearly the socket factory's."""
        held = self.class_property
        if held is None or not held.value or held.value == FACTORY:
            return None
        near = SequenceMatcher(None, held.value.strip().lower(), FACTORY.lower()).ratio()
        return held if near > _NEARLY else None

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties that register this scheme, as far as they are set."""
        return tuple(one for one in (self.class_property, self.port_property) if one)


def schemes(settings: Settings) -> tuple[Scheme, ...]:
    """Return the protocol table: registered schemes by name, then the built-in ones."""
    registered = {match["scheme"].lower() for match, _ in _registrations(settings)}
    registered |= {one.protocol.lower() for one in settings.profiles or () if one.protocol}
    names = (*sorted(registered), *(name for name in _BUILT_IN if name not in registered))
    return tuple(_scheme(settings, name) for name in names)


def scheme_named(settings: Settings, name: str) -> Scheme | None:
    """Return one entry of the table; None if nothing registers that scheme."""
    return next((one for one in schemes(settings) if one.name == name.lower()), None)


def _registrations(settings: Settings) -> list[tuple[re.Match[str], Property]]:
    found = ((_NAME.match(one.name), one) for one in settings.properties or () if one.value)
    return [(match, one) for match, one in found if match]


def _scheme(settings: Settings, name: str) -> Scheme:
    mine = {
        match["what"]: one
        for match, one in _registrations(settings)
        if match["scheme"].lower() == name
    }
    profiles = tuple(one for one in settings.profiles or () if one.protocol.lower() == name)
    factory_set, port_set = mine.get("class"), mine.get("port")
    return Scheme(
        name=name,
        by="property" if factory_set else "profile" if profiles else "built-in",
        factory=_factory(factory_set, profiles),
        port=_port(name, port_set, profiles),
        keystore=None if factory_set else _keystore(settings, profiles),
        overrides=_overridden(settings, factory_set, port_set, profiles),
        profiles=profiles,
        class_property=factory_set,
        port_property=port_set,
    )


def _of_property(one: Property) -> Setting:
    return Setting(one.value, f"sys_properties {one.name}", "value", one.source)


def _of_profile(profile: Profile, column: str, value: str) -> Setting:
    return Setting(value, f"sys_protocol_profile {profile.protocol}", column, profile.source)


def _factory(factory: Property | None, profiles: tuple[Profile, ...]) -> Setting | None:
    if factory:
        return _of_property(factory)
    return _of_profile(profiles[0], "", FACTORY) if profiles else None


def _port(name: str, port: Property | None, profiles: tuple[Profile, ...]) -> Setting | None:
    if port:
        return _of_property(port)
    set_here = [one for one in profiles if one.port is not None]
    if set_here:
        return _of_profile(set_here[0], "default_port", str(set_here[0].port))
    built_in = _BUILT_IN.get(name)
    return Setting(built_in, f"the default port of {name}", "", None) if built_in else None


def _keystores(settings: Settings, profiles: tuple[Profile, ...]) -> list[Setting]:
    """Return the key stores that profiles name: by their record's name where it was given."""
    found = ((one, settings.certificate_of(one.keystore)) for one in profiles if one.keystore)
    return [
        _of_profile(one, "keystore", record.name if record else str(one.keystore))
        for one, record in found
    ]


def _keystore(settings: Settings, profiles: tuple[Profile, ...]) -> Setting | None:
    return next(iter(_keystores(settings, profiles)), None)


def _overridden(
    settings: Settings,
    factory: Property | None,
    port: Property | None,
    profiles: tuple[Profile, ...],
) -> tuple[Setting, ...]:
    """Return what profiles say in vain, because a property says it too."""
    stores = _keystores(settings, profiles)
    wanted = port_number(port.value) if port else None
    ports = [
        _of_profile(one, "default_port", str(one.port))
        for one in profiles
        if one.port is not None and one.port != wanted
    ]
    return (*(stores if factory else ()), *(ports if port else ()))


def store_used(settings: Settings, scheme: Scheme) -> StoredCertificate | None:
    """Return the record of the key store that a scheme's profile names; None if not to be found."""
    named = next((one.keystore for one in scheme.profiles if one.keystore), None)
    return settings.certificate_of(named)


def offered(settings: Settings, scheme: Scheme) -> tuple[StoredCertificate, ...] | None:
    """Return the key stores whose certificates a call by this scheme may offer.

    None if `sys_certificate` was not exported, so that it cannot be told.
    """
    if not scheme.offers_certificate:
        return ()
    if settings.certificates is None:
        return None
    if scheme.by == "property":
        return tuple(one for one in settings.key_stores or () if one.active is not False)
    used = store_used(settings, scheme)
    return (used,) if used and used.active is not False else ()
