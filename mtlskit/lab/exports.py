"""Exports of made-up instances, healthy ones and broken ones, in every format that one gives.

Law of this room: everything is invented, and made the same way each time; ids are derived from the
record's name. ``python -m mtlskit.lab.exports DIR`` writes the sample exports.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

from mtlskit.instance.protocols import FACTORY
from mtlskit.lab.pki import Authority
from mtlskit.lab.records import (
    Link,
    Made,
    World,
    attachment,
    message,
    profile,
    prop,
    stored,
    sys_id,
)
from mtlskit.lab.written import HOST, as_csv, as_table_api, as_unload, as_update_set, as_workbook

__all__ = [
    "CLASS",
    "FAULTS",
    "HOST",
    "PASSWORD",
    "PORT",
    "WORLDS",
    "Draft",
    "Fault",
    "Link",
    "Made",
    "World",
    "as_csv",
    "as_table_api",
    "as_unload",
    "as_update_set",
    "as_workbook",
    "attachment",
    "files_of",
    "healthy",
    "key_stores",
    "message",
    "pairs",
    "profile",
    "prop",
    "stored",
    "sys_id",
    "variants",
    "worlds",
]


SAML, PARTNER, OTHER = "SAML 2.0 SP Keystore", "Partner Client Keystore", "Partner Test Keystore"
CLASS, PORT = ("glide.httpclient.protocol.myhttps." + what for what in ("class", "port"))


PASSWORD = "changeit"  # noqa: S105 - of key stores that are made anew and protect nothing
"""Opens the key stores of the made-up instances."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A made-up instance while it is being made; a fault replaces some of it.

    Attributes:
        named: the protocol that the message names, with mutual authentication; None: neither.
        files: file names of the attached key stores, by record name.
    """

    host: str
    port: int
    url: str
    protocols: tuple[Made, ...]
    named: str | None = "myhttps"
    properties: tuple[Made, ...] = ()
    stores: tuple[Made, ...] = (stored(SAML), stored(PARTNER))
    files: tuple[tuple[str, str], ...] = ((SAML, "samlkeystore.jks"), (PARTNER, "partner.jks"))

    def records(self) -> tuple[Made, ...]:
        """Return every record, those among them that have nothing to do with the fault."""
        return (
            prop("instance_name", "northwind-made-up"),
            prop("glide.ui.theme", "polaris"),
            prop("com.glide.communications.httpclient.verify_hostname", "true", "boolean"),
            prop("glide.smtp.password", "MADE-UP-PASSWORD-FIELD", "password2"),
            *self.properties,
            stored("Partner Root CA", "trust_store"),
            *self.stores,
            *(each for store, name in self.files for each in attachment(store, name)),
            message("Partner Orders", self.url, self.named),
            *self.protocols,
        )


def healthy(host: str = "partner.example.com", port: int = 8443) -> Draft:
    """Make the instance as it should be: one profile, one key store for it, no properties."""
    return Draft(
        host, port, f"myhttps://{host}:{port}/orders", (profile("myhttps", str(port), PARTNER),)
    )


def _wrong_port(draft: Draft) -> Draft:
    held = tuple(one for one in draft.properties if one.key != PORT)
    return replace(draft, properties=(*held, prop(PORT, "4433", "integer")))


def _override(draft: Draft) -> Draft:
    return replace(draft, properties=(*draft.properties, prop(CLASS, FACTORY)))


def _duplicate(draft: Draft) -> Draft:
    second = profile("myhttps", "443", OTHER, key="myhttps again")
    return replace(
        draft,
        protocols=(*draft.protocols, second),
        stores=(*draft.stores, stored(OTHER)),
        files=(*draft.files, (OTHER, "partnertest.jks")),
    )


def _scheme(draft: Draft) -> Draft:
    return replace(draft, url=f"mauth://{draft.url.partition('://')[2]}", named=None)


def _https(draft: Draft) -> Draft:
    override = prop("glide.httpclient.protocol.https.class", FACTORY)
    return replace(draft, properties=(*draft.properties, override))


def _inactive(draft: Draft) -> Draft:
    made = tuple(stored(PARTNER, active=False) if one.key == PARTNER else one
                 for one in draft.stores)  # fmt: skip
    return replace(
        draft,
        stores=(*made, stored("Partner Client Keystore 2026")),
        files=(*draft.files, ("Partner Client Keystore 2026", "partner2026.jks")),
    )


def _capitals(draft: Draft) -> Draft:
    files = tuple((store, "Partner.JKS" if store == PARTNER else name)
                  for store, name in draft.files)  # fmt: skip
    first = profile("MyHttps", str(draft.port), PARTNER)
    named = draft.named and "MyHttps"
    return replace(draft, protocols=(first, *draft.protocols[1:]), files=files, named=named)


def _several(draft: Draft) -> Draft:
    """Register it by properties alone, the old way, with two partners' key stores."""
    ported = any(one.key == PORT for one in draft.properties)
    right = () if ported else (prop(PORT, str(draft.port), "integer"),)
    return replace(
        draft,
        named=None,
        protocols=(profile("unrelated", "443", PARTNER),),
        properties=(*draft.properties, prop(CLASS, FACTORY), *right),
        stores=(*draft.stores, stored(OTHER)),
        files=(*draft.files, (OTHER, "partnertest.jks")),
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which an instance is set up wrongly.

    Attributes:
        along: causes that are true as well whenever this fault is there.
        apart: faults with which it cannot be together.
    """

    cause: str
    story: str
    make: Callable[[Draft], Draft]
    along: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Return the cause without the room that it is in."""
        return self.cause.partition(".")[2]


FAULTS: tuple[Fault, ...] = (
    Fault(
        "instance.port",
        "A property registers myhttps on port 4433, where the endpoint listens on another.",
        _wrong_port,
        ("instance.property-overrides-profile",),
    ),
    Fault(
        "instance.property-overrides-profile",
        "The property .class registers myhttps too, and bypasses the key store of its profile.",
        _override,
        ("instance.several-keystores",),
    ),
    Fault(
        "instance.duplicate-profile",
        "Two profiles register myhttps, with different ports and key stores.",
        _duplicate,
    ),
    Fault(
        "instance.scheme",
        "The message's URL begins with mauth, a scheme that nothing registers.",
        _scheme,
    ),
    Fault(
        "instance.https-overridden",
        "The default scheme https was given the key-store socket factory as well.",
        _https,
    ),
    Fault(
        "instance.keystore-reference",
        "The profile names a key store that is not active; a newer one is there.",
        _inactive,
    ),
    Fault(
        "instance.keystore-name",
        "The protocol of the profile and the key store's file are written with capital letters.",
        _capitals,
    ),
    Fault(
        "instance.several-keystores",
        "Properties alone register myhttps, so each of three active key stores may be offered.",
        _several,
        apart=(
            "instance.property-overrides-profile",
            "instance.duplicate-profile",
            "instance.keystore-reference",
            "instance.keystore-name",
        ),
    ),
)


def worlds(host: str = "partner.example.com", port: int = 8443) -> Iterable[World]:
    """Make the instances for an endpoint: a sound one, the article's, and one for each fault."""
    sound = healthy(host, port)
    yield World(
        "healthy",
        "One profile, with the endpoint's port and one key store; no properties.",
        (),
        sound.url,
        sound.records(),
    )
    yield _article(sound)
    for fault in FAULTS:
        made = fault.make(sound)
        yield World(fault.id, fault.story, (fault.cause, *fault.along), made.url, made.records())


def _article(sound: Draft) -> World:
    draft = replace(
        _override(_wrong_port(sound)),
        protocols=(*sound.protocols, profile("myhttpstest", str(sound.port), OTHER)),
        stores=(*sound.stores, stored(OTHER)),
        files=(*sound.files, (OTHER, "partnertest.jks")),
    )
    return World(
        "broken",
        "Properties register myhttps on port 4433, where the endpoint listens on another; they "
        "bypass the profile's key store; a second profile was made for tests.",
        ("instance.port", "instance.property-overrides-profile", "instance.duplicate-profile"),
        draft.url,
        draft.records(),
    )


def pairs(host: str = "partner.example.com", port: int = 8443) -> Iterable[World]:
    """Make an instance for every two faults that can be together."""
    sound = healthy(host, port)
    for first, second in combinations(FAULTS, 2):
        if first.cause in second.apart:
            continue
        made = second.make(first.make(sound))
        causes = dict.fromkeys((first.cause, second.cause, *first.along, *second.along))
        name, story = f"{first.id}+{second.id}", f"{first.story} {second.story}"
        yield World(name, story, tuple(causes), made.url, made.records())


def variants(host: str = "partner.example.com", port: int = 8443) -> Iterable[World]:
    """Make the same faults as they come about in other ways, and sound instances that look odd."""
    sound = healthy(host, port)
    (right,) = sound.protocols
    for name, cause, made in (
        ("port, the old way", "instance.port", _old_way(sound, "4433")),
        ("reference empty", "instance.keystore-reference", _pointing(sound, None)),
        ("reference gone", "instance.keystore-reference", _pointing(sound, "Gone")),
        ("reference to trust", "instance.keystore-reference", _pointing(sound, "Partner Root CA")),
        (
            "one for test",
            "instance.duplicate-profile",
            replace(sound, protocols=(right, profile("myhttpstest", str(port), PARTNER))),
        ),
        (
            "https in the URL",
            "instance.scheme",
            replace(sound, url=f"https://{host}:{port}/orders", named=None),
        ),
        (
            "https by a profile",
            "instance.https-overridden",
            replace(sound, protocols=(right, profile("https", "443", SAML))),
        ),
        ("the old way", "", _old_way(sound, str(port))),
        ("another partner", "", replace(sound, protocols=(right, profile("bank", "443", SAML)))),
        ("empty properties", "", replace(sound, properties=(prop(CLASS, ""), prop(PORT, "")))),
    ):
        yield World(name, name, (cause,) if cause else (), made.url, made.records())


def _old_way(draft: Draft, port: str) -> Draft:
    """Register myhttps by properties alone, with one key store."""
    return replace(
        draft,
        named=None,
        protocols=(profile("unrelated", "443", PARTNER),),
        properties=(prop(CLASS, FACTORY), prop(PORT, port, "integer")),
        stores=(stored(PARTNER),),
        files=((PARTNER, "partner.jks"),),
    )


def _pointing(draft: Draft, store: str | None) -> Draft:
    return replace(draft, protocols=(profile("myhttps", str(draft.port), store),))


WORLDS: Mapping[str, World] = MappingProxyType({world.id: world for world in worlds()})


def files_of(world: World) -> Mapping[str, bytes]:
    """Return the sample files of a world by path: one XML of all tables, one JSON for each."""
    per_table = {
        f"{world.id}/{table}.json": as_table_api(world.of(table)) for table in world.tables()
    }
    return {f"{world.id}/instance.xml": as_unload(world.records), **per_table}


def key_stores(password: str = PASSWORD) -> Mapping[str, bytes]:
    """Make the attached key stores anew, by file name: PKCS#12, of two authorities.

    Those of the partner's are issued by ``CN=Partner CA,O=Partner``; all others by another one.
    """
    partner, other = Authority.root("CN=Partner CA,O=Partner"), Authority.root("CN=Another CA")
    clients = {
        "samlkeystore.jks": other.client("CN=saml.northwind.example").p12(password, "saml"),
        "partnertest.jks": other.client("CN=test.northwind.example").p12(password, "trial"),
    }
    for name in ("partner.jks", "partner2026.jks", "Partner.JKS"):
        clients[name] = partner.client("CN=orders.northwind.example").p12(password, "orders")
    return clients


def main(arguments: Sequence[str]) -> None:
    """Write the sample exports of every world beneath the directory that is named.

    With ``--key-stores`` the XML carries key stores made anew, which open with `PASSWORD`.
    """
    named = [one for one in arguments if one != "--key-stores"]
    root = Path(named[0]) if named else Path("data/exports")
    files = key_stores() if "--key-stores" in arguments else {}
    for world in WORLDS.values():
        for name, data in files_of(world.carrying(files)).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
