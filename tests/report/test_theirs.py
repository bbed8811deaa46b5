"""What the other side showed or named is no secret to it: it stays where our names are hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mtlskit.case import Case
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.lab.pki import Authority, Issued
from mtlskit.material import Source
from mtlskit.page.text import text
from mtlskit.report import Report
from mtlskit.report.naming import LEVELS, Names
from mtlskit.report.theirs import Theirs
from mtlskit.trace.events import HttpAnswer

Reports = Callable[[str, str], Report]
ROOT = "CN=Contoso Root CA,O=Contoso"


def read(issued: Issued, name: str) -> Certificate:
    """A certificate as it was seen."""
    return read_certificate(issued.der, Source(name))


@pytest.fixture
def partners(incomplete: Report) -> Callable[..., Report]:
    """Gives a case in which the client's certificate is of a CA that the test names."""

    def made(subject: str, issuer: str, listed: tuple[str, ...], **seen: object) -> Report:
        partner, issuing = Authority.root(ROOT), Authority.root(issuer)
        trace = incomplete.case.trace
        assert trace is not None
        assert trace.asked is not None
        symptom = replace(trace.ended.symptom, alert=None, name=None)
        seen["ended"] = replace(trace.ended, symptom=symptom)
        asked = replace(trace.asked, authorities=listed)
        client = read(issuing.client(subject), "client.pem")
        server = read(partner.server("CN=orders.contoso.example", "orders.contoso.example"), "s")
        trace = replace(trace, server_chain=(server,), client_chain=(client,), asked=asked, **seen)  # type: ignore[arg-type]  # fields of a trace
        return replace(
            incomplete, case=Case(target=trace.target, trace=trace, at=incomplete.case.at)
        )

    return made


def hidden(report: Report) -> dict[str, str]:
    """What the level of our side replaces."""
    return dict(report.preview("own").replaced)


def test_a_ca_of_the_partner_that_issued_for_us_stays(partners: Callable[..., Report]) -> None:
    """Who is asked must be able to tell which CA is meant, also one that it did not list."""
    report = partners("CN=fabrikam-orders,O=Fabrikam", "CN=Contoso Client CA 3,O=Contoso", (ROOT,))
    told = json.dumps(report.redacted("own").json())
    assert "CN=Contoso Client CA 3,O=Contoso" in told
    assert ROOT in told
    assert "orders.contoso.example" in told
    assert "abrikam" not in told
    assert set(hidden(report)) >= {"fabrikam-orders", "Fabrikam"}
    assert not any("ontoso" in one for one in hidden(report))
    assert "ontoso" not in json.dumps(report.redacted("names").json())


def test_a_ca_of_our_own_stays_hidden(partners: Callable[..., Report]) -> None:
    """Listed or not: it carries the name of our organisation."""
    ours = "CN=Fabrikam Private CA,O=Fabrikam"
    for listed in ((ROOT,), (ROOT, ours), ("CN=Fabrikam Private CA",)):
        report = partners("CN=orders-client,O=Fabrikam", ours, listed)
        assert "Fabrikam" not in json.dumps(report.redacted("own").json())
        assert "Fabrikam Private CA" in hidden(report)


def test_a_ca_that_the_server_listed_or_named_stays(partners: Callable[..., Report]) -> None:
    """Also one of a third party: the other side named it itself, in its list or its answer."""
    third = "CN=Trust Services CA,O=Trust Services"
    assert "Trust Services CA" in hidden(partners("CN=fabrikam-orders", third, (ROOT,)))
    assert "Trust Services CA" not in hidden(partners("CN=fabrikam-orders", third, (ROOT, third)))
    said = HttpAnswer(403, "No", None, "we no longer take Trust Services CA", Source("x"))
    assert "Trust Services CA" not in hidden(partners("CN=fabrikam-orders", third, (), http=said))


def test_our_own_name_is_hidden_in_the_other_sides_answer(partners: Callable[..., Report]) -> None:
    """Its answer may quote our name, which is still ours."""
    said = HttpAnswer(403, "No", None, "fabrikam-orders may not do this, ask 10.9.8.7", Source("x"))
    report = partners("CN=fabrikam-orders", ROOT, (ROOT,), http=said)
    told = json.dumps(report.redacted("own").json())
    assert "fabrikam-orders" not in told
    assert "ask 10.9.8.7" in told


def test_a_name_is_not_changed_within_a_longer_one_of_theirs() -> None:
    """No host is invented; the preview names what stays although a name is part of it."""
    names = Names(theirs=Theirs(("fabrikam.contoso.example", "Contoso Fabrikam CA", "contoso")))
    names.add("name", "Fabrikam", "Contoso")
    names.add_file("contoso.pem")
    change = names.changer()
    assert change("CN=fabrikam.contoso.example, Contoso Fabrikam CA") == (
        "CN=fabrikam.contoso.example, Contoso Fabrikam CA"
    )
    assert change("Fabrikam at app.fabrikam.example") == "name-1 at app.name-1.example"
    assert change("contoso of contoso.pem") == "contoso of file-1.pem"
    assert names.stays() == ("fabrikam.contoso.example", "Contoso Fabrikam CA")


def test_the_preview_lists_parts_of_longer_words(partners: Callable[..., Report]) -> None:
    """Whatever will stand changed is listed as it will stand."""
    said = HttpAnswer(403, "No", None, "app.fabrikam.example may not do this", Source("x"))
    listed = ("CN=fabrikam.contoso.example,O=Contoso",)
    report = partners("CN=orders-client,O=Fabrikam", ROOT, listed, http=said)
    shown = report.preview("own")
    assert ("app.fabrikam.example", f"app.{hidden(report)['Fabrikam']}.example") in shown.parts
    told = text(shown.page())
    assert "app.fabrikam.example" in told


@pytest.mark.parametrize("called", ["127.0.0.1:8843", "10.0.0.7:8843", "203.0.113.9:8843"])
def test_the_address_called_stays_though_the_call_came_from_it(
    incomplete: Report, called: str
) -> None:
    """Both ends on one machine: what was called is named all the same."""
    trace = incomplete.case.trace
    assert trace is not None
    assert trace.target is not None
    host = called.partition(":")[0]
    target = replace(trace.target, host=host)
    trace = replace(trace, target=target, peer=called, own=f"{host}:50000")
    report = replace(incomplete, case=incomplete.case.having(trace=trace, target=target))
    assert host not in hidden(report)
    assert host in json.dumps(report.redacted("own").json())
    assert host in dict(report.preview("names").replaced)


def test_commands_that_mend_are_left_to_the_report_with_names(incomplete: Report) -> None:
    """What they write is taken out of a redacted report, so they could not be run."""
    assert "<<'END'" in incomplete._repr_markdown_()
    for level in LEVELS[1:]:
        told = incomplete.redacted(level)._repr_markdown_()
        assert "<<'END'" not in told
        assert "taken out" not in told
        assert "in the report that was not redacted" in told
