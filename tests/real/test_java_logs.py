"""Java's own debug log against the bytes on the wire: what it tells must be what was sent.

A relay records both directions, and OpenSSL writes the key log, so that TLS 1.3 is read, too.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.collect.logs import open_log
from mtlskit.collect.tap import relay
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Secrets, Source, Target
from mtlskit.trace.at_hand import joined
from mtlskit.trace.dialects import java
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

pytestmark = pytest.mark.needs("java", "javac", "openssl")

WORD = "STORE_WORD"
MESSAGES = "ssl:handshake:keymanager:trustmanager"
PAST = datetime.now(UTC) - timedelta(days=400)
VERSIONS = {"1.2": "TLSv1.2", "1.3": "TLSv1.3"}
READY = 20.0  # seconds until a server must listen


@dataclass(frozen=True)
class Papers:
    """The parties, the folder of their files, and the compiled program."""

    folder: Path
    root: Authority
    parties: dict[str, Issued]

    def java(self, identity: str | None, trust: str, log: str = MESSAGES) -> list[str]:
        """The command of a Java party up to its own words."""
        stores = [f"-Djavax.net.ssl.trustStore={self.folder / trust}.trust"]
        stores.append(f"-Djavax.net.ssl.trustStorePassword={WORD}")
        if identity:
            stores.append(f"-Djavax.net.ssl.keyStore={self.folder / identity}.p12")
            stores.append(f"-Djavax.net.ssl.keyStorePassword={WORD}")
        debug = f"-Djavax.net.debug={log}"
        quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
        return ["java", *quick, debug, *stores, "-cp", str(self.folder), "java_peer"]


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("java")
    source = Path(__file__).with_name("java_peer.java")
    command = ["javac", "--release", "8", "-d", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    root, other = Authority.root("Example Root CA"), Authority.root("Unrelated Root CA")
    issuing = root.intermediate("Example Issuing CA")
    parties = {
        "server": issuing.server("Server", "localhost", "127.0.0.1"),
        "elsewhere": issuing.server("Server", "elsewhere.example"),
        "good": issuing.client("Client"),
        "leafonly": issuing.client("Client"),
        "expired": issuing.client("Client", not_before=PAST, not_after=PAST + timedelta(days=9)),
        "stranger": other.intermediate("Unrelated CA").client("Stranger"),
    }
    for name, issued in parties.items():
        chain = name != "leafonly"
        (folder / f"{name}.p12").write_bytes(issued.p12(WORD, "one", chain=chain))
        pem = issued.pem_chain(chain=True) + issued.pem_key()
        (folder / f"{name}.pem").write_bytes(pem)
    for name, authority in (("root", root), ("other", other)):
        pem = authority.certificate.public_bytes(Encoding.PEM)
        (folder / f"{name}.pem").write_bytes(pem)
        entry = pkcs12.PKCS12Certificate(authority.certificate, name.encode())
        sealed = pkcs12.serialize_java_truststore([entry], BestAvailableEncryption(WORD.encode()))
        (folder / f"{name}.trust").write_bytes(sealed)
    return Papers(folder, root, parties)


@contextmanager
def openssl_server(papers: Papers, who: str, *words: str) -> Iterator[tuple[Target, Path]]:
    """An OpenSSL server that demands a client certificate and writes its key log."""
    keys = papers.folder / f"{time.monotonic_ns()}.keys"
    pem, root = papers.folder / f"{who}.pem", papers.folder / "root.pem"
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(pem), "-key", str(pem)]
    command += [
        "-cert_chain",
        str(pem),
        "-CAfile",
        str(root),
        "-Verify",
        "5",
        "-verify_return_error",
    ]
    command += ["-keylogfile", str(keys), "-naccept", "1", "-rev", *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        port = next(line for line in server.stdout if line.startswith("ACCEPT")).rsplit(":", 1)[-1]
        yield Target("127.0.0.1", int(port)), keys
    finally:
        server.kill()
        server.communicate()


def read(log: Path, papers: Papers) -> Trace:
    """The one connection of a log, with the parties' certificates at hand."""
    with open_log(log) as lines:
        (trace,) = java.read(lines, lines.source)
    return joined(trace, at_hand(papers))


def at_hand(papers: Papers) -> list[Certificate]:
    issued = [one for party in papers.parties.values() for one in (party.certificate, *party.chain)]
    return [
        read_certificate(one.public_bytes(Encoding.DER), Source("at hand"))
        for one in (*issued, papers.root.certificate)
    ]


def agrees(log: Trace, wire: Trace) -> None:
    """What the log tells is what went over the wire; what it does not tell may be anything."""
    assert log.tls in (None, wire.tls)
    assert log.server_name == wire.server_name
    mine, theirs = log.client_chain, wire.client_chain
    if theirs is not None:
        assert mine is not None
        assert [one.der for one in mine] == [one.der for one in theirs]
    if wire.asked is not None and log.asked is not None:
        assert set(wire.asked.authorities_der) <= set(log.asked.authorities_der)
        assert len(log.asked.authorities) == len(wire.asked.authorities)
        assert log.asked.schemes
    assert log.ended.outcome in ("undecided", wire.ended.outcome)
    if log.ended.refused_by is not None:
        assert log.ended.refused_by == wire.ended.refused_by
    assert log.ended.symptom.name in (None, wire.ended.symptom.name)


SCENES = {
    "good": ("good", "root", "server"),
    "none": (None, "root", "server"),
    "leafonly": ("leafonly", "root", "server"),
    "expired": ("expired", "root", "server"),
    "stranger": ("stranger", "root", "server"),
    "distrust": ("good", "other", "server"),
    "wrongname": ("good", "root", "elsewhere"),
}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", sorted(SCENES))
def test_a_java_clients_log_agrees_with_the_wire(
    papers: Papers, scene: str, version: str, tmp_path: Path
) -> None:
    """Sent or not, asked for what, refused by whom, with which alert: as it happened."""
    identity, trust, server = SCENES[scene]
    log = tmp_path / "client.log"
    with openssl_server(papers, server) as (target, keys), relay(target, key_log=keys) as tap:
        words = ["client", str(tap.target.port), VERSIONS[version]]
        with log.open("wb") as file:
            command = [*papers.java(identity, trust), *words]
            subprocess.run(command, stderr=file, stdout=subprocess.PIPE, timeout=60, check=True)
        (seen,) = tap.taps(1)
    wire, told = seen.trace, read(log, papers)
    assert told.seen_by == "client"
    assert wire.tls == version
    refused_by_us = scene in {"distrust", "wrongname"}
    assert refused_by_us or wire.client_chain is not None  # the wire could be read to that point
    agrees(told, wire)
    assert (told.client_chain == ()) == (scene in {"none", "leafonly", "stranger"})
    inferred = follow(replace(seen.tap, secrets=Secrets())).inferred
    if version == "1.3":
        assert inferred is not None
        assert inferred.client_refused == refused_by_us
        assert inferred.sent_certificate == (scene in {"good", "expired"})


@pytest.mark.parametrize("log", ["packet", "ssl:packet"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("scene", ["none", "expired"])
def test_the_dumps_of_a_java_client_are_the_bytes_on_the_wire(
    papers: Papers, scene: str, version: str, log: str, tmp_path: Path
) -> None:
    """A log without messages is read by its dumps, as the tap between reads the same bytes."""
    identity, trust, server = SCENES[scene]
    file = tmp_path / "client.log"
    with openssl_server(papers, server) as (target, _), relay(target) as tap:
        words = ["client", str(tap.target.port), VERSIONS[version]]
        with file.open("wb") as out:
            command = [*papers.java(identity, trust, log), *words]
            subprocess.run(command, stderr=out, stdout=subprocess.PIPE, timeout=60, check=True)
        wire = tap.taps(1)[0].trace
    told = read(file, papers)
    assert told.randoms == wire.randoms
    for side in ("client", "server"):
        mine, theirs = (
            [(one.name, one.size) for one in each.events if one.sender == side and one.size]
            for each in (told, wire)
        )
        assert len(mine) > 3
        assert mine == theirs[: len(mine)]
    assert told.ended.outcome in ("undecided", "refused")
    assert told.ended.refused_by in (None, "server")
    sent = (told.inferred.sent_certificate if told.inferred else None, told.sent_certificate)
    assert (scene == "expired") in sent
    assert (scene != "expired") not in sent


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_java_servers_log_agrees_with_the_wire(
    papers: Papers, version: str, tmp_path: Path
) -> None:
    """A server's log tells of each of its callers what went over the wire with it."""
    log, keys = tmp_path / "server.log", tmp_path / "keys"
    callers = ("good", None, "expired", "stranger", "leafonly")
    command = [*papers.java("server", "root"), "server", str(len(callers)), VERSIONS[version]]
    wires = []
    with log.open("wb") as file:
        server = subprocess.Popen(command, stderr=file, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            target = Target("127.0.0.1", int(server.stdout.readline()))
            for caller in callers:
                with relay(target, key_log=keys) as tap:
                    openssl_client(papers, tap.target, keys, caller)
                    wires.append(tap.taps(1)[0].trace)
            server.wait(20)
        finally:
            server.kill()
            server.communicate()
    with open_log(log) as lines:
        told = java.read(lines, lines.source)
    assert len(told) == len(wires)
    for one, wire in zip(told, wires, strict=True):
        assert one.seen_by == "server"
        assert wire.client_chain is not None
        agrees(joined(one, at_hand(papers)), wire)
        assert one.ended.outcome != "undecided"


def openssl_client(papers: Papers, target: Target, keys: Path, who: str | None) -> None:
    """One call by OpenSSL, which sends whatever it is given."""
    command = ["openssl", "s_client", "-connect", str(target), "-servername", "localhost"]
    command += ["-CAfile", str(papers.folder / "root.pem"), "-keylogfile", str(keys), "-ign_eof"]
    if who is not None:
        pem = str(papers.folder / f"{who}.pem")
        command += ["-cert", pem, "-key", pem]
        command += [] if who == "leafonly" else ["-cert_chain", pem]
    subprocess.run(
        command, input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=30, check=False
    )
