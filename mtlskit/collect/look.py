"""Files looked at without a connection: `mtlskit.inspect`, `compare` and `verify`.

Law of this file: it opens files and asks `certs`; what it returns is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import PurePath
from typing import Literal

from mtlskit.certs import java_trust, paths, stacks
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.compare import Comparison
from mtlskit.certs.entries import Identity, Store
from mtlskit.certs.inventory import Inventory
from mtlskit.certs.ocsp import Response, read_response
from mtlskit.certs.outlook import WITHIN
from mtlskit.certs.signed import Crl
from mtlskit.collect import status
from mtlskit.collect.engines import DEADLINE, second_opinions
from mtlskit.collect.evidence import NO_FILE, Evidence, Given, gather
from mtlskit.collect.files import read_blob
from mtlskit.collect.given import passwords_of
from mtlskit.material import Blob, Problem, Source, Unreadable

Chain = Given | Iterable[Given] | Iterable[Certificate]
Lists = Given | Iterable[Given] | Iterable[Crl]


def inspect(
    *sources: Given, password: str | Sequence[str] | None = None, within: int = WITHIN
) -> Inventory:
    """Read every certificate, key, request and revocation list in the files.

    Args:
        sources: paths, or bytes with a name.
        password: one or several, tried in turn on whatever is locked.
        within: days; certificates that end within them are warned of.

    Returns:
        What the files hold; what could not be read stands in ``.problems``, what will hurt soon
        in ``.warnings``.
    """
    found = gather(sources, passwords_of(password))
    seen = {problem for store in found.stores for problem in store.problems}
    more = tuple(_no_page(one) for one in found.problems if one not in seen)
    problems = (*more, *_settings_files(found))
    return Inventory(found.stores, problems, at=datetime.now(UTC), within=within)


def _settings_files(found: Evidence) -> tuple[Problem, ...]:
    """Name the files that hold settings and no certificates, so that none is dropped in silence."""
    export = "This is an export of an instance's settings; give it to `mtlskit read` or `plan`."
    tool = "These are settings of {}, not its key store; give them to `mtlskit read`."
    told = [Problem("settings", export, one.source) for one in found.exports]
    told += [Problem("recording", _RECORDING, one) for one in _recordings(found)]
    told += [
        Problem("settings", tool.format(one.name), source)
        for one in found.tools
        for source in one.sources
    ]
    return tuple(told)


def _recordings(found: Evidence) -> list[Source]:
    """Name the logs and captures in which no certificate was printed."""
    logs = [one.source for one in found.recorded.logs if not one.certificates]
    return [*(one.source for one in found.recorded.captures), *logs]


_RECORDING = (
    "This tells of connections, and is no key store; give it to `mtlskit read`, with the key store "
    "beside it."
)


def _no_page(problem: Problem) -> Problem:
    """Whoever looks for a certificate is not told how to export settings."""
    return replace(problem, text=_WEB_PAGE) if problem.code in _PAGES else problem


_PAGES = ("web-page", "login-page")
_WEB_PAGE = (
    "This is a web page (HTML), not a certificate or key store. It may be what a server showed "
    "instead of the download, such as an error or a sign-in page: open it in a browser, and "
    "download the file again."
)


def compare(*sources: Given, password: str | Sequence[str] | None = None) -> Comparison:
    """Put key stores beside each other: what both hold, what differs, renews, or is missing where.

    Args:
        sources: paths, or bytes with a name; each is one store.
        password: one or several, tried in turn on whatever is locked.

    Returns:
        The answers; what could not be read stands in ``.problems``.
    """
    words = passwords_of(password)
    found = [gather((one,), words) for one in sources]
    stores = [_one_store(given, one) for given, one in zip(sources, found, strict=True)]
    return Comparison(stores, (_no_page(problem) for one in found for problem in one.problems))


def _one_store(given: Given, found: Evidence) -> Store:
    """Keep a place for a file that is no store: what it holds is not known, and not nothing."""
    if found.stores:
        return found.stores[0]
    source = given.source if isinstance(given, Blob) else Source(PurePath(given).name)
    problem = Problem("not-read", "This is no file of certificates or keys.", source)
    return Store(source, "unreadable", (), found.problems or (problem,))


def verify(  # noqa: PLR0913 - the interface, all by name
    chain: Chain,
    *,
    trust: Chain = (),
    role: Literal["client", "server"] = "client",
    name: str | None = None,
    at: datetime | None = None,
    password: str | Sequence[str] | None = None,
    max_depth: int | None = None,
    crls: Lists = (),
    material: Chain = (),
    ocsp: Given | Iterable[Given] = (),
    fetch: Collection[status.Kind] = (),
    profile: str = stacks.BASE,
    ask: bool = False,
    entry: str | None = None,
) -> paths.PathSearch:
    """Search a path from the first certificate of `chain` to an anchor, and say why there is none.

    Args:
        chain: the leaf and whatever issuers are at hand: files, or certificates.
        trust: the anchors: files, or certificates.
        role: what the leaf is to be used as (RFC 5280, 4.2.1.12).
        name: the name that a server's certificate must carry (RFC 9525).
        at: the time to judge at; None: now. Without a zone it is taken as UTC.
        password: one or several, tried in turn on whatever is locked.
        max_depth: how many intermediate certificates a path may have.
        crls: revocation lists: files, or lists. If any is given, each certificate below the anchor
            has to be covered by one (as nginx and Apache httpd have it).
        material: what else is at hand, and neither sent nor trusted: only to say what would mend
            the chain.
        ocsp: OCSP responses, DER files. Given alone, only the leaf has to be covered.
        fetch: what is fetched from the addresses in the certificates: ``issuers`` that are missing,
            ``ocsp`` responses, ``crls``. By default nothing leaves this machine.
        profile: whose rules are asked: ``rfc5280``, or a stack's (`mtlskit.certs.stacks.STACKS`).
        ask: whether the real engines on this machine are asked too, which may take a minute;
            `PathSearch.answers` has what they said.
        entry: the alias of the entry to judge, or its label; None: the first that has a key.

    Raises:
        ValueError: there is no such profile.
        Unreadable: no certificate could be read from `chain`, or no list from `crls`, or
            no response from `ocsp`, or `chain` has no such `entry`.
    """
    given, anchors = _looked(chain, password, entry), _looked(trust, password)
    ours = given.certificates
    if not ours:
        raise _nothing(chain, given, "chain", "the certificate to verify")
    if anchors.stores and not anchors.certificates:
        raise _nothing(trust, anchors, "trust", "the certificates that are trusted")
    judge, moment = stacks.profile(profile), at or datetime.now(UTC)
    found = paths.search(
        ours[0],
        ours[1:],
        anchors.certificates,
        role=role,
        name=name,
        at=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        max_depth=max_depth,
        crls=_lists(crls, password),
        at_hand=_looked(material, password).certificates,
        responses=_responses(ocsp),
    )
    problems = (*given.problems, *_not_judged(given))
    problems += tuple(one for one in anchors.problems if one.code != "chain-order")
    problems += java_trust.notes(anchors.stores)
    if fetch:
        got = status.fetched(found.question, fetch)
        found = paths.answer(got.added_to(found.question))
        problems += got.problems
    found = replace(found, problems=problems)
    asked = replace(found.question, java_anchors=_seen_by_java(anchors))
    found = replace(found, question=asked)
    if judge.name != stacks.BASE:
        ruled = stacks.search_as(asked.seen_by(judge.name), judge)
        found = replace(ruled, question=asked, problems=problems)
    return replace(found, answers=second_opinions(asked, DEADLINE)) if ask else found


def _seen_by_java(anchors: _Looked) -> tuple[Certificate, ...] | None:
    """Return what Java sees of the trust, where that is less than what is in it."""
    seen = java_trust.seen(anchors.stores)
    return seen if anchors.stores and len(seen) < len(anchors.certificates) else None


def _responses(given: Given | Iterable[Given]) -> tuple[Response, ...]:
    several = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    blobs = [one if isinstance(one, Blob) else read_blob(one) for one in several]
    return tuple(read_response(blob.data, blob.source) for blob in blobs)


def _lists(given: Lists, password: str | Sequence[str] | None) -> tuple[Crl, ...]:
    several = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    ready = tuple(one for one in several if isinstance(one, Crl))
    if ready or not several:
        return ready
    found = gather(several, passwords_of(password))  # type: ignore[arg-type]  # files, by the test above
    lists = tuple(one for store in found.stores for one in store.crls)
    if not lists:
        words = "There is no revocation list in it; expected a CRL, PEM or DER."
        raise Unreadable((*found.problems, Problem("empty", words, Source("crls")))[0])
    return lists


@dataclass(frozen=True, slots=True)
class _Looked:
    """Certificates, the leaf first, and what has to be said about the files that they stand in."""

    certificates: tuple[Certificate, ...]
    problems: tuple[Problem, ...] = ()
    stores: tuple[Store, ...] = ()
    identities: tuple[Identity, ...] = ()


def _looked(
    given: Chain, password: str | Sequence[str] | None, entry: str | None = None
) -> _Looked:
    several = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    ready = [one for one in several if isinstance(one, Certificate)]
    if ready:
        return _Looked(tuple(ready))
    found = gather(several, passwords_of(password))  # type: ignore[arg-type]  # files, by the test above
    slips = [one for one in found.problems if one.code in NO_FILE]
    if slips or (not found.certificates and found.problems):
        raise Unreadable(_no_page((*slips, *found.problems)[0]))
    certificates = _leaf_first(found, _leaf(found, entry))
    return _Looked(certificates, found.problems, found.stores, found.identities)


def _nothing(given: Chain, found: _Looked, what: str, expected: str) -> Unreadable:
    """Say what is there instead of a certificate, and what to ask for."""
    source = Source(_named(given) or what)
    entries = [entry for store in found.stores for entry in store.entries]
    asked = next((one for one in entries if one.request), None)
    if asked and asked.request:
        words = (
            f"This is a certificate request (CSR) for {asked.request.subject}, not a certificate: "
            "it is what is sent to a CA. Ask the CA for the certificate that it issued for it, "
            "with its chain, and give that."
        )
        return Unreadable(Problem("request", words, asked.source))
    if any(one.kind == "key" for one in entries):
        words = f"There is a private key in it and no certificate; expected {expected}."
        return Unreadable(Problem("empty", words, source))
    words = f"There is no certificate in it; expected {expected}."
    return Unreadable(Problem("empty", words, source))


def _not_judged(given: _Looked) -> tuple[Problem, ...]:
    """Say which identities are there besides the one that is judged, and how to choose one."""
    leaf = given.certificates[0]
    others = [one for one in given.identities if one.certificate.der != leaf.der]
    if not others:
        return ()
    first = next((one for one in given.identities if one.certificate.der == leaf.der), None)
    judged = f"{first.label} ({first.source})" if first else leaf.label
    names = ", ".join(f"{one.label} ({one.source})" for one in others)
    words = f"Judged is {judged}; not judged: {names}. --entry ALIAS chooses another."
    return (Problem("several-identities", words, first.source if first else leaf.source),)


def _named(given: Chain) -> str | None:
    """Return the name of the first file, for a sentence about it."""
    several = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    first = several[0] if several else None
    if isinstance(first, Blob):
        return first.source.name
    return str(first) if isinstance(first, str | PathLike) else None


def _leaf(found: Evidence, entry: str | None) -> Certificate | None:
    """Find the certificate in question: that of the entry, or the first that has a key.

    Raises:
        Unreadable: there is no such entry.
    """
    if entry is None:
        return found.identities[0].certificate if found.identities else None
    every = [one for store in found.stores for one in store.entries if one.certificate]
    same = [one for one in every if entry.lower() in {(one.alias or "").lower(), one.label.lower()}]
    if same:
        return same[0].certificate
    names = ", ".join(dict.fromkeys(one.label for one in every)) or "none"
    words = f"There is no entry {entry!r} with a certificate in it. Those that are there: {names}."
    raise Unreadable(Problem("no-entry", words, found.stores[0].source if found.stores else _CHAIN))


_CHAIN = Source("chain")


def _leaf_first(found: Evidence, leaf: Certificate | None) -> tuple[Certificate, ...]:
    """Put the certificate in question first, whatever order the files have."""
    rest = (one for one in found.certificates if leaf is None or one.der != leaf.der)
    return (leaf, *rest) if leaf is not None else found.certificates
