"""Java: an `SSLServerSocket` program and the JDK's `HttpsServer`, both in ``Server.java``.

Law of this file: the program is compiled once for each JDK and kept in the user's cache; a server
gets a copy of its own.
"""

from __future__ import annotations

from functools import partial

from mtlskit.lab.stacks.built import java_classes
from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found, protocols
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack, Wish

QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx96m")
"""Starts soon, and takes little."""


def _launch(setup: Setup, room: Room, program: str, *, kind: str) -> Launch:
    for name, data in java_classes(program).items():
        room.write(name, data)
    told = [program, *QUICK, f"-Djava.io.tmpdir={room.folder}", "-XX:-UsePerfData"]
    told += ["-cp", str(room.folder), "Server", kind, setup.asks, protocols(setup, ",")]
    told += [str(setup.status), str(setup.depth), "crl" if setup.crls else "no-crl"]
    told += [setup.names[0] if setup.names else "-"]
    return Launch(tuple(told), announces=r"listening on 127\.0\.0\.1:(\d+)")


def find_java() -> str | None:
    """Find java, if a compiler is with it."""
    return found("java")() if found("javac")() else None


def _stack(name: str, kind: str, measured_as: str, can: frozenset[Wish]) -> Stack:
    return Stack(
        name=name,
        library="JSSE",
        can=can,
        find=find_java,
        ask_version=asked("-version", pattern=r'version "([^"]+)"'),
        launch=partial(_launch, kind=kind),
        measured_as=measured_as,
        starter=started,
    )


_CAN: frozenset[Wish] = frozenset({"optional", "status", "crl"})
SOCKET = _stack("java-socket", "socket", "java{major}_sslserversocket", _CAN | {"names"})
HTTPS = _stack("java-https", "https", "java{major}_httpsserver", _CAN)
