"""Our own TCP: names, addresses, and a line that loses nothing."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import pytest

from mtlskit.collect import dial as dialler
from mtlskit.collect import tcp
from mtlskit.lab.endpoint import nobody
from mtlskit.material import Target

RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
ENDLESS = 60.0
"""Seconds that the other side would keep it up; no busy machine takes as long."""


@contextmanager
def served(behave: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[Target]:
    """A server that handles one connection."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as sock:
                behave(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Target(host, listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def dial(target: Target, seconds: float = 5.0) -> tcp.Line:
    return dialler.dial(target, monotonic() + seconds)


def everything(line: tcp.Line) -> bytes:
    data = b""
    while piece := line.read(monotonic() + 5):
        data += piece
    return data


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")),
    ],
)
def test_what_goes_over_the_line_is_noted(host: str) -> None:
    """Both directions are recorded, and the orderly end of the server."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(sock.recv(100).upper())

    with served(answer, host) as target, dial(target) as line:
        line.put(b"hello")
        assert everything(line) == b"HELLO"
    assert [(one.sender, one.data) for one in line.chunks] == [
        ("client", b"hello"),
        ("server", b"HELLO"),
    ]
    assert (line.closing.sender, line.closing.kind) == ("server", "fin")
    assert line.trouble is None


def test_a_long_message_is_sent_while_reading() -> None:
    """What does not fit in the socket's buffer goes out as the server takes it."""
    size = 8 << 20
    got = bytearray()
    begin = threading.Event()

    def swallow(sock: socket.socket) -> None:
        begin.wait(5)
        while len(got) < size:
            got.extend(sock.recv(1 << 16))
        sock.sendall(b"done")

    with served(swallow) as target, dial(target) as line:
        line.put(bytes(size))
        assert line.sending
        begin.set()
        assert everything(line) == b"done"
    assert len(got) == size
    assert sum(len(one.data) for one in line.chunks if one.sender == "client") == size


def test_last_words_are_read_after_a_failed_send() -> None:
    """A server that speaks and resets is heard, and the failed send is told."""
    may_close, spoken = threading.Event(), threading.Event()

    def refuse(sock: socket.socket) -> None:
        sock.sendall(b"last words")
        spoken.set()
        may_close.wait(5)

    with served(refuse) as target, dial(target) as line:
        spoken.wait(5)
        line.put(b"x" * 10)
        may_close.set()  # it closes with ten bytes unread, so TCP resets
        for _ in range(1000):
            line.put(b"y" * 1000)
            if line.trouble:
                break
            threading.Event().wait(0.001)
        assert line.trouble
        line.put(b"dropped")
        assert not line.sending
        assert everything(line) == b"last words"
    assert (line.closing.sender, line.closing.kind) == ("server", "reset")


def test_a_reset_is_told_from_an_orderly_end() -> None:
    """RST is noted as such, with the system's words."""

    def reset(sock: socket.socket) -> None:
        sock.recv(10)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    with served(reset) as target, dial(target) as line:
        line.put(b"hello")
        assert everything(line) == b""
    assert line.closing.kind == "reset"
    assert "reset" in line.trouble.lower()


def test_a_wait_ends_in_time() -> None:
    """Waiting for a silent server ends at the given moment, and never after the deadline."""
    over = threading.Event()
    with served(lambda _: over.wait(ENDLESS) and None) as target:
        with dial(target, 0.2) as line:
            start = monotonic()
            assert line.read(start + 0.05) is None
            assert monotonic() - start >= 0.05
            assert line.read(start + ENDLESS) is None
            assert 0.15 <= monotonic() - start < ENDLESS
            line.give_up()
            line.hang_up()
        over.set()
    assert (line.closing.sender, line.closing.kind) == (None, "deadline")


def test_a_closed_port_refuses() -> None:
    """Nobody listens: refused, with the address and the system's words."""
    with nobody() as target, pytest.raises(tcp.NoConnectionError) as error:
        dial(target)
    assert error.value.failure.kind == "refused"
    assert error.value.failure.text.startswith("127.0.0.1: ")


def test_a_port_that_swallows_everything_times_out() -> None:
    """No answer to the connection request: timeout, at the deadline."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        target = Target(*full.getsockname())
        waiting = [socket.socket() for _ in range(8)]  # the queue is full with these
        for one in waiting:
            one.settimeout(0)
            one.connect_ex((target.host, target.port))
        try:
            with pytest.raises(tcp.NoConnectionError) as error:
                dial(target, 0.3)
        finally:
            for one in waiting:
                one.close()
    assert error.value.failure.kind == "timeout"


def test_a_name_without_address_is_unresolved() -> None:
    """The reserved domain .invalid has no addresses (RFC 6761)."""
    with pytest.raises(tcp.NoConnectionError) as error:
        dial(Target("partner.invalid", 443))
    assert error.value.failure.kind == "unresolved"
    assert "partner.invalid" in error.value.failure.text


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "."])
def test_a_name_that_no_resolver_takes_is_unresolved(host: str) -> None:
    """What cannot even be asked for is no address either."""
    with pytest.raises(tcp.NoConnectionError) as error:
        dial(Target(host, 443))
    assert error.value.failure.kind == "unresolved"


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name ends at the deadline, whatever the resolver does."""
    answer = threading.Event()
    real = socket.getaddrinfo

    def hang(host: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the original
        if host == "slow.example" and not options.get("flags"):
            answer.wait(ENDLESS)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    start = monotonic()
    with pytest.raises(tcp.NoConnectionError) as error:
        dial(Target("slow.example", 443), 0.2)
    assert monotonic() - start < ENDLESS
    answer.set()
    assert error.value.failure.kind == "unresolved"
    assert "no answer before the deadline" in error.value.failure.text


def several(monkeypatch: pytest.MonkeyPatch, *where: tuple[str, int]) -> Target:
    """A name with these addresses."""
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the original
        if host != "many.example":
            return real(host, *arguments, **options)
        if options.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in where]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return Target("many.example", where[0][1])


def test_every_address_is_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second address answers where the first refuses."""
    with nobody() as shut, served(lambda sock: sock.sendall(b"second")) as good:
        target = several(monkeypatch, (shut.host, shut.port), (good.host, good.port))
        with dial(target) as line:
            assert everything(line) == b"second"


def test_when_all_addresses_fail_the_most_telling_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address is named once, and the kind is that of the one which said most."""
    with nobody() as shut:
        where = [("192.0.2.1.", 1), (shut.host, shut.port), (shut.host, shut.port)]
        target = several(monkeypatch, *where)
        with pytest.raises(tcp.NoConnectionError) as error:
            dial(target)
    assert error.value.failure.kind == "refused"
    assert error.value.failure.text.startswith("127.0.0.1: ")
    assert error.value.failure.text.count("127.0.0.1") == 1


def test_the_systems_words_are_those_of_the_error() -> None:
    """Python has them where the C library's table lacks them, as for sockets on Windows."""
    words = "No connection could be made because the target machine actively refused it"
    assert tcp.words_of(OSError(10061, words)) == words
    assert tcp.words_of(errno.ECONNREFUSED) == os.strerror(errno.ECONNREFUSED)
