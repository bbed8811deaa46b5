"""What was given becomes a case: an endpoint, files, passwords.

Law of this file: a name that leads to no readable file stops everything before anyone is called;
what a file holds never does. Nothing is concluded here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.collect.evidence import NO_FILE, Evidence, Given, gather
from mtlskit.collect.recorded import failing
from mtlskit.instance.live import Live
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.material import Problem, Source, Target, Unreadable
from mtlskit.trace.at_hand import joined
from mtlskit.trace.events import Trace
from mtlskit.trace.views import together

DEFAULT_PORT = 443
_PORTS = range(1, 65536)


def target_of(text: str | Target) -> tuple[Target, str | None]:
    """Read ``host:port``, ``[address]:port`` or a URL; return the target, and the URL if it is one.

    Raises:
        Unreadable: code ``not-recognised``; it names no host, or a port that cannot be.
    """
    if isinstance(text, Target):
        return text, None
    url = text if "://" in text else None
    try:
        parts = urlsplit(url or f"//{text}")
        host, port = parts.hostname, DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        host, port = None, 0
    if not host or port not in _PORTS or any(one.isspace() for one in host):
        words = (
            f"{_told(text)!r} names no endpoint; expected HOST:PORT, such as partner.example:443."
        )
        raise Unreadable(Problem("not-recognised", words, Source("target")))
    return Target(host, port), _told(url) if url else None


def _told(text: str) -> str:
    """Leave out of a URL what only its owner should see: user, password and query."""
    start, scheme, rest = text.rpartition("://")
    authority, slash, path = rest.partition("?")[0].partition("/")
    return start + scheme + authority.rpartition("@")[2] + slash + path


def read(  # noqa: PLR0913 - the choices of a reading, all by name
    *files: Given,
    password: str | Sequence[str] | None = None,
    trust: Given | Iterable[Given] | None = None,
    url: str | None = None,
    connection: int | None = None,
    at: datetime | None = None,
    server_trust: Given | Iterable[Given] | None = None,
    server_name: str | None = None,
) -> Case:
    """Read any mixture of files into a case. Never fails for what a file holds.

    What could not be read stands in ``case.problems``, each with what to do about it.

    Args:
        files: paths, or bytes with a name.
        password: one or several, tried in turn on whatever is locked.
        trust: what the client trusts servers by; None: not known.
        url: the URL that the instance or client calls.
        connection: which connection of the captures and logs is judged, by its number in the
            list of them; None: the one that shows most of a failure.
        at: when it failed, the time at which dates are judged; without a zone it is taken as UTC.
            None: the time that the files tell, else now.
        server_trust: the CA certificates by which the server verifies clients, as its owner named
            them; None: nobody said.
        server_name: the name that the client called, where it sent none; None: the URL's host.

    Raises:
        ValueError: there is no connection of that number.
    """
    found = gather(files, passwords_of(password))
    anchors = gather(several(trust), passwords_of(password))
    named = gather(several(server_trust), passwords_of(password))
    where = target_of(url)[0] if url else None
    case = Case(
        identities=_identities(found),
        stores=found.stores,
        trust=None if trust is None else anchors.certificates,
        server_trust=None if server_trust is None else named.certificates,
        material=found.certificates,
        crls=(*found.crls, *named.crls),
        settings=settings_from(found.exports) if found.exports else None,
        tools=found.tools,
        url=url,
        problems=found.problems + anchors.problems + named.problems,
        at=datetime.now(UTC),
    )
    traced = _with_traces(case, found.recorded.traces, where, connection)
    traced = _with_name(traced, where, server_name)
    return traced.having(at=at if at.tzinfo else at.replace(tzinfo=UTC)) if at else traced


def _identities(found: Evidence) -> tuple[Identity, ...] | None:
    """Return what the key stores hold; None where no file was one, or none could be opened."""
    if found.identities:
        return found.identities
    if any(store.closed for store in found.stores):
        return None  # the key may lie in the one that is locked
    looked = any(store.entries or not store.problems for store in found.stores)
    return () if looked else None


def _with_traces(
    case: Case, traces: Sequence[Trace], where: Target | None, number: int | None
) -> Case:
    """Add what captures and logs told of, and choose the connection that is judged.

    Dates are judged at the time of that connection, where it is known.
    """
    held = together([joined(one, case.material) for one in traces])
    if number is not None and not 1 <= number <= len(held):
        raise ValueError(
            f"There is no connection {number}: the files tell of {len(held)}, counted from 1."
        )
    chosen = held[number - 1] if number else failing(held, where)
    if chosen is None:
        return case
    return case.having(
        trace=chosen,
        traces=held,
        target=chosen.target,
        at=chosen.began or case.at,
    )


def _with_name(case: Case, where: Target | None, said: str | None) -> Case:
    """Add the name that the client called, where the connection itself tells none.

    The URL tells it for a connection to the URL's own port.
    """
    trace = case.trace
    if trace is None or trace.expected_name or trace.server_name:
        return case
    same = where is not None and (trace.target is None or trace.target.port == where.port)
    name = said or (where.host if where is not None and same else None)
    if name is None:
        return case
    named = replace(trace, expected_name=name)
    return case.having(
        trace=named, traces=tuple(named if one is trace else one for one in case.traces)
    )


def case_of(  # noqa: PLR0913, PLR0917 - the parts of the evidence
    target: str | Target,
    identity: Given | Iterable[Given] | Identity | None,
    trust: Given | Iterable[Given] | tuple[Certificate, ...] | None,
    material: Given | Iterable[Given],
    settings: Given | Iterable[Given] | Settings | Live,
    password: str | Sequence[str] | None,
    server_trust: Given | Iterable[Given] | None = None,
) -> Case:
    """Read the target and the files; see `mtlskit.diagnose` for what each may be.

    Raises:
        Unreadable: the target, or a file that is not there.
    """
    where, url = target_of(target)
    words = passwords_of(password)
    ready = identity if isinstance(identity, Identity) else None
    own = gather([] if ready else several(identity), words)
    held = tuple(one for one in several(trust) if isinstance(one, Certificate))
    anchors = gather([] if held else several(trust), words)
    other = gather(several(material), words)
    named = gather(several(server_trust), words)
    known = _known(settings)
    exports = gather([] if known else several(settings), words)
    _must_be_files(own, anchors, other, exports, named)
    if not held:
        _must_hold_something(trust, anchors)
    _must_hold_something(server_trust, named)
    return Case(
        target=where,
        url=url,
        identities=(ready,) if ready else None if identity is None else own.identities,
        spare=other.identities,
        stores=own.stores,
        trust=held or (None if trust is None else anchors.certificates),
        server_trust=None if server_trust is None else named.certificates,
        material=(*own.certificates, *other.certificates),
        crls=(*own.crls, *other.crls, *named.crls),
        settings=known or (settings_from(exports.exports) if exports.exports else None),
        tools=(*other.tools, *exports.tools),
        problems=(
            *own.problems,
            *anchors.problems,
            *named.problems,
            *other.problems,
            *_recorded_elsewhere(other),
            *_only_settings(exports),
        ),
    )


def case_to_call(
    target: str | Target,
    identity: Given | Iterable[Given] | Identity | None,
    trust: Given | Iterable[Given] | tuple[Certificate, ...] | None,
    password: str | Sequence[str] | None,
) -> Case:
    """Read what one attempt is made with, all of it; where nothing is judged, nothing may lack.

    Raises:
        Unreadable: the target, or a file, or anything in a file.
    """
    case = case_of(target, identity, trust, (), (), password)
    if case.problems:
        raise Unreadable(case.problems[0])
    return case


def _known(settings: object) -> Settings | None:
    """Return settings that are no files: read already, or from the instance itself."""
    if isinstance(settings, Live):
        return settings.settings
    return settings if isinstance(settings, Settings) else None


def _recorded_elsewhere(other: Evidence) -> tuple[Problem, ...]:
    """Name the logs and captures among the material: a live diagnosis judges its own call."""
    words = (
        "Logs and captures are read by mtlskit read; this diagnosis made a call of its own, and "
        "did not look at what is told here. Give the file to mtlskit read, with the others."
    )
    names = dict.fromkeys(one.source.name for one in other.recorded.traces)
    return tuple(Problem("recorded", words, Source(one)) for one in names)


def _only_settings(exports: Evidence) -> tuple[Problem, ...]:
    """Name what was given as settings and is none."""
    words = "This is no export of settings; give it as identity, trust or further material."
    return exports.problems + tuple(
        Problem("not-settings", words, store.source) for store in exports.stores
    )


def several(given: object) -> list[Given]:
    """Return one or many as a list."""
    if given is None:
        return []
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        return list(given)
    return [given]  # type: ignore[list-item]  # the signatures above say what it can be


def passwords_of(password: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return none, one or several passwords as a tuple."""
    if password is None:
        return ()
    return (password,) if isinstance(password, str) else tuple(password)


def _must_be_files(*given: Evidence) -> None:
    """Stop before anyone is called if a name that was given leads to no readable file.

    A store that is locked or damaged is evidence; a file that is not there is a slip of the pen.
    """
    for one in given:
        for problem in one.problems:
            if problem.code in NO_FILE:
                raise Unreadable(problem)


def _must_hold_something(trust: object, anchors: Evidence) -> None:
    """A trust store without a certificate would refuse every server, and be blamed on it."""
    if trust is None or anchors.certificates:
        return
    if anchors.problems:
        raise Unreadable(anchors.problems[0])
    words = "There is no certificate in what was given as trust; expected CA certificates."
    raise Unreadable(Problem("empty", words, Source("trust")))
