"""An instance is read over the Table API: whole, politely, by GET alone, and no secret is told."""

from __future__ import annotations

import json
import pickle
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtlskit.collect.given import case_of
from mtlskit.collect.https import Login
from mtlskit.collect.instance import Live, Progress, read_instance, target_of
from mtlskit.collect.via import Proxy
from mtlskit.instance.live import NEWEST
from mtlskit.instance.rows import tables
from mtlskit.lab import servers
from mtlskit.lab.endpoint import Behaviour, nobody, serve
from mtlskit.lab.exports import WORLDS, attachment, sys_id
from mtlskit.lab.pki import Authority
from mtlskit.lab.records import Made
from mtlskit.lab.table_api import Api, Mood, Served, of_world, table_api
from mtlskit.material import Target, Unreadable
from tests.collect.real_servers import connect_proxy

ENDLESS = 60.0  # seconds; no busy machine takes as long


def read(served: Served, **wishes: Any) -> Live:  # noqa: ANN401 - what `read_instance` takes
    """Read the lab's instance, quickly."""
    return read_instance(
        served.url, served.login, **({"trust": served.trust, "timeout": 20.0} | wishes)
    )


def names(live: Live) -> set[str]:
    return {one.name for one in live.settings.certificates or ()}


def moody(*moods: Mood, **parts: Any) -> Api:  # noqa: ANN401 - what `Api` has
    """An instance that answers the first requests in these moods."""
    return replace(of_world(), moods=dict(enumerate(moods, 1)), **parts)


def failing(api: Api, **wishes: Any) -> tuple[str, str, int]:  # noqa: ANN401 - as above
    """Read an instance that cannot be read: the problem's code and text, and the requests."""
    with table_api(api) as served:
        with pytest.raises(Unreadable) as caught:
            read(served, **wishes)
        problem = caught.value.problem
        return problem.code, problem.text, len(served.asked)


def test_every_table_is_read_as_from_a_file() -> None:
    """The settings are those of the world: properties, profiles, key stores and messages."""
    with table_api(of_world("broken")) as served:
        live = read(served)
    settings = live.settings
    assert settings.not_given == ()
    assert {one.protocol for one in settings.profiles or ()} == {"myhttps", "myhttpstest"}
    factory = settings.property_named("glide.httpclient.protocol.myhttps.class")
    assert factory is not None
    assert factory.value.endswith("DBKeyStoreSocketFactory")
    assert [one.url for one in settings.messages or ()] == [WORLDS["broken"].url]
    assert (live.refused, live.problems, settings.problems) == ((), (), ())


def test_paging_limits_and_a_dropped_connection_lose_no_record() -> None:
    """1,204 certificates over 13 pages, with 429, cuts, slowness and errors: each is there once."""
    moods: dict[int, Mood] = {
        2: "rate-limited", 3: "cut", 5: "slow", 7: "cut-head", 9: "failed", 12: "maintenance",
    }  # fmt: skip
    api = replace(of_world(more=1200), moods=moods, at_most=100)
    with table_api(api) as served:
        live = read(served)
        held = live.settings.certificates or ()
        assert len(served.asked) >= 12 + 13
    wanted = {dict(one.fields)["name"] for one in api.records if one.table == "sys_certificate"}
    assert len(held) == len(wanted) == 1204
    assert names(live) == wanted
    assert live.problems == ()


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("at_most", [1, 7, 10_000])
def test_pages_of_any_size_hold_every_record(at_most: int, *, counts: bool) -> None:
    """Also where the instance gives fewer than were asked for, and where it counts nothing."""
    with table_api(replace(of_world(more=20), at_most=at_most, counts=counts)) as served:
        live = read(served, only=["sys_certificate"])
    assert len(names(live)) == 24


def test_a_record_that_is_deleted_meanwhile_takes_no_other_with_it() -> None:
    """The pages shift when a record goes; the table is read again, and the rest is there."""
    api = replace(of_world(more=30), at_most=10, moods={2: "deleted"})
    wanted = {dict(one.fields)["name"] for one in api.records if one.table == "sys_certificate"}
    with table_api(api) as served:
        live = read(served, only=["sys_certificate"])
    (gone,) = wanted - names(live)
    records = {dict(one.fields)["name"]: sys_id(one.table, one.key) for one in api.records
               if one.table == "sys_certificate"}  # fmt: skip
    assert records[gone] == min(records.values())
    assert live.problems == ()


def test_a_table_that_never_rests_is_told() -> None:
    """Nothing that was seen is thrown away, and it is said that it does not add up."""
    moods: dict[int, Mood] = dict.fromkeys((2, 6, 10), "deleted")
    api = replace(of_world(more=30), at_most=10, moods=moods)
    with table_api(api) as served:
        live = read(served, only=["sys_certificate"])
    assert [one.code for one in live.problems] == ["changed"]
    assert len(names(live)) >= 31


def test_records_that_the_user_may_not_read_are_counted_and_told() -> None:
    """A short page is no end, and the gap is named."""
    hidden = frozenset(sys_id("sys_certificate", f"Trusted {one}") for one in range(5))
    api = replace(of_world(more=30), at_most=10, hidden_records=hidden)
    with table_api(api) as served:
        live = read(served, only=["sys_certificate"])
    assert len(names(live)) == 29
    (problem,) = live.problems
    assert problem.code == "hidden-records"
    assert "34 records, and 29 of them" in problem.text


def test_a_table_that_may_not_be_read_is_not_an_empty_one() -> None:
    """It is named with the instance's words, and the settings know that it is missing."""
    api = replace(
        of_world(),
        closed=frozenset({"sys_certificate"}),
        absent=frozenset({"http_connection"}),
    )
    with table_api(api) as served:
        live = read(served)
    refused = dict(live.refused)
    assert "may not read this table" in refused["sys_certificate"]
    assert "no such table" in refused["http_connection"]
    assert live.settings.certificates is None
    assert live.settings.not_given == ("sys_certificate",)
    assert "User Not Authorized" in str(live)


def test_fields_that_are_withheld_are_named() -> None:
    """A profile without its key store would be judged wrongly, so it is said."""
    with table_api(replace(of_world(), hidden_fields=frozenset({"keystore"}))) as served:
        live = read(served)
    (problem,) = live.problems
    assert problem.code == "fields-missing"
    assert "keystore" in problem.text
    assert str(problem.source).endswith("/sys_protocol_profile")


def test_no_column_that_holds_a_password_is_asked_for() -> None:
    """Nor any column that the tables do not name."""
    with table_api(of_world()) as served:
        read(served)
        asked = " ".join(path for _, path in served.asked)
    assert "key_store_password" not in asked
    assert "pem_certificate" in asked


def test_of_a_log_that_grows_without_end_the_newest_records_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One page, the last created first; that there may be more is said."""
    monkeypatch.setitem(NEWEST, "sys_outbound_http_log", 5)
    calls = tuple(
        Made("sys_outbound_http_log", f"call {one}", (("url", f"https://a.example/{one}"),))
        for one in range(12)
    )
    with table_api(replace(of_world(), records=calls)) as served:
        live = read(served, only=["sys_outbound_http_log"])
        (asked,) = served.asked
    assert "ORDERBYDESCsys_created_on" in asked[1]
    addresses = [row.text("url") for row in live.exports[0].rows]
    assert addresses == [f"https://a.example/{one}" for one in range(7, 12)]
    assert live.problems == ()
    assert "the newest 5 records" in str(live)


def test_only_get_is_ever_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens on the way: every request that reached the instance is a GET."""
    monkeypatch.setattr("mtlskit.collect.tables._FIRST_WAIT", 0.01)
    api = moody("rate-limited", "cut", "failed", "maintenance", "broken-off")
    with table_api(api) as served:
        read(served, attachments=True)
        assert len(served.asked) > 10
        assert {method for method, _ in served.asked} == {"GET"}


def test_a_key_store_is_fetched_and_opens() -> None:
    """With its password the identity within is there; without attachments nothing is fetched."""
    client = Authority.root("CN=Acme Root").client("CN=Acme Client")
    world = replace(
        WORLDS["broken"],
        records=tuple(r for r in WORLDS["broken"].records if r.table != "sys_attachment"),
    ).having(*attachment("Partner Client Keystore", "partner.p12", client.p12("pa55")))
    with table_api(Api(world.records)) as served:
        live = read(served, attachments=True)
        without = read(served)
    (store,) = live.stores(["pa55"])
    assert store.identities[0].certificate.subject.common_name == "Acme Client"
    assert store.identities[0].key_matches
    assert without.stores(["pa55"]) == ()


def test_an_attachment_that_is_listed_and_gone_is_told() -> None:
    """The rest is read all the same."""
    with table_api(of_world()) as served:
        live = read(served, attachments=True)
    assert {one.code for one in live.problems} == {"attachment"}
    assert "partner.jks" in " ".join(one.text for one in live.problems)
    assert live.settings.profiles


def test_what_was_read_can_be_diagnosed() -> None:
    """The settings go into a case as exported files do."""
    with table_api(of_world()) as served:
        live = read(served)
    case = case_of("partner.example.com:8443", None, None, (), live, None)
    assert case.settings == live.settings
    assert case_of("a.example:1", None, None, (), live.settings, None).settings == live.settings


def test_the_wish_for_patience_is_obeyed() -> None:
    """After 429 nothing is asked before the time that the instance named."""
    with table_api(moody("rate-limited", retry_after="1")) as served:
        began = time.monotonic()
        seen: list[Progress] = []
        read(served, only=["sys_protocol_profile"], progress=seen.append)
    assert time.monotonic() - began >= 1.0
    assert 1.0 in {one.waiting for one in seen}


def test_an_instance_that_asks_for_patience_has_not_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is asked again as long as there is time, ever less often."""
    monkeypatch.setattr("mtlskit.collect.tables._FIRST_WAIT", 0.001)
    with table_api(moody(*["rate-limited"] * 9)) as served:
        live = read(served, only=["sys_protocol_profile"])
        assert len(served.asked) == 10
    assert len(live.settings.profiles or ()) == 2


def test_a_wish_for_more_patience_than_there_is_ends_at_once() -> None:
    """It is not waited for in vain; the sentence says how long it would have been."""
    began = time.monotonic()
    code, text, asked = failing(moody("rate-limited", retry_after="3600"), timeout=ENDLESS)
    assert time.monotonic() - began < ENDLESS
    assert (code, asked) == ("too-slow", 1)
    assert "429" in text
    assert "3600 seconds" in text


@pytest.mark.parametrize(
    ("mood", "code", "word"),
    [
        ("login-page", "login-page", "login page"),
        ("web-page", "web-page", "web page"),
        ("hibernating", "hibernating", "sleeps"),
        ("redirected", "redirected", "/login.do"),
        ("elsewhere", "redirected", "https://login.example.com/login.do"),
        ("damaged", "damaged", "no list of records"),
    ],
)
def test_what_is_no_answer_is_named_at_once(mood: Mood, code: str, word: str) -> None:
    """Asking again would not help, so it is asked once, and nobody else is called."""
    told, text, asked = failing(moody(mood))
    assert (told, asked) == (code, 1)
    assert word in text
    assert "token=1" not in text


@pytest.mark.parametrize("mood", ["failed", "maintenance", "cut", "broken-off"])
def test_what_does_not_pass_is_given_up(mood: Mood, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries it is told what came instead."""
    monkeypatch.setattr("mtlskit.collect.tables._FIRST_WAIT", 0.01)
    code, text, asked = failing(replace(of_world(), moods={0: mood}))
    assert (code, asked) == ("not-reached", 6)
    assert "asked 6 times" in text


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """One byte now and then keeps nobody waiting."""
    began = time.monotonic()
    code, _, _ = failing(replace(of_world(), moods={0: "drip"}), timeout=1.0)
    assert time.monotonic() - began < ENDLESS
    assert code == "too-slow"


def test_an_answer_without_end_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut off at a limit."""
    with table_api(replace(of_world(), moods={1: "endless"})) as served:
        monkeypatch.setattr("mtlskit.collect.tables.Instance._ask.__defaults__", (1 << 20,))
        with pytest.raises(Unreadable) as caught:
            read(served)
    assert caught.value.problem.code == "too-large"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (servers.plain_http, "no-tls"),
        (servers.greeting(), "no-tls"),
        (servers.close_at_once, "not-reached"),
        (servers.reset_on_hello, "not-reached"),
        (servers.silent, "too-slow"),
    ],
)
def test_what_speaks_no_tls_is_never_sent_a_login(
    behaviour: Behaviour, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain HTTP, another protocol, a closed or reset connection, silence: each is told."""
    monkeypatch.setattr("mtlskit.collect.tables._FIRST_WAIT", 0.01)
    with serve(behaviour) as endpoint, pytest.raises(Unreadable) as caught:
        read_instance(f"https://{endpoint.target}", Login(token="t"), timeout=1.0)
    assert caught.value.problem.code == code


def test_an_instance_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's own words, after a few tries."""
    monkeypatch.setattr("mtlskit.collect.tables._FIRST_WAIT", 0.01)
    with nobody() as target, pytest.raises(Unreadable) as caught:
        read_instance(f"https://{target}", Login(token="t"), timeout=5.0)
    assert caught.value.problem.code == "not-reached"
    assert "refused" in str(caught.value)


def test_a_trust_file_is_read_and_one_without_a_certificate_is_refused(tmp_path: Path) -> None:
    """Before anyone is called: it would refuse every server."""
    (tmp_path / "empty.pem").write_text("nothing here\n")
    with table_api(of_world()) as served:
        (tmp_path / "ca.pem").write_bytes(ssl.DER_cert_to_PEM_cert(served.trust[0].der).encode())
        live = read(served, trust=str(tmp_path / "ca.pem"), only=["sys_protocol_profile"])
        asked = len(served.asked)
        with pytest.raises(Unreadable):
            read(served, trust=[tmp_path / "empty.pem"])
        assert len(served.asked) == asked
    assert live.exports


def test_a_wrong_password_is_said_and_not_repeated() -> None:
    """Neither in the sentence, nor in any value that a traceback could show of our frames."""
    with table_api(of_world()) as served, pytest.raises(Unreadable) as caught:
        read_instance(served.url, Login(user="reader", password="wr0ng"), trust=served.trust)
    assert caught.value.problem.code == "login-refused"
    frames = [one.frame.f_locals for one in caught.traceback[1:]]
    shown = str(caught.value) + repr(frames)
    assert len(frames) > 5
    assert "wr0ng" not in shown
    assert b64encode(b"reader:wr0ng").decode() not in shown


def test_a_token_reads_as_well() -> None:
    """It is sent as a bearer token."""
    with table_api(of_world()) as served:
        login = Login(token=served.api.token)
        live = read_instance(served.url, login, trust=served.trust)
    assert live.user is None
    assert live.settings.profiles


def test_no_login_is_sent_to_a_server_that_is_not_verified() -> None:
    """Neither a stranger's certificate nor another name is accepted, whatever is wished."""
    stranger = Authority.root("CN=Stranger")
    with table_api(of_world()) as served:
        for trust in (None, (), _certificates(stranger)):
            with pytest.raises(Unreadable) as caught:
                read(served, trust=trust)
            assert caught.value.problem.code == "not-verified"
        port = served.target.port
        with pytest.raises(Unreadable) as caught:
            read_instance(f"https://localhost:{port}", served.login, trust=served.trust)
        assert caught.value.problem.code == "not-verified"
        assert served.asked == []


def _certificates(authority: Authority) -> Any:  # noqa: ANN401 - a tuple of them
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - here only

    from mtlskit.certs.certificate import read_certificate  # noqa: PLC0415 - here only
    from mtlskit.material import Source  # noqa: PLC0415 - here only

    der = authority.certificate.public_bytes(Encoding.DER)
    return (read_certificate(der, Source("stranger")),)


def test_a_login_shows_itself_nowhere() -> None:
    """No repr, no copy, no pickle; and what cannot be sent is refused without being repeated."""
    login = Login(user="reader", password="pa55word")
    assert "pa55word" not in repr(login)
    with pytest.raises(TypeError):
        pickle.dumps(login)
    for wrong in ({"token": "se cret"}, {"token": "secret\nX: y"}, {"user": "a:b", "password": ""}):
        with pytest.raises(ValueError, match=r"[Tt]oken|colon") as caught:
            Login(**wrong)
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="or a token"):
        Login(user="reader")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("acme", Target("acme.service-now.com", 443)),
        ("acme.service-now.com", Target("acme.service-now.com", 443)),
        (" https://acme.service-now.com/nav_to.do?uri=x ", Target("acme.service-now.com", 443)),
        ("https://127.0.0.1:8443", Target("127.0.0.1", 8443)),
        ("localhost:8443", Target("localhost", 8443)),
    ],
)
def test_an_instance_is_named_in_short_or_in_full(name: str, target: Target) -> None:
    """One word stands for the host beneath the usual domain."""
    assert target_of(name) == target


@pytest.mark.parametrize(
    "name",
    ["", "http://acme.service-now.com", "ftp://acme", "https://u:pa55@acme", "a b", "x:99999", "ä"],
)
def test_what_names_no_instance_is_refused(name: str) -> None:
    """Nor is anything called without TLS, and no password of an address is repeated."""
    with pytest.raises(Unreadable) as caught:
        target_of(name)
    assert "pa55" not in str(caught.value)


def test_an_unknown_table_is_wrong_usage() -> None:
    """The sentence names the tables that can be read."""
    with pytest.raises(ValueError, match="sys_protocol_profile"):
        read_instance("acme", Login(token="t"), only=["incident"])
    assert "sys_attachment_doc" in tables()


@pytest.mark.needs("apache2", "openssl")
def test_through_a_proxy_the_instance_is_verified_all_the_same(
    program: Callable[[str], str],
) -> None:
    """The proxy passes on what is sealed; its own refusal is told as its own."""
    made = subprocess.run(
        [program("openssl"), "passwd", "-apr1", "wr1te"], capture_output=True, text=True, check=True
    )
    users = f"anna:{made.stdout.strip()}\n"
    with table_api(of_world()) as served:
        port = served.target.port
        with connect_proxy(program("apache2"), users, [port]) as target:
            live = read(served, via=Proxy("http", target, "anna", "wr1te"))
            asked = len(served.asked)
            with pytest.raises(Unreadable) as caught:
                read(served, via=Proxy("http", target, "anna", "wr0ng"))
            with pytest.raises(Unreadable) as distrusted:
                read(served, via=Proxy("http", target, "anna", "wr1te"), trust=None)
        assert len(served.asked) == asked
    assert live.settings.profiles
    assert caught.value.problem.code == "no-proxy"
    assert "wr0ng" not in str(caught.value)
    assert distrusted.value.problem.code == "not-verified"


def test_a_server_that_repeats_the_login_gives_nothing_away() -> None:
    """Secret, header and their JSON forms are struck out of a server's words."""
    login = Login(user="adm", password='S3c"r3t')
    header = login.header().partition(" ")[2]
    said = json.dumps({"error": {"message": f'bad Basic {header}: adm:S3c"r3t'}}).encode()
    struck = login.struck_from(said)
    assert b"r3t" not in struck
    assert header.encode() not in struck
    assert b"bad Basic" in struck
    assert b"tok-123" not in Login(token="tok-123").struck_from(b"no: tok-123")
