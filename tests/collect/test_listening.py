"""A listener serves whom it can, numbers what came of them, and says whom it could not serve."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from mtlskit.collect import listening
from mtlskit.collect.listening import Line, Listener

WAIT = 30.0
"""Seconds that a busy machine may take for what needs none."""


class Greeter(Listener[str]):
    """Remembers what each caller said; `act` is done before that, and with what is remembered."""

    def __init__(
        self,
        act: Callable[[str], None] = lambda _: None,
        heard: Callable[[str], None] | None = None,
        troubled: Callable[[str], None] | None = None,
    ) -> None:
        self._act, self._heard = act, heard
        super().__init__(name="greeter", troubled=troubled)

    def serve(self, sock: socket.socket, stop: socket.socket) -> None:  # noqa: ARG002 - the contract's
        """Hear one word."""
        word = sock.recv(100).decode()
        self._act(word)
        self.remember(lambda number: f"{number} {word}", self._heard)


def said(where: Greeter, word: str) -> socket.socket:
    """Calls and says one word."""
    sock = socket.create_connection((where.target.host, where.target.port), timeout=WAIT)
    sock.sendall(word.encode())
    return sock


def test_the_numbers_are_the_order_of_the_results() -> None:
    """Also where what is done with the first takes longer than with the second."""
    first, second = threading.Event(), threading.Event()

    def heard(told: str) -> None:
        if told.startswith("1"):
            first.set()
            assert second.wait(WAIT)
        else:
            second.set()

    with Greeter(heard=heard) as greeter, said(greeter, "a"):
        assert first.wait(WAIT)
        with said(greeter, "b"):
            assert greeter.results(2, WAIT) == ("1 a", "2 b")


def test_who_waits_for_a_result_finds_it_heard() -> None:
    """What is to be done with a connection is done before anyone is told that it has ended."""
    done: list[str] = []
    with Greeter(heard=done.append) as greeter, said(greeter, "a"):
        assert list(greeter.results(1, WAIT)) == done == ["1 a"]


def test_who_waits_is_not_woken_before_it_was_heard() -> None:
    """Until then it is noted, and not done."""
    noted, release, woken = threading.Event(), threading.Event(), threading.Event()

    def heard(_: str) -> None:
        noted.set()
        release.wait(WAIT)

    def wait(greeter: Greeter) -> None:
        greeter.results(1, WAIT)
        woken.set()

    with Greeter(heard=heard) as greeter, said(greeter, "a"):
        assert noted.wait(WAIT)
        waiting = threading.Thread(target=wait, args=(greeter,))
        waiting.start()
        assert not woken.wait(0.1)
        release.set()
        assert woken.wait(WAIT)
        waiting.join(WAIT)


def test_a_line_that_closes_hears_the_other_side_out() -> None:
    """Were it closed at once, the system would reset what was just said."""
    stop, _stopper = socket.socketpair()
    with (
        stop,
        _stopper,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=WAIT) as client,
    ):
        line = Line(server.accept()[0], stop, WAIT)
        client.sendall(bytes(100_000))  # which nobody has read
        line.send(b"bye")
        closing = threading.Thread(target=line.close)
        closing.start()
        closing.join(0.2)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(10) == b"bye"
        assert client.recv(10) == b""
        closing.join(WAIT)
        assert not closing.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_result_is_remembered_though_whoever_hears_it_fails() -> None:
    """A fault of the caller's own takes no evidence away."""

    def fail(_: str) -> None:
        raise ValueError("a fault of whoever listens")

    with Greeter(heard=fail) as greeter, said(greeter, "a"):
        assert greeter.results(1, WAIT) == ("1 a",)


class Accepting:
    """A listening socket from which so many callers cannot be taken."""

    def __init__(self, real: socket.socket, failures: list[int]) -> None:
        self._real, self.failures, self.asked = real, failures, 0

    def accept(self) -> tuple[socket.socket, object]:
        """Take a caller, or fail as is wanted."""
        self.asked += 1
        if self.failures:
            number = self.failures.pop(0)
            raise OSError(number, os.strerror(number))
        return self._real.accept()

    def fileno(self) -> int:
        """Let it be waited for."""
        return self._real.fileno()

    def close(self) -> None:
        """Close it."""
        self._real.close()


def test_a_machine_without_files_is_waited_for_and_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller is served when there are files again, and nobody spins until then."""
    pauses: list[float] = []
    real = listening.select.select

    def select(*of: object) -> object:
        if isinstance(of[-1], float):
            pauses.append(of[-1])
            return [], [], []
        return real(*of)

    troubles: list[str] = []
    greeter = Greeter(troubled=troubles.append)
    accepting = Accepting(greeter._listener, [errno.EMFILE, errno.ENFILE, errno.EMFILE])
    greeter._listener = accepting
    monkeypatch.setattr(listening.select, "select", select)
    with greeter, said(greeter, "a"):
        assert greeter.results(1, WAIT) == ("1 a",)
    assert accepting.asked == 4
    assert pauses == [listening._BREATH] * 3
    assert troubles == list(greeter.troubles)
    assert len(troubles) == 2  # the third is the first again
    assert troubles[0] == "Callers must wait: too many open files on this machine."


def test_a_stop_ends_the_wait_for_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that can serve nobody can still be ended."""
    monkeypatch.setattr(listening, "_BREATH", 3600.0)
    told = threading.Event()
    greeter = Greeter(troubled=lambda _: told.set())
    greeter._listener = Accepting(greeter._listener, [errno.EMFILE] * 1000)
    with greeter, said(greeter, "a"):
        assert told.wait(WAIT)
    assert not greeter._acceptor.is_alive()


def test_a_caller_that_is_gone_again_is_no_trouble() -> None:
    """Whoever broke off before being taken is not waited for, and not told of."""
    greeter = Greeter()
    greeter._listener = Accepting(greeter._listener, [errno.ECONNABORTED])
    with greeter, said(greeter, "a"):
        assert greeter.results(1, WAIT) == ("1 a",)
    assert greeter.troubles == ()


def test_one_caller_too_many_is_closed_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence would look like a fault of the endpoint."""
    monkeypatch.setattr(listening, "AT_ONCE", 1)
    over = threading.Event()
    with Greeter(lambda _: over.wait(WAIT) and None) as greeter, said(greeter, "a"):
        with said(greeter, "b") as second, suppress(ConnectionResetError):
            assert second.recv(1) == b""
        over.set()
        assert greeter.results(1, WAIT) == ("1 a",)
    assert greeter.troubles == ("A caller was closed at once: 1 were being served already.",)


def test_a_machine_without_threads_ends_one_caller_and_not_the_listener(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next one is served."""
    greeter = Greeter()
    with greeter:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", _no_thread)
            with said(greeter, "a") as first, suppress(ConnectionResetError):
                assert first.recv(1) == b""
        with said(greeter, "b"):
            assert greeter.results(1, WAIT) == ("1 b",)
    assert greeter.troubles == ("A caller was closed at once: this machine gives no more threads.",)


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
