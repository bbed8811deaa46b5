"""A made-up instance that answers the Table API over HTTPS, and has its moods.

Law of this room: what it serves are the records of a made-up world, and what it refuses it refuses
as the real one is documented to. It counts who asked for what, and serves GET alone.
"""

from __future__ import annotations

import gzip
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.collect.https import Login
from mtlskit.collect.tls_on_line import request_head, until_done
from mtlskit.lab.endpoint import LOOPBACK, Line, Over, Visit, serve
from mtlskit.lab.exports import WORLDS
from mtlskit.lab.pki import Authority, Issued
from mtlskit.lab.records import Link, Made, sys_id
from mtlskit.lab.written import HOST, as_table_api
from mtlskit.material import Source, Target

Mood = Literal[
    "rate-limited", "cut", "cut-head", "slow", "drip", "deleted", "broken-off", "failed",
    "maintenance", "hibernating", "login-page", "web-page", "redirected", "elsewhere", "damaged",
    "endless",
]  # fmt: skip
"""What may come in place of an answer; ``deleted`` answers, after a record was deleted."""

_DEFAULT_LIMIT = 10_000
_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Log in | made up</title></head><body>"
    b'<form action="login.do"><input type="password" name="user_password"></form></body></html>'
)
_PAGES: Mapping[str, tuple[int, bytes]] = {
    "maintenance": (503, b"<html><body><h1>Down for maintenance</h1></body></html>"),
    "hibernating": (200, b"<html><body>Your instance is hibernating.</body></html>"),
    "login-page": (200, _LOGIN_PAGE),
    "web-page": (200, b"<!DOCTYPE html><html><body>Welcome to the proxy.</body></html>"),
}


@dataclass(frozen=True, slots=True)
class Api:
    """An instance as its Table API shows it.

    Attributes:
        user: the one who may log in, with `password`; or whoever has the `token`.
        closed: tables that this user may not read.
        absent: tables that this release does not have.
        hidden_fields: columns that this user may not read, in every table.
        hidden_records: sys_ids that this user may not read; they are counted all the same.
        at_most: records on a page, whatever is asked for.
        counts: whether `X-Total-Count` and `Link` are sent.
        moods: by the number of the request, from 1; number 0 stands for every request.
        retry_after: what it says when it is asked too often.
    """

    records: tuple[Made, ...]
    user: str = "reader"
    password: str = field(default="made-up password", repr=False)
    token: str = field(default="made-up-token", repr=False)
    closed: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    hidden_fields: frozenset[str] = frozenset()
    hidden_records: frozenset[str] = frozenset()
    at_most: int = _DEFAULT_LIMIT
    counts: bool = True
    moods: Mapping[int, Mood] = field(default_factory=dict)
    retry_after: str = "0"


@dataclass(frozen=True, slots=True)
class Served:
    """A running one.

    Attributes:
        target: where it listens.
        trust: the authority that certified it.
        asked: method and path of every request so far.
    """

    target: Target
    trust: tuple[Certificate, ...]
    api: Api
    asked: list[tuple[str, str]]

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{self.target}"

    @property
    def login(self) -> Login:
        """Who may read it."""
        return Login(user=self.api.user, password=self.api.password)


def of_world(world: str = "broken", more: int = 0) -> Api:
    """Make the API of a sample instance, with so many more certificates and properties."""
    extra = tuple(
        Made("sys_certificate", f"Trusted {number}", _trusted(number)) for number in range(more)
    )
    return Api((*WORLDS[world].records, *extra))


def _trusted(number: int) -> tuple[tuple[str, str | Link], ...]:
    name = f"Trusted {number}"
    return (("name", name), ("type", "trust_store"), ("active", "true"), ("pem_certificate", ""))


@contextmanager
def table_api(api: Api, patience: float = 60.0) -> Iterator[Served]:
    """Serve an API on a free loopback port, with a certificate of the lab's own authority."""
    root = Authority.root("CN=Lab Instance Root, O=Made Up")
    clerk = _Clerk(api)
    context = _context(root.server("instance.example", LOOPBACK))

    def behave(line: Line) -> Visit:
        tls = SSL.Connection(context, None)
        tls.set_accept_state()
        return _visit(tls, line, clerk)

    der = root.certificate.public_bytes(Encoding.DER)
    trust = (read_certificate(der, Source("the lab's authority")),)
    with serve(behave, patience=patience) as endpoint:
        yield Served(endpoint.target, trust, api, clerk.asked)


def _context(identity: Issued) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    return context


def _visit(tls: SSL.Connection, line: Line, clerk: _Clerk) -> Visit:
    try:
        until_done(tls, line, tls.do_handshake)
        request = request_head(tls, line)
        for piece in clerk.answer(request):
            if isinstance(piece, bytes):
                _send(tls, line, piece)
            else:
                line.pause(piece)
        until_done(tls, line, tls.shutdown)
    except SSL.Error as error:
        return Visit(ended=str(error))
    return Visit(status=200)


def _send(tls: SSL.Connection, line: Line, data: bytes) -> None:
    until_done(tls, line, lambda: tls.sendall(data))


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer before it is written."""

    status: int
    body: bytes
    kind: str = "application/json;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()

    def written(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers),
            "Connection: close",
        ]
        return "\r\n".join((*lines, "", "")).encode() + self.body


def _error(status: int, message: str, detail: str = "", *headers: tuple[str, str]) -> _Said:
    error = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return _Said(status, json.dumps(error).encode(), headers=headers)


_ERRORS: Mapping[str, _Said] = {
    "failed": _error(500, "Internal Server Error"),
    "broken-off": _error(200, "Transaction cancelled", "maximum execution time exceeded"),
    "damaged": _Said(200, b'{"result": "none"}'),
}


class _Clerk:
    """Answers requests, one after the other, and keeps the book."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.asked: list[tuple[str, str]] = []
        self._records = list(api.records)
        self._lock = threading.Lock()

    def answer(self, request: bytes) -> Iterable[bytes | float]:
        """Give the answer in pieces; a number is a pause in seconds."""
        head, *lines = request.decode("latin-1").split("\r\n")
        method, _, rest = head.partition(" ")
        path = rest.rpartition(" ")[0]
        with self._lock:
            self.asked.append((method, path))
            number = len(self.asked)
        mood = self.api.moods.get(number) or self.api.moods.get(0)
        headers = {n.lower(): v for n, _, v in (one.partition(": ") for one in lines)}
        if mood == "deleted":
            self._forget(path)
        said = self._of_mood(mood) or self._said(method, path, headers.get("authorization", ""))
        return _in_pieces(said.written(), mood)

    def _forget(self, path: str) -> None:
        """Delete the first record of the table that is being read."""
        table = urlsplit(path).path.rpartition("/")[2]
        mine = sorted((one for one in self._records if one.table == table), key=_id)
        self._records.remove(mine[0])

    def _of_mood(self, mood: Mood | None) -> _Said | None:
        if mood == "rate-limited":
            after = (("Retry-After", self.api.retry_after),) if self.api.retry_after else ()
            return _error(429, "Rate limit exceeded", "", *after)
        if mood in {"redirected", "elsewhere"}:
            host = "" if mood == "redirected" else "https://login.example.com"
            return _Said(302, b"", headers=(("Location", f"{host}/login.do?token=1"),))
        if mood is not None and mood in _PAGES:
            status, body = _PAGES[mood]
            return _Said(status, body, "text/html;charset=UTF-8")
        return _ERRORS.get(mood or "")

    def _said(self, method: str, path: str, authorization: str) -> _Said:
        if method != "GET":
            return _error(405, "Method not allowed")
        pair = b64encode(f"{self.api.user}:{self.api.password}".encode()).decode()
        if authorization not in {f"Basic {pair}", f"Bearer {self.api.token}"}:
            detail = "Required to provide Auth information"
            return _error(401, "User Not Authenticated", detail)
        parts = urlsplit(path)
        segments = [unquote(one) for one in parts.path.strip("/").split("/")]
        match segments:
            case ["api", "now", "table", table]:
                return self._table(table, {n: v[-1] for n, v in parse_qs(parts.query).items()})
            case ["api", "now", "attachment", number, "file"]:
                return self._file(number)
        return _error(400, "Requested URI does not represent any resource", parts.path)

    def _table(self, table: str, asked: Mapping[str, str]) -> _Said:
        if table in self.api.absent:
            return _error(400, f"Invalid table {table}")
        if table in self.api.closed:
            return _error(403, "User Not Authorized", "Failed API level ACL Validation")
        found = [one for one in self._records if one.table == table]
        found = _queried(found, asked.get("sysparm_query", ""))
        begin = int(asked.get("sysparm_offset", "0"))
        size = min(int(asked.get("sysparm_limit", _DEFAULT_LIMIT)), self.api.at_most)
        # As the real one does it: hidden records are taken off a page after it was cut out.
        page = [
            one for one in found[begin : begin + size] if _id(one) not in self.api.hidden_records
        ]
        body = json.dumps({"result": self._shown(page, asked)}).encode()
        return _Said(200, body, headers=self._counted(table, len(found), begin, size))

    def _shown(self, page: Sequence[Made], asked: Mapping[str, str]) -> list[dict[str, Any]]:
        display = asked.get("sysparm_display_value", "false")
        every = json.loads(as_table_api(page, display=display))["result"]
        wanted = [
            name
            for name in asked.get("sysparm_fields", "").split(",")
            if name not in self.api.hidden_fields
        ]
        empty = {"display_value": "", "value": ""} if display == "all" else ""
        return [{name: record.get(name, empty) for name in wanted} for record in every]

    def _counted(
        self, table: str, total: int, begin: int, size: int
    ) -> tuple[tuple[str, str], ...]:
        if not self.api.counts:
            return ()
        # Without a second page there is no such header, as the real one has it.
        address = f"https://{HOST}/api/now/table/{table}?sysparm_limit={size}&sysparm_offset="
        links = [f'<{address}0>;rel="first"']
        if begin + size < total:
            links.append(f'<{address}{begin + size}>;rel="next"')
        many = (("Link", ",".join(links)),) if total > size else ()
        return (("X-Total-Count", str(total)), *many)

    def _file(self, number: str) -> _Said:
        pieces = [
            dict(one.fields) for one in self._records
            if one.table == "sys_attachment_doc" and _points_to(one, number)
        ]  # fmt: skip
        if not pieces:
            return _error(404, "No Record found", "Record doesn't exist or ACL restricts it")
        ordered = sorted(pieces, key=lambda piece: int(str(piece["position"])))
        packed = b"".join(b64decode(str(piece["data"])) for piece in ordered)
        return _Said(200, gzip.decompress(packed), "application/octet-stream")


def _id(record: Made) -> str:
    return sys_id(record.table, record.key)


def _points_to(piece: Made, number: str) -> bool:
    link = dict(piece.fields)["sys_attachment"]
    return isinstance(link, Link) and link.sys_id == number


def _queried(records: list[Made], query: str) -> list[Made]:
    """Apply an encoded query: ``a^ORb`` is one condition, ``^`` joins them, and an order."""
    ordered = False
    for part in query.replace("^OR", "\0").replace("\0DERBY", "^ORDERBY").split("^"):
        if part == "ORDERBYsys_id":
            ordered = True
        elif part and not part.startswith("ORDERBY"):
            choices = part.split("\0")
            records = [one for one in records if any(_holds(one, each) for each in choices)]
    # Without an order the database gives them as it likes, here the newest first.
    return sorted(records, key=_id) if ordered else records[::-1]


def _holds(record: Made, condition: str) -> bool:
    name, operator, value = next(
        (condition.partition(word) for word in ("STARTSWITH", "=") if word in condition),
        (condition, "", ""),
    )
    held = str(dict(record.fields).get(name, ""))
    return held.startswith(value) if operator == "STARTSWITH" else held == value


def _in_pieces(data: bytes, mood: Mood | None) -> Iterator[bytes | float]:
    """Send the answer as the mood is: whole, slowly, or not to its end."""
    match mood:
        case "cut" | "cut-head":
            yield data[: len(data) // 2 if mood == "cut" else 20]
            raise Over("cut by the mood")
        case "slow":
            yield 0.3
            yield data
        case "drip":
            for place in range(len(data)):
                yield data[place : place + 1]
                yield 0.2
        case "endless":
            yield data.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
            while True:
                yield b"10000\r\n" + b" " * 65536 + b"\r\n"
        case _:
            yield data
