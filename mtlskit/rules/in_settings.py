"""Rules on the instance's settings: whether the call can use the key store that is meant for it.

Law of this room: every finding names record and field, what stands there, what was expected, and
what to set. Two settings that differ are not yet a fault: stock records and profiles for other
endpoints are usual.
"""

from __future__ import annotations

import re
from itertools import combinations

from mtlskit.case import Case
from mtlskit.instance.offering import file_of
from mtlskit.instance.protocols import FACTORY, Scheme, offered, scheme_named, schemes, store_used
from mtlskit.instance.reading import port_number
from mtlskit.instance.records import Profile, StoredCertificate
from mtlskit.instance.rivals import made_for_one_endpoint
from mtlskit.instance.routes import Route
from mtlskit.instance.settings import Settings
from mtlskit.instance.usable import flaws
from mtlskit.material import Because
from mtlskit.rules.configured import (
    Configured,
    beside_the_call,
    called_urls,
    configured,
    endpoint_port,
    given,
    mutual_names,
    road_in,
    road_of,
)
from mtlskit.rules.rule import Answer, Clear, Found, Inapplicable, rule
from mtlskit.rules.steps import empty, profile_counts, set_port

_ARTICLE = "ServiceNow KB0683345"
_PLAIN_NAME = re.compile(r"[a-z0-9]+\Z")
_PLAIN_FILE = re.compile(r"[a-z0-9._-]+\Z")


def _no_scheme(what: Configured) -> Inapplicable:
    if what.address is None:
        return Inapplicable((Because("no scheme that offers a client certificate is registered"),))
    text = f"the URL's scheme {what.address.scheme} offers no client certificate"
    return Inapplicable((Because(text),))


def _named(profile: Profile) -> str:
    return f"the protocol profile {profile.protocol}"


@rule(
    "instance.port",
    title="Is the protocol registered with the port of the endpoint?",
    cites=_ARTICLE,
)
@beside_the_call
def port(case: Case) -> Answer:
    """Compare the registered port with the one that the endpoint listens on."""
    what = configured(case)
    if not what.schemes:
        return _no_scheme(what)
    wanted, known = endpoint_port(case, what.settings)
    other = [one for one in what.schemes if one.port and port_number(one.port.value) != wanted]
    if len(other) < len(what.schemes):
        right = next(one for one in what.schemes if one not in other)
        text = f"{right.name} is registered with " + (f"port {wanted}" if right.port else "no port")
        return Clear((Because(text, right.port.source if right.port else None), known))
    seen = [
        Because(
            f"{one.name} is registered with port {one.port.value}, by {one.port.record}; "
            f"{wanted} was expected",
            one.port.source,
        )
        for one in other
        if one.port
    ]
    # A URL that names a port wins over a profile's default port, though not over a property's.
    portless = what.address is not None and what.address.port is None
    certain = portless or any(one.port_property for one in other)
    return Found((*seen, known), remedy=set_port(other[0], wanted), decisive=certain)


@rule(
    "instance.property-overrides-profile",
    title="Do properties bypass the key store that the protocol profile names?",
    cites=f"{_ARTICLE}; PRB1923704, release notes of Xanadu patch 11 and Zurich patch 3",
)
@beside_the_call
def property_overrides_profile(case: Case) -> Answer:
    """Look for a protocol that is registered by properties and by a profile at once."""
    what = configured(case)
    if (wrong := next((one for one in schemes(what.settings) if one.misspelt), None)) is not None:
        return _misspelt(wrong)
    if not what.schemes:
        return _no_scheme(what)
    given(what.settings, "sys_protocol_profile")
    both = [one for one in what.schemes if one.profiles and (one.class_property or one.overrides)]
    if not both:
        names = ", ".join(f"{one.name} by {one.by}" for one in what.schemes)
        return Clear((Because(f"no protocol is registered by both ways: {names}"),))
    scheme = both[0]
    stores = offered(what.settings, scheme)
    return Found(
        (*_bypassed(scheme), *_all_offered(scheme, stores)),
        remedy=f"{empty(scheme)} {profile_counts(scheme)}",
        decisive=scheme.class_property is not None and (stores is None or len(stores) > 1),
    )


def _misspelt(scheme: Scheme) -> Answer:
    """A class that does not exist: the call cannot be made, or offers no certificate."""
    held = scheme.misspelt
    if held is None:
        return Inapplicable()
    text = f"{held.name} names the class {held.value}; the socket factory is called {FACTORY}"
    return Found((Because(text, held.source),), remedy=f"{empty(scheme)} {profile_counts(scheme)}")


def _bypassed(scheme: Scheme) -> list[Because]:
    seen = [Because(f"{one.name} is set to {one.value}", one.source) for one in scheme.properties]
    return seen + [
        Because(f"{one} has no effect: the property wins", one.source) for one in scheme.overrides
    ]


def _all_offered(
    scheme: Scheme, stores: tuple[StoredCertificate, ...] | None
) -> tuple[Because, ...]:
    if not scheme.class_property or not stores:
        return ()
    names = ", ".join(one.name for one in stores)
    text = f"every active key store may be offered instead of the profile's: {names}"
    return (Because(text, stores[0].source),)


@rule(
    "instance.duplicate-profile",
    title="Does more than one protocol profile compete?",
    cites=_ARTICLE,
)
@beside_the_call
def duplicate_profile(case: Case) -> Answer:
    """Look for profiles of one protocol name, and for a second one made for the same endpoint."""
    settings = case.need_settings()
    given(settings, "sys_protocol_profile")
    profiles = settings.profiles or ()
    road = road_in(case, settings)
    pairs = [
        pair
        for pair in combinations(profiles, 2)
        if not (road and road.scheme and road.scheme.profiles)
        or any(_serves(road, one) for one in pair)
    ]
    for first, second in pairs:
        if first.protocol.lower() == second.protocol.lower():
            return _competing(first, second, "is registered by two profiles", decisive=True)
    for pair in pairs:
        first, second = sorted(pair, key=lambda one: (not _serves(road, one), len(one.protocol)))
        why = made_for_one_endpoint(settings, first, second)
        if why:
            return _competing(first, second, why, decisive=False)
    names = ", ".join(one.protocol for one in profiles) or "there is no profile"
    return Clear((Because(f"no two profiles compete: {names}"),))


def _serves(road: Route | None, profile: Profile) -> bool:
    return bool(road and road.scheme and profile in road.scheme.profiles)


def _competing(first: Profile, second: Profile, why: str, *, decisive: bool) -> Found:
    other = second.protocol if not decisive else "the other"
    return Found(
        (
            Because(f"{first.protocol} {why}; the one: {_profile(first)}", first.source),
            Because(f"the other: {_profile(second)}", second.source),
        ),
        remedy=f"Keep one profile {first.protocol}, and point its Keystore to the key store that "
        f"the endpoint accepts. Export {other} as a backup and delete it, unless calls to another "
        "endpoint need it.",
        decisive=decisive,
    )


def _profile(profile: Profile) -> str:
    return (
        f"protocol {profile.protocol}, default port {profile.port or 'empty'}, "
        f"key store {profile.keystore or 'empty'}"
    )


@rule(
    "instance.keystore-name",
    title="Have the protocol and the key-store file plain names in small letters?",
    cites=f"{_ARTICLE}; ServiceNow documentation, Create a protocol profile",
)
@beside_the_call
def keystore_name(case: Case) -> Answer:
    """Look for capital letters and special characters in the names that are used."""
    what = configured(case)
    if not what.schemes:
        return _no_scheme(what)
    bad = [
        profile
        for scheme in what.schemes
        for profile in scheme.profiles
        if not _PLAIN_NAME.match(profile.protocol)
    ]
    if bad:
        said = f"the protocol of a profile is {bad[0].protocol}; small letters were expected"
        plain = re.sub(r"[^a-z0-9]", "", bad[0].protocol.lower()) or "myhttps"
        remedy = f"Rename the protocol {bad[0].protocol} to {plain}, there and in the URLs."
        return Found((Because(said, bad[0].source),), remedy=remedy)
    return _file_names(what)


def _file_names(what: Configured) -> Answer:
    stores = [store_used(what.settings, scheme) for scheme in what.schemes]
    files = [one for store in stores if store for one in store.attachments or ()]
    odd = [one for one in files if not _PLAIN_FILE.match(one.file_name)]
    if odd:
        said = f"the key store's file is called {odd[0].file_name}; small letters were expected"
        plain = re.sub(r"[^a-z0-9._-]", "", odd[0].file_name.lower())
        remedy = f"Upload the key store again under a plain name, such as {plain}."
        return Found((Because(said, odd[0].source),), remedy=remedy, decisive=False)
    names = ", ".join(scheme.name for scheme in what.schemes)
    seen = [Because(f"the protocol is called {names}")]
    if files:
        seen.append(Because(f"the file is called {files[0].file_name}", files[0].source))
    else:
        seen.append(Because("the key store's file name was not given and not looked at"))
    return Clear(tuple(seen))


@rule(
    "instance.scheme",
    title="Does the URL begin with the protocol that offers a client certificate?",
    cites="ServiceNow documentation, Mutual authentication",
)
@beside_the_call
def scheme(case: Case) -> Answer:
    """Compare the URL's scheme with the registered protocols."""
    settings = case.need_settings()
    given(settings, "sys_properties", "sys_protocol_profile")
    roads = [road_of(settings, url) for url in called_urls(case, settings)]
    names = mutual_names(settings)
    if not names:
        return Inapplicable((Because("no protocol that offers a client certificate exists"),))
    for road in roads:
        if road.scheme and road.scheme.offers_certificate:
            text = f"{road.address} uses {road.scheme.name}, which offers a client certificate"
            return Clear((Because(text, road.message.source if road.message else None),))
    return _without_certificate(case, roads[0], names)


def _without_certificate(case: Case, road: Route, names: tuple[str, ...]) -> Answer:
    trace = case.trace
    if trace and trace.asked is None and not trace.asking_hidden and trace.server_chain:
        return Clear((Because("the endpoint asked for no client certificate", trace.source),))
    known = road.scheme is not None
    told = "is not registered" if not known else "is built in and offers no client certificate"
    seen = [
        Because(
            f"the URL begins with {road.address.scheme}://; that scheme {told}",
            road.message.source if road.message else None,
        ),
        Because(f"protocols that offer one: {', '.join(names)}"),
    ]
    if trace and trace.asked:
        seen.append(Because("the endpoint asked for a client certificate", trace.asked.source))
    none_sent = trace is not None and trace.asked is not None and not trace.client_chain
    wanted = f"{names[0]}://" if len(names) == 1 else f"one of {', '.join(names)} and ://"
    return Found(
        tuple(seen),
        remedy=f"In the message's Endpoint, begin the URL with {wanted} instead of "
        f"{road.address.scheme}://.",
        decisive=not known or none_sent,
    )


@rule(
    "instance.https-overridden",
    title="Was the default https scheme given the key-store socket factory?",
    cites=_ARTICLE,
)
@beside_the_call
def https_overridden(case: Case) -> Answer:
    """Look for a registration of https itself."""
    settings = case.need_settings()
    given(settings, "sys_properties")
    https = scheme_named(settings, "https")
    if https is None or https.by == "built-in":
        return Clear((Because("nothing registers https itself; it is the built-in scheme"),))
    seen = [Because(f"{one.name} is set to {one.value}", one.source) for one in https.properties]
    seen += [Because(f"{_named(one)} registers https itself", one.source) for one in https.profiles]
    steps = [empty(https)] if https.properties else []
    steps += ["Remove the protocol profile https."] if https.profiles else []
    road = road_in(case, settings)
    return Found(
        (*seen, Because("so every outbound https call may offer a client certificate")),
        remedy=" ".join((*steps, "Use a protocol of its own for calls with a client certificate.")),
        decisive=road is not None and road.scheme is not None and road.scheme.name == "https",
    )


@rule(
    "instance.keystore-reference",
    title="Can the key store that the protocol profile names be used?",
    cites=f"{_ARTICLE}; ServiceNow documentation, Create a protocol profile",
)
@beside_the_call
def keystore_reference(case: Case) -> Answer:
    """Follow the key-store reference of each profile to its record, type, state and file."""
    what = configured(case)
    used = [one for scheme in what.schemes for one in scheme.profiles if scheme.by == "profile"]
    if not used:
        return Inapplicable((Because("no protocol profile decides which key store is used"),))
    answers = [_reference(case, what.settings, profile) for profile in used]
    found = [one for one in answers if isinstance(one, Found)]
    return found[0] if found else Clear(tuple(seen for one in answers for seen in one.because))


def _reference(case: Case, settings: Settings, profile: Profile) -> Found | Clear:
    if profile.keystore is None:
        text = f"{_named(profile)} names no key store: its field keystore is empty"
        return _repoint(profile, Because(text, profile.source))
    given(settings, "sys_certificate")
    store = settings.certificate_of(profile.keystore)
    if store is None:
        text = f"{_named(profile)} points to {profile.keystore}, which the exports do not hold"
        return _repoint(profile, Because(text, profile.source), decisive=False)
    wrong = flaws(store, file_of(store, (), case.stores), case.at)
    if wrong:
        pointing = Because(f"{_named(profile)} points to {store.name}", profile.source)
        told = (Because(one.text, store.source) for one in wrong)
        decisive = any(one.decides for one in wrong)
        return _repoint(profile, *told, pointing, decisive=decisive)
    text = f"{_named(profile)} points to {store.name}, an active record of type {store.type}"
    return Clear((Because(text, store.source),))


def _repoint(profile: Profile, *seen: Because, decisive: bool = True) -> Found:
    return Found(
        seen,
        remedy=f"In the existing protocol profile {profile.protocol}, set Keystore to the active "
        "key-store record whose file holds the client's private key. Make no second profile.",
        decisive=decisive,
    )


@rule(
    "instance.several-keystores",
    title="Can more than one key store be offered?",
    cites=f"{_ARTICLE}; PRB1923704, release notes of Xanadu patch 11 and Zurich patch 3",
)
@beside_the_call
def several_keystores(case: Case) -> Answer:
    """Count the key stores that the call may offer."""
    what = configured(case)
    if not what.schemes:
        return _no_scheme(what)
    given(what.settings, "sys_certificate")
    for one in what.schemes:
        stores = offered(what.settings, one) or ()
        if len(stores) > 1:
            named = store_used(what.settings, one)
            every = ", ".join(store.name for store in stores)
            keep = named.name if named else f"the one of {every} that the endpoint accepts"
            return Found(
                tuple(Because(f"{store.name} may be offered", store.source) for store in stores),
                remedy=f"Let a protocol profile {one.name} name one key store: {keep}. "
                f"{empty(one)}",
                decisive=False,
            )
    names = {store.name for one in what.schemes for store in offered(what.settings, one) or ()}
    text = f"only {', '.join(sorted(names))} may be offered" if names else "none can be offered"
    return Clear((Because(text),))
