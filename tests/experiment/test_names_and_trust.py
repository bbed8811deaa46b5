"""Other names, more trust and another way, against servers of the lab."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

import pytest

import mtlskit
from mtlskit.case import Case
from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.experiment import MOST_CONNECTIONS, tried
from mtlskit.experiment.hello import named, names_at_hand
from mtlskit.experiment.run import _Line
from mtlskit.lab.between import firewall
from mtlskit.lab.endpoint import Endpoint, serve
from mtlskit.lab.pki import Authority, Issued, pem
from mtlskit.lab.servers import Tls, silent, tls
from mtlskit.material import Blob, Source, Target
from mtlskit.report import Report, judge
from mtlskit.trace.handshake import follow

HOST = "partner-api.example"
ROOT = Authority.root("CN=Root for servers, O=Lab")
BENEATH = ROOT.intermediate("CN=Issuing for servers, O=Lab")
SERVER = BENEATH.server(f"CN={HOST}", HOST)
CLIENT_ROOT = Authority.root("CN=Root for clients, O=Lab")
CLIENT = CLIENT_ROOT.client("CN=client")


@contextmanager
def serving(identity: Issued = SERVER, **settings: object) -> Iterator[Endpoint]:
    """A server that asks every caller for a certificate."""
    demanded = Tls(identity, **{"asks": "optional", **settings})
    with serve(tls(demanded)) as endpoint:
        yield endpoint


def file(name: str, *certificates: Issued) -> Blob:
    """A file of certificates."""
    return Blob(Source(name), pem([one.certificate for one in certificates]))


def proved(report: Report) -> list[str]:
    """The causes that are confirmed."""
    return [one.cause for one in report.opinions if one.standing == "CONFIRMED"]


@pytest.mark.parametrize("sent", ["elsewhere.example", ""], ids=["another", "none"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_name_in_the_url_is_tried(version: str, sent: str) -> None:
    """The server answers to one name alone; the partner's URL holds it."""
    with serving(names=(HOST,)) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, server_name=sent, tls=version, url=f"https://{HOST}/orders"
        )
    assert proved(report) == ["protocol.sni"]
    assert HOST in report.opinions[0].remedy


def test_a_name_in_a_server_certificate_at_hand_is_tried() -> None:
    """Whoever saved the endpoint's certificate has its name."""
    with serving(names=(HOST,)) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, server_name="elsewhere.example", material=file("saved.pem", SERVER)
        )
    assert proved(report) == ["protocol.sni"]


def test_a_name_proves_nothing_where_it_is_refused_too() -> None:
    """A name that the server does not serve either is no proof."""
    with serving(names=(HOST,)) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, server_name="elsewhere.example", url="https://third.example/"
        )
    assert proved(report) == []
    assert any("third.example" in one.change for one in report.case.attempts)


def test_names_at_hand_are_names_and_not_asked_for_yet() -> None:
    """Neither addresses, wildcards nor the name that was asked for are tried."""
    issued = ROOT.server("CN=x", "*.example", "Second.example", "first.example", "127.0.0.9")
    case = case_of("127.0.0.1:443", None, None, file("saved.pem", issued, ROOT), (), None)
    case = case.having(url="https://first.example/")
    first = Call(Target("127.0.0.1", 443), server_name="FIRST.example")
    assert names_at_hand(case, first) == ("second.example",)
    assert names_at_hand(case, replace(first, server_name="")) == (
        "first.example",
        "second.example",
    )
    named = Call(Target("host.example", 443), server_name="x.example")
    assert names_at_hand(case, named)[0] == "host.example"


def test_another_name_stands_in_the_request_too() -> None:
    """A virtual host that was named by hand would be asked for at the wrong server."""
    first = Call(Target("h", 443), "old.example", request=HttpRequest(host="old.example"))
    other = named(first, "new.example")
    assert (other.server_name, other.request) == ("new.example", HttpRequest())


def test_a_call_is_over_when_the_time_of_all_is() -> None:
    """The last one waits no longer than what is left, and none is begun after it."""
    with serve(silent) as endpoint:
        line = _Line(monotonic() + 0.5)
        began = monotonic()
        assert line.called(Call(endpoint.target, HOST, timeout=20.0)) is not None
        assert line.called(Call(endpoint.target, HOST, timeout=20.0)) is None
    assert monotonic() - began < 10


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_server_of_another_name_is_proved_and_shown_nothing(version: str) -> None:
    """Its CA is trusted, yet whoever holds another name gets neither certificate nor request."""
    with serving(asks="optional", trust=(CLIENT_ROOT.certificate,)) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target,
            identity=Blob(Source("own.pem"), CLIENT.pem_chain() + CLIENT.pem_key()),
            trust=file("trust.pem", ROOT),
            server_name="elsewhere.example",
            tls=version,
        )
        visits = endpoint.visits(1 + len(report.case.attempts))
    assert proved(report) == ["server.name-mismatch"]
    assert all(one.client is None for one in visits)
    assert [one.trace.http for one in report.case.attempts] == [None, None]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_ca_at_hand_proves_that_it_is_not_trusted(version: str) -> None:
    """The server then refuses the caller that shows no certificate; the client has let it pass."""
    with serving(asks="required") as endpoint:
        report = mtlskit.diagnose(
            endpoint.target,
            identity=Blob(Source("own.pem"), CLIENT.pem_chain() + CLIENT.pem_key()),
            trust=file("trust.pem", CLIENT),
            material=file("roots.pem", ROOT),
            server_name=HOST,
            tls=version,
        )
        assert all(visit.client is None for visit in endpoint.visits(1))
    assert proved(report) == ["server.untrusted-issuer"]
    assert "no longer refused" in report.opinions[0].because[0].text
    assert "no longer refused the server" in str(report.page())


def test_an_intermediate_at_hand_proves_that_the_server_does_not_send_it() -> None:
    """The root is trusted, the link to it lies among the files."""
    with serving(replace(SERVER, chain=()), asks="none") as endpoint:
        report = mtlskit.diagnose(
            endpoint.target,
            trust=file("trust.pem", ROOT),
            material=file("beneath.pem", BENEATH),
            server_name=HOST,
        )
    assert proved(report) == ["server.chain-incomplete"]
    assert "until then, add it to the client's trust store" in report.opinions[0].remedy


def test_where_no_root_is_at_hand_nothing_is_trusted_for_a_try() -> None:
    """An intermediate that the server sends of itself is no reason to trust it."""
    with serving() as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, trust=file("trust.pem", CLIENT), server_name=HOST
        )
    assert report.case.attempts == ()


def test_odd_groups_are_proved() -> None:
    """The same call with the usual groups is accepted."""
    with serve(tls(Tls(SERVER, asks="none", versions=("1.3", "1.3")))) as endpoint:
        call = Call(endpoint.target, HOST, groups=("ffdhe8192",), timeout=3.0)
        trace = follow(connect(call))
        if trace.ended.outcome == "accepted":
            pytest.skip("this OpenSSL serves every group")
        case = Case(target=endpoint.target, trace=trace)
        attempts = tuple(tried(case, call))
    helped = [one for one in attempts if one.trace.ended.outcome == "accepted"]
    assert helped[0].cause == "protocol.cipher"


def test_a_large_hello_that_is_dropped_is_proved_by_a_small_one() -> None:
    """The firewall lets one packet through; the size is tried before the version."""
    with serve(firewall(tls(Tls(SERVER, asks="none")))) as endpoint:
        call = Call(endpoint.target, HOST, hello="large", timeout=0.7, linger=0.2)
        case = Case(target=endpoint.target, trace=follow(connect(call)))
        attempts = tuple(tried(case, call))
        report = judge(case.having(attempts=attempts))
    assert attempts[0].cause == "protocol.hello-too-large"
    assert proved(report) == ["protocol.hello-too-large"]


def test_a_dropped_hello_is_proved_before_the_time_is_spent_on_certificates_and_names() -> None:
    """Nobody saw a certificate yet, and names at hand would each wait for the whole timeout."""
    names = [ROOT.server(f"CN={one}", f"{one}.example") for one in "abc"]
    issuing = CLIENT_ROOT.intermediate("CN=Issuing for clients, O=Lab")
    own = replace(issuing.client("CN=client"), chain=())
    with serve(firewall(tls(Tls(SERVER, asks="none")))) as endpoint:
        key_store = Blob(Source("own.pem"), own.pem_chain() + own.pem_key())
        material = file("saved.pem", issuing, *names)
        case = case_of(endpoint.target, key_store, None, material, (), None)
        (held,) = case.identities or ()
        call = Call(endpoint.target, HOST, held, hello="large", timeout=0.7, linger=0.2)
        case = case.having(trace=follow(connect(call)), chosen=held)
        attempts = tuple(tried(case, call))
    assert attempts[0].cause == "protocol.hello-too-large"
    assert proved(judge(case.having(attempts=attempts))) == ["protocol.hello-too-large"]


def test_calls_keep_their_number_and_their_distance() -> None:
    """A port that never answers is called no more often than allowed, and never in a burst."""
    with serve(silent) as endpoint:
        call = Call(endpoint.target, HOST, timeout=0.2)
        case = Case(target=endpoint.target, trace=follow(connect(call)))
        began = [one.trace.began for one in tried(case, call)]
    assert 0 < len(began) < MOST_CONNECTIONS
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(began)]
    assert all(gap > 0.09 for gap in gaps)
