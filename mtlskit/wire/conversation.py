"""Both sides of a connection, joined. Law: no bytes make `feed` fail; what is wrong is an item.

Each side has its own stream of records, its own unfinished messages and its own keys. What one side
says (the version, the cipher suite) decides how the other is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from mtlskit.material import Side
from mtlskit.wire import records
from mtlskit.wire.handshake import Assembler, Framed
from mtlskit.wire.hellos import ssl2_client_hello
from mtlskit.wire.items import (
    Alert,
    ApplicationData,
    ChangeCipherSpec,
    Hidden,
    LeftOut,
    Lost,
    Malformed,
    NotTls,
)
from mtlskit.wire.messages import (
    ClientHello,
    Heartbeat,
    HelloRetryRequest,
    KeyUpdate,
    Message,
    ServerHello,
    Shape,
    Ssl2ClientHello,
    read,
)
from mtlskit.wire.names import TLS13
from mtlskit.wire.openers import NotOpened
from mtlskit.wire.reader import ParseError, quantity
from mtlskit.wire.records import Record, RecordReader, Stray
from mtlskit.wire.unseal import Agreed, KeyLog, Lock, Tls13Lock

__all__ = [
    "Alert",
    "ApplicationData",
    "ChangeCipherSpec",
    "Conversation",
    "Hidden",
    "Item",
    "LeftOut",
    "Lost",
    "Malformed",
    "NotTls",
    "Seen",
]

Item = (
    Message
    | Alert
    | ChangeCipherSpec
    | ApplicationData
    | Hidden
    | LeftOut
    | Lost
    | Malformed
    | NotTls
)

_SWITCH: Final = b"\x01"
_ALERT_SIZE: Final = 2


class Seen(NamedTuple):
    """One thing that one side sent.

    Attributes:
        at: where the record in which it began stands in its sender's stream, in bytes.
        record: number of that record among its sender's, from 0.
        content_type: of the record, the inner one if it was opened; 0 for what is no record.
        sealed: it travelled encrypted.
        size: bytes of a message's body, or of a sealed record's fragment.
    """

    sender: Side
    at: int
    record: int
    content_type: int
    item: Item
    sealed: bool
    size: int


class _Half:
    """What is known of one side's stream."""

    __slots__ = ("alerts", "assembler", "lock", "reader", "sealed", "sender")

    def __init__(self, sender: Side, *, late: bool) -> None:
        self.sender = sender
        self.reader = RecordReader(late=late)
        self.assembler = Assembler()
        self.alerts = bytearray()
        self.sealed = False
        self.lock: Lock | None = None


class Conversation:
    """Takes the bytes of both sides as they come and gives what they say, in order.

    Args:
        key_log: lines of a key log, of this connection or of many; or a `KeyLog`, which several
            conversations may share.
        late: the bytes may begin within a record, or with another protocol before TLS.
    """

    __slots__ = ("_agreed", "_halves", "_shape")

    def __init__(self, key_log: KeyLog | Sequence[str] = (), *, late: bool = False) -> None:
        self._agreed = Agreed(key_log if isinstance(key_log, KeyLog) else KeyLog(key_log))
        self._shape = Shape()
        self._halves: dict[Side, _Half] = {
            "client": _Half("client", late=late),
            "server": _Half("server", late=late),
        }

    def feed(self, sender: Side, data: bytes) -> list[Seen]:
        """Take bytes that `sender` put on the wire; give what they complete."""
        half = self._halves[sender]
        return self._all(half, half.reader.feed(data))

    def gap(self, sender: Side, size: int, records: int | None = None) -> list[Seen]:
        """Take note that `size` bytes of `sender` are not here.

        Args:
            sender: whose bytes they were.
            size: how many.
            records: how many records of application data they are, all of them whole; None: they
                were not captured, and nobody knows.
        """
        half = self._halves[sender]
        found = half.reader.gap(size, records)
        for one in found:
            if isinstance(one, Stray):
                self._passed_over(half, one.item)
        return self._all(half, found)

    @staticmethod
    def _passed_over(half: _Half, item: object) -> None:
        """Keep message and key in step with what is not here."""
        if isinstance(item, LeftOut):
            if half.lock:
                half.lock.skip(item.records, data=True)
        elif isinstance(item, Lost):
            half.alerts.clear()
            half.assembler.hole(item.size)
            if half.lock and item.within is not None:
                half.lock.skip(1)

    def end(self, sender: Side | None = None) -> list[Seen]:
        """Give what was left unfinished when the bytes of `sender` (of both sides) ended."""
        found: list[Seen] = []
        for side in (sender,) if sender else ("client", "server"):
            half = self._halves[side]
            found += self._all(half, half.reader.end())
            found += self._cut_short(half)
        return found

    def _all(self, half: _Half, found: Sequence[Record | Stray]) -> list[Seen]:
        seen: list[Seen] = []
        for one in found:
            if isinstance(one, Stray):
                seen.append(_strange(half.sender, one))
            else:
                seen += self._record(half, one)
        return seen

    def _cut_short(self, half: _Half) -> list[Seen]:
        at, number = half.assembler.began
        sealed = half.sealed or half.lock is not None
        error = half.assembler.end()
        if error is None:
            return []
        return [Seen(half.sender, at, number, records.HANDSHAKE, Malformed(error), sealed, 0)]

    def _record(self, half: _Half, record: Record) -> list[Seen]:
        kind = record.content_type
        if kind == records.SSL2:
            return [self._ssl2(half, record)]
        # Up to TLS 1.2 a record is sealed by what came before it; in TLS 1.3 by its type.
        if not half.sealed and kind != records.APPLICATION_DATA:
            return self._content(half, record, kind, record.fragment, sealed=False)
        try:
            kind, data = self._opened(half, record)
        except NotOpened as why:
            return [self._hidden(half, record, str(why))]
        return self._content(half, record, kind, data, sealed=True)

    def _opened(self, half: _Half, record: Record) -> tuple[int, bytes]:
        if half.lock is None:
            raise NotOpened(self._agreed.why_hidden())
        return half.lock.open(record)

    def _hidden(self, half: _Half, record: Record, why: str) -> Seen:
        version = self._agreed.version
        says = half.sealed or (version is not None and version < TLS13)
        item = Hidden(record.content_type if says else None, why)
        return _seen(half, record, record.content_type, item, len(record.fragment), sealed=True)

    def _ssl2(self, half: _Half, record: Record) -> Seen:
        item: Item
        try:
            item = ssl2_client_hello(record.fragment)
            self._learn(half, item)
        except ParseError as error:
            item = Malformed(error)
        return _seen(half, record, records.SSL2, item, len(record.fragment), sealed=False)

    def _content(
        self, half: _Half, record: Record, kind: int, data: bytes, *, sealed: bool
    ) -> list[Seen]:
        if kind == records.HANDSHAKE:
            framed = half.assembler.feed(data, record.at, record.number)
            return [self._message(half, one, sealed=sealed) for one in framed]
        if kind == records.ALERT:
            return self._alerts(half, record, data, sealed=sealed)
        item = self._other(half, kind, data)
        return [_seen(half, record, kind, item, len(data), sealed=sealed)]

    def _alerts(self, half: _Half, record: Record, data: bytes, *, sealed: bool) -> list[Seen]:
        """Take alerts, which up to TLS 1.2 may be spread and joined (RFC 5246, 6.2.1)."""
        half.alerts += data
        found = []
        while len(half.alerts) >= _ALERT_SIZE:
            item = Alert(half.alerts[0], half.alerts[1])
            del half.alerts[:_ALERT_SIZE]
            found.append(_seen(half, record, records.ALERT, item, _ALERT_SIZE, sealed=sealed))
        return found

    def _other(self, half: _Half, kind: int, data: bytes) -> Item:
        if kind == records.CHANGE_CIPHER_SPEC:
            if data != _SWITCH:
                wrong = data[:8].hex(" ") or quantity(0)
                return Malformed(ParseError("ChangeCipherSpec.type", 0, "01", wrong))
            self._switch(half)
            return ChangeCipherSpec()
        if kind == records.APPLICATION_DATA:
            return ApplicationData(data)
        if kind == records.HEARTBEAT:
            return Heartbeat(data)
        wanted = "a content type from 20 to 24"
        return Malformed(ParseError("TLSInnerPlaintext.type", len(data), wanted, str(kind)))

    def _message(self, half: _Half, framed: Framed, *, sealed: bool) -> Seen:
        item: Item
        if framed.body is None:
            item = Malformed(framed.too_long)
        else:
            try:
                item = read(framed.kind, framed.body, self._shape)
                self._learn(half, item)
            except ParseError as error:
                item = Malformed(error)
        return Seen(
            half.sender, framed.at, framed.record, records.HANDSHAKE, item, sealed, framed.size
        )

    def _learn(self, half: _Half, message: Message) -> None:
        """Keep what this message settles for those that follow."""
        match message:
            case ClientHello() | Ssl2ClientHello():
                half.lock = self._agreed.offered(message) or half.lock
            case ServerHello():
                self._chosen(message)
            case HelloRetryRequest():
                self._agreed.chosen(message)
            case KeyUpdate() if half.lock:
                half.lock.update()
            case _:
                pass

    def _chosen(self, hello: ServerHello) -> None:
        agreed = self._agreed
        version = agreed.chosen(hello)
        self._shape = Shape(version, agreed.suite.key_exchange if agreed.suite else "")
        if version < TLS13:
            return
        for sender, half in self._halves.items():
            early = half.lock if isinstance(half.lock, Tls13Lock) and half.lock.early else None
            half.lock = agreed.tls13_lock(sender, early)

    def _switch(self, half: _Half) -> None:
        """Seal this side's next records, unless this is for the sake of middleboxes."""
        version = self._agreed.version
        if version is None and half.sender == "client" and self._agreed.hello_seen:
            return  # early data follows: RFC 8446, appendix D.4
        if version is None or version < TLS13:
            half.sealed = True
            half.lock = self._agreed.tls12_lock(half.sender)


def _strange(sender: Side, stray: Stray) -> Seen:
    return Seen(sender, stray.at, stray.number, 0, stray.item, sealed=False, size=stray.size)


def _seen(  # noqa: PLR0913 - the parts of what was seen
    half: _Half, record: Record, kind: int, item: Item, size: int, *, sealed: bool
) -> Seen:
    return Seen(half.sender, record.at, record.number, kind, item, sealed, size)
