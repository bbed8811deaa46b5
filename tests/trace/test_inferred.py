"""What is inferred without a key log is held against what the key log shows: it is never wrong."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from OpenSSL import SSL

from mtlskit.collect.tap import TapListener, relay
from mtlskit.lab.pki import Authority, pem, write_private
from mtlskit.material import Chunk, Closing, Secrets, Side, Source, Tap, Target
from mtlskit.trace.events import Event, Trace
from mtlskit.trace.handshake import follow
from mtlskit.trace.inferred import Inferred, Setting, infer
from tests.wire.conftest import Wire, make, shaken

Change = Callable[[SSL.Context, SSL.Context], None]


def tapped(wire: Wire, *, key_log: bool, kind: str = "fin") -> Trace:
    """Tell a conversation with its key log, or without."""
    chunks = tuple(Chunk(0.0, side, data) for side, data in wire.chunks)
    secrets = Secrets(tuple(wire.key_log) if key_log else ())
    closing = Closing("server", "fin") if kind == "fin" else Closing(None, "open")
    return follow(Tap(Source("wire"), chunks=chunks, closing=closing, secrets=secrets))


def hold(sealed: Trace, opened: Trace) -> None:
    """Hold what is inferred against what is seen."""
    inferred = sealed.inferred
    if inferred is None:
        return
    said = [(one.sender, one.name) for one in opened.events]
    if inferred.sent_certificate is not None:
        assert inferred.sent_certificate == bool(opened.client_chain), inferred
    if inferred.asked is not None:
        assert inferred.asked == (opened.asked is not None), inferred
    if inferred.client_finished:
        assert ("client", "Finished") in said
    if inferred.client_refused:
        assert opened.ended.refused_by == "client"
    if inferred.alert_after:
        assert any(one.kind == "alert" and one.sender == "server" for one in opened.events)
    assert inferred.because


def _not_asked(client: SSL.Context, server: SSL.Context) -> None:
    del client
    server.set_verify(SSL.VERIFY_NONE, lambda *_: True)


def _refused(client: SSL.Context, server: SSL.Context) -> None:
    del client
    server.set_verify(SSL.VERIFY_PEER, lambda *_: False)


CHANGES: dict[str, Change | None] = {
    "sent": None,
    "not asked": _not_asked,
    "refused": _refused,
}
WANTED: dict[str, bool] = {"sent": True, "not asked": False, "refused": True}
SUITES = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
)


@pytest.mark.parametrize("kind", ["EC", "RSA"])
@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("change", CHANGES)
def test_whether_a_certificate_was_sent_is_told_by_sizes(
    change: str, suite: str, kind: str
) -> None:
    """Each cipher suite and kind of key gives the right answer, and gives one."""

    def both(client: SSL.Context, server: SSL.Context) -> None:
        for one in (client, server):
            one.set_tls13_ciphersuites(suite.encode())
        if (more := CHANGES[change]) is not None:
            more(client, server)

    wire = shaken("1.3", both, kind=kind)
    sealed, opened = tapped(wire, key_log=False), tapped(wire, key_log=True)
    hold(sealed, opened)
    assert sealed.inferred is not None
    assert sealed.inferred.sent_certificate is WANTED[change]
    assert not sealed.inferred.client_refused
    assert (sealed.inferred.alert_after == "server") == (change == "refused")
    assert sealed.ended.outcome == "undecided"


def test_an_alert_in_place_of_the_finished_is_a_refusal_by_the_client() -> None:
    """A client that does not trust the server says so, sealed, before any Finished."""
    wire = shaken("1.3")
    wire.chunks = [*wire.chunks[:2], ("client", b"\x17\3\3\0\x13" + b"\0" * 19)]
    inferred = tapped(wire, key_log=False).inferred
    assert inferred is not None
    assert inferred.client_refused
    assert (inferred.sent_certificate, inferred.client_finished) == (False, False)


def test_a_resumed_session_holds_no_certificate() -> None:
    """A server that takes a session may not ask (RFC 8446, 4.3.2)."""
    again = shaken("1.3").again()
    again.shake()
    again.ask()
    inferred = tapped(again, key_log=False).inferred
    assert inferred is not None
    assert (inferred.sent_certificate, inferred.asked) == (False, False)


def test_what_was_opened_is_not_inferred() -> None:
    """Where the key log opens the flight there is nothing to infer."""
    assert tapped(shaken("1.3"), key_log=True).inferred is None


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_up_to_tls12_nothing_is_inferred_of_what_is_in_clear(version: str) -> None:
    """The client's certificate is seen there."""
    trace = tapped(shaken(version), key_log=False)
    assert trace.inferred is None
    assert trace.client_chain


def test_a_renegotiation_within_the_sealed_connection_is_noticed() -> None:
    """More sealed handshake records than the two Finished are another handshake."""
    wire = make("1.2")
    wire.shake()
    wire.server.renegotiate()
    wire.server.do_handshake()
    wire.pump()
    wire.settle()
    inferred = tapped(wire, key_log=False).inferred
    assert inferred is not None
    assert inferred.renegotiated
    assert inferred.sent_certificate is None


def test_nothing_sealed_means_nothing_to_judge() -> None:
    """Without events, or without a version, there is no inference."""
    for tls in (None, "1.2", "1.3"):
        setting = Setting(tls, "TLS_AES_128_GCM_SHA256", False, False, False, True)  # noqa: FBT003 - a record
        assert infer([], setting) is None


IDENTITIES = (None, "ec", "rsa", "stranger")
PADDED = ([], ["-record_padding", "512"], ["-record_padding", "100"], ["-max_send_frag", "512"])
SERVERS = {
    "asks": ["-verify", "3"],
    "demands": ["-Verify", "3", "-verify_return_error"],
    "does not ask": [],
    "gives no tickets": ["-verify", "3", "-verify_return_error", "-num_tickets", "0"],
    "retries": ["-Verify", "3", "-groups", "P-384"],
}


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a server's and several clients' certificates."""
    folder = tmp_path_factory.mktemp("parties")
    root = Authority.root("CN=Root")
    (folder / "trust.pem").write_bytes(pem([root.certificate]))
    made = {
        "server": root.server("CN=Server", "localhost"),
        "ec": root.client("CN=Client"),
        "rsa": root.client("CN=Client RSA", key="RSA 2048"),
        "stranger": Authority.root("CN=Other").client("CN=Stranger"),
    }
    for name, one in made.items():
        write_private(folder / f"{name}.pem", one.pem_chain())
        write_private(folder / f"{name}.key", one.pem_key())
    return folder


@contextlib.contextmanager
def serving(folder: Path, way: str) -> Iterator[TapListener]:
    """Run OpenSSL's server behind a tap, which takes the server's own key log."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / f"{port}.log"
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "server.pem"]
    command += ["-key", "server.key", "-CAfile", "trust.pem", "-www", "-tls1_3"]
    command += ["-keylogfile", str(log), *SERVERS[way]]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        while "ACCEPT" not in (line := server.stdout.readline()):
            assert line, "the server ended"
        drain = threading.Thread(target=server.stdout.read)
        drain.start()
        try:
            with relay(Target("127.0.0.1", port), key_log=log) as tap:
                yield tap
        finally:
            server.terminate()
            drain.join()


def attempts(identity: str | None, port: int) -> Iterator[list[str]]:
    """One attempt each of several clients."""
    pair = [f"{identity}.pem", f"{identity}.key"]
    openssl = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof"]
    for more in PADDED:
        yield [*openssl, *(["-cert", pair[0], "-key", pair[1]] if identity else []), *more]
    curl = ["curl", "-sk", "-m", "5", f"https://127.0.0.1:{port}/"]
    yield [*curl, *(["--cert", pair[0], "--key", pair[1]] if identity else [])]
    yield ["curl", "-s", "-m", "5", f"https://127.0.0.1:{port}/"]
    gnutls = ["gnutls-cli", "--insecure", "-p", str(port), "127.0.0.1"]
    yield [*gnutls, *(["--x509certfile", pair[0], "--x509keyfile", pair[1]] if identity else [])]


@pytest.mark.needs("openssl", "curl", "gnutls-cli")
@pytest.mark.parametrize("way", SERVERS)
def test_of_real_clients_it_is_never_wrong(parties: Path, way: str) -> None:
    """OpenSSL (padding or cutting its records too), curl and GnuTLS against OpenSSL's server."""
    asked = b"GET / HTTP/1.0\r\n\r\n"
    with serving(parties, way) as tap:
        for identity in IDENTITIES:
            for command in attempts(identity, tap.target.port):
                subprocess.run(
                    command, cwd=parties, input=asked, capture_output=True, timeout=20, check=False
                )
        taps = [one.tap for one in tap.taps(len(IDENTITIES) * 7, 20)]
    told = 0
    for one in taps:
        sealed = follow(replace(one, secrets=Secrets()))
        hold(sealed, follow(one))
        told += sealed.inferred is not None and sealed.inferred.sent_certificate is not None
    assert told >= len(taps) // 2


def test_sealed_data_up_to_tls12_shows_that_the_client_went_on() -> None:
    """Its type is in clear: a client that asked something has not left at once."""
    wire = shaken("1.2")
    chunks = tuple(Chunk(0.0, side, data) for side, data in wire.chunks)
    trace = follow(Tap(Source("wire"), chunks=chunks, closing=Closing("client", "fin")))
    assert trace.ended.outcome == "accepted"
    assert "sealed" in trace.ended.because[0].text


def by_sizes(*contents: tuple[Side, int]) -> Inferred:
    """What is inferred from sealed records with these bytes of content, in order."""
    setting = Setting("1.3", "TLS_AES_128_GCM_SHA256", False, False, False, False)  # noqa: FBT003 - a record
    records: list[tuple[Side, int]] = [("server", 900), *contents]
    events = [
        Event(side, "hidden", "sealed record", Source("wire"), size=size + 17, sealed=True)
        for side, size in records
    ]
    inferred = infer(events, setting)
    assert inferred is not None
    return inferred


def test_a_flight_in_two_records_is_told_with_its_reservation() -> None:
    """A certificate and a Finished look like a padded Finished and a little data."""
    inferred = by_sizes(("client", 300), ("client", 36))
    assert inferred.sent_certificate is True
    assert "unless it was padded" in inferred.because[0].text
    apart = by_sizes(("client", 300), ("client", 80), ("client", 36))
    assert "padded" not in apart.because[0].text


@pytest.mark.parametrize("size", [304, 303])
@pytest.mark.parametrize("following", [(), (36,), (90,)])
def test_sizes_that_padding_gives_are_not_told(size: int, following: tuple[int, ...]) -> None:
    """A first record filled up to a multiple, with its inner type or without, may be anything."""
    inferred = by_sizes(("client", size), *(("client", one) for one in following))
    assert (inferred.sent_certificate, inferred.client_finished) == (None, False)
    assert by_sizes(("client", 301)).sent_certificate is True


def test_an_alert_after_the_clients_own_may_be_a_goodbye() -> None:
    """The server's alert speaks for itself only if the client's did not come before it."""
    finished: tuple[Side, int] = ("client", 36)
    assert by_sizes(finished, ("server", 2)).alert_after == "server"
    assert by_sizes(finished, ("client", 2), ("server", 2)).alert_after is None
    assert by_sizes(finished, ("server", 2), ("client", 2)).alert_after == "server"


# Sizes of records as Java 17 sent them (TLS_AES_128_GCM_SHA256: 32 less of the Finished's hash).
JAVA = {
    "sent": ((994, 94, 52, 120), True, True),
    "none": ((24, 52, 120), False, True),
    "not asked": ((52, 120), False, False),
    "refused": ((18,), False, None),
}


@pytest.mark.parametrize("way", JAVA)
def test_java_pads_each_record_by_sixteen_bytes(way: str) -> None:
    """With its padding taken off, the sizes of its records tell what was sent."""
    sizes, sent, asked = JAVA[way]
    inferred = by_sizes(("server", 800), *(("client", one) for one in sizes))
    assert (inferred.sent_certificate, inferred.asked) == (sent, asked)
    assert inferred.client_refused == (way == "refused")
    assert "16 bytes of padding" in inferred.because[0].text


@pytest.mark.parametrize(
    "sizes",
    [(52,), (52, 52), (52, 104), (53, 120), (166, 94, 44), (994, 94, 53), (994, 30, 52)],
    ids=["alone", "twice", "in steps", "one more", "no Finished", "another", "no proof"],
)
def test_what_is_not_quite_javas_is_not_taken_for_it(sizes: tuple[int, ...]) -> None:
    """A single record, or records in steps of one size, may be padded in another way."""
    inferred = by_sizes(("server", 800), *(("client", one) for one in sizes))
    assert all("16 bytes of padding" not in one.text for one in inferred.because)


def test_a_java_servers_alert_is_padded_too() -> None:
    """Where the server's Finished shows the padding, its alert has it as well."""
    flight: tuple[tuple[Side, int], ...] = (("client", 24), ("client", 52))
    for finished, alert, told in ((52, 18, "server"), (36, 2, "server"), (52, 2, None)):
        inferred = by_sizes(("server", finished), *flight, ("server", alert))
        assert inferred.alert_after == told
