"""A live attempt, against real TLS servers on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.collect import live
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab.endpoint import Line, serve
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Tap, Target
from mtlskit.wire import messages
from mtlskit.wire.conversation import ApplicationData, Seen

if TYPE_CHECKING:
    from conftest import Parties

    Told = Callable[[Tap], list[Seen]]

ASK = HttpRequest("GET", "/hello?who=me", "partner.example")
BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
OPEN_FILES = Path("/proc/self/fd")
WEAK = "DEFAULT:@SECLEVEL=0"


def names(seen: list[Seen], sender: str) -> list[str]:
    return [one.item.name for one in seen if one.sender == sender]


def alerts(seen: list[Seen], sender: str) -> list[int]:
    said = [one.item for one in seen if one.sender == sender]
    return [item.description for item in said if isinstance(item, messages.Alert)]


def said(seen: list[Seen], sender: str) -> bytes:
    data = [one.item for one in seen if one.sender == sender]
    return b"".join(item.data for item in data if isinstance(item, ApplicationData))


def sent_by_client(seen: list[Seen]) -> list[bytes] | None:
    """DER of what the client's Certificate message held; None: there was no such message."""
    for one in seen:
        if one.sender == "client" and isinstance(one.item, messages.Certificate):
            return [entry.der for entry in one.item.entries]
    return None


def der(certificate: object) -> bytes:
    return certificate.public_bytes(Encoding.DER)


@BOTH
def test_a_welcome_client_gets_its_answer(parties: Parties, told: Told, version: str) -> None:
    """A healthy attempt records handshake, request and answer, and closes as soon as it has it."""
    with serve(tls(parties.demanding(version))) as endpoint:
        call = Call(endpoint.target, identity=parties.identity(), request=ASK, linger=5.0)
        tap = connect(call)
        visit = endpoint.visits(1)[0]
    seen = told(tap)
    assert visit.client == "CN=Client"
    assert said(seen, "client").startswith(b"GET /hello?who=me HTTP/1.1\r\nHost: partner.example")
    assert said(seen, "server").startswith(b"HTTP/1.1 200 OK")
    assert sent_by_client(seen) == [parties.client.der, der(parties.client_issuing.certificate)]
    assert tap.library == ()
    assert tap.failure is None
    assert tap.closing is not None
    assert (tap.closing.sender, tap.closing.kind) == ("client", "fin")
    assert tap.closing.seconds < 5.0
    assert alerts(seen, "client") == [0]


@BOTH
def test_everything_is_noted_in_order(parties: Parties, told: Told, version: str) -> None:
    """Both directions are recorded whole, with rising times and the moment when it began."""
    before = datetime.now(UTC)
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(Call(endpoint.target, identity=parties.identity(), request=ASK))
    times = [chunk.seconds for chunk in tap.chunks]
    assert times == sorted(times)
    assert before <= tap.began <= datetime.now(UTC)
    assert tap.peer == str(endpoint.target)
    assert tap.own is not None
    assert tap.own.startswith("127.0.0.1:")
    assert tap.chunks[0].sender == "client"
    assert str(tap.source) == str(tap.target) == str(endpoint.target)
    assert "hidden" not in names(told(tap), "client") + names(told(tap), "server")


@pytest.mark.parametrize(("version", "alert"), [("1.2", 40), ("1.3", 116)])
def test_a_client_without_identity_hears_the_alert(
    parties: Parties, told: Told, version: str, alert: int
) -> None:
    """The refusal is recorded and opened, in TLS 1.3 after the client's own Finished."""
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(Call(endpoint.target, request=ASK))
    seen = told(tap)
    assert sent_by_client(seen) == []
    assert alerts(seen, "server") == [alert]
    assert said(seen, "client") == b""
    assert tap.closing is not None
    assert (tap.closing.sender, tap.closing.kind) == ("server", "fin")
    assert len(tap.library) == 1
    assert "alert" in tap.library[0]


@BOTH
def test_a_late_refusal_is_waited_for_without_a_request(
    parties: Parties, told: Told, version: str
) -> None:
    """With nothing to ask, the attempt still lingers until the server has spoken."""
    stranger = parties.identity(parties.issuing.client("Stranger"))
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(Call(endpoint.target, identity=stranger))
    seen = told(tap)
    assert alerts(seen, "server") == [48]
    order = [one.item.name for one in seen]
    if version == "1.3":
        last_finished = len(order) - 1 - order[::-1].index("Finished")
        assert seen[last_finished].sender == "client"
        assert last_finished < order.index("unknown_ca")


@BOTH
def test_the_attempt_ends_by_itself_when_the_server_is_content(
    parties: Parties, told: Told, version: str
) -> None:
    """With nothing to ask and nobody refusing, we say goodbye after the linger."""
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(Call(endpoint.target, identity=parties.identity(), linger=0.05))
    assert tap.closing is not None
    assert (tap.closing.sender, tap.closing.kind) == ("client", "fin")
    assert alerts(told(tap), "client") == [0]


@BOTH
@pytest.mark.parametrize("shape", ["none", "reversed", "doubled", "foreign"])
def test_the_chain_goes_out_exactly_as_given(
    parties: Parties, told: Told, version: str, shape: str
) -> None:
    """OpenSSL neither completes nor reorders it, though the trust given holds every issuer."""
    identity = parties.identity()
    issuing = identity.chain[0]
    root = parties.identity(parties.client_root).certificate
    foreign = parties.identity(parties.server).certificate
    chain = {
        "none": (),
        "reversed": (root, issuing),
        "doubled": (issuing, issuing),
        "foreign": (foreign, issuing),
    }[shape]
    trust = (root, issuing, parties.identity(parties.root).certificate)
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(
            Call(endpoint.target, "localhost", identity, chain, trust, (version, version), ASK)
        )
    assert sent_by_client(told(tap)) == [parties.client.der, *(one.der for one in chain)]


def test_a_key_of_another_is_told_and_nothing_is_sent(parties: Parties, told: Told) -> None:
    """OpenSSL refuses the pair; the attempt goes on without an identity and says so."""
    identity = parties.identity()
    other = parties.identity(parties.client_issuing.client("Other")).key
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(endpoint.target, identity=replace(identity, key=other)))
    assert sent_by_client(told(tap)) == []
    assert tap.library[0] == "key values mismatch"
    assert tap.library[1].startswith("no client certificate was offered")


def test_an_identity_without_key_is_told_and_nothing_is_sent(parties: Parties, told: Told) -> None:
    """A certificate alone proves nothing, so it is not offered."""
    identity = replace(parties.identity(), key=None)
    with serve(tls(parties.demanding("1.2"))) as endpoint:
        tap = connect(Call(endpoint.target, identity=identity))
    assert sent_by_client(told(tap)) == []
    assert "has no private key" in tap.library[0]


@pytest.mark.parametrize("kind", ["RSA 2048", "EC P-384", "Ed25519"])
def test_any_usual_key_can_sign(parties: Parties, told: Told, kind: str) -> None:
    """The private key comes from memory, whatever its kind."""
    client = parties.client_issuing.client("Client", key=kind)
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(endpoint.target, identity=parties.identity(client), request=ASK))
    assert said(told(tap), "server").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("host", "given", "sent"),
    [
        ("127.0.0.1", None, None),
        ("127.0.0.1", "partner.example", "partner.example"),
        ("127.0.0.1", "bücher.example.", "xn--bcher-kva.example"),
        ("localhost", None, "localhost"),
        ("localhost", "", None),
        ("localhost", "10.1.2.3", None),
    ],
)
def test_the_server_name_is_chosen(
    parties: Parties, told: Told, host: str, given: str | None, sent: str | None
) -> None:
    """SNI is the name given, else the host; an address or an empty name is not sent."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(replace(endpoint.target, host=host), given))
    hello = told(tap)[0].item
    assert isinstance(hello, messages.ClientHello)
    assert hello.server_name == sent
    assert tap.server_name == (given or host).rstrip(".")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_every_tls_version_can_be_spoken(parties: Parties, told: Told, version: str) -> None:
    """Old versions too, so that an old server can be looked at."""
    settings = parties.demanding(version, asks="optional", ciphers=WEAK)
    with serve(tls(settings)) as endpoint:
        tap = connect(
            Call(
                endpoint.target,
                "localhost",
                parties.identity(),
                versions=("1.0", version),
                request=ASK,
            )
        )
    seen = told(tap)
    assert said(seen, "server").startswith(b"HTTP/1.1 200")
    assert len(sent_by_client(seen)) == 2


def test_versions_that_do_not_meet_end_in_an_alert(parties: Parties, told: Told) -> None:
    """A TLS 1.3 server refuses a client that is limited to 1.2."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(endpoint.target, versions=("1.2", "1.2")))
    assert alerts(told(tap), "server") == [70]


@BOTH
@pytest.mark.parametrize("anchor", ["root", "issuing", "server"])
def test_any_anchor_of_the_server_is_enough(
    parties: Parties, told: Told, version: str, anchor: str
) -> None:
    """A root, an intermediate or the server's own certificate in the trust store will do."""
    trust = (parties.identity(getattr(parties, anchor)).certificate,)
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(
            Call(endpoint.target, "localhost", parties.identity(), trust=trust, request=ASK)
        )
    assert said(told(tap), "server").startswith(b"HTTP/1.1 200")


@BOTH
def test_an_unknown_server_is_refused_with_an_alert(
    parties: Parties, told: Told, version: str
) -> None:
    """The client verifies for real, and its refusal goes over the wire."""
    trust = (parties.identity(parties.client_root).certificate,)
    with serve(tls(parties.demanding(version))) as endpoint:
        tap = connect(Call(endpoint.target, "localhost", trust=trust, request=ASK))
        visit = endpoint.visits(1)[0]
    assert alerts(told(tap), "client") == [48]
    assert tap.closing is not None
    assert tap.closing.sender == "client"
    assert "did not verify" in tap.library[0]
    assert tap.library[-1] == "certificate verify failed"
    assert "unknown ca" in str(visit.ended)


def of_version_4(certificate: Certificate) -> Certificate:
    """The same certificate with a version number that no standard has."""
    wrong = certificate.der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020103"), 1)
    return read_certificate(wrong, certificate.source)


@pytest.mark.parametrize("place", ["trust", "chain", "leaf"])
def test_a_certificate_that_openssl_does_not_take_is_left_out(
    parties: Parties, told: Told, place: str
) -> None:
    """What only our own reader takes is left out of trust, chain or offer, and that is said."""
    identity, root = parties.identity(), parties.identity(parties.root).certificate
    if place == "leaf":
        identity = replace(identity, certificate=of_version_4(identity.certificate))
    chain = (of_version_4(root), *identity.chain) if place == "chain" else identity.chain
    trust = (of_version_4(root), root) if place == "trust" else (root,)
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(endpoint.target, "localhost", identity, chain, trust, request=ASK))
    sent = sent_by_client(told(tap))
    if place == "leaf":
        assert sent == []
        assert "no client certificate was offered" in tap.library[1]
        return
    assert sent == [parties.client.der, *(one.der for one in identity.chain)]
    where = {"trust": "trust store", "chain": "chain"}[place]
    assert len(tap.library) == 1
    assert tap.library[0].startswith(f"Server Root was left out of the {where}: ")


def test_no_anchor_at_all_trusts_nobody(parties: Parties, told: Told) -> None:
    """An empty trust store is not the same as looking on."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        tap = connect(Call(endpoint.target, "localhost", trust=()))
    assert len(alerts(told(tap), "client")) == 1
    assert sent_by_client(told(tap)) is None


@BOTH
@pytest.mark.parametrize(
    ("host", "given", "good"),
    [
        ("localhost", None, True),
        ("127.0.0.1", None, True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "other.example", False),
        ("127.0.0.1", "10.1.2.3", False),
    ],
)
def test_the_name_must_match(  # noqa: PLR0913 - two fixtures and a table
    parties: Parties, told: Told, version: str, host: str, given: str | None, *, good: bool
) -> None:
    """A sound certificate for another name is refused, with an alert and a reason."""
    trust = (parties.identity(parties.root).certificate,)
    with serve(tls(parties.demanding(version))) as endpoint:
        target = replace(endpoint.target, host=host)
        tap = connect(Call(target, given, parties.identity(), trust=trust, request=ASK))
    if good:
        assert said(told(tap), "server").startswith(b"HTTP/1.1 200")
        return
    assert len(alerts(told(tap), "client")) == 1
    assert tap.library[0].startswith(f"the server's certificate is not for {given}")
    assert sent_by_client(told(tap)) is None


@pytest.mark.parametrize(
    ("parts", "alert", "word"),
    [
        ({"not_after": datetime.now(UTC) - timedelta(days=1)}, 45, "expired"),
        ({"eku": ("clientAuth",)}, 43, "purpose"),
    ],
)
def test_a_server_out_of_date_or_purpose_is_refused(
    parties: Parties, told: Told, parts: dict[str, object], alert: int, word: str
) -> None:
    """Dates and the server purpose are verified as real clients do."""
    parts.setdefault("not_before", datetime.now(UTC) - timedelta(days=9))
    server = parties.issuing.server("Server", "localhost", **parts)
    trust = (parties.identity(parties.root).certificate,)
    with serve(tls(parties.demanding("1.3", identity=server))) as endpoint:
        tap = connect(Call(endpoint.target, "localhost", trust=trust))
    assert alerts(told(tap), "client") == [alert]
    assert word in tap.library[0]


@BOTH
def test_looking_on_judges_no_server(parties: Parties, told: Told, version: str) -> None:
    """Without a trust store any server certificate will do."""
    stray = parties.client_root.client("Stray", not_after=datetime.now(UTC) - timedelta(hours=1))
    with serve(tls(parties.demanding(version, identity=stray))) as endpoint:
        tap = connect(Call(endpoint.target, identity=parties.identity(), request=ASK))
    assert said(told(tap), "server").startswith(b"HTTP/1.1 200")


@BOTH
def test_an_http_refusal_is_read(parties: Parties, told: Told, version: str) -> None:
    """A server that refuses by an error page instead of an alert is heard as well."""
    settings = parties.demanding(version, asks="optional", status=400, says="No certificate")
    with serve(tls(settings)) as endpoint:
        tap = connect(Call(endpoint.target, request=ASK))
    answer = said(told(tap), "server")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"No certificate" in answer


def test_a_failed_send_loses_nothing(
    parties: Parties, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert is read though the server refused and reset while a large request was under way."""
    monkeypatch.setattr(live, "HUSH", 0.0)
    request = HttpRequest("POST", "/", body=bytes(8 << 20))
    failed: list[Tap] = []
    with hasty(parties.demanding("1.3")) as target:
        for _ in range(60):
            tap = connect(Call(target, request=request))
            assert alerts(told(tap), "server") == [116]
            if any("socket failed" in word for word in tap.library):
                failed.append(tap)
            if len(failed) == 3:
                break  # a busy machine needs more tries until the reset comes in time
    assert failed, "no send failed, so this run showed nothing"
    assert all(tap.closing == replace(tap.closing, sender="server", kind="reset") for tap in failed)


@contextmanager
def hasty(settings: Tls) -> Iterator[Target]:
    """A server that closes at once after its refusal, with our bytes unread, so that TCP resets."""
    behave = tls(settings)

    def serve_all(listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            stop, stopper = socket.socketpair()
            with sock, stop, stopper:
                behave(Line(sock, stop, 5.0))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_all, args=(listener,), daemon=True)
        thread.start()
        yield Target("127.0.0.1", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_refusal_in_tls_1_3_is_heard_before_the_request(parties: Parties, told: Told) -> None:
    """The request is not sent to a server that has refused already, so nothing is reset."""
    with hasty(parties.demanding("1.3")) as target:
        tap = connect(Call(target, request=HttpRequest("POST", "/", body=bytes(1 << 20))))
    assert alerts(told(tap), "server") == [116]
    assert said(told(tap), "client") == b""


def test_no_secret_is_shown(parties: Parties) -> None:
    """Neither the call nor the tap shows a key or a line of the key log when printed."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        call = Call(endpoint.target, identity=parties.identity(), request=ASK)
        tap = connect(call)
    shown = repr(tap) + str(tap) + repr(call) + str(call)
    assert len(tap.secrets.lines) >= 4
    for line in tap.secrets.lines:
        assert line.split()[2] not in shown
    number = parties.client.key.private_numbers().private_value
    assert f"{number:x}" not in shown
    assert str(number) not in shown


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="the system does not list open files")
def test_nothing_stays_open(parties: Parties) -> None:
    """No socket or selector is left behind, however the attempt ended."""
    before = len(list(OPEN_FILES.iterdir()))
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        calls = [
            Call(endpoint.target, identity=parties.identity(), request=ASK),
            Call(endpoint.target, request=ASK),
            Call(endpoint.target, trust=()),
            Call(Target("127.0.0.1", 1)),
            Call(endpoint.target, versions=("1.2", "1.2")),
        ]
        for call in calls * 3:
            connect(call)
    assert len(list(OPEN_FILES.iterdir())) == before
