"""How a connection ended: the side that gave up is named, an echo of a close is not."""

import pytest

from mtlskit.material import Chunk, Closing, Side, Source, Tap
from mtlskit.trace.ending import Signs, judge
from mtlskit.trace.events import Ended
from mtlskit.wire.messages import Alert

SOURCE = Source("capture", ("frame 9",))
FLIGHT_12 = ("ServerHello", "Certificate", "CertificateRequest", "ServerHelloDone")


def ended(signs: Signs, tls: str, closing: Closing | None) -> Ended:
    """The judgement on a connection that showed these signs."""
    chunks = (Chunk(0.0, "client", b"\x16"), Chunk(0.1, "server", b"\x16"))
    return judge(signs, Tap(Source("capture"), chunks=chunks, closing=closing), tls, None)


def flight(*messages: tuple[Side, str]) -> Signs:
    """Signs of a handshake in which these messages were seen."""
    signs = Signs()
    for sender, name in messages:
        signs.message(sender, name)
    return signs


def test_a_client_that_takes_leave_amid_the_handshake_refused() -> None:
    """A close_notify before its own flight is the client's word, though the server closes last."""
    signs = flight(*(("server", name) for name in FLIGHT_12))
    signs.alert("client", Alert(1, 0), SOURCE, after_close=False, tls="1.2")
    told = ended(signs, "1.2", Closing("server", "fin"))
    assert (told.outcome, told.refused_by, told.stage) == (
        "refused",
        "client",
        "server-certificate",
    )
    assert told.because[0].source == SOURCE


def test_a_farewell_after_the_server_closed_is_an_echo() -> None:
    """The same close_notify in answer to the server's close leaves the refusal with the server."""
    signs = flight(*(("server", name) for name in FLIGHT_12))
    signs.alert("client", Alert(1, 0), SOURCE, after_close=True, tls="1.2")
    assert ended(signs, "1.2", Closing("server", "fin")).refused_by == "server"


def test_a_complaint_of_either_side_about_a_close_is_no_refusal() -> None:
    """A server's fatal alert after the client had closed does not make it the refusing side."""
    signs = flight(("server", "Finished"), ("client", "Finished"))
    signs.alert("server", Alert(2, 50), SOURCE, after_close=True, tls="1.3")
    told = ended(signs, "1.3", Closing("client", "fin"))
    assert (told.outcome, told.refused_by) == ("undecided", None)


def test_an_alert_amid_a_large_certificate_is_about_the_certificate() -> None:
    """When the server's own flight was whole, its alert speaks of the client's."""
    for tls, last in (("1.3", "Finished"), ("1.2", "ServerHelloDone")):
        signs = flight(("server", last))
        signs.alert("server", Alert(2, 47), SOURCE, after_close=False, tls=tls)
        assert ended(signs, tls, None).stage == "client-certificate"


def test_a_client_that_leaves_at_once_has_not_said_that_it_accepts() -> None:
    """Both Finished and then a close without data may be a late refusal: it cannot be told."""
    signs = flight(("client", "Finished"), ("server", "Finished"))
    told = ended(signs, "1.2", Closing("client", "fin"))
    assert (told.outcome, told.stage) == ("undecided", "after-handshake")
    assert "verifies the server late" in told.because[0].text
    assert ended(signs, "1.2", Closing(None, "open")).outcome == "accepted"


@pytest.mark.parametrize(("tls", "last"), [("1.2", "ServerHelloDone"), ("1.3", "Finished")])
def test_a_server_whose_client_left_before_its_flight_refused_nobody(tls: str, last: str) -> None:
    """Java servers say handshake_failure to a close in place of the client's flight."""
    signs = flight(("server", last))
    signs.alert("server", Alert(2, 40), SOURCE, after_close=True, tls=tls)
    assert ended(signs, tls, Closing("client", "fin")).refused_by is None
    for answered in ("Certificate", "ClientKeyExchange", "Finished"):
        signs = flight(("server", last), ("client", answered))
        signs.alert("server", Alert(2, 40), SOURCE, after_close=True, tls=tls)
        assert ended(signs, tls, Closing("client", "fin")).refused_by == "server"


def test_a_server_that_waits_for_a_flight_may_refuse_before_the_close() -> None:
    """Only after the close can an alert be about it, and only once the server has asked."""
    for said, late in ((("server", "Finished"), False), (("server", "ServerHello"), True)):
        signs = flight(said)
        signs.alert("server", Alert(2, 40), SOURCE, after_close=late, tls="1.3")
        assert ended(signs, "1.3", Closing("client", "fin")).refused_by == "server"


def test_a_sealed_flight_may_have_been_refused() -> None:
    """What a client said that cannot be read may have been its certificate."""
    signs = flight(("server", "Finished"))
    signs.hide("client", 22, tls="1.3")
    signs.alert("server", Alert(2, 40), SOURCE, after_close=True, tls="1.3")
    assert ended(signs, "1.3", Closing("client", "fin")).refused_by == "server"


@pytest.mark.parametrize("code", [40, 42, 48, 116])
def test_a_refusal_that_crosses_the_clients_close_stays_a_refusal(code: int) -> None:
    """A client without a certificate may close before the server's alert has come."""
    signs = flight(("server", "Finished"), ("client", "Finished"))
    signs.alert("server", Alert(2, code), SOURCE, after_close=True, tls="1.3")
    told = ended(signs, "1.3", Closing("client", "fin", 2.5))
    assert (told.outcome, told.refused_by) == ("refused", "server")


@pytest.mark.parametrize("code", [10, 40, 50])
def test_what_clients_say_of_a_close_refuses_nobody(code: int) -> None:
    """A client that complains of the server's close leaves the refusal with the server."""
    signs = flight(*(("server", name) for name in FLIGHT_12))
    signs.alert("client", Alert(2, code), SOURCE, after_close=True, tls="1.2")
    assert ended(signs, "1.2", Closing("server", "fin")).refused_by == "server"


def test_a_client_that_does_not_trust_refuses_also_after_a_close() -> None:
    """The alert unknown_ca is never about a close."""
    signs = flight(*(("server", name) for name in FLIGHT_12))
    signs.alert("client", Alert(2, 48), SOURCE, after_close=True, tls="1.2")
    assert ended(signs, "1.2", Closing("server", "fin")).refused_by == "client"


def sealed(*records: tuple[Side, int]) -> Ended:
    """The judgement on a TLS 1.2 connection with these sealed records, which the client closed."""
    signs = flight(("client", "Finished"), ("server", "Finished"))
    for sender, kind in records:
        signs.hide(sender, kind, tls="1.2")
    return ended(signs, "1.2", Closing("client", "fin"))


def test_a_sealed_alert_in_answer_to_a_request_decides_nothing() -> None:
    """What a server says in place of an answer may be a refusal, or a goodbye."""
    told = sealed(("client", 23), ("server", 21))
    assert (told.outcome, told.stage) == ("undecided", "after-handshake")
    assert "sealed alert" in told.because[0].text


def test_a_sealed_alert_beside_data_or_a_goodbye_takes_nothing_back() -> None:
    """A server that sent data had accepted, and one that answers a goodbye says only goodbye."""
    assert sealed(("client", 23), ("server", 23), ("server", 21)).outcome == "accepted"
    assert sealed(("client", 23), ("client", 21), ("server", 21)).outcome == "accepted"
