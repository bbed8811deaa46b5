"""What a live attempt may be asked to do."""

from __future__ import annotations

import pytest

from mtlskit.collect.call import Call, HttpRequest
from mtlskit.material import Target

HERE = Target("partner.example", 443)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"target": Target("partner.example", 0)}, "Port 0"),
        ({"target": Target("partner.example", 70000)}, "Port 70000"),
        ({"target": Target("", 443)}, "no host name"),
        ({"target": Target("a b", 443)}, "no host name"),
        ({"target": Target("a\0b", 443)}, "no host name"),
        ({"target": Target("x" * 64 + "é.example", 443)}, "no host name"),
        ({"server_name": "x" * 300}, "no host name"),
        ({"server_name": "a\nb"}, "no host name"),
        ({"versions": ("1.3", "1.2")}, "TLS versions 1.3 to 1.2"),
        ({"versions": ("3", "4")}, "TLS versions 3 to 4"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "at most 3600 seconds"),
        ({"timeout": 3601.0}, "at most 3600 seconds"),
        ({"timeout": 1e300}, "at most 3600 seconds"),
        ({"linger": -1.0}, "linger"),
        ({"linger": float("nan")}, "linger"),
        ({"linger": float("inf")}, "linger"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    wrong: dict[str, object], told: str
) -> None:
    """Each impossible wish gets one sentence that says what to give instead."""
    with pytest.raises(ValueError, match=told) as refusal:
        Call(**{"target": HERE, **wrong})
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("host", "name", "sni", "expected"),
    [
        ("partner.example", None, b"partner.example", "partner.example"),
        ("partner.example.", None, b"partner.example", "partner.example"),
        ("partner.example", "", None, "partner.example"),
        ("partner.example", "other.example", b"other.example", "other.example"),
        ("192.0.2.1", None, None, "192.0.2.1"),
        ("2001:db8::1", None, None, "2001:db8::1"),
        ("fe80::1%eth0", None, None, "fe80::1%eth0"),
        ("under_score.example", None, b"under_score.example", "under_score.example"),
    ],
)
def test_the_name_sent_and_the_name_expected(
    host: str, name: str | None, sni: bytes | None, expected: str
) -> None:
    """An address is expected to be proved but is not sent as a name."""
    call = Call(Target(host, 443), name)
    assert call.sni == sni
    assert call.expected_name == expected


@pytest.mark.parametrize(
    ("host", "port", "name", "sent"),
    [
        ("partner.example", 443, None, "partner.example"),
        ("partner.example.", 8443, None, "partner.example:8443"),
        ("192.0.2.1", 8443, "partner.example", "partner.example:8443"),
        ("192.0.2.1", 443, None, "192.0.2.1"),
        ("2001:db8::1", 443, None, "[2001:db8::1]"),
        ("fe80::1%eth0", 8443, None, "[fe80::1]:8443"),
        ("bücher.example", 443, None, "xn--bcher-kva.example"),
    ],
)
def test_the_host_header_is_the_authority_called(
    host: str, port: int, name: str | None, sent: str
) -> None:
    """The port stands there unless it is the usual one; brackets and A-labels where needed."""
    assert Call(Target(host, port), name).authority == sent


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("other.example:81", b"other.example:81"),
        ("bücher.example:81", b"xn--bcher-kva.example:81"),
    ],
)
def test_a_host_that_was_given_is_sent(given: str, sent: bytes) -> None:
    """It goes before the name that is called, in ASCII."""
    assert b"\r\nHost: " + sent + b"\r\n" in HttpRequest(host=given).encoded("partner.example")


def test_a_request_is_written_as_http_wants_it() -> None:
    """The request line, the Host, the length of a body, and the wish to close."""
    request = HttpRequest("POST", "/a b?c=ü&d=%20", headers=(("SOAPAction", "x"),), body=b"<a/>")
    assert request.encoded("partner.example") == (
        b"POST /a%20b?c=%C3%BC&d=%20 HTTP/1.1\r\nHost: partner.example\r\nUser-Agent: mtlskit\r\n"
        b"Accept: */*\r\nSOAPAction: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<a/>"
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"method": "GET\r\nX: y"},
        {"path": "/\r\nX: y"},
        {"host": "a\nb"},
        {"headers": (("X", "y\r\nZ: 1"),)},
        {"headers": (("X\0", "y"),)},
    ],
)
def test_no_part_of_a_request_can_start_a_new_line(parts: dict[str, object]) -> None:
    """A line break smuggled into a part is refused, not sent."""
    with pytest.raises(ValueError, match="line break"):
        HttpRequest(**parts)
