"""For each fault of the settings the changes that would mend it, as far as the exports decide them.

Law of this room: what the exports leave open is not chosen by guess. Where two key stores could be
meant, no change is proposed, and the plan says what is to be decided by people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mtlskit.instance import changes
from mtlskit.instance.changes import Change
from mtlskit.instance.offering import file_of
from mtlskit.instance.protocols import Scheme, scheme_named, schemes, store_used
from mtlskit.instance.reading import port_number
from mtlskit.instance.records import Profile, StoredCertificate
from mtlskit.instance.rivals import made_for_one_endpoint
from mtlskit.instance.routes import Address, address_of, route
from mtlskit.instance.settings import Settings
from mtlskit.instance.usable import flaws

Changes = tuple[Change, ...]
STOCK = re.compile(r"saml", re.IGNORECASE)
"""The key store of the instance's own single sign-on, which no partner's call is meant to use."""
_NOT_PLAIN = re.compile(r"[^a-z0-9]")
_NOT_PLAIN_FILE = re.compile(r"[^a-z0-9._-]")


def proposed(cause: str, settings: Settings, url: str, port: int | None = None) -> Changes:
    """Return the changes that would mend a cause for a call; () if the exports do not decide them.

    Args:
        cause: an ``instance.…`` cause.
        settings: as they are.
        url: the URL that the instance calls.
        port: the port that the endpoint listens on; None: that of the URL.

    Raises:
        Unreadable: the URL is none.
    """
    wanted = port or address_of(url).port
    if settings.properties is None or settings.profiles is None:
        return ()  # what is right depends on what the other table says
    proposal = _PROPOSALS.get(cause)
    return proposal(settings, url, wanted) if proposal else ()


def meant_store(settings: Settings, scheme: Scheme | None = None) -> StoredCertificate | None:
    """Return the key store that is surely meant for the partner; None if more than one could be.

    It is the one that the profile names, if it can be used; else the only active one that is not
    of the instance's own single sign-on.
    """
    named = store_used(settings, scheme) if scheme else None
    if named and _usable(named):
        return named
    stores = [one for one in settings.key_stores or () if _usable(one)]
    others = [one for one in stores if not STOCK.search(one.name)]
    # The key of the instance's own sign-on is nobody's to lend.
    return others[0] if len(others) == 1 else None


def _usable(store: StoredCertificate) -> bool:
    return store.is_key_store and not any(one.decides for one in flaws(store, file_of(store)))


def _scheme(settings: Settings, url: str) -> Scheme | None:
    return route(settings, url).scheme


def _port(settings: Settings, url: str, wanted: int | None) -> Changes:
    scheme = _scheme(settings, url)
    if scheme is None or wanted is None or not scheme.offers_certificate:
        return ()
    if not scheme.profiles:
        held = scheme.port_property
        return (changes.valued(held.name, str(wanted)),) if held else ()
    profile = _kept(scheme.profiles, settings, wanted)
    own = (
        ()
        if profile.port == wanted
        else (changes.ported(profile.protocol, wanted, profile.sys_id),)
    )
    return (*_emptied(scheme), *own)


def _emptied(scheme: Scheme) -> Changes:
    return tuple(changes.emptied(one.name) for one in scheme.properties)


def _override(settings: Settings, url: str, _wanted: int | None) -> Changes:
    scheme = _scheme(settings, url)
    return _emptied(scheme) if scheme and scheme.profiles else ()


def _duplicates(settings: Settings, url: str, wanted: int | None) -> Changes:
    """Keep the profile of the URL's scheme that fits best, and remove its rivals."""
    name = address_of(url).scheme.lower()
    profiles = settings.profiles or ()
    mine = tuple(one for one in profiles if one.protocol.lower() == name)
    if not mine:
        return ()
    kept = _kept(mine, settings, wanted)
    rivals = [one for one in profiles if one is not kept and _rival(settings, kept, one)]
    gone = tuple(changes.removed(one.protocol, one.sys_id) for one in rivals)
    return gone if all(one.sys_id for one in gone) or len(mine) == 1 else ()


def _rival(settings: Settings, kept: Profile, other: Profile) -> bool:
    if kept.protocol.lower() == other.protocol.lower():
        return True
    return made_for_one_endpoint(settings, kept, other) is not None


def _kept(profiles: tuple[Profile, ...], settings: Settings, wanted: int | None) -> Profile:
    """Return the profile with the endpoint's port and a key store that can be used."""

    def fits(one: Profile) -> tuple[bool, bool]:
        store = settings.certificate_of(one.keystore)
        return (wanted is not None and one.port == wanted, store is not None and _usable(store))

    return max(profiles, key=fits)


def _names(settings: Settings, url: str, _wanted: int | None) -> Changes:
    scheme = _scheme(settings, url)
    if scheme is None:
        return ()
    return (*_files(settings, scheme), *_protocols(settings, scheme, url))


def _protocols(settings: Settings, scheme: Scheme, url: str) -> Changes:
    odd = [one for one in scheme.profiles if _NOT_PLAIN.search(one.protocol)]
    if not odd:
        return ()
    plain = _NOT_PLAIN.sub("", odd[0].protocol.lower()) or "myhttps"
    if any(one.protocol == plain for one in settings.profiles or ()):
        return ()
    called = changes.call_readdressed(settings, url, _with_scheme(url, plain))
    url_differs = address_of(url).scheme != plain
    return (
        changes.renamed(odd[0].protocol, plain, odd[0].sys_id),
        *(called if url_differs else ()),
    )


def _files(settings: Settings, scheme: Scheme) -> Changes:
    """Give the files of the profile's key store plain names."""
    store = store_used(settings, scheme)
    return tuple(
        Change("sys_attachment", one.file_name, "file_name", _plain(one.file_name))
        for one in (store.attachments or () if store else ())
        if _NOT_PLAIN_FILE.search(one.file_name)
    )


def _plain(file_name: str) -> str:
    return _NOT_PLAIN_FILE.sub("", file_name.lower())


def _with_scheme(url: str, name: str) -> str:
    return f"{name}://{url.partition('://')[2]}"


def url_mended(settings: Settings, url: str) -> str:
    """Return the URL with the scheme that it should have, where the exports decide that."""
    address = address_of(url)
    scheme = scheme_named(settings, address.scheme)
    if scheme is not None and scheme.offers_certificate:
        return url
    name = _mutual(settings, address)
    return _with_scheme(url, name) if name else url


def _mutual(settings: Settings, address: Address) -> str | None:
    """Return the only scheme that a call to this address can be meant to use."""
    found = [one for one in schemes(settings) if one.offers_certificate and one.name != "https"]
    port = address.port
    fitting = [one for one in found if port and one.port and port_number(one.port.value) == port]
    left = fitting or found
    return left[0].name if len(left) == 1 else None


def _address(settings: Settings, url: str, _wanted: int | None) -> Changes:
    mended = url_mended(settings, url)
    return changes.call_readdressed(settings, url, mended) if mended != url else ()


def _https(settings: Settings, _url: str, _wanted: int | None) -> Changes:
    https = scheme_named(settings, "https")
    if https is None:
        return ()
    gone = (changes.removed(one.protocol, one.sys_id) for one in https.profiles)
    return (*_emptied(https), *gone)


def _reference(settings: Settings, url: str, wanted: int | None) -> Changes:
    """Point the profile to the key store that is meant, or make the one it names active again."""
    scheme = _scheme(settings, url)
    if scheme is None or not scheme.profiles:
        return ()
    profile = _kept(scheme.profiles, settings, wanted)
    named = settings.certificate_of(profile.keystore)
    if named and named.is_key_store and named.active is False:
        return (changes.activated(named.name, active=True, sys_id=named.sys_id),)
    meant = meant_store(settings)
    if meant and meant is not named and (named is None or _resemble(meant.name, named.name)):
        return (changes.repointed(profile.protocol, meant.name, profile.sys_id),)
    return ()


def _resemble(one: str, other: str) -> bool:
    """Tell whether two names share a word that says whose they are; a store's kind does not."""
    words = [set(_WORDS.findall(name.lower())) - _COMMON for name in (one, other)]
    return bool(words[0] & words[1])


_WORDS = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    ("key", "store", "keystore", "client", "certificate", "cert", "the", "java", "prod", "test")
)


def _several(settings: Settings, url: str, wanted: int | None) -> Changes:
    """Let a profile name the one key store, and the properties of the scheme be empty."""
    scheme = _scheme(settings, url)
    meant = meant_store(settings, scheme)
    if scheme is None or meant is None:
        return ()
    if scheme.profiles:
        profile = _kept(scheme.profiles, settings, wanted)
        point = (changes.repointed(profile.protocol, meant.name, profile.sys_id),)
        right = store_used(settings, scheme) is meant
        return (*_emptied(scheme), *(() if right else point))
    port = wanted or (port_number(scheme.port.value) if scheme.port else None)
    made = (changes.added(scheme.name), changes.repointed(scheme.name, meant.name))
    ported = (changes.ported(scheme.name, port),) if port else ()
    return (*made, *ported, *_emptied(scheme))


_PROPOSALS: Mapping[str, Callable[[Settings, str, int | None], Changes]] = {
    "instance.port": _port,
    "instance.property-overrides-profile": _override,
    "instance.duplicate-profile": _duplicates,
    "instance.keystore-name": _names,
    "instance.scheme": _address,
    "instance.https-overridden": _https,
    "instance.keystore-reference": _reference,
    "instance.several-keystores": _several,
}
