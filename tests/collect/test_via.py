"""Through proxies: real ones, and what any bytes of theirs lead to."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.collect.plain import LIMIT
from mtlskit.collect.via import Proxy, proxy_from
from mtlskit.lab.endpoint import Endpoint, Line, Visit, nobody, serve
from mtlskit.lab.servers import tls
from mtlskit.material import Tap, Target
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from tests.collect.real_servers import connect_proxy, socks_proxy

if TYPE_CHECKING:
    from conftest import Parties

    Program = Callable[[str], str]

ENDLESS = 60.0  # seconds; no busy machine takes as long
WORD = "s3cret: colon"
ASK = HttpRequest()


@pytest.fixture(scope="module")
def endpoint(parties: Parties) -> Iterator[Endpoint]:
    """A server that demands a client certificate."""
    with serve(tls(parties.demanding("1.3"))) as one:
        yield one


@pytest.fixture(scope="module")
def http_proxy(endpoint: Endpoint, program: Program) -> Iterator[Target]:
    """Apache as a proxy, which leads to the endpoint and to no other port."""
    made = subprocess.run(
        [program("openssl"), "passwd", "-apr1", "-stdin"],
        input=WORD, capture_output=True, text=True, check=True,
    )  # fmt: skip
    users = f"anna:{made.stdout.strip()}\n"
    with connect_proxy(program("apache2"), users, [endpoint.target.port, 1]) as target:
        yield target


def through(
    proxy: Proxy, target: Target, parties: Parties | None = None, **wishes: object
) -> Trace:
    identity = parties.identity() if parties else None
    wishes.setdefault("timeout", 5.0)
    return follow(connect(Call(target, identity=identity, via=proxy, request=ASK, **wishes)))


def notes(trace: Trace) -> list[str]:
    return [one.note for one in trace.events if one.kind == "note"]


@pytest.mark.needs("apache2", "openssl")
def test_through_a_real_proxy_the_handshake_is_as_ever(
    parties: Parties, endpoint: Endpoint, http_proxy: Target
) -> None:
    """With its credentials the proxy connects, and the server answers the client as without it."""
    trace = through(Proxy("http", http_proxy, "anna", WORD), endpoint.target, parties)
    assert trace.ended.outcome == "accepted"
    assert trace.http.status == 200
    assert trace.peer == str(http_proxy)
    assert trace.events[0].note == f"CONNECT {endpoint.target} HTTP/1.1, with credentials (Basic)"
    assert "200 Connection" in trace.events[1].note
    assert "Apache" in trace.events[1].note
    assert trace.events[2].name == "ClientHello"


@pytest.mark.needs("apache2", "openssl", "curl")
def test_curl_says_of_the_same_proxy_what_we_say(
    endpoint: Endpoint, http_proxy: Target, program: Program
) -> None:
    """The proxy is a real one: curl is refused and let through at the same points."""
    for word, status in (("wrong", "407"), (WORD, "200")):
        command = [program("curl"), "-sk", "-o", "/dev/null", "-w", "%{http_connect}"]
        command += [
            "-x",
            f"http://{http_proxy}",
            "-U",
            f"anna:{word}",
            f"https://{endpoint.target}",
        ]
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert said.stdout == status
        trace = through(Proxy("http", http_proxy, "anna", word), endpoint.target)
        assert (trace.failure is None) == (status == "200")


@pytest.mark.needs("apache2", "openssl")
@pytest.mark.parametrize(
    ("who", "code", "words"),
    [
        ((), 407, "it wants credentials, and none were given"),
        (("anna", "wrong"), 407, "it did not accept the credentials"),
        (("anna", WORD), 403, "it does not let this connection through"),
    ],
)
def test_a_proxy_that_declines_is_told_from_the_server(
    endpoint: Endpoint, http_proxy: Target, who: tuple[str, ...], code: int, words: str
) -> None:
    """407 and 403 are refusals by the proxy, before TLS began, and it is said what it wants."""
    port = endpoint.target.port if code == 407 else 9  # a port to which it does not connect
    trace = through(Proxy("http", http_proxy, *who), Target("localhost", port))
    ended, failure = trace.ended, trace.failure
    assert (ended.outcome, ended.refused_by, ended.stage) == ("refused", "between", "connect")
    assert (failure.kind, failure.by, failure.code) == ("declined", "between", code)
    assert words in failure.text
    assert "A proxy on the way refused the client" in str(trace)


@pytest.mark.needs("apache2", "openssl")
def test_an_endpoint_that_the_proxy_cannot_reach_is_unreachable(http_proxy: Target) -> None:
    """503 is no refusal of the client: nobody listens behind the proxy."""
    trace = through(Proxy("http", http_proxy, "anna", WORD), Target("localhost", 1))
    assert (trace.ended.outcome, trace.ended.refused_by) == ("unreachable", None)
    assert (trace.failure.kind, trace.failure.by, trace.failure.code) == (
        "unreachable",
        "between",
        503,
    )


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_proxy_that_is_not_there_is_told_from_the_endpoint(kind: str) -> None:
    """Who could not be reached is the proxy, and that is what the words say."""
    with nobody() as shut:
        trace = through(Proxy(kind, shut), Target("partner.invalid", 443))
    assert (trace.failure.kind, trace.failure.by) == ("refused", "between")
    assert f"the proxy {shut} could not be reached" in trace.failure.text


@pytest.mark.needs("microsocks")
def test_through_a_real_socks_proxy(parties: Parties, endpoint: Endpoint, program: Program) -> None:
    """With and without credentials; the proxy resolves the name; each refusal has its words."""
    here = Target("localhost", endpoint.target.port)
    with socks_proxy(program("microsocks")) as free:
        assert through(Proxy("socks5", free), here, parties).ended.outcome == "accepted"
        shut = through(Proxy("socks5", free), Target("localhost", 1)).failure
        lost = through(Proxy("socks5", free), Target("partner.invalid", 443)).failure
    with socks_proxy(program("microsocks"), "-u", "anna", "-P", WORD) as locked:
        good = through(Proxy("socks5", locked, "anna", WORD), here, parties)
        none = through(Proxy("socks5", locked), here)
        bad = through(Proxy("socks5", locked, "anna", "no"), here)
    assert (shut.kind, shut.by, shut.code) == ("refused", "between", 5)
    assert lost.by == "between"
    assert good.ended.outcome == "accepted"
    assert f"SOCKS 5, connect to {here}" in notes(good)
    assert (none.ended.refused_by, bad.ended.refused_by) == ("between", "between")
    assert "none were given" in none.failure.text
    assert bad.failure.text.endswith("did not accept user and password")


def test_credentials_are_shown_nowhere(endpoint: Endpoint) -> None:
    """Not by the proxy object, not by a trace, not even where a proxy repeats them."""

    def parrot(line: Line) -> Visit:
        asked = line.receive()
        line.send(
            b"HTTP/1.1 407 " + asked.replace(b"\r\n", b" ") + b" for " + WORD.encode() + b"\r\n\r\n"
        )
        return Visit()

    with serve(parrot) as repeating:
        proxy = Proxy("http", repeating.target, "anna", WORD)
        trace = through(proxy, endpoint.target)
    coded = b64encode(f"anna:{WORD}".encode()).decode()
    told = f"{proxy!r} {trace!r} {trace} {trace.plain()} {trace._repr_html_()}"
    assert "407" in told
    assert WORD not in told
    assert coded not in told
    assert "(not shown)" in told


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "unreachable", "could not connect"),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", "timeout", "no answer from the endpoint"),
        (b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nproxy-authenticate: Negotiate\r\n\r\n",
         "declined", "it takes NTLM, Negotiate, and only Basic can be sent"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "declined", "did not answer as an HTTP proxy does: 'SSH-2.0"),
        (b"HTTP/1.1 \r\n", "declined", "did not answer as an HTTP proxy does"),
        (b"HTTP/1.1 200", "reset", "it had begun to say 'HTTP/1.1 200'"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * LIMIT, "declined", "more than 64 KiB"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300, "declined", "more than 200 lines"),
        (b"", "reset", "closed the connection before TLS"),
    ],
)  # fmt: skip
def test_every_answer_of_an_http_proxy_is_told(answer: bytes, kind: str, words: str) -> None:
    """Each has a kind, and the words say what came."""
    with saying(answer) as target:
        trace = through(Proxy("http", target), Target("partner.invalid", 443), timeout=2.0)
    assert (trace.failure.kind, trace.failure.by) == (kind, "between")
    assert words in trace.failure.text
    assert all(one.kind in ("note", "close") for one in trace.events)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"\x04\x00", "declined", "does not speak SOCKS 5"),
        (b"\x05\xff", "declined", "none were given"),
        (b"\x05\x02", "declined", "took none of the ways"),
        (b"\x05\x00\x05\x02\x00\x01" + bytes(6), "declined", "rules do not allow"),
        (b"\x05\x00\x05\x03\x00\x01" + bytes(6), "unreachable", "network"),
        (b"\x05\x00\x05\x04\x00\x01" + bytes(6), "unreachable", "host"),
        (b"\x05\x00\x05\x06\x00\x01" + bytes(6), "timeout", "expired"),
        (b"\x05\x00\x05\x63\x00\x01" + bytes(6), "declined", "RFC 1928 does not know"),
        (b"\x05\x00\x05\x00\x00\x09", "declined", "unknown kind 9"),
        (b"\x05\x00\x05\x00\x00\x03\x05ab", "reset", "closed the connection"),
    ],
)
def test_every_reply_of_a_socks_proxy_is_told(answer: bytes, kind: str, words: str) -> None:
    """Each of RFC 1928's replies, and those that are none."""
    with saying(answer) as target:
        trace = through(Proxy("socks5", target), Target("partner.invalid", 443), timeout=2.0)
    assert (trace.failure.kind, trace.failure.by) == (kind, "between")
    assert words in trace.failure.text


@contextmanager
def saying(answer: bytes) -> Iterator[Target]:
    """Something that hears one word, says this whatever it was, and closes."""

    def speak(line: Line) -> Visit:
        line.receive()
        with suppress(OSError):
            line.send(answer)
        return Visit()

    with serve(speak) as endpoint:
        yield endpoint.target


@given(kind=st.sampled_from(["http", "socks5"]), answer=st.binary(max_size=60), lead=st.booleans())
@settings(max_examples=40)
def test_any_bytes_of_a_proxy_lead_to_a_result(kind: str, answer: bytes, lead: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Whatever comes, the attempt ends in time and is told."""
    starts = {"http": b"HTTP/1.1 200 OK\r\n", "socks5": b"\x05\x00\x05\x00\x00"}
    with saying((starts[kind] if lead else b"") + answer) as target:
        start = monotonic()
        tap = connect(Call(Target("partner.invalid", 443), via=Proxy(kind, target), timeout=2.0))
        assert monotonic() - start < ENDLESS
    assert isinstance(tap, Tap)
    assert str(follow(tap))


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example:3128", Proxy("http", Target("proxy.example", 3128))),
        ("proxy.example:3128", Proxy("http", Target("proxy.example", 3128))),
        ("socks5h://[::1]:1080/", Proxy("socks5", Target("::1", 1080))),
        ("http://a%40b:c%3Ad@p:1", Proxy("http", Target("p", 1), "a@b", "c:d")),
    ],
)
def test_a_proxy_is_read_from_its_url(url: str, proxy: Proxy) -> None:
    """Scheme, user, host and port, percent-encoding undone."""
    assert proxy_from(url) == proxy


@pytest.mark.parametrize(
    "url",
    ["https://u:hidden@p:1", "http://u:hidden@p", "http://u:hidden@p:x", "ftp://p:1", "", "http://u:hidden@p:1/x",
     "http://:hidden@p:1", "http://a%3Ab:hidden@p:1"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_without_its_password(url: str) -> None:
    """One sentence, which does not repeat what was given."""
    with pytest.raises(ValueError, match=r"[Pp]roxy") as error:
        proxy_from(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("host", "connect_line", "socks"),
    [
        ("::1", b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n",
         b"\x04" + bytes(15) + b"\x01"),
        ("192.0.2.7", b"CONNECT 192.0.2.7:8443 HTTP", b"\x01\xc0\x00\x02\x07"),
        ("bücher.example", b"CONNECT xn--bcher-kva.example:8443 HTTP",
         b"\x03\x15xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_the_proxy_is_told_names_and_addresses_as_its_protocol_has_them(
    host: str, connect_line: bytes, socks: bytes
) -> None:
    """An IPv6 address in brackets, a name in ASCII; SOCKS has a kind for each (RFC 1928, 5)."""
    heard: list[bytes] = []

    def listen(line: Line) -> Visit:
        heard.append(line.receive())
        if heard[-1][:1] == b"\x05":
            line.send(b"\x05\x00")
            heard.append(line.receive())
        return Visit()

    with serve(listen) as one:
        for kind in ("http", "socks5"):
            through(Proxy(kind, one.target), Target(host, 8443), timeout=2.0)
    assert heard[0].startswith(connect_line)
    assert heard[2] == b"\x05\x01\x00" + socks + (8443).to_bytes(2)


def test_an_address_with_a_zone_is_nothing_to_a_proxy() -> None:
    """It counts on this machine alone, so the wish is refused."""
    with pytest.raises(ValueError, match="zone"):
        Call(Target("fe80::1%lo", 443), via=Proxy("http", Target("127.0.0.1", 1)))


def test_what_a_proxy_sends_too_early_is_not_lost() -> None:
    """Bytes behind its answer are the first of TLS, and are read as such."""
    with saying(b"HTTP/1.1 200 OK\r\n\r\n\x15\x03\x03\x00\x02\x02\x28") as target:
        trace = through(Proxy("http", target), Target("partner.invalid", 443), timeout=2.0)
    assert trace.failure is None
    assert trace.ended.symptom.name == "handshake_failure"


def test_an_interim_answer_is_waited_out() -> None:
    """After 100 the real one comes (RFC 9110, 15.2)."""
    with saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n") as target:
        trace = through(Proxy("http", target), Target("partner.invalid", 443), timeout=2.0)
    assert trace.failure.code == 403
