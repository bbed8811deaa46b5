"""One pasted line, explained: the traps, by name."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mtlskit
from mtlskit.report.explained import Explained
from mtlskit.trace.dialects.phrases import families, phrase, phrases_of

JAVA = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate"
GO = "http: TLS handshake error from 127.0.0.1:{}: {}\n"


def shown(found: Explained) -> str:
    """The page as one line, without its frame."""
    return " ".join(str(found).replace("|", " ").split())


def test_java_received_alert_is_the_refusal_of_its_peer() -> None:
    """Fatal (X): Received fatal alert is not the complaint of the Java that wrote it."""
    found = mtlskit.explain("Fatal (BAD_CERTIFICATE): Received fatal alert: bad_certificate")
    assert found.refused_by == "server"
    assert "often misread" in shown(found)


def test_any_other_fatal_of_java_is_its_own_refusal() -> None:
    """Fatal (X) with a reason of its own means that this side refused."""
    text = "Fatal (CERTIFICATE_UNKNOWN): PKIX path building failed"
    assert mtlskit.explain(text, seen_by="client").refused_by == "client"
    assert mtlskit.explain(text, seen_by="server").refused_by == "server"


def test_a_broken_pipe_is_nobodys_refusal() -> None:
    """Fatal (UNEXPECTED_MESSAGE): Broken pipe is a lost connection, and no such alert was sent."""
    found = mtlskit.explain("Fatal (UNEXPECTED_MESSAGE): Broken pipe")
    assert found.refused_by is None
    assert found.case.trace is not None
    assert found.case.trace.ended.symptom.alert is None
    assert "alert that says why was lost" in shown(found)


def test_sslv3_alert_has_nothing_to_do_with_sslv3() -> None:
    """The age of the alert's name is not taken for the connection's version."""
    found = mtlskit.explain("error:0A000412:SSL routines::sslv3 alert bad certificate")
    assert found.case.trace is not None
    assert found.case.trace.tls is None
    assert found.refused_by == "server"
    assert "not the version of this connection" in shown(found)


def test_exit_60_after_a_refusal_does_not_blame_the_client() -> None:
    """Exit status 60 without a reason is no verdict on the server, if the server sent an alert."""
    found = mtlskit.explain(
        "* TLSv1.2 (IN), TLS alert, unknown CA (560):\n"
        "curl: (60) SSL certificate verification failed"
    )
    assert found.refused_by == "server"


def test_exit_60_alone_leaves_the_side_open() -> None:
    """The words name no side, and none is named."""
    assert mtlskit.explain("curl: (60) SSL certificate verification failed").refused_by is None


def test_verify_return_code_0_speaks_of_the_server_only() -> None:
    """It is no acceptance of the connection."""
    found = mtlskit.explain("    Verify return code: 0 (ok)")
    assert found.outcome != "accepted"
    assert "nothing about the client's own certificate" in shown(found)


def test_remote_error_in_a_go_servers_log_is_the_clients_refusal() -> None:
    """What reads remote error: tls: bad certificate blames the server, not its client."""
    found = mtlskit.explain(GO.format(40112, "remote error: tls: bad certificate"))
    assert found.refused_by == "client"
    assert not any(one.cause == "client.no-identity" for one in found.opinions[:3])


def test_bad_record_mac_of_go_names_no_side() -> None:
    """A Go server that cannot open a record did not refuse: it may be the client's alert."""
    found = mtlskit.explain(GO.format(40112, "local error: tls: bad record MAC"))
    assert found.refused_by is None


@pytest.mark.parametrize(
    ("stack", "cause"), [("java", "client.no-identity"), ("openssl", "client.not-yet-valid")]
)
def test_bad_certificate_depends_on_who_sent_it(stack: str, cause: str) -> None:
    """From a JDK up to 24 it means that none was sent; from OpenSSL that it is not valid yet."""
    found = mtlskit.explain(JAVA, tls="1.2", stack=stack)
    assert cause in [one.cause for one in found.opinions[:2]]


def test_bad_certificate_of_go_may_be_anything() -> None:
    """From a Go server no cause is likelier than possible."""
    found = mtlskit.explain(JAVA, stack="go")
    assert {one.standing for one in found.opinions} <= {"POSSIBLE", "RULED_OUT"}


def test_several_connections_are_all_named() -> None:
    """The last that failed is explained; the others are listed, and which it is stands there."""
    text = GO.format(1, "remote error: tls: bad certificate")
    text += GO.format(2, "tls: client didn't provide a certificate")
    found = mtlskit.explain(text)
    assert len(found.connections) == 2
    assert found.refused_by == "server"
    assert found.main is not None
    assert found.main.phrase.id == "go.no-client-certificate"
    assert "tells of 2 connections" in shown(found)
    assert shown(found).count("explained here") == 1


def test_what_is_not_known_is_said() -> None:
    """A text without a phrase of TLS is no refusal; what to paste instead is told."""
    found = mtlskit.explain("the cake is ready")
    assert not found.senses
    assert found.refused_by is None


@pytest.mark.parametrize("named", [{"tls": "1.4"}, {"stack": "no such server"}])
def test_what_does_not_exist_is_refused(named: dict[str, str]) -> None:
    """A version or a stack that is not known is an error that names it."""
    with pytest.raises(ValueError, match=r"1\.4|no such server"):
        mtlskit.explain(JAVA, **named)


@given(st.text(max_size=200))
def test_any_text_is_explained(text: str) -> None:
    """Nothing that is pasted raises."""
    assert str(mtlskit.explain(text))


NAMING = [
    row.id
    for family in families()
    for row in phrases_of(family)
    if (row.names or row.suggests) and (row.outcome or row.refused)
]


@pytest.mark.parametrize("name", NAMING)
def test_what_a_phrase_names_comes_first(name: str) -> None:
    """A cause that a phrase states is the first, one that it suggests among the first three."""
    row = phrase(name)
    told = mtlskit.explain(row.sample)
    maybe = [one.cause for one in told.opinions if one.standing != "RULED_OUT"]
    if row.names:
        assert maybe[0] in row.names
    else:
        assert set(maybe[:3]) & set(row.suggests)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("java.security.UnrecoverableKeyException: Cannot recover key", "client.key-locked"),
        ("java.net.UnknownHostException: partner.example", "network.unresolved"),
        ("no cipher suites in common", "protocol.cipher"),
    ],
)
def test_a_cause_that_is_named_stands_alone(line: str, cause: str) -> None:
    """Where the words name the cause and nothing else is known, no other one is told beside it."""
    told = mtlskit.explain(line)
    maybe = [(one.cause, one.standing) for one in told.opinions if one.standing != "RULED_OUT"]
    assert maybe == [(cause, "LIKELY")]
    assert "measured server stacks answer this fault" not in str(told)


def test_a_warning_is_no_failure() -> None:
    """A text that tells of no connection that failed is told, and no cause is named."""
    told = mtlskit.explain(phrase("instance.mid-ocsp").sample)
    assert "could not find out whether" in shown(told)
    assert "Who must act" not in str(told)


@pytest.mark.parametrize(
    ("line", "causes"),
    [
        ("unable to verify the first certificate", {"chain-incomplete", "untrusted-issuer"}),
        ("java.security.cert.CertificateExpiredException: NotAfter: Fri Nov 20", {"expired"}),
        ("x509: certificate specifies an incompatible key usage", {"purpose"}),
        ("certificate is not valid for any names", {"name-mismatch", "name-refused"}),
    ],
)
def test_a_bare_reason_blames_no_side(line: str, causes: set[str]) -> None:
    """Nobody knows whose chain was refused: the causes of both sides are told, and no other."""
    told = mtlskit.explain(line)
    maybe = [one.cause for one in told.opinions if one.standing != "RULED_OUT"]
    assert {one.partition(".")[2] for one in maybe} == causes
    assert {one.partition(".")[0] for one in maybe} == {"client", "server"}
    assert (told.outcome, told.refused_by) == ("refused", None)


def test_bare_words_in_a_long_log_are_not_taken_for_the_connection() -> None:
    """Words that say little are looked for in a short text only."""
    line = "the certificate has expired, said the mail\n"
    assert mtlskit.explain(line).main is not None
    assert mtlskit.explain(line * 21).main is None


def test_bare_words_beside_a_known_phrase_are_not_asked() -> None:
    """Where a phrase is known, words that say little add nothing."""
    told = mtlskit.explain(f"{JAVA}\nConnection reset by peer\n")
    assert {one.phrase.family for one in told.senses} == {"java"}


def test_a_pasted_line_is_explained_with_little_loaded() -> None:
    """Within 300 ms no room is loaded that only stores, captures, settings or drawings need."""
    heavy = {"cryptography.x509", "OpenSSL", "mtlskit.instance", "mtlskit.report.sections"}
    heavy |= {"mtlskit.trace.dialects.java", "mtlskit.trace.rungs", "pandas", "mtlskit.collect"}
    heavy |= {"mtlskit.certs.keystore", "mtlskit.certs.path_rules", "mtlskit.certs.matching"}
    code = (
        "import sys, mtlskit; str(mtlskit.explain('Received fatal alert: bad_certificate')); "
        f"sys.exit(' '.join({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
