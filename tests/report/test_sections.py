"""The sections: every statement beside its source, in every face alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from html import unescape

import pytest

from mtlskit.case import Case
from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.diagnosis.reason import Diagnosis
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import settings_from
from mtlskit.lab import exports
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Problem, Source, Target
from mtlskit.page.blocks import Block, Listing, Page, Picture, Section
from mtlskit.page.html import document
from mtlskit.page.markdown import markdown
from mtlskit.page.text import text
from mtlskit.report import SCHEMA, Report, judge
from mtlskit.rules.rule import Broken, Finding

Reports = Callable[[str, str], Report]
SCENES = (
    ("client.chain-incomplete", "1.3"),
    ("client.wrong-identity", "1.2"),
    ("server.name-mismatch", "1.3"),
    ("protocol.not-tls", "1.2"),
    ("network.unresolved", "1.3"),
    ("none", "1.2"),
    ("client.chain-incomplete/not-at-hand", "1.2"),
    ("client.untrusted-issuer", "1.3"),
    ("client.expired", "1.3"),
    ("client.no-identity", "1.2"),
    ("server.untrusted-issuer", "1.2"),
    ("application.forbidden", "1.3"),
)


def headings(page: Page) -> list[str]:
    return [one.title for one in page.blocks if isinstance(one, Section)]


def section(page: Page, title: str) -> str:
    """The text of one section."""
    (found,) = [one for one in page.blocks if isinstance(one, Section) and one.title == title]
    return text(Page("", (found,)), 400)


def strings(value: object) -> Iterator[str]:
    """Every text in a page except drawings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, Picture):
        yield value.caption
    elif is_dataclass(value):
        skipped = {"tone", "language"}
        for one in fields(value):
            if one.name not in skipped:
                yield from strings(getattr(value, one.name))


def letters(printed: str) -> str:
    """Letters and digits alone: what is left when markup and line breaks are not looked at."""
    return re.sub(r"[\W_]", "", printed)


@pytest.mark.parametrize(("scene", "tls"), SCENES)
def test_all_faces_hold_the_same_statements(report_of: Reports, scene: str, tls: str) -> None:
    """Each text of the page stands in the text, the Markdown and the HTML."""
    page = report_of(scene, tls).page()
    bare = re.sub(r"<wbr>|</?time>|<svg.*?</svg>", "", document(page), flags=re.DOTALL)
    faces = {
        "markdown": letters(markdown(page)),
        "html": letters(unescape(re.sub(r"<[^>]*>", "", bare))),
    }
    for said in strings(page):
        for name, face in faces.items():
            assert letters(said) in face, (name, said)
    # Columns of the text wrap, so its words are compared, and long ones may be broken.
    wide = letters(text(page, 100_000))
    assert all(letters(said) in wide for said in strings(page))


@pytest.mark.parametrize(("scene", "tls"), SCENES)
def test_the_same_report_prints_alike_twice(report_of: Reports, scene: str, tls: str) -> None:
    """Nothing depends on anything but the report."""
    report = report_of(scene, tls)
    assert document(report.page()) == document(report.page())
    assert report.json() == report.json()


def test_the_evidence_follows_the_first_screen(incomplete: Report) -> None:
    """The sections stand in the order in which a reader asks for them."""
    assert headings(incomplete.page()) == [
        "To find this attempt in the server's logs",
        "What speaks for this cause",
        "Experiments",
        "Commands that mend it",
        "What was asked and what was sent",
        "Which identity fits what the server asked for",
        "The connection, message by message",
        "Identities and certificates",
        "What was ruled out",
        "Messages ready to paste",
        "Commands to check it without mtlskit",
        "Every question that was asked",
        "New to mutual TLS?",
        "Versions and times",
    ]


def test_a_statement_stands_beside_its_source(incomplete: Report) -> None:
    """Each observation names the record or file in which it was made."""
    said = section(incomplete.page(), "What speaks for this cause")
    assert re.search(r"is not in it\. +127\.0\.0\.1:\d+, client record \d+, certificate 1", said)
    assert re.search(r"Acme Issuing CA 2 is at hand.*acme-issuing-ca-2\.pem, block 1", said)
    assert "the alert alone proves nothing" in said


def test_an_experiment_says_what_it_changed(incomplete: Report) -> None:
    """The one change that helped is told as what was wrong."""
    said = section(incomplete.page(), "Experiments")
    assert re.search(r"The chain was completed with .*\[accepted\] +This is what was wrong", said)


def test_the_used_identity_and_its_key_are_told(incomplete: Report) -> None:
    """The key is said to be there, and nothing more of it."""
    said = section(incomplete.page(), "Identities and certificates")
    assert re.search(r"acme-client \[used\] .*the certificate alone +\[present\]", said)
    assert "sent by the client" in said
    assert "trusted by the client" in said


def test_a_late_certificate_is_marked(report_of: Reports) -> None:
    """Dates are judged at the time of the case, in a word."""
    said = section(report_of("client.expired", "1.3").page(), "Identities and certificates")
    assert "[expired]" in said


def test_a_broken_check_is_our_fault(incomplete: Report) -> None:
    """A rule that failed is told as a fault of mtlskit, with what it said."""
    first, *rest = incomplete.diagnosis.findings
    findings = (Finding(first.rule, Broken("KeyError: 'x'")), *rest)
    diagnosis = Diagnosis(incomplete.opinions, findings, incomplete.diagnosis.server_stack)
    report = replace(incomplete, diagnosis=diagnosis)
    said = section(report.page(), "Every question that was asked")
    assert "a fault of mtlskit" in said
    assert "KeyError: 'x'" in said
    assert report.json()["findings"][0]["verdict"] == "broken"


def test_what_could_not_be_read_is_told_first() -> None:
    """A problem with a file has its own section, with what to do."""
    problem = Problem("wrong-password", "The password does not open it.", Source("a.p12"))
    page = judge(Case(problems=(problem,))).page()
    assert headings(page)[0] == "What could not be read"
    assert "The password does not open it." in text(page)


def test_what_nobody_gave_is_told_as_not_known() -> None:
    """Each missing piece stands once, with the way to get it."""
    said = section(judge(Case()).page(), "What is not known, and how to find out")
    assert said.count("The client's key store.  ") == 1
    assert "--identity" in said


def test_an_instance_is_told_of_only_where_there_is_one(noon: datetime) -> None:
    """Without settings, an own scheme or an answer by hand, no word of an instance is said."""
    plain = Case(target=Target("partner.example", 443), url="https://partner.example/", at=noon)
    told = text(judge(plain).page())
    assert "sys_" not in told
    assert "The symptom checklist" not in told
    assert len(judge(plain).json()["checklist"]) == 4
    for case in (
        plain.having(url="mysecurehttps://partner.example/"),
        plain.having(answers=(("another-tool", "yes"),)),
    ):
        page = judge(case).page()
        assert "The symptom checklist" in headings(page)
        assert "The instance's settings." in section(page, "What is not known, and how to find out")


def test_whether_all_is_well_is_no_question(report_of: Reports) -> None:
    """The rule that looks for an acceptance is neither told as a question nor as ruled out."""
    page = report_of("application.forbidden", "1.3").page()
    assert "no fault: HTTP" not in text(page, 400)
    titles = {
        one.title
        for one in report_of("application.forbidden", "1.3").opinions
        if one.cause == "none"
    }
    assert not any(one in section(page, "What was ruled out") for one in titles)


def test_after_a_proof_nothing_is_left_to_find_out(incomplete: Report, report_of: Reports) -> None:
    """What is not known is told while it may still decide."""
    assert "What is not known, and how to find out" not in headings(incomplete.page())
    open_case = report_of("client.chain-incomplete/not-at-hand", "1.3")
    assert not any(one.standing == "CONFIRMED" for one in open_case.opinions)


def test_names_of_places_are_explained_once(incomplete: Report) -> None:
    """A reader who has seen no record and no PEM block is told what they are."""
    told = text(incomplete.page(), 400)
    assert told.count("is the third TLS record that the client sent") == 1
    assert told.count("the first object in a PEM file") == 1


def test_a_terminal_is_told_the_answer_and_where_the_rest_is(incomplete: Report) -> None:
    """The short form names once how to get the whole, and leaves the long listings to it."""
    told = str(incomplete)
    assert len(told.splitlines()) < 150
    assert told.count("--report NAME") == 1
    assert "TLS is the protocol that encrypts" not in told
    assert "Every question that was asked" in " ".join(told.split("--report NAME")[1].split())


def test_long_listings_stay_off_paper(incomplete: Report) -> None:
    """What is looked up in the file is not printed, and the report says so."""

    def off(blocks: tuple[Block, ...]) -> Iterator[str]:
        for one in blocks:
            if isinstance(one, Section):
                if not one.paper:
                    yield one.title
                yield from off(one.blocks)

    page = incomplete.page()
    assert list(off(page.blocks)) == ["Every certificate in full", "Every question that was asked"]
    assert "On paper, every certificate in full and every question" in text(page, 400)


@pytest.mark.parametrize("name", exports.WORLDS)
def test_the_instances_settings_are_told(name: str, noon: datetime) -> None:
    """The road of the URL stands there with its port and the records that set it."""
    blobs = [
        Blob(Source(name), data) for name, data in exports.files_of(exports.WORLDS[name]).items()
    ]
    read = settings_from(
        read_export(one) for one in blobs if one.source.name.endswith((".xml", ".json"))
    )
    url = "myhttps://user:pa55word@partner.example.com:8443/orders?token=t0ken"
    report = judge(Case(settings=read, url=url, at=noon))
    said = section(report.page(), "The instance's settings")
    assert "myhttps://partner.example.com:8443/orders" in said
    assert "8443" in said
    told = json.dumps(report.json()) + text(report.page())
    assert "pa55word" not in told
    assert "t0ken" not in told
    assert report.json()["settings"]


def test_a_bypassed_key_store_is_called_so_and_the_url_is_taken_from_the_only_message(
    noon: datetime,
) -> None:
    """The profile's key store is not used where a property wins; one message tells the URL."""
    for name, words in (("broken", "Partner Client Keystore, bypassed"), ("healthy", "Keystore\n")):
        world = exports.WORLDS[name]
        blob = Blob(Source("instance.xml"), exports.as_unload(world.records))
        report = judge(Case(settings=settings_from([read_export(blob)]), at=noon))
        said = section(report.page(), "The instance's settings")
        assert "myhttps://partner.example.com:8443/orders" in said
        assert words in said


def test_each_further_fault_says_what_to_do(noon: datetime) -> None:
    """A second fault that was found is told with its own evidence, party and remedy."""
    world = exports.WORLDS["broken"]
    blob = Blob(Source("instance.xml"), exports.as_unload(world.records))
    report = judge(Case(settings=settings_from([read_export(blob)]), url=world.url, at=noon))
    assert [one.cause for one in report.opinions[:2]] == list(world.causes[:2])
    first = text(Page("", report.page().blocks[:1]), 400)
    assert "No connection was looked at" in first
    assert "Found as well" in first
    said = section(report.page(), "What else was found")
    assert "Who must act  The administrator of the calling instance." in said
    assert "What to do    In sys_properties, export as a backup" in said
    assert "instance.xml, sys_properties record" in said


def test_before_and_after_stand_side_by_side(noon: datetime) -> None:
    """Where the exports decide what to change, the report shows what that would do, and risks."""
    risk = exports.prop("com.glide.communications.trustmanager_trust_all", "true")
    world = exports.WORLDS["broken"].having(risk)
    blob = Blob(Source("instance.xml"), exports.as_unload(world.records))
    report = judge(Case(settings=settings_from([read_export(blob)]), url=world.url, at=noon))
    said = section(report.page(), "The instance's settings")
    assert "What the changes would do" in said
    assert re.search(r"Registered port +4433 +8443", said)
    assert "trustmanager_trust_all" in said
    healthy = exports.WORLDS["healthy"]
    blob = Blob(Source("instance.xml"), exports.as_unload(healthy.records))
    report = judge(Case(settings=settings_from([read_export(blob)]), url=healthy.url, at=noon))
    assert "What the changes" not in section(report.page(), "The instance's settings")


def test_healthy_settings_are_called_so(noon: datetime) -> None:
    """Where nothing is wrong with the exports, the report finds no fault."""
    world = exports.WORLDS["healthy"]
    blob = Blob(Source("instance.xml"), exports.as_unload(world.records))
    report = judge(Case(settings=settings_from([read_export(blob)]), url=world.url, at=noon))
    assert "No fault was found in what was given." in text(report.page())
    assert "What else was found" not in headings(report.page())


def test_json_follows_the_schema(incomplete: Report) -> None:
    """Every key of schema 1 is there, with the kind of value that it promises."""
    told = json.loads(json.dumps(incomplete.json()))
    assert told["schema"] == SCHEMA == 1
    assert (told["outcome"], told["refused_by"], told["stage"]) == (
        "refused",
        "server",
        "after-handshake",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", told["began"])
    assert told["address_called"] == told["target"]
    assert told["called_from"].startswith("127.0.0.1:")
    assert told["symptom"] == {
        "alert": 48,
        "name": "unknown_ca",
        "http": None,
        "tcp": None,
        "tls": "1.3",
    }
    assert set(told["server_stack"]) == {"guess", "because"}
    assert told["sent"]["asked"] is True
    assert told["sent"]["accepted_issuers"] == ["CN=Acme Root CA,O=Acme Corporation"]
    (leaf,) = told["sent"]["by_client"]
    assert leaf["subject"] == "CN=Acme Integration Client,O=Acme Corporation"
    assert re.fullmatch("[0-9a-f]{64}", leaf["sha256"])
    best = told["opinions"][0]
    assert (best["cause"], best["standing"]) == ("client.chain-incomplete", "CONFIRMED")
    assert all(isinstance(one, str) for one in best["because"] + best["settle"])
    assert all(set(one) >= {"id", "answer", "because"} for one in told["checklist"])
    assert all(set(one) >= {"rule", "verdict", "because", "source"} for one in told["findings"])
    assert told["experiments"][0]["outcome"] == "accepted"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told["made"])


def test_json_of_nothing_is_null_and_not_empty() -> None:
    """What was not looked at is null."""
    told = judge(Case()).json()
    assert told["target"] is None
    assert told["identities"] is None
    assert told["settings"] is None
    assert told["sent"] == {
        "by_client": None,
        "by_server": None,
        "asked": None,
        "accepted_issuers": None,
    }
    assert told["symptom"] == dict.fromkeys(("alert", "name", "http", "tcp", "tls"))


def _hostile(name: str, noon: datetime) -> Report:
    written = re.sub(r'(["+,;<>\\])', r"\\\1", name)  # RFC 4514, 2.4
    issued = Authority.root(f"CN={written}, O=Evil").client(f"CN={written}, O=Evil")
    assert read_certificate(issued.der, Source("x")).subject.rdns[-1] == (("CN", name),)
    leaf = read_certificate(issued.der, Source(f"{name}.pem"))
    identity = Identity(leaf.source, name, leaf)
    target = Target("partner.example", 443)
    return judge(Case(target=target, identities=(identity,), material=(leaf,), at=noon))


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\u202egnp.exe", "a`b|c*d_e_", "![x](http://e.example)"]
)
def test_a_hostile_name_is_harmless_everywhere(name: str, noon: datetime) -> None:
    """It neither becomes markup nor turns the line around."""
    report = _hostile(name, noon)
    for face in (document(report.page()), report._repr_html_()):
        assert "<script" not in face
        assert "\u202e" not in face
    for face in (markdown(report.page()), text(report.page())):
        assert "\u202e" not in face
    outside = re.sub(r"```.*?```|`+[^`]*`+", "", markdown(report.page()), flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<script", outside)
    assert "![x]" not in outside


def test_a_large_case_stays_small_and_quick(incomplete: Report) -> None:
    """Hundreds of trusted certificates make a report of less than 1.5 MB."""
    root = Authority.root("CN=Root, O=Many")
    some = tuple(
        read_certificate(
            root.client(f"CN=client {number}, O=Many", key=root.key).der, Source(f"{number}.pem")
        )
        for number in range(200)
    )
    trusted = tuple(replace(one, source=Source("t")) for one in some)
    large = replace(incomplete, case=incomplete.case.having(trust=trusted, material=some))
    printed = document(large.page())
    assert len(printed.encode()) < 1_500_000
    assert "160 more" not in printed  # each of the 200 stands there once, told in full or counted
    assert "more are not told in full" in printed


def test_no_command_is_folded_or_wrapped(incomplete: Report) -> None:
    """Commands are literal lines, so that they can be copied."""

    def listings(blocks: tuple[Block, ...]) -> Iterator[Listing]:
        for one in blocks:
            if isinstance(one, Listing) and one.language == "sh":
                yield one
            elif isinstance(one, Section):
                yield from listings(one.blocks)

    found = list(listings(incomplete.page().blocks))
    assert len(found) == 8
    told = text(incomplete.page())
    assert all(line in told for one in found for line in one.text.splitlines())
