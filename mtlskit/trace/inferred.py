"""What the sizes and the order of sealed records tell. Law: it is inference, with its reason.

Nothing here is seen: a TLS 1.3 flight that no key log opens is judged by what could be in it.
Before its Finished a client may send nothing but its Certificate (RFC 8446, 4.4.2), its
CertificateVerify and an alert, each of a known or a least size; padding (5.4) only adds to it. What
may be read in two ways is not told: unknown is an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mtlskit.material import Because, Side

if TYPE_CHECKING:
    from mtlskit.trace.events import Event

_TYPE: Final = 1
"""The inner content type (RFC 8446, 5.2), one byte."""
_ALERT: Final = 2
_EMPTY: Final = 8
"""A Certificate message without a certificate: header, empty context, empty list."""
_HEADER: Final = 4
_LEAST_CERTIFICATE: Final = 150
"""A Certificate message with the smallest certificate: Ed25519 with empty names is 185 bytes of DER
in a frame of 14; compressed (RFC 8879) its key and signature alone are 96."""
_LEAST_PROOF: Final = 68
"""A CertificateVerify with the shortest signature: 64 bytes, and 8 around them; ECDSA may be some
bytes shorter by chance."""
_MOST_PROOF: Final = 8 + 1024
"""... and with an RSA key of 8192 bits."""
_JAVA: Final = 16
"""Bytes of padding that Java adds to each record of TLS 1.3; it sends each message in its own."""
_STEP: Final = 8
"""Padding fills records up to a multiple of something; all that is used are multiples of 8."""
_Reading = tuple[bool | None, bool | None, int | None]
"""Whether a certificate was sent, whether one was asked for, and which record ends the flight."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """What follows from sizes and order alone.

    Attributes:
        sent_certificate: the client sent a certificate in its handshake; None: it cannot be told.
        asked: the server asked for one; None: it cannot be told.
        client_finished: the client's Finished was among what it sent.
        client_refused: the client sent an alert where its Finished should have been.
        alert_after: the side whose record of an alert's size came right after the client's
            Finished, with nothing else from that side: a refusal, or a goodbye.
        renegotiated: TLS 1.2: another handshake took place within the sealed connection.
        because: the sentences, each with the place where it was observed.
    """

    sent_certificate: bool | None
    asked: bool | None
    client_finished: bool
    client_refused: bool
    alert_after: Side | None
    renegotiated: bool
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of the handshake in clear.

    Attributes:
        tls: the version agreed on.
        cipher: name of the cipher suite.
        resumed: the server took a session of the client's.
        early: the client offered early data (RFC 8446, 4.2.10).
        raw_keys: the client offered to send a raw public key, which is short (RFC 7250).
        closed: the TCP connection ended within the record.
    """

    tls: str | None
    cipher: str | None
    resumed: bool
    early: bool
    raw_keys: bool
    closed: bool


def infer(events: Sequence[Event], setting: Setting) -> Inferred | None:
    """Judge sealed records by their sizes and order; None: there is nothing to judge."""
    if setting.tls == "1.3":
        return _Flight(events, setting).judged()
    return _renegotiation(events) if setting.tls else None


def _sealed(events: Sequence[Event], sender: Side) -> list[tuple[int, Event]]:
    return [
        (number, one)
        for number, one in enumerate(events)
        if one.sender == sender and (one.kind == "hidden" or _left_out(one))
    ]


def _left_out(event: Event) -> bool:
    """Tell whether it is application data that was passed over."""
    return event.kind == "application" and not event.sealed


class _Flight:
    """The client's sealed records of one TLS 1.3 connection."""

    def __init__(self, events: Sequence[Event], setting: Setting) -> None:
        self.events, self.setting = events, setting
        cipher = setting.cipher or ""
        self.tag = 8 if cipher.endswith("CCM_8_SHA256") else 16
        self.finished = _HEADER + (48 if cipher.endswith("SHA384") else 32)
        self.client = _sealed(events, "client")
        self.server = _sealed(events, "server")
        self.contents = [one.size - _TYPE - self.tag for _, one in self.client]
        self.said: list[Because] = []
        self.padding = _JAVA if self._by_java() else 0
        self.contents = [size - self.padding for size in self.contents]

    def _by_java(self) -> bool:
        """Tell whether the flight is Java's: each record has its message's size and the padding.

        None of these sizes is that of a message, or of messages together, without it.
        """
        if self.setting.early:
            return False  # the first record may be early data, of any size
        sizes = [size - _JAVA for size in self.contents[:3]]
        if sizes[:1] == [_ALERT] or sizes[:2] == [_EMPTY, self.finished]:
            return True
        if sizes[:1] == [self.finished]:
            return not self._in_steps(self.contents[0])
        if len(sizes) < 3 or sizes[2] != self.finished or self.finished in self.contents[:2]:  # noqa: PLR2004 - certificate, proof, Finished
            return False
        return sizes[0] >= _LEAST_CERTIFICATE and _LEAST_PROOF <= sizes[1] <= _MOST_PROOF

    def judged(self) -> Inferred | None:
        opened = any(one.sealed and one.kind != "hidden" for one in self.events)
        if opened or not self.client or not self.server or not self._whole():
            return None
        if self.contents[0] == _ALERT:
            return self._refusal()
        sent, asked, last = self._read()
        after = None if last is None else self._alert_after(self.client[last][0])
        return Inferred(
            sent_certificate=sent,
            asked=asked,
            client_finished=last is not None,
            client_refused=False,
            alert_after=after,
            renegotiated=False,
            because=tuple(self.said),
        )

    def _whole(self) -> bool:
        """Tell whether all was captured, and in a form that is known."""
        odd = any(one.kind == "note" and one.name in _ODD for one in self.events)
        return bool(self.setting.cipher) and not odd

    def _in_steps(self, size: int) -> bool:
        """Tell whether the records after the first may be padded to a multiple of its size."""
        return not any(one % size and (one + _TYPE) % (size + _TYPE) for one in self.contents[1:])

    def _say(self, text: str, number: int = 0) -> None:
        if self.padding:
            text += f" (with {self.padding} bytes of padding in each record, as Java adds them)"
        self.said.append(Because(text, self.client[number][1].source))

    def _refusal(self) -> Inferred:
        size = self.client[0][1].size
        self._say(
            f"where the client's Finished should be came a record of {size} bytes, which holds no "
            "more than an alert: the client refused the server"
        )
        return Inferred(
            sent_certificate=False,
            asked=None,
            client_finished=False,
            client_refused=True,
            alert_after=None,
            renegotiated=False,
            because=tuple(self.said),
        )

    def _read(self) -> _Reading:
        """Try the ways in which the client's flight can be read."""
        if self.setting.early:
            self._say("the client offered early data, so its flight cannot be told by its sizes")
            return (False, False, None) if self.setting.resumed else (None, None, None)
        first = self.contents[0]
        if first == self.finished:
            self._say(
                f"the client's first sealed record has {self.client[0][1].size} bytes, which is "
                "its Finished alone: the server did not ask for a certificate, and none was sent"
            )
            return False, False, 0
        if self.setting.resumed:
            self._say("the session was resumed, so the server could not ask for a certificate")
            return False, False, None
        return self._empty(first) or self._certificate(first) or self._too_short()

    def _empty(self, first: int) -> _Reading | None:
        """An empty Certificate and a Finished, in one record or in two."""
        last = 1 if first == _EMPTY and self.contents[1:2] == [self.finished] else 0
        if not last and first != _EMPTY + self.finished:
            return None
        size = sum(one.size for _, one in self.client[: last + 1])
        self._say(
            f"the client's flight is too short to hold a certificate ({size} bytes): it has the "
            "size of an empty Certificate message and a Finished"
        )
        return False, True, last

    def _certificate(self, first: int) -> _Reading | None:
        """A certificate and its proof before the Finished, in one record or in several."""
        if self.setting.raw_keys or first < _LEAST_CERTIFICATE:
            return None
        end = self._finished_at()
        # Two records may also be a Finished that was padded, and the first data.
        doubtful = end is None or end == 1
        if (end is None and not self._in_one(first)) or (end == 1 and self._padded(first)):
            return None
        size = sum(one.size for _, one in self.client[: (end or 0) + 1])
        self._say(
            f"the client's flight of {size} bytes has the size of a certificate, its proof and a "
            "Finished" + (", unless it was padded" if doubtful else "")
        )
        return True, True, end or 0

    def _in_one(self, first: int) -> bool:
        """Tell whether the first record can hold the whole flight, and shows no padding."""
        if self._padded(first) or self.contents[1:2] == [first] or first in _FULL:
            return False
        return first >= _LEAST_CERTIFICATE + _LEAST_PROOF + self.finished

    @staticmethod
    def _padded(first: int) -> bool:
        """Tell whether a record has a size that padding gives, with its inner type or without."""
        return first % _STEP == 0 or (first + _TYPE) % _STEP == 0

    def _finished_at(self) -> int | None:
        """Find the record that holds the Finished alone, after a certificate and its proof.

        A certificate that is longer than a record fills some first, up to the sender's limit.
        """
        full = 0
        while full < min(_LONGEST, len(self.contents)) and self.contents[full] in _FULL:
            full += 1
        for number in range(max(1, full), min(full + 3, len(self.contents))):
            if self.contents[number] == self.finished:
                return number if self._proof_before(number, full) else None
        return None

    def _proof_before(self, number: int, full: int) -> bool:
        """Tell whether what comes before the Finished can be, or can end with, a proof."""
        if number < full + 2:
            return sum(self.contents[:number]) >= _LEAST_CERTIFICATE + _LEAST_PROOF
        return _LEAST_PROOF <= self.contents[number - 1] <= _MOST_PROOF

    def _too_short(self) -> _Reading:
        total = sum(self.contents)
        least = _LEAST_CERTIFICATE + _LEAST_PROOF + self.finished
        if self.setting.closed and total < least and not self.setting.raw_keys:
            self._say(
                f"all that the client sent sealed is too short to hold a certificate ({total} "
                f"bytes; with its proof and the Finished it takes {least} at least)"
            )
            return False, None, None
        sizes = ", ".join(str(one.size) for _, one in self.client[:6])
        self._say(f"the client's sealed records ({sizes} bytes) can be read in more than one way")
        return None, None, None

    def _alert_after(self, finished: int) -> Side | None:
        """Look at what the server sent once the client's Finished was on its way."""
        done = self.finished + _TYPE + self.tag
        sizes = {one.size for number, one in self.server if number < finished}
        java = done + _JAVA in sizes and done not in sizes
        size = _ALERT + _TYPE + self.tag + (_JAVA if java else 0)
        after = [(number, one) for number, one in self.server if number > finished]
        if len(after) != 1 or after[0][1].size != size:
            return None
        number, alert = after[0]
        goodbye = _ALERT + _TYPE + self.tag + self.padding
        if any(finished < at < number and one.size == goodbye for at, one in self.client):
            return None  # the client may have said goodbye first
        text = (
            f"an alert-sized record ({alert.size} bytes) of the server followed the client's "
            "Finished, and nothing else: a refusal, or a goodbye"
        )
        self.said.append(Because(text, alert.source))
        return "server"


_ODD: Final = frozenset({"not captured", "unreadable", "not TLS"})
_FULL: Final = frozenset({512, 1024, 2048, 4096, 16_384})
"""Bytes of content in a full record (RFC 8446, 5.1; RFC 6066, 4)."""
_LONGEST: Final = 12
"""Records of a client's flight that are looked at."""


def _renegotiation(events: Sequence[Event]) -> Inferred | None:
    """Up to TLS 1.2 a sealed record tells its type: handshake after both Finished is a new one."""
    sealed = [one for one in events if one.kind == "hidden" and one.name.endswith("message")]
    count = {side: sum(one.sender == side for one in sealed) for side in ("client", "server")}
    if min(count.values()) < 1 or len(sealed) <= 2:  # noqa: PLR2004 - one Finished each
        return None
    text = (
        f"after both Finished came {len(sealed) - 2} more sealed handshake records: a "
        "renegotiation, in which a certificate may have been asked for and sent"
    )
    return Inferred(
        sent_certificate=None,
        asked=None,
        client_finished=True,
        client_refused=False,
        alert_after=None,
        renegotiated=True,
        because=(Because(text, sealed[2].source),),
    )
