"""One change at a time, for real."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import mtlskit
from mtlskit.case import Case
from mtlskit.collect.call import Call
from mtlskit.collect.calling import path_at
from mtlskit.collect.given import target_of
from mtlskit.collect.live import connect
from mtlskit.experiment import MOST_CONNECTIONS
from mtlskit.lab import scenes
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Tap, Target, Unreadable
from mtlskit.report import Report, judge

ReportOf = Callable[[str, str], Report]


@pytest.mark.parametrize(
    ("text", "host", "port", "url"),
    [
        ("partner.example", "partner.example", 443, None),
        ("partner.example:8443", "partner.example", 8443, None),
        ("[::1]:8443", "::1", 8443, None),
        (
            "https://partner.example/orders",
            "partner.example",
            443,
            "https://partner.example/orders",
        ),
        ("myhttps://p.example:4433/x", "p.example", 4433, "myhttps://p.example:4433/x"),
    ],
)
def test_a_target_is_a_host_and_port_or_a_url(
    text: str, host: str, port: int, url: str | None
) -> None:
    """The usual ways to write an endpoint are read; a URL is kept."""
    assert target_of(text) == (Target(host, port), url)


@pytest.mark.parametrize("text", ["", ":443", "host:99999", "host:x", "two words", "[::1"])
def test_what_names_no_endpoint_is_unreadable(text: str) -> None:
    """The sentence says what was expected."""
    with pytest.raises(Unreadable, match="HOST:PORT"):
        target_of(text)


def test_an_accepted_connection_is_left_alone(report_of: ReportOf) -> None:
    """Where nothing is wrong, nothing is tried."""
    assert report_of("none", "1.3").case.attempts == ()


def test_each_attempt_says_what_was_changed_and_ends_somehow(report_of: ReportOf) -> None:
    """A row of the experiments has a sentence and a trace of its own."""
    attempts = report_of("client.wrong-identity", "1.3").case.attempts
    assert len(attempts) > 1
    assert all(one.change and one.trace.ended.outcome for one in attempts)
    assert len({one.change for one in attempts}) == len(attempts)


def test_no_more_connections_are_made_than_allowed() -> None:
    """With a store of many identities, the endpoint sees at most sixteen callers."""
    root = Authority.root("Lab strangers")
    many = [root.issue(f"client {number}") for number in range(30)]
    files = [
        Blob(Source(f"client-{n}.pem"), one.pem_chain() + one.pem_key())
        for n, one in enumerate(many)
    ]
    with scenes.stage("client.untrusted-issuer") as staged:
        report = mtlskit.diagnose(staged.target, identity=files, server_name=staged.server_name)
        assert staged.endpoint is not None
        assert len(staged.endpoint.visits(1)) <= MOST_CONNECTIONS
    assert 1 < len(report.case.attempts) < MOST_CONNECTIONS


def test_experiments_can_be_left_out() -> None:
    """One call, nothing changed."""
    with scenes.stage("client.chain-incomplete") as staged:
        report = mtlskit.diagnose(
            staged.target,
            identity=staged.identity_files,
            material=staged.material_files,
            password=staged.password,
            server_name=staged.server_name,
            experiments=False,
        )
    assert report.case.attempts == ()
    assert report.opinions[0].cause == "client.chain-incomplete"
    assert report.opinions[0].standing == "LIKELY"


def test_a_case_is_called_only_where_it_has_a_target_and_no_trace(report_of: ReportOf) -> None:
    """A case from files is judged as it stands; one with a target is called."""
    assert mtlskit.diagnose(Case()).case.trace is None
    with scenes.stage("none") as staged:
        called = mtlskit.diagnose(Case(target=staged.target), server_name=staged.server_name)
    assert called.case.trace is not None
    old = report_of("client.expired", "1.3").case
    assert mtlskit.diagnose(old).case.trace is old.trace


def test_an_unknown_version_is_refused_in_words() -> None:
    """The versions that exist are named."""
    with pytest.raises(Unreadable, match=r"1\.0, 1\.1, 1\.2, 1\.3"):
        mtlskit.diagnose("127.0.0.1:9", tls="3.0")


@pytest.mark.parametrize("option", ["identity", "trust", "material", "settings"])
def test_a_file_that_is_not_there_stops_before_anyone_is_called(option: str) -> None:
    """A slip of the pen is no evidence: the endpoint sees nobody."""
    with scenes.stage("none") as staged:
        with pytest.raises(Unreadable, match=r"missing\.p12"):
            mtlskit.diagnose(staged.target, **{option: "missing.p12"})
        assert staged.endpoint is not None
        assert staged.endpoint.visits(0) == ()


def test_a_trust_store_without_a_certificate_is_not_blamed_on_the_server() -> None:
    """What holds no CA certificate cannot be what the client trusts servers by."""
    text = Blob(Source("notes.pem"), b"these are notes, no certificates\n")
    with scenes.stage("none") as staged, pytest.raises(Unreadable, match=r"notes\.pem"):
        mtlskit.diagnose(staged.target, trust=text)


def test_after_a_proof_nothing_is_merely_possible(report_of: ReportOf) -> None:
    """The accepted experiment leaves no guess beside it."""
    standings = {one.standing for one in report_of("client.chain-incomplete", "1.3").opinions}
    assert "CONFIRMED" in standings
    assert "POSSIBLE" not in standings


def test_an_accepted_call_whose_identity_nobody_asked_for_says_so() -> None:
    """Accepted is not enough where a client certificate was meant to be used."""
    with scenes.stage("server.does-not-ask") as staged:
        report = mtlskit.diagnose(
            staged.target,
            identity=staged.identity_files,
            password=staged.password,
            server_name=staged.server_name,
            request=False,
        )
    causes = [one.cause for one in report.opinions if one.standing != "RULED_OUT"]
    assert report.outcome == "accepted"
    assert causes == ["none", "server.does-not-ask"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://partner.example:8443/orders?token=1", "/orders"),
        ("myhttps://PARTNER.example/orders", "/orders"),
        ("https://elsewhere.example/secret", "/"),
        ("https://[::1/secret", "/"),
        (None, "/"),
    ],
)
def test_only_a_url_of_this_endpoint_tells_which_path_to_ask_for(
    url: str | None, path: str
) -> None:
    """The path of another company's URL is not shown to this one; a query never is."""
    assert path_at(url, {"partner.example"}) == path


def test_a_change_proves_nothing_where_the_first_outcome_does_not_stand(
    report_of: ReportOf,
) -> None:
    """If the unchanged call is accepted the second time, something else made the difference."""
    case = report_of("client.chain-incomplete", "1.3").case
    repeat = next(one for one in case.attempts if one.repeats)
    assert repeat.trace.ended.outcome == "refused"
    accepted = next(one.trace for one in case.attempts if one.trace.ended.outcome == "accepted")
    attempts = tuple(replace(one, trace=accepted) if one.repeats else one for one in case.attempts)
    assert judge(case).opinions[0].standing == "CONFIRMED"
    assert judge(case.having(attempts=attempts)).opinions[0].standing != "CONFIRMED"


def test_whoever_is_not_trusted_yet_is_shown_no_certificate() -> None:
    """The experiment that trusts the server's own root sends neither our identity nor a request."""
    with scenes.stage("server.untrusted-issuer") as staged:
        report = mtlskit.diagnose(
            staged.target,
            identity=staged.identity_files,
            trust=staged.trust_files,
            material=staged.material_files,
            password=staged.password,
            server_name=staged.server_name,
        )
        assert staged.endpoint is not None
        assert all(visit.client is None for visit in staged.endpoint.visits(1))
    assert report.opinions[0].cause == "server.untrusted-issuer"


@pytest.mark.parametrize(
    "text", ["https://user:s3cret@h:99999/x?token=s3cret", "https://user:s3cret@ho st/"]
)
def test_a_password_in_a_url_is_not_told(text: str) -> None:
    """Neither the complaint about a URL nor the URL that is kept holds user, password or query."""
    with pytest.raises(Unreadable) as caught:
        target_of(text)
    assert "s3cret" not in str(caught.value)
    assert target_of("https://user:s3cret@host/a@b?q=s3cret")[1] == "https://host/a@b"


def test_an_identity_and_anchors_that_are_read_already_are_taken_as_they_are() -> None:
    """What `inspect` gave can be handed on."""
    with scenes.stage("none") as staged:
        held = mtlskit.inspect(*staged.identity_files, password=staged.password).identities
        anchors = mtlskit.inspect(*staged.trust_files).certificates
        told = mtlskit.attempt(
            staged.target,
            identity=held[0],
            trust=anchors,
            server_name=staged.server_name,
            request=True,
        )
    assert told.ended.outcome == "accepted"
    assert told.client_chain


def test_files_beside_a_case_are_refused_and_not_ignored() -> None:
    """A case holds its evidence; whoever gives more is told how."""
    with pytest.raises(ValueError, match="having"):
        mtlskit.diagnose(Case(), identity="client.p12")


def test_a_key_store_given_as_settings_is_named() -> None:
    """Each file lands in one place, or is named."""
    with scenes.stage("none") as staged:
        report = mtlskit.diagnose(staged.target, settings=staged.identity_files)
    assert "not-settings" in {one.code for one in report.case.problems}


def test_all_attempts_meet_the_machine_that_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind one name there may be several: every later call goes to the first one's address."""
    calls: list[Call] = []

    def noted(call: Call) -> Tap:
        calls.append(call)
        return connect(call)

    monkeypatch.setattr("mtlskit.experiment.run.connect", noted)
    with scenes.stage("client.chain-incomplete") as staged:
        report = mtlskit.diagnose(
            f"localhost:{staged.target.port}",
            identity=staged.identity_files,
            material=staged.material_files,
            password=staged.password,
            server_name=staged.server_name,
        )
    first, *rest = calls
    assert first.address is None
    assert len(rest) == len(report.case.attempts) > 1
    assert {str(one.address) for one in rest} == {report.case.trace.peer}
