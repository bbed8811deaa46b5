"""Whoever verifies only after the handshake refuses late, and its own word for that counts."""

from __future__ import annotations

import pytest

from mtlskit.material import Source
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace

BEGUN = """\
*   Trying 127.0.0.1:8443...
* Connected to (nil) (127.0.0.1) port 8443 (#0)
* TLSv1.2 (OUT), TLS handshake, Client hello (1):
* TLSv1.2 (IN), TLS handshake, Server hello (2):
* TLSv1.2 (IN), TLS handshake, Certificate (11):
* TLSv1.2 (IN), TLS handshake, Server key exchange (12):
* TLSv1.2 (IN), TLS handshake, Request CERT (13):
* TLSv1.2 (IN), TLS handshake, Server finished (14):
* TLSv1.2 (OUT), TLS handshake, Certificate (11):
} [973 bytes data]
* TLSv1.2 (OUT), TLS handshake, Client key exchange (16):
* TLSv1.2 (OUT), TLS handshake, CERT verify (15):
* TLSv1.2 (OUT), TLS handshake, Finished (20):
* TLSv1.2 (IN), TLS handshake, Finished (20):
* SSL connection using TLSv1.2 / ECDHE-ECDSA-AES256-GCM-SHA384
"""
NAMES = (
    "curl: (60) SSL: no alternative certificate subject name matches target host name "
    "'partner-api.example'\n"
)


def told(text: str) -> Trace:
    (trace,) = read_log(text.splitlines(), Source("log")).traces
    return trace


def test_curl_refuses_a_name_after_a_whole_handshake() -> None:
    """Both sides finished, and yet the client refused the server for its name."""
    ended = told(BEGUN + NAMES).ended
    assert (ended.outcome, ended.refused_by) == ("refused", "client")
    assert ended.stage == "server-certificate"


@pytest.mark.parametrize("more", ["> GET / HTTP/1.1\n", "> GET /\n< HTTP/1.1 200 OK\n"])
def test_who_asked_had_refused_nobody(more: str) -> None:
    """A request was sent over it, so the complaint is of another connection or of no weight."""
    assert told(BEGUN + more + NAMES).ended.outcome == "accepted"


def test_without_a_complaint_a_whole_handshake_is_an_acceptance() -> None:
    """Both sides finished and nobody said a word against it."""
    assert told(BEGUN).ended.outcome == "accepted"


def test_gnutls_breaks_off_for_its_own_certificate() -> None:
    """It is the client that broke off, and its own certificate that is at fault."""
    trace = told(
        "|<1>| Local certificate does not allow digital signatures. Key usage violation detected.\n"
        "*** Fatal error: Key usage violation in certificate has been detected.\n"
        "Processed 2 client X.509 certificates...\n"
        "Resolving '127.0.0.1:41753'...\n"
        "Connecting to '127.0.0.1:41753'...\n"
        "- Certificate type: X.509\n"
        "- Got a certificate list of 2 certificates.\n"
    )
    assert (trace.ended.outcome, trace.ended.refused_by) == ("refused", "client")
    assert {one.phrase for one in trace.said} == {"gnutls.own-key-usage", "gnutls.key-usage"}


def test_a_server_whose_certificate_was_shown_has_spoken() -> None:
    """A transcript that ends there does not say that the server was silent."""
    trace = told(
        "Resolving '127.0.0.1:41753'...\nConnecting to '127.0.0.1:41753'...\n"
        "- Certificate type: X.509\n- Got a certificate list of 2 certificates.\n"
        "- Status: The certificate is trusted. \n"
    )
    assert trace.ended.outcome == "undecided"
    assert "stops before a version" in trace.ended.because[0].text


def test_a_java_that_could_not_begin_was_left() -> None:
    """The entry's own words name no end; the exception in it does, and refuses nobody."""
    trace = told(
        "javax.net.ssl|DEBUG|10|main|2026-11-24 03:33:54.841 UTC|CertificateMessage.java:330|"
        "Produced client Certificate handshake message (\n"
        '"Certificates": <empty list>\n'
        ")\n"
        "javax.net.ssl|DEBUG|10|main|2026-11-24 03:33:54.959 UTC|Finished.java:396|"
        "Produced client Finished handshake message (\n)\n"
        "javax.net.ssl|ERROR|10|main|2026-11-24 03:33:54.991 UTC|TransportContext.java:375|"
        "Fatal (HANDSHAKE_FAILURE): Couldn't kickstart handshaking (\n"
        '"throwable" : {\n'
        "  javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake\n"
        "  \tat java.base/sun.security.ssl.SSLSocketImpl.handleEOF(SSLSocketImpl.java:1719)\n"
        "  Caused by: java.io.EOFException: SSL peer shut down incorrectly\n"
        "  \t... 14 more}\n\n)\n"
    )
    assert trace.ended.refused_by != "client"
    assert trace.ended.symptom.alert is None
    assert trace.ended.symptom.tcp == "fin"


def test_a_complaint_about_a_silent_close_is_no_refusal() -> None:
    """OpenSSL writes decode_error before it tells of the end; the server had left."""
    trace = told(
        "CONNECTED(00000004)\n"
        "SSL_connect:SSLv3/TLS write client hello\n"
        ">>> TLS 1.3, Handshake [length 00f8], ClientHello\n"
        ">>> TLS 1.3, Alert [length 0002], fatal decode_error\n"
        "SSL3 alert write:fatal:decode error\n"
        "SSL_connect:error in error\n"
        "40B7F003AA7F0000:error:0A000126:SSL routines:ssl3_read_n:unexpected eof while reading:"
        "../ssl/record/rec_layer_s3.c:318:\n"
        "---\nno peer certificate available\n---\n"
    )
    assert (trace.ended.outcome, trace.ended.refused_by) == ("refused", "server")
    assert (trace.ended.symptom.alert, trace.ended.symptom.tcp) == (None, "fin")
