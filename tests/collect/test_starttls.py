"""TLS within other protocols: real servers, and what any bytes of theirs lead to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlskit.collect.asked import asked
from mtlskit.collect.capture import read_capture
from mtlskit.collect.live import Call, connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.collect.starttls import PROTOCOLS, question
from mtlskit.collect.tap import relay
from mtlskit.lab.endpoint import Line, Visit, serve
from mtlskit.lab.pki import pem
from mtlskit.lab.servers import tls
from mtlskit.material import Blob, Source, Tap, Target
from mtlskit.terminal.door import parser_of_all
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow
from tests.collect.real_servers import dovecot, open_folder, postgres, slapd

if TYPE_CHECKING:
    from conftest import Parties

    Program = Callable[[str], str]

DOVECOT = "/usr/lib/dovecot/submission-login"
BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
ENDLESS = 60.0  # seconds; no busy machine takes as long
LDAP_YES = bytes.fromhex("300c02010178070a010004000400")


def files(parties: Parties, folder: Path) -> None:
    """The server's certificate, key and trust."""
    (folder / "chain.pem").write_bytes(parties.server.pem_chain())
    (folder / "key.pem").write_bytes(parties.server.pem_key())
    (folder / "key.pem").chmod(0o600)
    (folder / "trust.pem").write_bytes(
        pem([parties.client_root.certificate, parties.client_issuing.certificate])
    )


@pytest.fixture(scope="module")
def mail(parties: Parties, program: Program) -> Iterator[dict[str, Target]]:
    """Dovecot, which asks for client certificates."""
    with open_folder() as folder:
        files(parties, folder)
        with dovecot(program("dovecot"), folder) as targets:
            yield targets


@pytest.fixture(scope="module")
def directory(parties: Parties, program: Program) -> Iterator[Target]:
    """OpenLDAP, which demands them."""
    with open_folder() as folder:
        files(parties, folder)
        with slapd(program("slapd"), folder) as target:
            yield target


@pytest.fixture(scope="module")
def database(parties: Parties) -> Iterator[Target]:
    """PostgreSQL, which asks for them."""
    with open_folder() as folder:
        files(parties, folder)
        with postgres(folder) as target:
            yield target


def within(protocol: str, target: Target, **wishes: object) -> Trace:
    wishes = {"timeout": 5.0, "question": question(protocol)} | wishes
    return follow(connect(Call(target, "localhost", starttls=protocol, **wishes)))


def notes(trace: Trace) -> list[tuple[str, str]]:
    return [(one.name, one.note) for one in trace.events if one.kind == "note"]


@pytest.mark.needs("dovecot", DOVECOT)
@BOTH
@pytest.mark.parametrize(
    ("protocol", "greeting"), [("smtp", "220 mail.example "), ("imap", "* OK ["), ("pop3", "+OK ")]
)
def test_mail_servers_begin_tls(
    parties: Parties, mail: dict[str, Target], protocol: str, greeting: str, version: str
) -> None:
    """Dovecot greets, begins TLS, asks for a certificate, gets it, and answers within TLS."""
    trace = within(
        protocol, mail[protocol], identity=parties.identity(), versions=(version, version)
    )
    assert trace.ended.outcome == "accepted"
    assert trace.tls == version
    assert len(trace.client_chain) == 2
    speaker, said = notes(trace)[0]
    assert (speaker, said.startswith(greeting), "Dovecot" in said) == (
        "server, before TLS",
        True,
        True,
    )
    assert trace.ended.because[0].text == "the server sent application data"


@pytest.mark.needs("slapd")
@BOTH
def test_a_directory_begins_tls_and_refuses(
    parties: Parties, directory: Target, version: str
) -> None:
    """OpenLDAP goes on with a certificate, and closes without."""
    good = within("ldap", directory, identity=parties.identity(), versions=(version, version))
    none = within("ldap", directory, versions=(version, version))
    assert good.ended.outcome == "accepted"
    assert ("server, before TLS", "extended response, result 0 (success)") in notes(good)
    assert (none.ended.outcome, none.ended.refused_by) == ("refused", "server")
    assert none.client_chain == ()


@pytest.mark.needs("pg_createcluster")
@BOTH
def test_a_database_begins_tls(parties: Parties, database: Target, version: str) -> None:
    """PostgreSQL answers S, and after the handshake it answers something."""
    trace = within("postgres", database, identity=parties.identity(), versions=(version, version))
    assert trace.ended.outcome == "accepted"
    assert notes(trace) == [("client, before TLS", "SSLRequest"), ("server, before TLS", "S (yes)")]
    stranger = parties.identity(parties.issuing.client("Stranger"))
    refused = within("postgres", database, identity=stranger, versions=(version, version))
    assert refused.ended.symptom.alert == 48


@pytest.mark.needs("dovecot", DOVECOT, "slapd", "pg_createcluster")
def test_a_server_without_tls_says_so(parties: Parties, program: Program) -> None:
    """Each refusal is the server's own, before TLS, in its words."""
    with ExitStack() as stack:
        folders = [stack.enter_context(open_folder()) for _ in range(3)]
        for folder in folders:
            files(parties, folder)
        targets = stack.enter_context(dovecot(program("dovecot"), folders[0], ssl="no"))
        targets["ldap"] = stack.enter_context(slapd(program("slapd"), folders[1], tls=False))
        targets["postgres"] = stack.enter_context(postgres(folders[2], ssl=False))
        traces = {protocol: within(protocol, target) for protocol, target in targets.items()}
    words = {
        "smtp": "does not offer STARTTLS; it offers",
        "imap": "a1 BAD TLS support isn't enabled",
        "pop3": "-ERR",
        "ldap": "result 2 (protocolError): unsupported extended operation",
        "postgres": "it has TLS switched off",
    }
    for protocol, trace in traces.items():
        ended = trace.ended
        assert (ended.outcome, ended.refused_by, ended.stage) == ("refused", "server", "connect")
        assert (trace.failure.kind, trace.failure.by) == ("declined", "server")
        assert words[protocol] in trace.failure.text
    assert traces["ldap"].failure.code == 2


@pytest.mark.needs("dovecot", DOVECOT)
@pytest.mark.parametrize(
    ("protocol", "other"),
    [("smtp", "imap"), ("imap", "smtp"), ("pop3", "imap"), ("ldap", "smtp"), ("postgres", "smtp")],
)
def test_another_protocol_is_recognised_as_such(
    mail: dict[str, Target], protocol: str, other: str
) -> None:
    """The greeting of another protocol is told, and TLS is not begun."""
    trace = within(protocol, mail[other])
    assert (trace.ended.outcome, trace.ended.stage) == ("refused", "connect")
    assert "does not speak" in trace.failure.text
    assert trace.tls is None


def test_a_server_that_expects_tls_at_once_is_guessed_at(parties: Parties) -> None:
    """Both wait for the other's word; the deadline ends it, and the words say what may be."""
    with serve(tls(parties.demanding("1.3"))) as endpoint:
        trace = within("smtp", endpoint.target, timeout=0.4)
    assert trace.failure.kind == "timeout"
    assert "expects TLS at once" in trace.failure.text


@pytest.mark.needs("dovecot", DOVECOT, "slapd", "pg_createcluster")
def test_what_is_asked_within_a_protocol(
    mail: dict[str, Target], directory: Target, database: Target
) -> None:
    """Required or optional is found out there as well."""
    demands = {
        protocol: {one.demand for one in asked(target, starttls=protocol, timeout=5.0).answers}
        for protocol, target in (
            ("imap", mail["imap"]), ("ldap", directory), ("postgres", database)
        )
    }  # fmt: skip
    assert demands == {"imap": {"optional"}, "ldap": {"required"}, "postgres": {"optional"}}


@contextmanager
def saying(*words: bytes) -> Iterator[Target]:
    """Something that says these words, one after each word of ours, and closes."""

    def speak(line: Line) -> Visit:
        for number, one in enumerate(words):
            with suppress(OSError):
                line.send(one)
            if number < len(words) - 1:
                line.receive()
        return Visit()

    with serve(speak) as endpoint:
        yield endpoint.target


@pytest.mark.parametrize(
    ("protocol", "words", "kind", "text"),
    [
        ("smtp", (b"554 go away\r\n",), "declined", "'554 go away'"),
        ("smtp", (b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 not now\r\n"), "declined",
         "'454 not now'"),
        ("smtp", (b"220-" + b"x" * 70000,), "declined", "more than 64 KiB"),
        ("smtp", (b"220-a\r\n" * 300,), "declined", "does not speak SMTP"),
        ("smtp", (b"220 hi",), "reset", "it had begun to say '220 hi'"),
        ("imap", (b"* BYE overloaded\r\n",), "declined", "BYE overloaded"),
        ("imap", (b"* OK x\r\n", b"* noise\r\n" * 300), "declined", "* noise"),
        ("ldap", (b"\x30\x84\xff\xff\xff\xff",), "declined", "longer than 64 KiB"),
        ("ldap", (b"\x30\x80\x02\x01\x01",), "declined", "longer than 64 KiB"),
        ("ldap", (b"\x30\x03\x02\x01\x01",), "declined", "expected 0x78, found nothing"),
        ("ldap", (b"\x30\x05\x02\x01\x01\x78\x09",), "declined", "does not fit"),
        ("postgres", (b"E\x00\x00\x00\x0cSFATAL\x00\x00",), "declined", "without a message"),
        ("postgres", (b"E\x00\x00\x00\xffMno way\x00",), "reset", "closed"),
        ("postgres", (b"E\x00\x00\x00\x0cMno way\x00",), "declined", "an error: no way"),
        ("postgres", (b"E\x00\xff\xff\xff",), "declined", "unreadable"),
    ],
)  # fmt: skip
def test_every_answer_is_told(
    protocol: str, words: tuple[bytes, ...], kind: str, text: str
) -> None:
    """What declines, what lies about its length, what never ends."""
    with saying(*words) as target:
        trace = within(protocol, target, timeout=2.0)
    assert (trace.failure.kind, trace.failure.by) == (kind, "server")
    assert text in trace.failure.text


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_a_server_that_drips_ends_at_the_deadline(protocol: str) -> None:
    """A byte now and then buys no more time: the deadline is one for everything."""

    def drip(line: Line) -> Visit:
        with suppress(OSError):
            while True:
                line.send(b"2")
                line.pause(0.05)
        return Visit()

    with serve(drip, patience=ENDLESS) as endpoint:
        start = monotonic()
        trace = within(protocol, endpoint.target, timeout=0.5)
        assert monotonic() - start < ENDLESS
    assert trace.failure.kind == "timeout"
    assert "it had begun to say '222" in trace.failure.text


def test_the_terminal_names_every_protocol() -> None:
    """Its help is quick and so does not ask here; the two lists are kept equal by this."""
    command = parser_of_all().parse_args
    for protocol in PROTOCOLS:
        assert command(["trace", "x:1", "--starttls", protocol]).starttls == protocol
    with pytest.raises(SystemExit):
        command(["trace", "x:1", "--starttls", "ftp"])


def test_what_was_said_too_early_is_not_taken_for_tls() -> None:
    """Plain bytes after the server's yes are noted, and TLS fails on them in the open."""
    with saying(b"+OK hi\r\n", b"+OK begin\r\nEVIL") as target:
        trace = within("pop3", target, timeout=1.0)
    assert ("noted", "the server sent 4 bytes before TLS had begun") in notes(trace)
    assert "not TLS" in trace.ended.because[0].text


STARTS = {
    "smtp": b"220 x\r\n250 STARTTLS\r\n220 go\r\n",
    "imap": b"* OK\r\na1 OK\r\n",
    "pop3": b"+OK\r\n+OK\r\n",
    "ldap": LDAP_YES,
    "postgres": b"S",
}


@given(
    protocol=st.sampled_from(PROTOCOLS),
    lead=st.integers(0, 30),
    tail=st.binary(max_size=60),
)
@settings(max_examples=60)
def test_any_bytes_lead_to_a_result(protocol: str, lead: int, tail: bytes) -> None:
    """Whatever a server says, the attempt ends in time and is told."""
    with saying(STARTS[protocol][:lead] + tail) as target:
        start = monotonic()
        tap = connect(Call(target, starttls=protocol, timeout=2.0))
        assert monotonic() - start < ENDLESS
    assert isinstance(tap, Tap)
    assert str(follow(tap))


SAID = {
    "smtp": "SMTP was asked for TLS (STARTTLS)",
    "imap": "IMAP was asked for TLS (STARTTLS)",
    "pop3": "POP3 was asked for TLS (STLS)",
    "ldap": "LDAP was asked for TLS (StartTLS)",
    "postgres": "PostgreSQL was asked for TLS",
}


@pytest.mark.needs("dovecot", DOVECOT, "slapd", "pg_createcluster")
@pytest.mark.parametrize("protocol", SAID)
def test_what_comes_before_tls_is_told_by_a_tap_and_by_a_capture(
    parties: Parties,
    mail: dict[str, Target],
    directory: Target,
    database: Target,
    protocol: str,
) -> None:
    """A tap between client and server sees the other protocol first, then the whole handshake."""
    target = {**mail, "ldap": directory, "postgres": database}[protocol]
    with relay(target) as tap:
        within(protocol, tap.target, identity=parties.identity(), versions=("1.2", "1.2"))
        (seen,) = tap.taps(1)
    (captured,) = read_capture(Blob(Source("tap.pcapng"), pcapng(seen.tap))).connections
    for trace in (seen.trace, captured.trace):
        assert any(SAID[protocol] in note for _, note in notes(trace))
        assert not any(name == "not TLS" for name, _ in notes(trace))
        assert trace.tls == "1.2"
        assert len(trace.client_chain) == 2
        assert trace.asked is not None
        assert all(one.expected for one in trace.events)


@pytest.mark.needs("dovecot", DOVECOT, "openssl")
def test_a_key_log_opens_what_comes_after_starttls(
    mail: dict[str, Target], program: Program, tmp_path: Path
) -> None:
    """The tap finds the client's random behind what was said before TLS."""
    keys = tmp_path / "keys.log"
    with relay(mail["smtp"], key_log=keys) as tap:
        command = [program("openssl"), "s_client", "-connect", str(tap.target), "-tls1_3"]
        command += ["-starttls", "smtp", "-keylogfile", str(keys)]
        subprocess.run(
            command, input=b"QUIT\r\n", capture_output=True, check=False, timeout=ENDLESS
        )
        (seen,) = tap.taps(1)
    assert seen.tap.secrets
    assert seen.trace.server_chain
    assert seen.trace.asked is not None
    assert seen.trace.client_chain == ()
