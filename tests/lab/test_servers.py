"""The lab's endpoints behave as described, towards Python's own ssl and plain sockets."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlskit.lab import servers
from mtlskit.lab.endpoint import Endpoint, Visit, nobody, serve
from mtlskit.lab.pki import Authority, Issued, pem, write_private
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Target

NAME = "partner.example"
REQUEST = b"GET / HTTP/1.1\r\nHost: partner.example\r\n\r\n"


class World:
    """A client's root, a client, and an endpoint's identity."""

    def __init__(self, directory: Path) -> None:
        self.root = Authority.root("Acme Root")
        self.client = self.root.intermediate("Acme Issuing").client("Acme Client")
        self.partner = Authority.root("Partner Root")
        self.identity = self.partner.server("Partner", NAME)
        self._file = write_private(
            directory / "client.pem", self.client.pem_chain() + self.client.pem_key()
        )

    def endpoint(self, **parts: Any) -> Tls:  # noqa: ANN401 - any field of Tls
        """Describe an endpoint that trusts the client's root."""
        return Tls(**({"identity": self.identity, "trust": (self.root.certificate,)} | parts))

    def context(self, *, identity: bool = True) -> ssl.SSLContext:
        """Make a client's context that trusts the partner's root."""
        context = ssl.create_default_context(cadata=pem([self.partner.certificate]).decode())
        if identity:
            context.load_cert_chain(self._file)
        return context


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@contextmanager
def calling(target: Target) -> Iterator[socket.socket]:
    with socket.create_connection((target.host, target.port), timeout=10) as sock:
        yield sock


def everything(sock: socket.socket) -> bytes:
    """Read until the other side closes."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def asks(target: Target, context: ssl.SSLContext, **parts: Any) -> bytes:  # noqa: ANN401 - as the server takes it
    """Shake hands, send a request, and return the whole answer."""
    with (
        calling(target) as sock,
        context.wrap_socket(sock, server_hostname=NAME, **parts) as line,
    ):
        line.sendall(REQUEST)
        return everything(line)


def test_page_tells_what_the_endpoint_saw(world: World) -> None:
    """The page names the version and the client; so does the endpoint's own journal."""
    with serve(tls(world.endpoint())) as endpoint:
        page = asks(endpoint.target, world.context())
        assert page.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"TLSv1.3, client: CN=Acme Client" in page
        (visit,) = endpoint.visits(1)
    assert (visit.client, visit.status, visit.ended) == ("CN=Acme Client", 200, None)


def test_journal_tells_what_openssl_rejected(world: World) -> None:
    """Of a rejected chain the journal keeps OpenSSL's number, the depth and the subject."""
    with serve(tls(world.endpoint(trust=(world.partner.certificate,)))) as endpoint:
        with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
            asks(endpoint.target, world.context())
        (visit,) = endpoint.visits(1)
    assert "certificate verify failed" in visit.ended
    assert visit.verify == (
        20,
        1,
        "CN=Acme Issuing",
    )  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


def test_names_on_the_page_cannot_become_markup(world: World) -> None:
    """A subject is shown as text, whatever stands in it."""
    page = servers._page(world.endpoint(), Visit(client="CN=<script>alert(1)</script>"))
    assert b"<script>" not in page
    assert b"&lt;script&gt;" in page


@pytest.mark.parametrize(("asked", "met"), [("optional", "no certificate"), ("none", "no certif")])
def test_client_may_come_without(world: World, asked: str, met: str) -> None:
    """Where no certificate is demanded, a client without one is served."""
    with serve(tls(world.endpoint(asks=asked))) as endpoint:
        assert met.encode() in asks(endpoint.target, world.context(identity=False))


def test_endpoint_that_does_not_ask_gets_none(world: World) -> None:
    """Where no certificate is asked for, the client's stays at home."""
    with serve(tls(world.endpoint(asks="none"))) as endpoint:
        assert b"client: no certificate" in asks(endpoint.target, world.context())


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("listed", ["trusted", "other", "empty"])
def test_list_of_authorities_is_as_wished(world: World, listed: str, program: Any) -> None:  # noqa: ANN401 - as the server takes it
    """The CA list names those that are trusted, or whatever is wished, or nobody."""
    other = Authority.root("Quite Another Root").certificate
    wish = {"trusted": None, "other": (other,), "empty": ()}[listed]
    words = {
        "trusted": "CN = Acme Root",
        "other": "CN = Quite Another Root",
        "empty": "No client certificate CA names sent",
    }
    with serve(tls(world.endpoint(listed=wish))) as endpoint:
        shown = _s_client(program("openssl"), endpoint.target)
    assert [name for name, text in words.items() if text in shown.replace("CN=", "CN = ")] == [
        listed
    ]


def _s_client(openssl: str, target: Target) -> str:
    command = [openssl, "s_client", "-connect", str(target), "-tls1_2"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)
    return done.stdout.decode("utf-8", "replace")


def test_verify_depth_counts_the_issuing_authorities(world: World) -> None:
    """A depth of 1 lets one issuing authority stand between leaf and root, and 0 lets none."""
    with serve(tls(world.endpoint(depth=1))) as endpoint:
        assert b"200 OK" in asks(endpoint.target, world.context())
    shallow = serve(tls(world.endpoint(depth=0)))
    with shallow as endpoint, pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        asks(endpoint.target, world.context())


def test_application_protocol_is_agreed_on_or_refused(world: World) -> None:
    """An endpoint that speaks one protocol refuses a client that offers only others."""
    with serve(tls(world.endpoint(alpn=("orders/2",)))) as endpoint:
        context = world.context()
        context.set_alpn_protocols(["http/1.1", "orders/2"])
        assert b"200 OK" in asks(endpoint.target, context)
        context.set_alpn_protocols(["http/1.1"])
        with pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
            asks(endpoint.target, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_are_kept_to(world: World, version: ssl.TLSVersion) -> None:
    """An endpoint of one TLS version answers in that one and refuses the other."""
    spoken = version.name.removeprefix("TLSv").replace("_", ".")
    other = {"1.2": ssl.TLSVersion.TLSv1_3, "1.3": ssl.TLSVersion.TLSv1_2}[spoken]
    with serve(tls(world.endpoint(versions=(spoken, spoken)))) as endpoint:
        assert f"TLSv{spoken}".encode() in asks(endpoint.target, world.context())
        context = world.context()
        context.minimum_version = context.maximum_version = other
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            asks(endpoint.target, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_can_be_resumed(world: World, version: ssl.TLSVersion) -> None:
    """A client that comes back with its session is served, in both TLS versions."""
    context = world.context()
    context.maximum_version = version
    with serve(tls(world.endpoint())) as endpoint:
        session = None
        for _ in range(2):
            with (
                calling(endpoint.target) as sock,
                context.wrap_socket(sock, server_hostname=NAME, session=session) as line,
            ):
                line.sendall(REQUEST)
                assert b"200 OK" in everything(line)
                session, resumed = line.session, line.session_reused
    assert resumed


def test_many_clients_are_served_at_once(world: World) -> None:
    """Forty clients that call together all get their page, and no thread is left."""
    before = threading.active_count()
    with serve(tls(world.endpoint())) as endpoint, ThreadPoolExecutor(40) as pool:
        contexts = [world.context() for _ in range(40)]
        pages = list(pool.map(lambda context: asks(endpoint.target, context), contexts))
    assert sum(b"200 OK" in page for page in pages) == 40
    assert threading.active_count() == before


def test_crowd_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what one endpoint serves at a time, connections are closed, not kept waiting."""
    monkeypatch.setattr("mtlskit.collect.listening.AT_ONCE", 1)
    with serve(servers.silent) as endpoint, calling(endpoint.target) as first:
        first.sendall(b"x")
        with calling(endpoint.target) as second:
            assert second.recv(1) == b""


def test_stop_ends_every_visit_at_once(world: World) -> None:
    """Leaving the context does not wait for clients that say nothing."""
    with serve(tls(world.endpoint()), patience=600) as endpoint:
        lines = [
            socket.create_connection((endpoint.target.host, endpoint.target.port)) for _ in "ab"
        ]
        lines[0].sendall(b"\x16\x03\x01")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    for line in lines:
        line.close()
    with pytest.raises(OSError, match="refused"), calling(endpoint.target):
        pass


def test_patience_has_an_end() -> None:
    """A client that says nothing is left when the patience is at its end."""
    with serve(servers.silent, patience=0.1) as endpoint, calling(endpoint.target) as sock:
        assert sock.recv(1) == b""
        assert endpoint.visits(1)[0].ended == "the deadline passed"


def test_large_request_is_answered_all_the_same(world: World) -> None:
    """The body of a large request does not stand in the way of the answer."""
    with (
        serve(tls(world.endpoint(status=403))) as endpoint,
        calling(endpoint.target) as sock,
        world.context().wrap_socket(sock, server_hostname=NAME) as line,
    ):
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + bytes(300000))
        assert everything(line).startswith(b"HTTP/1.1 403 Forbidden")


def test_nobody_listens() -> None:
    """The held port refuses every connection."""
    with nobody() as target, pytest.raises(ConnectionRefusedError), calling(target):
        pass


def _met(behaviour: Any, said: bytes = b"hello") -> bytes:  # noqa: ANN401 - a Behaviour
    with serve(behaviour, patience=10) as endpoint, calling(endpoint.target) as sock:
        if said:
            sock.sendall(said)
        return everything(sock)


def test_plain_http_answers_400() -> None:
    """A web server without TLS answers a ClientHello with a page in clear."""
    assert _met(servers.plain_http).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_greeting_comes_first() -> None:
    """A server of another protocol speaks before anything is said to it."""
    with serve(servers.greeting(b"220 ready\r\n")) as endpoint, calling(endpoint.target) as sock:
        assert sock.recv(100) == b"220 ready\r\n"


def test_close_at_once_says_nothing() -> None:
    """An endpoint that closes at once sends no byte."""
    assert _met(servers.close_at_once, b"") == b""


def test_reset_is_a_reset() -> None:
    """The reset reaches the client as one."""
    with pytest.raises(ConnectionResetError):
        _met(servers.reset_on_hello)


def test_dripping_comes_byte_by_byte() -> None:
    """What drips arrives whole in the end, and not before its time."""
    began = time.monotonic()
    assert _met(servers.drip(b"drops", every=0.02)) == b"drops"
    assert time.monotonic() - began >= 0.08


@pytest.mark.parametrize("message", [None, bytes(4)])
def test_flood_is_handshake_and_as_large_as_said(message: bytes | None) -> None:
    """A flood is whole handshake records, sixteen megabytes of them unless told otherwise."""
    data = _met(servers.flood(message=message))
    place = held = 0
    while place < len(data):
        kind, length = data[place], int.from_bytes(data[place + 3 : place + 5])
        assert kind == 0x16
        place, held = place + 5 + length, held + length
    assert place == len(data)
    assert held == 1 << 24


@pytest.fixture(scope="module")
def standing(world: World) -> Iterator[Endpoint]:
    with serve(tls(world.endpoint())) as endpoint:
        yield endpoint


@settings(max_examples=25)
@given(said=st.binary(max_size=300), framing=st.sampled_from(["bare", "as a record"]))
def test_foreign_bytes_do_no_harm(
    said: bytes, framing: str, world: World, standing: Endpoint
) -> None:
    """Whatever is said to an endpoint, it closes that line and serves the next client."""
    start = said if framing == "bare" else b"\x16\x03\x01" + len(said).to_bytes(2) + said
    with calling(standing.target) as sock:
        sock.sendall(start)
        sock.shutdown(socket.SHUT_WR)
        everything(sock)
    assert b"200 OK" in asks(standing.target, world.context())


def test_identity_is_sent_with_its_chain(world: World) -> None:
    """An endpoint sends its issuers along, unless its identity comes without."""
    identity = world.partner.intermediate("Partner Issuing").server("Partner", NAME)
    with serve(tls(world.endpoint(identity=identity))) as endpoint:
        assert b"200 OK" in asks(endpoint.target, world.context())
    alone = serve(tls(world.endpoint(identity=Issued(identity.certificate, identity.key))))
    missing = pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer")
    with alone as endpoint, missing:
        asks(endpoint.target, world.context())
