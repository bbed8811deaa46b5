"""What it costs to watch a transfer: 1 GB through the tap, against `socat`, which only relays.

Peer: `socat`, with its buffer as it is and with one as large as ours. Source, relay and reader are
processes of their own; measured is the time from the connection to the last byte, in turns.
Usage on its own: `tap.py source` and `tap.py relay PORT` are those processes; they print their port
and end when their standard input does.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from table import Row, alternate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROUNDS = 5
SIZE = 1 << 30
BUDGET = 1.2
PIECE = 1 << 20
LOOPBACK = "127.0.0.1"


def measure() -> list[Row]:
    """Compare the tap with socat; nothing can be told where socat is not installed."""
    if shutil.which("socat") is None:
        return [Row("1 GB through the tap", "socat", "-", "not installed", "-",
                    f"at most {BUDGET}x", held=True)]  # fmt: skip
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_process(sys.executable, __file__, "source"))
        tap = stack.enter_context(_process(sys.executable, __file__, "relay", str(source)))
        plain = stack.enter_context(_socat(source))
        large = stack.enter_context(_socat(source, "-b", "262144"))
        ours, *peers = alternate(
            ROUNDS, *(lambda port=port: _transfer(port) for port in (tap, plain, large))
        )
    names = ("socat", "socat -b 262144")
    return [_row(name, ours, peer) for name, peer in zip(names, peers, strict=True)]


def _row(name: str, ours: float, peer: float) -> Row:
    ratio = ours / peer
    return Row("1 GB through the tap", name, ours, peer, f"{ratio:.2f}x",
               f"at most {BUDGET}x", ratio <= BUDGET)  # fmt: skip


def _transfer(port: int) -> float:
    buffer = bytearray(PIECE)
    begin, left = monotonic(), SIZE
    with socket.create_connection((LOOPBACK, port), timeout=60) as sock:
        while left and (size := sock.recv_into(buffer)):
            left -= size
    assert left == 0, f"{left} bytes did not arrive"
    return monotonic() - begin


@contextlib.contextmanager
def _process(*command: str) -> Iterator[int]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


@contextlib.contextmanager
def _socat(source: int, *options: str) -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    listen = f"TCP-LISTEN:{port},bind={LOOPBACK},reuseaddr,fork"
    command = ["socat", *options, listen, f"TCP:{LOOPBACK}:{source}"]
    with subprocess.Popen(command) as process:
        _wait_for(port)
        yield port
        process.terminate()


def _wait_for(port: int) -> None:
    until = monotonic() + 10
    while monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
    raise TimeoutError(f"nobody listens on port {port}")


def _source() -> None:
    listener = socket.create_server((LOOPBACK, 0))
    threading.Thread(target=_pour, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


def _pour(listener: socket.socket) -> None:
    record = b"\x17\x03\x03\x40\x00" + bytes(16384)
    piece = (record * (PIECE // len(record) + 1))[:PIECE]
    while True:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            for _ in range(SIZE // PIECE):
                sock.sendall(piece)


def _relay(port: str) -> None:
    from mtlskit.collect.tap import relay  # noqa: PLC0415 - the source needs none of it
    from mtlskit.material import Target  # noqa: PLC0415 - the same

    with relay(Target(LOOPBACK, int(port))) as tap:
        print(tap.target.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    {"source": _source, "relay": lambda: _relay(sys.argv[2])}[sys.argv[1]]()
