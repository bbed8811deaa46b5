from pathlib import Path

import pytest

from mtlskit.collect.evidence import gather
from mtlskit.desk.plan import Plan
from mtlskit.desk.session import Session
from mtlskit.desk.twin import twin
from mtlskit.lab import scenes
from mtlskit.material import Target
from mtlskit.report import Report

CHAIN = "client.chain-incomplete"


def run(code: str) -> Report:
    names: dict[str, object] = {}
    exec(compile(code, "twin", "exec"), names)  # noqa: S102 - the code under test
    report = names["report"]
    assert isinstance(report, Report)
    return report


def test_the_script_of_a_scene_finds_what_the_form_finds() -> None:
    """Running the shown Python gives the same cause and standing."""
    session = Session(plan=Plan(scene=CHAIN, tls="1.2"))
    by_script, by_form = run(twin(session)).opinions[0], session.run().opinions[0]
    assert by_script.cause == by_form.cause == CHAIN
    assert by_script.standing == by_form.standing


def test_the_script_of_an_own_endpoint_finds_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the files that were handed in, and asks for the password when it runs."""
    monkeypatch.chdir(tmp_path)
    with scenes.stage(CHAIN, directory=tmp_path) as lab:
        words = (lab.password or "",)
        own, trust = gather(lab.identity_files, words), gather(lab.trust_files)
        session = Session(
            plan=Plan(target=lab.target, server_name=lab.server_name, experiments=False)
        )
        session.give(
            identities=own.identities,
            trust=trust.certificates,
            material=gather(lab.material_files).certificates,
        )
        monkeypatch.setattr("getpass.getpass", lambda: lab.password)
        code = twin(session)
        assert words[0] not in code
        assert code.count("acme-client.p12") == 1
        assert run(code).opinions[0].cause == CHAIN


def test_a_foreign_name_cannot_become_code() -> None:
    """Whatever a host is called, it stands in the script as a string."""
    session = Session(plan=Plan(target=Target('x"); import os; ("', 443)))
    code = twin(session)
    compile(code, "twin", "exec")
    assert "\nimport os" not in code
    assert repr(str(session.plan.target)) in code


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://partner.example:8443/orders", "https://partner.example:8443/orders"),
        ("https://other.example/orders", "partner.example:8443"),
    ],
)
def test_the_script_calls_the_url_if_it_leads_to_the_endpoint(url: str, shown: str) -> None:
    """The path of the URL counts; a URL of another host is given beside the endpoint."""
    session = Session(plan=Plan(target=Target("partner.example", 8443)))
    session.add(url=url)
    assert repr(shown) in twin(session)
    assert (f"url={url!r}" in twin(session)) == (url != shown)


def test_there_is_no_script_without_an_endpoint() -> None:
    """Nothing to call, nothing to write."""
    assert twin(Session()) == ""
