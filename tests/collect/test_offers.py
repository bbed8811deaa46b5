"""What the client offers: protocols, suites, schemes, groups, late authentication, a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

import mtlskit
from mtlskit.collect.calling import Manner
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab.endpoint import Endpoint, Line, Visit, nobody, serve
from mtlskit.lab.pki import pem
from mtlskit.lab.servers import tls
from mtlskit.material import Blob, Source, Target
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from mtlskit.wire import names
from mtlskit.wire.messages import ClientHello
from tests.collect.real_servers import HOST, apache, free_port, open_folder

if TYPE_CHECKING:
    from conftest import Parties

    Program = Callable[[str], str]

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
PACKET = 1460  # bytes of TCP payload in one Ethernet frame over IPv4


@pytest.fixture(scope="module")
def open_server(parties: Parties) -> Iterator[Endpoint]:
    """A server that lets everybody in, in any version."""
    wishes = {"versions": ("1.0", "1.3"), "ciphers": "ALL:@SECLEVEL=0", "alpn": ("h2", "http/1.1")}
    settings = parties.demanding("1.3", asks="none", **wishes)
    with serve(tls(settings)) as endpoint:
        yield endpoint


def tried(target: Target, **wishes: object) -> tuple[Trace, ClientHello, int]:
    """The trace, and the first hello with its size."""
    trace = follow(connect(Call(target, timeout=5.0, linger=0.1, **wishes)))
    first = next(one for one in trace.events if isinstance(one.body, ClientHello))
    return trace, first.body, first.size


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_every_version_is_spoken(parties: Parties, version: str) -> None:
    """From TLS 1.0 on, where the other side speaks it too."""
    settings = parties.demanding(version, asks="none", ciphers="ALL:@SECLEVEL=0")
    with serve(tls(settings)) as endpoint:
        trace, _, _ = tried(endpoint.target, versions=(version, version), request=HttpRequest())
    assert (trace.tls, trace.ended.outcome) == (version, "accepted")


@BOTH
def test_an_application_protocol_is_offered_and_answered(
    open_server: Endpoint, version: str
) -> None:
    """The offer stands in the hello, the answer in the trace; without an offer there is none."""
    both = (version, version)
    trace, hello, _ = tried(open_server.target, versions=both, alpn=("spdy/3", "http/1.1"))
    assert (hello.alpn, trace.alpn) == (("spdy/3", "http/1.1"), "http/1.1")
    silent, hello, _ = tried(open_server.target, versions=both)
    assert (hello.alpn, silent.alpn) == ((), None)
    refused, _, _ = tried(open_server.target, versions=both, alpn=("spdy/3",))
    assert refused.ended.symptom.name == "no_application_protocol"


@pytest.mark.parametrize(
    ("version", "suite", "name"),
    [
        ("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
         "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("1.3", "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ],
)  # fmt: skip
def test_only_the_suites_that_are_named_are_offered(
    open_server: Endpoint, version: str, suite: str, name: str
) -> None:
    """By OpenSSL's names and by the RFCs'."""
    trace, hello, _ = tried(open_server.target, versions=(version, version), ciphers=(suite,))
    offered = [names.cipher_name(one) for one in hello.cipher_suites]
    assert [one for one in offered if "SCSV" not in one] == [name]
    assert trace.cipher == name


@BOTH
def test_only_the_schemes_that_are_named_are_offered(open_server: Endpoint, version: str) -> None:
    """A server whose key cannot sign so refuses."""
    both = (version, version)
    good, hello, _ = tried(open_server.target, versions=both, schemes=("ecdsa_secp256r1_sha256",))
    assert hello.schemes == (0x0403,)
    assert good.tls == version
    bad, hello, _ = tried(open_server.target, versions=both, schemes=("rsa_pss_rsae_sha256",))
    assert hello.schemes == (0x0804,)
    assert (bad.ended.outcome, bad.ended.symptom.alert) == ("refused", 40)


def test_a_small_and_a_large_hello(open_server: Endpoint) -> None:
    """With the post-quantum share a hello needs two packets, without it one; both are answered."""
    small, hello, size = tried(open_server.target, hello="small")
    assert size < PACKET / 2
    assert all(share.group < 0x0200 for share in hello.key_shares)
    large, hello, size = tried(open_server.target, hello="large")
    assert size > PACKET
    assert hello.key_shares[0].group == 0x11EC
    assert small.tls == large.tls == "1.3"


def test_only_the_groups_that_are_named_are_offered(open_server: Endpoint) -> None:
    """One group, one share."""
    _, hello, _ = tried(open_server.target, groups=("P-384",))
    assert hello.groups == (0x0018,)
    assert [one.group for one in hello.key_shares] == [0x0018]


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ({"ciphers": "nonsense"}, "cipher suites: nonsense"),
        ({"schemes": "rsa_pss_rsae_sha256:nonsense"}, "signature schemes"),
        ({"groups": "nonsense"}, "groups: nonsense"),
        ({"groups": "P 1"}, "names no cipher suite, scheme or group"),
        ({"alpn": "x" * 256}, "no application protocol"),
        ({"starttls": "ftp"}, "give one of smtp"),
        ({"via": "partner"}, "proxy cannot be read"),
        ({"proxy_password": "x"}, "no proxy"),
        ({"hello": "small", "groups": "P-256"}, "they say the same"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_before_anyone_is_called(
    manner: Manner, words: str
) -> None:
    """One sentence; nobody listens there, so a call would give a trace."""
    with pytest.raises(ValueError, match=words):
        mtlskit.trace("127.0.0.1:1", **manner)


def test_a_large_hello_needs_the_version_that_has_shares() -> None:
    """TLS 1.2 has nothing large to send."""
    with pytest.raises(ValueError, match=r"needs TLS 1\.3"):
        mtlskit.trace("127.0.0.1:1", tls="1.2", hello="large")


def test_a_manner_that_does_not_exist_is_refused() -> None:
    """A slip of the pen is no silent default."""
    with pytest.raises(TypeError, match="ciper"):
        mtlskit.trace("127.0.0.1:1", ciper="x")


@BOTH
def test_a_session_is_resumed_when_asked(parties: Parties, version: str) -> None:
    """The second connection takes up the first one's session, and the client is still known."""
    with serve(tls(parties.demanding(version))) as endpoint:
        done = mtlskit.resume(
            endpoint.target, identity=parties.identity(), tls=version, request=True
        )
        visits = endpoint.visits(2)
    assert (done.offered, done.resumed) == (True, True)
    assert done.headline == "The server resumed the session."
    assert [one.client for one in visits] == ["CN=Client", "CN=Client"]
    assert done.first.client_chain
    assert done.second.client_chain is None
    assert "The second connection" in str(done)
    assert done.first.peer == done.second.peer


@BOTH
def test_a_server_that_forgot_makes_a_full_handshake(parties: Parties, version: str) -> None:
    """The session is offered, not taken up, and the client shows its certificate anew."""

    def forgetful(line: Line) -> Visit:
        return tls(parties.demanding(version))(line)  # with new ticket keys for every caller

    with serve(forgetful) as endpoint:
        done = mtlskit.resume(
            endpoint.target, identity=parties.identity(), tls=version, request=True
        )
    assert (done.offered, done.resumed) == (True, False)
    assert "made a full handshake" in done.headline
    assert done.second.client_chain


def test_without_a_first_connection_there_is_nothing_to_resume() -> None:
    """It is said so, and there is no second one."""
    with nobody() as shut:
        done = mtlskit.resume(shut, timeout=1.0)
    assert done.second is None
    assert "nothing to resume" in done.headline


@pytest.fixture(scope="module")
def late(parties: Parties, program: Program) -> Iterator[Target]:
    """Apache that demands a certificate for its pages, not for its connections."""
    port = free_port()
    with open_folder() as folder:
        (folder / "chain.pem").write_bytes(parties.server.pem_chain())
        (folder / "key.pem").write_bytes(parties.server.pem_key())
        anchors = [parties.client_root.certificate, parties.client_issuing.certificate]
        (folder / "trust.pem").write_bytes(pem(anchors))
        sites = f"""\
Listen {HOST}:{port}
<VirtualHost {HOST}:{port}>
SSLEngine on
SSLCertificateFile {folder}/chain.pem
SSLCertificateKeyFile {folder}/key.pem
SSLCACertificateFile {folder}/trust.pem
<Location />
SSLVerifyClient require
SSLVerifyDepth 3
</Location>
</VirtualHost>"""
        with apache(program("apache2"), folder, sites, port):
            yield Target(HOST, port)


def late_call(target: Target, parties: Parties, version: str, *, offer: bool) -> Trace:
    identity, both = parties.identity(), (version, version)
    call = Call(
        target, "localhost", identity, versions=both, request=HttpRequest(), post_handshake=offer
    )
    return follow(connect(call))


@pytest.mark.needs("apache2")
def test_a_renegotiation_is_noticed_and_followed(parties: Parties, late: Target) -> None:
    """TLS 1.2: Apache asks for the certificate once it has seen the request, and gets it."""
    trace = late_call(late, parties, "1.2", offer=False)
    names = [(one.sender, one.name) for one in trace.events]
    asking = names.index(("server", "HelloRequest"))
    assert names.index(("client", "application data")) < asking
    assert asking < names.index(("server", "CertificateRequest"))
    assert trace.http.status == 200
    assert len(trace.client_chain) == 2
    assert trace.asked_late
    assert all(one.expected for one in trace.events)


@pytest.mark.needs("apache2")
def test_post_handshake_authentication_is_offered_when_asked(
    parties: Parties, late: Target
) -> None:
    """TLS 1.3: with the offer Apache asks late and lets the client in; without it, 403."""
    good = late_call(late, parties, "1.3", offer=True)
    names = [(one.sender, one.name) for one in good.events]
    assert names.index(("client", "Finished")) < names.index(("server", "CertificateRequest"))
    assert (good.http.status, len(good.client_chain), good.asked_late) == (200, 2, True)
    bad = late_call(late, parties, "1.3", offer=False)
    assert (bad.http.status, bad.asked, bad.asked_late) == (403, None, False)


@pytest.mark.needs("apache2")
def test_a_server_that_asks_late_is_proved_to(parties: Parties, late: Target) -> None:
    """In TLS 1.3 only the offer changes, and the outcome with it."""
    files = [Blob(Source(name), parties.client.files[name]) for name in ("chain.pem", "key.pem")]
    report = mtlskit.diagnose(late, identity=files, tls="1.3", server_name="localhost")
    best = report.opinions[0]
    assert (best.cause, best.standing) == ("server.asks-late", "CONFIRMED")
    again = mtlskit.diagnose(late, identity=files, tls="1.2", server_name="localhost")
    assert again.outcome == "accepted"


@pytest.mark.needs("apache2")
def test_a_late_demand_is_told_by_asked(late: Target) -> None:
    """What is asked late is asked, and it is said that it is late."""
    result = mtlskit.asked(late, server_name="localhost", timeout=5.0)
    told = {(one.tls, one.demand, one.late) for one in result.answers}
    assert told == {("1.2", "required", True), ("1.3", "required", True)}


def test_a_certificate_that_is_asked_for_at_once_is_not_late(parties: Parties) -> None:
    """An ordinary server asks within the handshake."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        trace = follow(connect(Call(endpoint.target, request=HttpRequest())))
    assert trace.asked is not None
    assert not trace.asked_late
