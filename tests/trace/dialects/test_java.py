from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.material import Source
from mtlskit.trace.dialects import java, java_book, java_lines, java_phrases
from mtlskit.trace.events import Trace

LOGS = Path(__file__).parent / "java"
SOURCE = Source("node.log")
ROOT, OTHER = "CN=Example Root CA", "CN=Unrelated Root CA"
SENT = ("Client", "Example Issuing CA")

# What was staged in each run, and what that side could see of it: version, outcome, who refused,
# alert, what the client sent, the list of issuers. None: the log does not carry it.
RUNS = {
    "jdk11-tls1.2-none.client": ("1.2", "refused", "server", None, (), (ROOT,)),
    "jdk11-tls1.3-none.server": ("1.3", "refused", "server", "bad_certificate", (), (ROOT,)),
    "jdk11-tls1.3-good-two-issuers.client": ("1.3", "undecided", None, None, SENT, (OTHER, ROOT)),
    "jdk17-tls1.3-none.client": ("1.3", "refused", "server", "bad_certificate", (), (ROOT,)),
    "jdk17-tls1.3-none-retry.client": (
        *("1.3", "refused", "server", "certificate_required"),
        *((), (ROOT,)),
    ),
    "jdk17-tls1.3-good-retry.server": ("1.3", "accepted", None, None, SENT, (ROOT,)),
    "jdk17-tls1.2-expired.server": (
        *("1.2", "refused", "server", "certificate_unknown"),
        *(SENT, (ROOT,)),
    ),
    "jdk17-tls1.2-good-two-issuers.server": ("1.2", "accepted", None, None, SENT, (OTHER, ROOT)),
    "jdk17-tls1.3-distrust.client": (
        *("1.3", "refused", "client", "certificate_unknown"),
        *(None, (ROOT,)),
    ),
    "jdk17-tls1.2-wrongname.client": (
        *("1.2", "refused", "client", "certificate_unknown"),
        *(None, None),
    ),
    "jdk17-tls1.2-leafonly-newsunx509.client": ("1.2", "refused", "server", None, (), (ROOT,)),
    "jdk17-tls1.2-none-other-logger.client": ("1.2", "refused", "server", None, (), None),
    "jdk21-tls1.2-distrust-reset.server": ("1.2", "undecided", None, None, None, (ROOT,)),
    "jdk21-tls1.3-expired.client": (
        *("1.3", "refused", "server", "certificate_unknown"),
        *(SENT, (ROOT,)),
    ),
    "jdk25-tls1.2-stranger.server": ("1.2", "refused", "server", "handshake_failure", (), (ROOT,)),
    "jdk25-tls1.3-none.client": ("1.3", "refused", "server", "certificate_required", (), (ROOT,)),
    "jdk25-version.client": (None, "refused", "server", "protocol_version", None, None),
}
UNTOLD = ("undecided", None, "after-handshake")
ONE_EACH = st.sampled_from(sorted(RUNS))


def lines_of(run: str) -> list[str]:
    return (LOGS / f"{run}.log").read_text(encoding="utf-8").split("\n")


def read(lines: Iterable[str]) -> tuple[Trace, ...]:
    return java.read(lines, SOURCE)


def facts(trace: Trace) -> tuple[object, ...]:
    """What a trace tells, without the places where it stands."""
    sent = trace.client_printed
    return (
        trace.tls,
        trace.ended.outcome,
        trace.ended.refused_by,
        trace.ended.symptom.name,
        None if sent is None else tuple(one.label for one in sent),
        trace.asked.authorities if trace.asked else None,
    )


def told(lines: Iterable[str]) -> list[tuple[object, ...]]:
    return [(one.seen_by, *facts(one)) for one in read(lines)]


def tells_no_more(part: tuple[object, ...], whole: tuple[object, ...]) -> bool:
    """Whether a trace of a part of a log says nothing that one of the whole does not say."""
    side, tls, outcome, *others = part
    if side not in (None, whole[0]) or outcome not in ("undecided", whole[2]):
        return False
    pairs = zip((tls, *others), (whole[1], *whole[3:]), strict=True)
    return all(mine is None or mine == theirs for mine, theirs in pairs)


@pytest.mark.parametrize("run", sorted(RUNS))
def test_a_run_is_told_as_it_was_staged(run: str) -> None:
    """What was sent, asked and refused is told as it was staged, as far as the log carries it."""
    (trace,) = read(lines_of(run))
    assert facts(trace) == RUNS[run]
    assert trace.seen_by == run.rsplit(".", 1)[-1]


GOOD = "jdk11-tls1.3-good-two-issuers.client"
PAGE = "<html><head><title>400 The SSL certificate error</title></head>"


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (("HTTP/1.1 400 Bad Request", PAGE), ("refused", "server", "application", 400)),
        (("status 400",), ("refused", "server", "application", 400)),
        ((PAGE,), ("refused", "server", "application", 400)),
        (("ACCEPTED: HTTP/1.1 200 OK",), ("accepted", None, None, 200)),
        (("status=404",), ("accepted", None, None, 404)),
        (
            ("IOException: Server returned HTTP response code: 403 for URL: https://localhost/",),
            ("refused", "server", "application", 403),
        ),
        (("status 4000", "exit status 255", "status 200.5 ms"), (*UNTOLD, None)),
        ((), (*UNTOLD, None)),
    ],
)
def test_an_answer_that_was_printed_beside_the_log_decides(
    answer: tuple[str, ...], ended: tuple[object, ...]
) -> None:
    """Java's own log does not tell what was answered; a line of the program's own may."""
    lines = [*lines_of(GOOD), *answer]
    (trace,) = read(lines)
    end = trace.ended
    assert (end.outcome, end.refused_by, end.stage, end.symptom.http) == ended
    if answer and end.outcome != "undecided":
        assert end.because[0].source.place[-1] == f"line {len(lines_of(GOOD)) + 1}"


def test_an_answer_is_of_the_connection_before_it() -> None:
    """Of two calls one after the other, each has the answer that stands behind it."""
    good = lines_of(GOOD)
    first, second = read([*good, "status 400", *good, "status 200"])
    assert (first.ended.outcome, second.ended.outcome) == ("refused", "accepted")


@pytest.mark.parametrize("run", sorted(run for run in RUNS if run.endswith(".client")))
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_a_log_that_was_cut_names_no_stage(run: str, share: float) -> None:
    """What is not in a log that stops in the handshake did not fail to come."""
    whole = "\n".join(lines_of(run))
    for trace in read(whole[: int(len(whole) * share)].split("\n")):
        words = " ".join(one.text for one in trace.ended.because)
        assert "said nothing" not in words
        if "the log stops" in words:
            assert (trace.ended.outcome, trace.ended.stage) == ("undecided", None)


@pytest.mark.parametrize("run", sorted(RUNS))
def test_every_event_names_its_line(run: str) -> None:
    """Each event names the line of the log on which its message stands."""
    lines = lines_of(run)
    (trace,) = read(lines)
    assert trace.events
    for event in trace.events:
        word, number = event.source.place[-1].split(" ")
        assert word == "line"
        if event.kind == "message":
            # A HelloRetryRequest is named in its block only, which begins on the next line.
            assert event.name in " ".join(lines[int(number) - 1 : int(number) + 1])


@pytest.mark.parametrize("run", sorted(RUNS))
def test_no_message_is_out_of_order(run: str) -> None:
    """In a whole log every message stands where the handshake's table has it."""
    (trace,) = read(lines_of(run))
    assert [one.name for one in trace.events if not one.expected] == []


def test_the_empty_message_is_no_missing_one() -> None:
    """A client that sent an empty message and one that sent none yet are told apart."""
    (none,), (early,) = (
        read(lines_of("jdk17-tls1.3-none.client")),
        read(lines_of("jdk17-tls1.3-distrust.client")),
    )
    assert none.client_chain == ()
    assert early.client_chain is None


def test_a_key_managers_word_stands_beside_the_refusal() -> None:
    """Where the log says that no certificate was selected, the end says so, with its line."""
    (trace,) = read(lines_of("jdk17-tls1.3-none.client"))
    withheld = trace.ended.because[-1]
    assert "No X.509 cert selected for" in withheld.text
    assert withheld.source.place[-1] == "line 370"


def test_what_was_printed_is_no_certificate() -> None:
    """Certificates that the log prints without their bytes leave the chain unknown."""
    (trace,) = read(lines_of("jdk21-tls1.3-expired.client"))
    assert trace.client_chain is None
    assert trace.client_printed
    leaf = trace.client_printed[0]
    assert (leaf.eku, leaf.ku, leaf.ca) == (("clientAuth",), ("digitalSignature",), False)
    assert leaf.not_after
    assert leaf.aki == trace.client_printed[1].ski


def test_a_lost_alert_is_not_ours() -> None:
    """Java's own `Fatal (UNEXPECTED_MESSAGE): Broken pipe` is the end of TCP and no refusal."""
    (trace,) = read(lines_of("jdk11-tls1.2-none.client"))
    assert trace.ended.refused_by == "server"
    assert trace.ended.symptom.tcp == "reset"
    assert not [one for one in trace.events if one.kind == "alert"]


def test_a_list_that_could_not_be_fetched_is_no_end_of_the_connection() -> None:
    """A refusal of ours whose cause is a time-out on the way to a third party stays ours."""
    lines = lines_of("jdk17-tls1.3-distrust.client")
    at = next(n for n, line in enumerate(lines) if "Fatal (CERT" in line)
    lines[at] = lines[at].rpartition("Fatal")[0] + "Fatal (CERTIFICATE_UNKNOWN): PKIX path ("
    lines[at + 2] = "  sun.security.validator.ValidatorException: PKIX path validation failed"
    lines.insert(at + 3, "Caused by: java.net.SocketTimeoutException: connect timed out")
    (trace,) = read(lines)
    assert trace.ended.refused_by == "client"
    assert trace.ended.symptom.tcp is None


def test_a_socket_that_we_closed_is_no_refusal() -> None:
    """`Socket closed` is of Java's own threads: nobody refused anybody."""
    lines = [
        line.replace("Broken pipe (Write failed)", "Socket closed")
        for line in lines_of("jdk11-tls1.2-none.client")
    ]
    (trace,) = read(lines)
    assert (trace.ended.outcome, trace.ended.refused_by) == ("undecided", None)
    assert "java.fatal-own" not in {one.phrase for one in trace.said}


def test_a_refusal_without_its_handshake_is_told_by_its_words() -> None:
    """One fatal entry within an application's log is enough to tell who refused whom."""
    head = "javax.net.ssl|ERROR|1C|worker|2024-05-01 10:11:12.345 UTC|TransportContext.java:375|"
    lines = [
        "10:11:12 INFO started",
        f"{head}Fatal (BAD_CERTIFICATE): Received fatal alert: bad_certificate (",
    ]
    (trace,) = read(lines)
    assert trace.ended.outcome == "refused"
    assert trace.ended.symptom.name == "bad_certificate"
    assert [one.phrase for one in trace.said] == ["java.fatal-received"]


def test_why_none_was_sent_is_told_with_its_meaning() -> None:
    """The key manager's words become notes that say what they mean."""
    (trace,) = read(lines_of("jdk17-tls1.2-leafonly-newsunx509.client"))
    words = "Ignore alias instance: issuers do not match"
    notes = {one.note: one.name for one in trace.events if one.kind == "note"}
    assert words in trace.library
    assert "on the server's list" in notes[words]


def test_calls_that_overlap_on_few_threads_are_told_apart_by_what_became_of_them() -> None:
    """Of twelve calls to a server of engines four were accepted, and four refused each way."""
    counted = Counter(
        facts(one)[1:5] for one in read(lines_of("jdk17-tls1.2-engine-twelve.server"))
    )
    assert counted == {
        ("accepted", None, None, SENT): 4,
        ("refused", "server", "bad_certificate", ()): 4,
        ("refused", "server", "certificate_unknown", SENT): 4,
    }


@pytest.mark.parametrize(
    "before",
    [
        "2024-05-01 10:11:12,{:03} ERROR [stderr] (default task-1) ",
        "2024-05-01T10:11:12.{:06}Z stderr F ",
        "May 01 10:11:12 host java[4{:03}]: ",
        "[{:08}] WARN  system.err - ",
        "01-May-2024 10:11:12.{:03} INFO [main] org.apache.catalina ",
    ],
)
def test_another_loggers_words_before_each_line_change_nothing(before: str) -> None:
    """A log that went through another logger line by line tells the same."""
    for run in ("jdk17-tls1.3-none.client", "jdk17-tls1.2-expired.server"):
        lines = lines_of(run)
        assert told(before.format(n) + line for n, line in enumerate(lines)) == told(lines)


def test_only_the_heads_may_have_words_before_them() -> None:
    """Another logger may write its words before the first line of a message only."""
    lines = lines_of("jdk17-tls1.3-none.client")
    wrapped = [f"10:11:12,345 {one}" if "|main|" in one or "|pool" in one else one for one in lines]
    assert told(wrapped) == told(lines)


@pytest.mark.parametrize("run", sorted(RUNS))
def test_a_log_pasted_through_a_chat_tells_the_same(run: str) -> None:
    """Collapsed blanks and lost indents change nothing."""
    lines = lines_of(run)
    assert told(re.sub(r"[ \t]+", " ", one).strip() for one in lines) == told(lines)


def test_levels_of_java_8_tell_the_same() -> None:
    """The dialect of Java 8u251 and later differs in its levels and in a constant source line."""
    lines = lines_of("jdk11-tls1.2-none.client")
    eight = [
        line.replace("|DEBUG|", "|FINE|")
        .replace("|ERROR|", "|SEVERE|")
        .replace("|null:-1|", "|Logger.java:765|")
        for line in lines
    ]
    assert told(eight) == told(lines)


def test_a_threads_name_may_hold_bars() -> None:
    """A thread whose name holds the separator of the head is read."""
    lines = lines_of("jdk17-tls1.3-none.client")
    named = [line.replace("|pool-1-thread-1|", "|proxy|worker|1|") for line in lines]
    assert told(named) == told(lines)


@given(ONE_EACH, st.floats(0, 1), st.floats(0, 1))
def test_a_part_of_a_log_tells_no_more_than_the_whole(run: str, one: float, two: float) -> None:
    """Wherever a log is cut, at either end, it tells the same or less, and nothing else."""
    lines = lines_of(run)
    start, end = sorted((int(one * len(lines)), int(two * len(lines))))
    (whole,) = told(lines)
    for part in (lines[start:], lines[:end], lines[start:end]):
        for trace in told(part):
            assert tells_no_more(trace, whole)


@given(ONE_EACH, st.integers(0, 10_000), st.integers(1, 30))
def test_a_log_with_lines_missing_within_never_fails(run: str, start: int, count: int) -> None:
    """A log that lost lines within is read all the same, and tells no other side's story."""
    lines = lines_of(run)
    del lines[start % len(lines) :][:count]
    assert {one.seen_by for one in read(lines)} <= {"client", "server", None}


def entries_of(lines: list[str], thread: str) -> list[list[str]]:
    """A log's messages with their blocks, told of another thread."""
    out: list[list[str]] = []
    for line in lines:
        if "javax.net.ssl|" in line or not out:
            out.append([re.sub(r"(javax\.net\.ssl\|\w+\|)(\w+)", rf"\g<1>{thread}\2", line)])
        else:
            out[-1].append(line)
    return out


SOCKETS = st.sampled_from([run for run in sorted(RUNS) if "other-logger" not in run])


@given(SOCKETS, SOCKETS, st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=60))
def test_two_threads_that_write_in_turn_tell_what_each_told_alone(
    first: str, second: str, turns: list[tuple[bool, int]]
) -> None:
    """However two threads' messages are mixed, each connection is told as if it were alone."""
    rows = entries_of(lines_of(first), "A"), entries_of(lines_of(second), "B")
    mixed: list[str] = []
    for which, count in [*turns, (False, 9999), (True, 9999)]:
        for _ in range(count):
            if rows[which]:
                mixed += rows[which].pop(0)
    alone = told(lines_of(first)) + told(lines_of(second))
    assert sorted(map(str, told(mixed))) == sorted(map(str, alone))


WORDS = st.sampled_from(
    [
        *(
            "javax.net.ssl|DEBUG|01|main|2024-09-20 17:41:56.265 CEST|",
            "A.java:1|",
            "|",
            "\n",
            " (\n",
        ),
        *("Produced ", "Consuming ", "ClientHello", "ServerHello", "Certificate", " message (\n"),
        *("CertificateRequest handshake message (\n", "Finished handshake message\n", "*** "),
        *(
            '"certificate" : {',
            '"serial number" : "zz"',
            '"certificate authorities": [',
            ")\n",
            "}",
        ),
        *(
            '"subject" : "CN=,="',
            "Fatal (X): y (\n",
            "Received alert message (\n",
            '"level": "fatal",',
        ),
        *(
            '"description": "bad_certificate"',
            "main, READ: TLSv1.2 Handshake\n",
            "<Empty>\n",
            "chain [",
        ),
        *(
            "main, RECV TLSv1.2 ALERT:  fatal, x\n",
            "SerialNumber: [ 0g]",
            "sun.security.ssl.SSLLogger",
        ),
    ]
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=80))
def test_any_text_is_read(pieces: list[str]) -> None:
    """Any text gives traces or none, and no exception."""
    for trace in read("".join(pieces).split("\n")):
        assert str(trace)


def test_reading_takes_time_in_proportion() -> None:
    """Four times as many lines take about four times as long, whatever stands in them."""
    bad = [
        *lines_of("jdk17-tls1.2-expired.server"),
        "javax.net.ssl|DEBUG|01|a|b|c|d|e|f|" * 20,
        '"certificate authorities": [' + "CN=a, O=b, C=c, " * 200 + "]",
        "*** Certificate chain " * 50,
    ]

    def seconds(times: int) -> float:
        start = time.process_time()
        read(bad * times)
        return time.process_time() - start

    seconds(5)
    assert seconds(80) < 10 * max(seconds(20), 0.02)


def test_of_very_many_connections_the_failed_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more connections than are kept, those that went well are left out first."""
    monkeypatch.setattr("mtlskit.trace.dialects.java_book.LIMIT", 10)
    good, bad = (
        lines_of("jdk11-tls1.3-good-two-issuers.client"),
        lines_of("jdk17-tls1.3-none.client"),
    )
    told = java.read_all((good * 9 + bad) * 4, SOURCE)
    assert len(told.traces) < 20
    assert sum(one.ended.outcome == "refused" for one in told.traces) == 4
    assert [one.code for one in told.problems] == ["many-connections"]


def test_a_thread_for_each_call_that_never_closes_is_forgotten_in_time() -> None:
    """Of calls that are never closed, each in a thread of its own, few are kept in mind."""
    lines = [line for line in lines_of("jdk17-tls1.3-none-retry.client") if "close" not in line]
    book = java_book.Book(SOURCE)
    for number in range(3500):
        for entry in java_lines.entries(lines[:70]):
            entry.thread = f"{number}"
            book.take(entry)
    assert len(book.active) <= 301
    assert len(book.last) <= 3001
    assert len(book.told()) <= 4000


@pytest.mark.parametrize("words", java_phrases.key_manager(), ids=lambda one: one.id)
def test_a_sample_of_the_key_managers_words_is_recognised(
    words: java_phrases.KeyManagerWords,
) -> None:
    """Each row's sample is recognised as that row, and the row says what is meant and what not."""
    message = words.sample.rsplit("|", 1)[-1]
    assert java_phrases.of_key_manager(message) is words
    assert words.means
    assert words.not_means
    assert words.seen


@pytest.mark.parametrize("words", java_phrases.endings(), ids=lambda one: one.kind)
def test_a_sample_of_an_end_is_recognised(words: java_phrases.EndingWords) -> None:
    """Each row's sample is recognised as that end."""
    message = words.sample.rsplit("|", 1)[-1].partition(": ")[2]
    assert java_phrases.of_ending(message) is words
    assert java_phrases.of_ending(f"javax.net.ssl.SSLException: {message}") is words
    assert words.seen


@pytest.mark.parametrize("run", [*sorted(RUNS), "java7-tls1.2-none.client"])
def test_the_dialect_is_told_by_the_first_lines(run: str) -> None:
    """A Java log is known as one; another text is not."""
    assert java.fits(lines_of(run)[:400])
    assert not java.fits(["* TLSv1.2 (IN), TLS alert, handshake failure (552):", "GET / HTTP/1.1"])
