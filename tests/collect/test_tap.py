from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect import relay as relaying
from mtlskit.collect import tap as tapping
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.collect.relay import Limits
from mtlskit.collect.tap import Relayed, TapListener, relay
from mtlskit.lab.endpoint import Line, Over, Visit, nobody, serve
from mtlskit.lab.servers import tls
from mtlskit.material import Side, Target

if TYPE_CHECKING:
    from conftest import Parties

NO_LINGER = struct.pack("ii", 1, 0)
Behave = Callable[[Line], Visit]


@contextmanager
def tapped(behave: Behave, **parts: object) -> Iterator[tuple[TapListener, socket.socket]]:
    """A raw server behind a tap, and a raw client in front of it."""
    with (
        serve(behave) as endpoint,
        relay(endpoint.target, **parts) as tap,
        socket.create_connection((tap.target.host, tap.target.port), timeout=10) as client,
    ):
        yield tap, client


def stream(relayed: Relayed, sender: Side) -> bytes:
    """What one side sent, as it was kept."""
    return b"".join(one.data for one in relayed.tap.chunks if one.sender == sender)


def echo(line: Line) -> Visit:
    while True:
        line.send(line.receive())


def read_all(sock: socket.socket) -> bytes:
    heard = b""
    while piece := sock.recv(65536):
        heard += piece
    return heard


@given(pieces=st.lists(st.binary(min_size=1, max_size=400), max_size=8))
def test_every_byte_goes_through_untouched_and_is_kept(pieces: list[bytes]) -> None:
    """Whatever is said, in whatever pieces, arrives, comes back, and stands in the record."""
    with tapped(echo) as (tap, client):
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"".join(pieces)
        (relayed,) = tap.taps(1)
    assert stream(relayed, "client") == stream(relayed, "server") == b"".join(pieces)


def test_a_long_transfer_is_relayed_whole_and_kept_in_part() -> None:
    """What is kept is bounded; the rest is counted, and the whole arrives."""
    said = os.urandom(3_000_000)

    def pour(line: Line) -> Visit:
        line.receive()
        line.send(said)
        return Visit()

    with tapped(pour, limits=Limits(kept=1000)) as (tap, client):
        client.sendall(b"go")
        assert read_all(client) == said
        client.close()
        (relayed,) = tap.taps(1)
    kept = stream(relayed, "server")
    assert said.startswith(kept)
    assert 0 < len(kept) <= 1000
    assert dict(relayed.left_out) == {"client": 0, "server": len(said) - len(kept)}
    assert f"{len(said) - len(kept)} bytes of the server were relayed and not kept" in str(relayed)


def test_what_is_kept_of_a_long_transfer_ends_with_a_whole_record() -> None:
    """A cut in the middle of a TLS record would look like a fault of the server's."""
    record = b"\x17\x03\x03\x00\x64" + bytes(100)
    with tapped(echo, limits=Limits(kept=250)) as (tap, client):
        client.sendall(record * 10)
        client.shutdown(socket.SHUT_WR)
        read_all(client)
        (relayed,) = tap.taps(1)
    assert stream(relayed, "client") == record * 2
    assert "unreadable" not in [one.name for one in relayed.trace.events]


def test_a_half_close_is_a_half_close() -> None:
    """A client that has said all still hears the answer."""

    def answer_at_the_end(line: Line) -> Visit:
        heard = b""
        try:
            while True:
                heard += line.receive()
        except Over:
            line.send(b"heard " + heard)
            return Visit()

    with tapped(answer_at_the_end) as (tap, client):
        client.sendall(b"all of it")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"heard all of it"
        (relayed,) = tap.taps(1)
    assert relayed.tap.closing is not None
    assert (relayed.tap.closing.sender, relayed.tap.closing.kind) == ("client", "fin")


def test_a_reset_by_the_server_is_a_reset_after_its_last_words() -> None:
    """What was said ahead of the reset arrives first, as without the tap."""

    def speak_and_break_off(line: Line) -> Visit:
        line.receive()
        line.send(b"last words")
        line.reset()
        return Visit()

    with tapped(speak_and_break_off) as (tap, client):
        client.sendall(b"hello")
        assert client.recv(100) == b"last words"
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        (relayed,) = tap.taps(1)
    assert stream(relayed, "server") == b"last words"
    assert relayed.tap.closing is not None
    assert (relayed.tap.closing.sender, relayed.tap.closing.kind) == ("server", "reset")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is unsent")
def test_a_reset_does_not_overtake_what_a_slow_client_has_not_read() -> None:
    """All that the server said ahead of its reset is read, however small the client's buffer."""
    said = os.urandom(150_000)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target("127.0.0.1", listener.getsockname()[1])
        with relay(target) as tap, socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(10)
            client.connect((tap.target.host, tap.target.port))
            server, _ = listener.accept()
            server.sendall(said)
            wait_until_sent(server)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            server.close()
            heard = bytearray()
            with pytest.raises(ConnectionResetError):
                take_all(client, heard)
    assert heard == said


def take_all(sock: socket.socket, heard: bytearray) -> None:
    while piece := sock.recv(65536):
        heard += piece


def wait_until_sent(sock: socket.socket) -> None:
    """Waits until the other side's system has taken everything."""
    until = time.monotonic() + 10
    while relaying._unsent(sock):
        assert time.monotonic() < until
        time.sleep(0.002)


def test_a_reset_by_the_client_reaches_the_server() -> None:
    """The server hears that the client broke off, not that it took leave."""
    with tapped(echo) as (tap, client):
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        client.close()
        (relayed,) = tap.taps(1)
    assert relayed.tap.closing is not None
    assert (relayed.tap.closing.sender, relayed.tap.closing.kind) == ("client", "reset")


def test_a_client_that_breaks_off_in_full_flow_ends_it() -> None:
    """Whichever direction meets the reset first, and whatever was waiting in the other."""

    def pour(line: Line) -> Visit:
        line.receive()
        while True:
            line.send(bytes(60_000))

    with serve(pour) as endpoint, relay(endpoint.target) as tap:
        for _ in range(10):
            client = socket.create_connection((tap.target.host, tap.target.port), timeout=10)
            client.sendall(b"go")
            wait_until_full(client)
            client.sendall(b"more" * 1000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            client.close()
        taps = tap.taps(10)
    closings = {(one.tap.closing.sender, one.tap.closing.kind) for one in taps if one.tap.closing}
    assert closings <= {("client", "reset"), ("server", "reset")}
    assert len(taps) == 10


def wait_until_full(sock: socket.socket) -> None:
    """Waits until no more fits into what a client has not read."""
    import fcntl  # noqa: PLC0415 - not there on Windows
    import termios  # noqa: PLC0415 - the same

    before, now = -1, 0
    while not now or now > before:
        time.sleep(0.02)
        told = fcntl.ioctl(sock, termios.FIONREAD, b"\0" * 4)
        before, now = now, int.from_bytes(told, sys.byteorder)


def test_the_server_is_told_of_the_clients_reset() -> None:
    """What the endpoint's own journal says is a reset."""
    with serve(echo) as endpoint:
        with relay(endpoint.target) as tap:
            client = socket.create_connection((tap.target.host, tap.target.port), timeout=10)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            client.close()
            (visit,) = endpoint.visits(1)
        assert visit.ended is not None
        assert f"[Errno {errno.ECONNRESET}]" in visit.ended


def test_where_nobody_listens_the_client_is_reset_and_the_tap_says_why() -> None:
    """An unreachable server is a failure on the record, not an exception."""
    with nobody() as target, relay(target) as tap:
        with socket.socket() as client, pytest.raises(ConnectionResetError):
            call_and_read(client, tap.target)
        (relayed,) = tap.taps(1)
    assert relayed.tap.failure is not None
    assert relayed.tap.failure.kind == "refused"
    assert relayed.trace.ended.outcome == "unreachable"


def call_and_read(client: socket.socket, where: Target) -> None:
    client.settimeout(10)
    client.connect((where.host, where.port))
    client.recv(1)


def test_many_at_once_do_not_mix() -> None:
    """Each of forty callers hears its own words."""
    heard: dict[int, bytes] = {}

    def call(number: int, where: Target) -> None:
        with socket.create_connection((where.host, where.port), timeout=20) as sock:
            sock.sendall(b"%d " % number * 3000)
            sock.shutdown(socket.SHUT_WR)
            heard[number] = read_all(sock)

    with serve(echo) as endpoint, relay(endpoint.target) as tap:
        threads = [threading.Thread(target=call, args=(one, tap.target)) for one in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taps = tap.taps(40)
    assert heard == {one: b"%d " % one * 3000 for one in range(40)}
    assert sorted(one.number for one in taps) == list(range(1, 41))
    assert {stream(one, "client") for one in taps} == set(heard.values())


def test_silence_ends_it() -> None:
    """A connection on which nothing is said is ended, and that is what the record says."""
    with tapped(echo, limits=Limits(silence=0.1)) as (tap, client):
        assert client.recv(1) == b""
        (relayed,) = tap.taps(1)
    assert relayed.tap.closing is not None
    assert relayed.tap.closing.kind == "deadline"


def test_a_client_that_takes_nothing_holds_up_nobody_else() -> None:
    """A slow reader fills its own buffers; another connection goes on."""

    def pour(line: Line) -> Visit:
        line.receive()
        line.send(bytes(20_000_000))
        return Visit()

    with serve(pour) as endpoint, relay(endpoint.target) as tap:
        where = (tap.target.host, tap.target.port)
        with (
            socket.create_connection(where, timeout=10) as slow,
            socket.create_connection(where, timeout=10) as quick,
        ):
            slow.sendall(b"go")
            quick.sendall(b"go")
            assert len(read_all(quick)) == 20_000_000
            assert len(read_all(slow)) == 20_000_000


def test_leaving_ends_what_still_hangs() -> None:
    """A connection in the middle of its life is ended with the tap, and is on record."""
    with serve(echo) as endpoint:
        with relay(endpoint.target) as tap:
            client = socket.create_connection((tap.target.host, tap.target.port), timeout=10)
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
        (relayed,) = tap.taps()
        client.close()
    assert relayed.tap.closing is not None
    assert relayed.tap.closing.kind == "open"


def test_leaving_does_not_wait_for_a_server_that_does_not_answer() -> None:
    """The call under way ends with the tap; nothing is said of the server, which was not heard."""
    with swallowing() as deaf:
        with relay(deaf, limits=Limits(reach=3600.0)) as tap:
            client = socket.create_connection((tap.target.host, tap.target.port), timeout=10)
            wait_until_served(tap)
        (relayed,) = tap.taps()
        client.close()
    assert not tap._threads
    assert relayed.tap.failure is None
    assert relayed.tap.closing is not None
    assert (relayed.tap.closing.sender, relayed.tap.closing.kind) == (None, "open")
    assert relayed.trace.ended.outcome == "undecided"


def test_leaving_does_not_wait_for_a_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is being looked up is left alone."""
    asked, over = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def hang(host: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the original
        if host != "slow.example":
            return real(host, *arguments, **options)
        if options.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "a name")
        asked.set()
        over.wait(600)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with relay(Target("slow.example", 443), limits=Limits(reach=3600.0)) as tap:
        client = socket.create_connection((tap.target.host, tap.target.port), timeout=10)
        assert asked.wait(30)
    client.close()
    over.set()
    assert not tap._threads
    assert [one.tap.failure for one in tap.taps()] == [None]


def wait_until_served(tap: TapListener) -> None:
    """Waits until a caller was taken."""
    until = time.monotonic() + 30
    while not tap._threads:
        assert time.monotonic() < until
        time.sleep(0.002)


@contextmanager
def swallowing() -> Iterator[Target]:
    """A port that takes no call and refuses none: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        yield Target(*full.getsockname())
        for one in waiting:
            one.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells open files")
def test_no_socket_is_left_open() -> None:
    """After a hundred connections that ended in every way, as many files are open as before."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with (
        serve(echo) as endpoint,
        relay(endpoint.target) as tap,
        nobody() as dead,
        relay(dead) as other,
    ):
        for number in range(100):
            to = other if number % 4 == 0 else tap
            client = socket.socket()
            with suppress(ConnectionResetError):  # the tap may be quicker than the call's end
                client.connect((to.target.host, to.target.port))
            if number % 4 == 1:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            client.close()
        assert len(other.taps(25)) == 25
        assert len(tap.taps(75)) == 75
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine speaks no IPv6")
def test_it_listens_on_ipv6_too() -> None:
    """The address is written as it is called."""
    with serve(echo) as endpoint, relay(endpoint.target, listen=("::1", 0)) as tap:
        with socket.create_connection((tap.target.host, tap.target.port), timeout=10) as client:
            client.sendall(b"hello")
            assert client.recv(10) == b"hello"
        (relayed,) = tap.taps(1)
    assert str(tap.target).startswith("[::1]:")
    assert (relayed.tap.own or "").startswith("[::1]:")


def test_it_listens_on_this_machine_alone() -> None:
    """Loopback is the default."""
    with nobody() as target, relay(target) as tap:
        assert tap.target.host == "127.0.0.1"


def test_what_it_holds_of_a_connection_is_bounded() -> None:
    """Two buffers and two kept beginnings, whatever is relayed."""
    assert 2 * relaying.BUFFER + 2 * Limits().kept <= 2 << 20


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_handshake_through_the_tap_is_the_one_that_the_client_made(
    parties: Parties, version: str
) -> None:
    """The record of the tap and of the client are the same bytes, and tell the same."""
    with serve(tls(parties.demanding(version))) as endpoint, relay(endpoint.target) as tap:
        own = connect(Call(tap.target, "localhost", parties.identity(), request=HttpRequest()))
        (relayed,) = tap.taps(1)
    said = {
        side: b"".join(one.data for one in own.chunks if one.sender == side)
        for side in ("client", "server")
    }
    assert stream(relayed, "client") == said["client"]
    # The client left before the server's close_notify, which the tap still saw.
    assert stream(relayed, "server").startswith(said["server"])


def test_the_key_log_opens_it_and_only_its_own_lines_are_taken(
    parties: Parties, tmp_path: Path
) -> None:
    """Lines of other connections stay out of the tap."""
    keys = tmp_path / "keys"
    foreign = "CLIENT_TRAFFIC_SECRET_0 " + "ab" * 32 + " " + "cd" * 48 + "\n"
    written = threading.Event()

    def heard(line: Line) -> Visit:
        visit = tls(parties.demanding("1.3"))(line)
        written.wait(10)
        return visit

    with serve(heard) as endpoint, relay(endpoint.target, key_log=keys) as tap:
        call = Call(tap.target, "localhost", parties.identity(), linger=0.2)
        own = connect(call)
        keys.write_text(
            foreign + "".join(f"{line}\n" for line in own.secrets.lines), encoding="ascii"
        )
        written.set()
        (relayed,) = tap.taps(1)
    assert set(relayed.tap.secrets.lines) == set(own.secrets.lines)
    assert len(relayed.trace.client_chain or ()) == 2
    assert "not shown" in repr(relayed.tap.secrets)


def test_a_hello_in_many_pieces_still_names_its_secrets(tmp_path: Path) -> None:
    """A client may send it byte by byte; its random stands in the first 43."""
    random = bytes(range(200, 232))
    keys = tmp_path / "keys"
    keys.write_text(f"CLIENT_RANDOM {random.hex()} 00\n", encoding="ascii")
    with tapped(echo, key_log=keys) as (tap, client):
        for octet in bytes(11) + random:
            client.sendall(bytes((octet,)))
            client.recv(1)  # it has gone through alone
        client.close()
        (relayed,) = tap.taps(1)
    assert len(relayed.tap.chunks) > 8
    assert len(relayed.tap.secrets.lines) == 1


@pytest.mark.parametrize("before", [0, 1, 60, 61, 64, 65, 1000])
def test_a_long_key_log_is_read_to_its_end(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the pieces are cut in which it is read, no line of the connection is lost."""
    monkeypatch.setattr(tapping, "_PIECE", 64)
    random = bytes(range(200, 232))
    own = [f"CLIENT_RANDOM {random.hex().upper()} {'0c' * 48}", f"EXPORTER_SECRET {random.hex()} 1"]
    lines = ["#" * before, own[0], "x" * 20_000, own[1] + " too much", "SECRET 00 11", own[1]]
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{one}\n" for one in lines), encoding="ascii")
    hello = bytes(11) + random + bytes(20)

    def answer(line: Line) -> Visit:
        line.receive()
        return Visit()

    with tapped(answer, key_log=keys) as (tap, client):
        client.sendall(hello)
        read_all(client)
        client.close()
        (relayed,) = tap.taps(1)
    assert relayed.tap.secrets.lines == tuple(own)
