from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlskit.certs.keystore import Identity
from mtlskit.collect import mirror_tls
from mtlskit.collect.clients.attempts import try_clients
from mtlskit.collect.clients.programs import CLIENTS
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.collect.mirror import Met, MirrorListener, mirror
from mtlskit.collect.own_certificate import from_files, self_signed
from mtlskit.collect.reflected import answer_to
from mtlskit.lab.pki import Authority, Issued, pem
from mtlskit.material import Blob, Source, Target, Unreadable
from mtlskit.page.blocks import Callout
from mtlskit.page.text import text
from mtlskit.trace.handshake import follow
from mtlskit.wire.messages import ServerHello

if TYPE_CHECKING:
    from conftest import Parties

VERSIONS = pytest.mark.parametrize("version", ["1.2", "1.3"])


def call(glass: MirrorListener, identity: Identity | None, version: str, **parts: object) -> Met:
    """Makes one attempt at the mirror; gives what it noted."""
    request = HttpRequest(path="/json")
    wish = Call(glass.target, "localhost", identity, versions=(version, version), request=request)
    connect(replace(wish, **parts))
    return glass.meetings(1)[-1]


@VERSIONS
def test_the_mirror_names_the_certificates_that_were_sent(parties: Parties, version: str) -> None:
    """The chain in its order, the proof of the key, the name, the version."""
    with mirror() as glass:
        met = call(glass, parties.identity(), version)
    sent = [parties.client.der, *(facts.der for facts in parties.identity().chain)]
    assert [one.der for one in met.chain or ()] == sent
    assert met.proved is True
    assert met.in_order is True
    assert (met.trace.server_name, met.trace.tls) == ("localhost", version)
    assert "proved that it holds the key" in str(met)
    assert "CN=Client" in str(met)


@VERSIONS
def test_a_chain_in_the_wrong_order_is_named_so(parties: Parties, version: str) -> None:
    """What came is told as it came, however wrong."""
    identity = parties.identity()
    root = parties.identity(parties.server).chain[0]
    with mirror() as glass:
        met = call(glass, identity, version, chain=(root, *identity.chain))
    assert met.in_order is False
    assert met.proved is True


@pytest.mark.parametrize(("spoken", "offered"), [("1.3", "1.2"), ("1.2", "1.3")])
def test_it_speaks_the_one_version_that_it_was_given(
    parties: Parties, spoken: str, offered: str
) -> None:
    """A client that offers another one is refused, and heard all the same."""
    with mirror(tls=spoken) as glass:
        met = call(glass, parties.identity(), offered)
    with mirror(tls=spoken) as glass:
        assert call(glass, parties.identity(), spoken).proved is True
    assert met.trace.ended.refused_by == "server"
    assert met.trace.ended.symptom.name == "protocol_version"


def test_it_offers_no_session_to_resume(parties: Parties) -> None:
    """A resumed session would show no certificate: neither a ticket nor a session id is given."""
    with mirror() as glass:
        met = call(glass, parties.identity(), "1.2")
    assert "NewSessionTicket" not in [one.name for one in met.trace.events]
    bodies = (one.body for one in met.trace.events)
    hello = next(one for one in bodies if isinstance(one, ServerHello))
    assert hello.session_id == b""


@VERSIONS
def test_a_weak_key_is_seen_and_not_refused(parties: Parties, version: str) -> None:
    """What a server of today would not even look at is told of, too."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
    issued = parties.client_issuing.client("Client", key=key)
    with mirror() as glass:
        met = call(glass, parties.identity(issued), version)
    assert met.proved is True
    assert str((met.chain or ())[0].key) == "RSA 1024"
    assert [one.code for one in met.objections] == ["weak-key"]


PAST = datetime.now(UTC) - timedelta(days=400)


@pytest.mark.parametrize(
    ("parts", "code", "words"),
    [
        ({"not_before": PAST, "not_after": PAST + timedelta(days=9)}, "expired", "expired at"),
        ({"not_before": datetime.now(UTC) + timedelta(days=9)}, "not-yet-valid", "is valid from"),
        ({"eku": ("serverAuth",)}, "purpose", "lacks clientAuth"),
        ({"ku": ("keyEncipherment",)}, "key-usage", "key usage"),
    ],
    ids=["expired", "not yet", "purpose", "usage"],
)
def test_what_any_server_may_object_to_is_said(
    parties: Parties, parts: dict[str, Any], code: str, words: str
) -> None:
    """A proof that holds is not called good where the certificate itself is not."""
    issued = parties.client_issuing.client("Client", **parts)
    with mirror() as glass:
        met = call(glass, parties.identity(issued), "1.2")
    assert met.proved is True
    assert [one.code for one in met.objections] == [code]
    assert words in met.objections[0].because
    callout = met.page().blocks[0]
    assert isinstance(callout, Callout)
    assert callout.tone == "warn"
    assert met.objections[0].because in " ".join(str(met).split())
    assert met.plain()["objections"] == [{"code": code, "because": met.objections[0].because}]


def test_what_is_up_to_the_server_is_no_objection(parties: Parties) -> None:
    """Whether an issuer is trusted, or an intermediate is at hand, only the server can tell."""
    with mirror() as glass:
        whole = call(glass, parties.identity(), "1.3")
        alone = call(glass, replace(parties.identity(), chain=()), "1.3")
    for met in (whole, alone):
        assert met.objections == ()
        callout = met.page().blocks[0]
        assert isinstance(callout, Callout)
        assert callout.tone == "good"


def test_long_lists_of_what_was_offered_are_counted(parties: Parties) -> None:
    """A page holds what a person reads; JSON holds all of it."""
    with mirror() as glass:
        met = call(glass, parties.identity(), "1.2")
    offered = met.plain()["offered"]
    assert isinstance(offered, dict)
    suites = offered["cipher_suites"]
    assert isinstance(suites, list)
    said = " ".join(str(met).split())
    assert f"{len(suites)}: {suites[0]}" in said
    assert f"and {len(suites) - 8} more" in said
    assert str(suites[8]) not in said.partition("Message by message")[0]


def test_every_link_of_a_chain_has_to_hold(parties: Parties) -> None:
    """One certificate in its place does not put the next one there."""
    identity = parties.identity()
    upper = Authority.root("Upper").intermediate("Lower").client("Other")
    other = parties.identity(upper).chain
    with mirror() as glass:
        met = call(glass, identity, "1.2", chain=(*identity.chain, *other))
    assert len(met.chain or ()) == 3
    assert met.in_order is False


@VERSIONS
def test_a_client_without_a_certificate_is_let_through_and_named(version: str) -> None:
    """It was asked, and sent an empty message."""
    with mirror() as glass:
        met = call(glass, None, version)
    assert met.chain == ()
    assert met.proved is None
    assert "sent no certificate" in met.headline


@pytest.mark.needs("openssl")
@VERSIONS
def test_a_broken_proof_of_the_key_is_told(
    parties: Parties, version: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    """A certificate of someone else's: the key's public half fits, its private half does not."""
    (tmp_path / "client.pem").write_bytes(parties.client.pem_chain())
    (tmp_path / "key.der").write_bytes(half_a_key(parties.client))
    with mirror() as glass:
        command = [program("openssl"), "s_client", "-connect", str(glass.target)]
        command += ["-cert", str(tmp_path / "client.pem"), "-key", str(tmp_path / "key.der")]
        command += ["-keyform", "DER", f"-tls{version.replace('.', '_')}"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        (met,) = glass.meetings(1)
    assert (met.chain or ())[0].der == parties.client.der
    assert met.proved is False
    assert "did not hold" in met.headline


def half_a_key(owner: Issued) -> bytes:
    """An EC key (RFC 5915) with the owner's public half and a stranger's private one."""
    held = owner.key
    assert isinstance(held, ec.EllipticCurvePrivateKey)
    stranger = ec.generate_private_key(ec.SECP256R1())
    whole = held.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    own, other = (
        one.private_numbers().private_value.to_bytes(32, "big") for one in (held, stranger)
    )
    assert own in whole
    return whole.replace(own, other)


def test_it_names_the_authorities_that_it_was_given(parties: Parties) -> None:
    """And an empty list by default."""
    root = Blob(Source("ca.pem"), pem([parties.client_root.certificate]))
    for given_list, count in ((None, 0), (root, 1)):
        with mirror(ca_list=given_list) as glass:
            wish = Call(glass.target, "localhost", parties.identity(), request=HttpRequest())
            trace = follow(connect(wish))
        assert trace.asked is not None
        assert len(trace.asked.authorities) == count


def test_its_own_certificate_is_made_anew_or_given(parties: Parties) -> None:
    """Two mirrors share no key; a given one is shown with its chain."""
    with mirror() as one, mirror(names=["gateway.example"]) as two:
        assert one.fingerprint != two.fingerprint
        shown = follow(connect(Call(two.target, "gateway.example"))).server_chain or ()
        assert "gateway.example" in {name.value for name in shown[0].san or ()}
    files = Blob(Source("server.pem"), parties.server.pem_chain() + parties.server.pem_key())
    with mirror(certificate=files) as given_one:
        shown = follow(connect(Call(given_one.target, "localhost"))).server_chain or ()
        assert shown[0].der == parties.server.der
        assert len(shown) == 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (Blob(Source("a.pem"), b"-----BEGIN NOTHING-----\n"), "a.pem"),
        (Blob(Source("b.txt"), b"hello"), "b.txt"),
    ],
)
def test_what_is_no_certificate_is_named(files: Blob, words: str) -> None:
    """One sentence, before anyone can call."""
    with pytest.raises(Unreadable, match=words):
        from_files([files], ())
    with pytest.raises(Unreadable), mirror(ca_list=files):
        pass


def test_a_name_that_no_certificate_can_carry_is_refused() -> None:
    """It says which."""
    with pytest.raises(ValueError, match="no name for a certificate"):
        self_signed(["\ud800"])


@pytest.mark.needs("curl")
def test_curl_gets_text_and_a_page_or_json_for_the_asking(
    tmp_path: Path, parties: Parties, program: Callable[[str], str]
) -> None:
    """By the path or the Accept header; where nothing is named, words for a terminal."""
    (tmp_path / "client.pem").write_bytes(parties.client.pem_chain())
    (tmp_path / "key.pem").write_bytes(parties.client.pem_key())
    with mirror() as glass:
        (tmp_path / "ca.pem").write_text(glass.pem)

        def ask(path: str, *more: str) -> str:
            command = [program("curl"), "-sS", "--cacert", str(tmp_path / "ca.pem"), *more]
            command += ["--cert", str(tmp_path / "client.pem"), "--key", str(tmp_path / "key.pem")]
            command += [f"https://{glass.target}{path}"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        for told in (ask("/json"), ask("/", "-H", "Accept: application/json")):
            met = json.loads(told)
            assert met["proved"] is True
            assert met["chain"][0]["subject"] == "CN=Client"
        told = ask("/")
        assert "CN=Client" in told
        assert "<" not in told.partition("\n")[0]
        page = ask("/", "-H", "Accept: text/html")
        assert page.startswith("<!DOCTYPE html>")
        assert "CN=Client" in page
        assert ask("/", "-I").startswith("HTTP/1.1 200 OK")


@pytest.mark.needs("openssl", "curl", "java", "javac", "gnutls-cli", "node")
@VERSIONS
def test_it_names_what_every_real_client_sent(parties: Parties, version: str) -> None:
    """Unmodified clients, Java among them; each sent what it was given, and proved it."""
    with mirror() as glass:
        anchor = (follow(connect(Call(glass.target))).server_chain or ())[:1]
        wish = Call(
            glass.target,
            "localhost",
            parties.identity(),
            trust=anchor,
            versions=(version, version),
            request=HttpRequest(path="/json"),
        )
        found = try_clients(wish)
        met = glass.meetings(1 + len(CLIENTS))[1:]
    assert {one.outcome for one in found.runs} == {"accepted"}
    sent = [parties.client.der, *(facts.der for facts in parties.identity().chain)]
    assert [[one.der for one in each.chain or ()] for each in met] == [sent] * len(CLIENTS)
    assert {each.proved for each in met} == {True}


def test_no_secret_is_kept(parties: Parties) -> None:
    """Neither key log nor request stays in what the mirror noted."""
    with mirror() as glass:
        wish = HttpRequest(headers=(("Authorization", "Bearer hunter2"),))
        met = call(glass, parties.identity(), "1.3", request=wish)
        page = text(met.page()) + json.dumps(met.plain())
    assert not hasattr(met, "secrets")
    assert not hasattr(met, "tap")
    assert "hunter2" not in page + repr(met) + repr(met.trace.events)


def raw(target: Target) -> socket.socket:
    return socket.create_connection((target.host, target.port), timeout=10)


@settings(max_examples=20)
@given(said=st.binary(max_size=400))
def test_whatever_is_sent_ends_in_order(glass_of: MirrorListener, said: bytes) -> None:
    """Bytes that are no TLS get an alert or a close, and are told as what they were."""
    before = len(glass_of.meetings())
    with raw(glass_of.target) as sock:
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    met = glass_of.meetings(before + 1)[-1]
    assert met.proved is None
    assert text(met.page())


@pytest.fixture(scope="module")
def glass_of() -> MirrorListener:
    with mirror() as glass:
        yield glass


def test_a_caller_that_sends_too_much_or_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bounded in bytes and in time."""
    monkeypatch.setattr(mirror_tls, "PATIENCE", 0.3)
    with mirror() as glass:
        with raw(glass.target) as sock:
            assert sock.recv(1) == b""
        (met,) = glass.meetings(1)
        assert met.trace.ended.symptom.tcp == "deadline"
    monkeypatch.setattr(mirror_tls, "PATIENCE", 15.0)
    monkeypatch.setattr(mirror_tls, "FLOOD", 100_000)
    with mirror() as glass:
        heap_up(glass.target)
        (met,) = glass.meetings(1)
        assert met.proved is None


def heap_up(target: Target) -> None:
    """Sends a request without an end, until it is cut off."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with raw(target) as sock, context.wrap_socket(sock) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(OSError, match=r"reset|pipe|EOF|closed|timed out"):
            tls.sendall(b"y" * 50_000_000)


def test_a_reset_is_noted_as_one() -> None:
    """A caller that breaks off in the middle."""
    with mirror() as glass:
        sock = raw(glass.target)
        sock.sendall(b"\x16\x03\x01")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        (met,) = glass.meetings(1)
    assert met.trace.events[-1].name == "reset the connection"


@given(st.binary(max_size=300))
def test_any_request_gets_an_answer(met_once: Met, request_: bytes) -> None:
    """A head, and a body of the length that it states."""
    head, _, body = answer_to(request_, met_once).partition(b"\r\n\r\n")
    (length,) = (one for one in head.split(b"\r\n") if one.startswith(b"Content-Length: "))
    assert int(length.partition(b": ")[2]) == len(body) or not body


@pytest.fixture(scope="module")
def met_once(parties: Parties) -> Met:
    with mirror() as glass:
        return call(glass, parties.identity(), "1.3")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("text/html, application/json", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/plain"),
        ("image/png", "text/plain"),
        ("APPLICATION/JSON;q=1", "application/json"),
    ],
)
def test_the_form_that_is_named_first_is_given(met_once: Met, accept: str, kind: str) -> None:
    """A browser takes JSON too, and wants a page; who names nothing reads in a terminal."""
    head = answer_to(f"GET / HTTP/1.1\r\nAccept: {accept}\r\n\r\n".encode(), met_once)
    assert f"Content-Type: {kind};".encode() in head


def test_head_is_answered_without_a_body(met_once: Met) -> None:
    """It says how long the page would be, and gives none of it."""
    page = answer_to(b"GET / HTTP/1.1\r\n\r\n", met_once)
    head = answer_to(b"HEAD / HTTP/1.1\r\n\r\n", met_once)
    assert page.startswith(head)
    assert head.endswith(b"\r\n\r\n")
    assert len(page) > len(head)
