import base64
import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets
import pytest

import mtlskit
from mtlskit.desk import open_guide, rail
from mtlskit.desk.guide import Guide
from mtlskit.desk.keys import COMPARED, TABLE
from mtlskit.desk.wording import by_fields
from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Source
from mtlskit.page.blocks import Section
from mtlskit.report import saving

CHAIN = "client.chain-incomplete"
STATES = {"mtls-again", "mtls-needs", "mtls-done", "mtls-found", "mtls-optional", "mtls-later"}


@pytest.fixture
def guide() -> Guide:
    return Guide()


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    with scenes.stage(CHAIN, tls="1.3") as lab:
        yield lab


@pytest.fixture(scope="module")
def after_run() -> Guide:
    """A guide that has run the lab's scene of the incomplete chain."""
    guide = Guide()
    guide.endpoint.scene.value = CHAIN
    guide.run.button.click()
    return guide


def states(guide: Guide) -> list[str]:
    return [next(c for c in button._dom_classes if c in STATES) for button in guide.rail]


def call_own(guide: Guide, staged: Staged) -> None:
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = str(staged.target)
    guide.endpoint.server_name.value = staged.server_name


def test_a_scene_of_the_lab_is_run_and_its_cause_is_shown(after_run: Guide) -> None:
    """Choosing a failure and running it shows the cause that the lab staged."""
    assert after_run.report is not None
    assert after_run.report.opinions[0].cause == CHAIN
    assert after_run.report.outcome == "refused"
    assert after_run.report.opinions[0].title in after_run.run.answer.value
    assert f"Cause: {CHAIN}, confirmed." in after_run.run.progress.value


def test_the_case_of_a_run_can_be_used_in_cells(after_run: Guide) -> None:
    """The trace, the identities and the time of a run stand in the guide's case."""
    assert after_run.case.trace is not None
    assert after_run.case.identities
    assert after_run.case.at is not None


def test_the_rail_says_how_each_step_stands(guide: Guide, after_run: Guide) -> None:
    """What is to do before a run is done, or found something, after it."""
    assert states(guide)[-3:] == ["mtls-needs", "mtls-later", "mtls-later"]
    assert states(after_run)[-3:] == ["mtls-found", "mtls-needs", "mtls-needs"]


def test_the_buttons_lead_through_all_steps(guide: Guide) -> None:
    """Next and Back walk, the rail jumps, and the ends are ends."""
    assert guide.back.disabled
    for _ in guide.steps[1:]:
        guide.next.click()
    assert guide.at == len(guide.steps) - 1
    assert guide.next.disabled
    guide.next.click()
    assert guide.at == len(guide.steps) - 1
    guide.rail[2].click()
    assert guide.at == 2
    assert "mtls-here" in guide.rail[2]._dom_classes
    guide.back.click()
    assert guide.at == 1


def test_a_new_plan_takes_an_older_report_away(after_run: Guide) -> None:
    """A report of another connection is not shown beside a changed endpoint."""
    guide = Guide()
    guide.session.report = after_run.report
    guide.endpoint.tls.value = "1.2"
    assert guide.report is None
    assert guide.run.answer.value == ""


def test_an_own_endpoint_is_called_with_an_uploaded_key_store(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """Host, key store, password and trust file give the cause of a real refusal."""
    call_own(guide, staged)
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    put(guide.keys.uploads["trust"], *staged.trust_files)
    put(guide.keys.uploads["material"], *staged.material_files)
    guide.run.button.click()
    assert guide.report is not None, guide.run.progress.value
    assert guide.report.opinions[0].cause == CHAIN
    assert guide.report.opinions[0].standing == "CONFIRMED"


def test_a_locked_key_store_waits_for_its_password(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """Without a password the file is named as locked; with it, it is opened."""
    guide.endpoint.what.value = "own"
    put(guide.keys.uploads["identity"], *staged.identity_files)
    assert guide.keys.state == "needs"
    assert "Still locked: acme-client.p12" in guide.keys.message.value
    guide.keys.open.click()
    assert "Type the password first" in guide.keys.message.value
    guide.keys.password.value = "not it"
    guide.keys.open.click()
    assert guide.keys.state == "needs"
    assert "This password does not open acme-client.p12" in guide.keys.message.value
    assert "Still locked" not in guide.keys.message.value
    guide.keys.password.value = staged.password
    guide.keys.open.click()
    assert guide.keys.state == "done"
    assert guide.case.identities is not None
    assert guide.case.identities[0].key_matches
    assert not guide.case.problems


def test_of_several_identities_the_chosen_one_is_shown_first(
    guide: Guide, put: Callable[..., None]
) -> None:
    """The list of certificates begins with the first; the one that is chosen leads the case."""
    with scenes.stage("client.wrong-identity") as lab:
        guide.keys.password.value = lab.password
        put(guide.keys.uploads["identity"], *lab.identity_files)
    first, second = guide.case.identities or ()
    assert guide.keys.chosen.index == 0
    assert guide.keys.chosen.layout.display == ""
    guide.keys.chosen.index = 1
    assert guide.case.identities == (second, first)


def test_a_password_that_was_wrong_is_evidence(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """A store that stays locked is part of the case, for that may be the cause."""
    put(guide.keys.uploads["identity"], *staged.identity_files)
    guide.keys.password.value = "not it"
    guide.keys.open.click()
    assert guide.case.identities == ()
    assert guide.case.problems


def test_removing_all_files_forgets_them(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """After that the case is as if nothing had been handed in."""
    put(guide.keys.uploads["trust"], *staged.trust_files)
    assert guide.case.trust
    guide.keys.forget.click()
    assert guide.case.trust is None
    assert guide.case.material == ()
    assert guide.keys.files.children == ()


def test_one_file_of_several_is_removed(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """Its own button takes it away, and the others stay."""
    put(guide.keys.uploads["trust"], *staged.trust_files)
    put(guide.keys.uploads["material"], *staged.material_files)
    first, _ = guide.keys.files.children
    assert "partner-root-ca.pem" in first.children[0].value
    first.children[1].click()
    assert guide.case.trust is None
    assert guide.case.material
    (left,) = guide.keys.files.children
    assert "acme-issuing-ca-2.pem" in left.children[0].value


def test_what_the_files_hold_is_told_and_compared(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """A table of every entry; with a second file, what differs between them. Both are folded."""
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    assert TABLE in guide.keys.table.value
    assert COMPARED not in guide.keys.table.value
    put(guide.keys.uploads["material"], *staged.material_files)
    assert COMPARED in guide.keys.table.value
    assert "<details open" not in guide.keys.table.value
    guide.keys.forget.click()
    assert TABLE not in guide.keys.table.value


def test_of_the_report_the_first_minute_stands_open(after_run: Guide) -> None:
    """What is read later is folded in the guide; in its files nothing is changed."""
    assert after_run.report is not None
    shown = html.unescape(after_run.run.answer.value)
    sections = [one for one in after_run.report.page().blocks if isinstance(one, Section)]
    assert [one.title for one in sections if one.title not in shown] == []
    assert shown.count("<details") >= len(sections) - 3
    assert after_run.report._repr_html_() != shown


def test_asking_can_be_stopped_between_two_versions(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked until then is shown, and the button can be used again."""
    asks, begin = guide.asks, guide.asks.work.start
    monkeypatch.setattr(
        asks.work,
        "start",
        lambda work, told, ended: begin(
            lambda watch: work(replace(watch, stopped=lambda: True)), told, ended
        ),
    )
    asks.button.click()
    assert guide.session.asking is not None
    assert {one.tls for one in guide.session.asking.answers} == {"1.2"}
    assert not asks.button.disabled


def test_enter_in_the_password_field_opens(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """The message that a browser sends for Enter does what the button does."""
    put(guide.keys.uploads["identity"], *staged.identity_files)
    guide.keys.password.value = staged.password
    guide.keys.password._handle_custom_msg({"event": "submit"}, [])
    assert guide.case.identities
    assert guide.keys.password.value == ""


def test_a_key_store_without_a_private_key_is_told(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """A certificate alone is no identity; beside a store with its key it is nothing to warn of."""
    guide.endpoint.what.value = "own"
    put(guide.keys.uploads["identity"], *staged.trust_files)
    assert "partner-root-ca.pem holds no private key; add the key" in guide.keys.message.value
    assert guide.keys.state == "needs"
    assert "none with its key" in guide.run.plan.value
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    assert guide.keys.message.value == ""
    assert guide.keys.state == "done"


def test_the_lab_uses_no_file_that_was_handed_in(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """The guide says so where the files stand, and handing one in takes no answer away."""
    guide.endpoint.scene.value = "network.refused"
    guide.run.button.click()
    put(guide.keys.uploads["trust"], *staged.trust_files)
    assert "the lab does not use them" in guide.keys.message.value
    assert guide.keys.state == "optional"
    assert "uses nothing of this step" in guide.instance.about.value
    assert guide.report is not None


def test_no_widget_holds_a_password_or_a_key_after_a_run(
    guide: Guide,
    staged: Staged,
    put: Callable[..., None],
    widget_state: Callable[[], str],
) -> None:
    """Neither the password nor a part of the key store is left in any widget of the process."""
    call_own(guide, staged)
    guide.keys.password.value = staged.password
    assert staged.password in widget_state()
    put(guide.keys.uploads["identity"], *staged.identity_files)
    guide.run.button.click()
    state, store = widget_state(), staged.identity_files[0].data
    assert guide.report is not None
    assert staged.password not in state
    for start in (0, len(store) // 2):
        piece = store[start : start + 60]
        assert base64.b64encode(piece).decode() not in state
        assert piece.decode("latin-1") not in state
    assert staged.password not in json.dumps(guide._repr_mimebundle_(), default=str)
    assert staged.password not in repr(vars(guide.keys))


SECRET = "https://me:word@test.fabrikam.example:8443/secret?token=abc#more"


def test_an_address_keeps_no_user_and_no_query(
    guide: Guide, widget_state: Callable[[], str]
) -> None:
    """Scheme, host, port and path stay; the fields are rewritten, and the guide says so."""
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = SECRET
    kept = "https://test.fabrikam.example:8443/secret"
    assert guide.endpoint.address.value == guide.instance.url.value == guide.case.url == kept
    assert "may hold a password or a token" in guide.endpoint.message.value
    guide.instance.url.value = kept + "/deeper?token=abc"
    assert guide.instance.url.value == guide.case.url == kept + "/deeper"
    assert "may hold a password or a token" in guide.instance.message.value
    assert "token=abc" not in widget_state()
    assert "me:word" not in widget_state()


@pytest.mark.parametrize("corrected", ["orders.northwind.example:9443", "", "not a host"])
def test_a_corrected_endpoint_drops_what_the_earlier_one_left(guide: Guide, corrected: str) -> None:
    """The path of one company is neither kept nor asked of another."""
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = SECRET
    assert "GET /secret" in guide.run.plan.value
    guide.endpoint.address.value = corrected
    assert guide.case.url is None
    assert guide.instance.url.value == ""
    assert "secret" not in guide.run.plan.value + guide.run.more.value
    assert "GET /" in guide.run.plan.value


def test_an_address_of_step_3_goes_with_its_host(guide: Guide) -> None:
    """What was typed there stays beside a new port, and goes, with a word, with another host."""
    guide.endpoint.what.value = "own"
    guide.instance.url.value = "https://partner.example/orders"
    guide.endpoint.address.value = "partner.example:8443"
    assert guide.case.url == "https://partner.example/orders"
    guide.endpoint.address.value = "other.example:8443"
    assert guide.case.url is None
    assert "another host" in guide.endpoint.message.value
    guide.instance.url.value = "https://partner.example/orders"
    assert "asks it for this path" in guide.instance.message.value


def test_the_address_in_force_can_be_cleared(guide: Guide) -> None:
    """It is then in no run, and choosing a TLS version does not bring it back."""
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = "https://partner.example:8443/orders"
    guide.instance.empty.click()
    guide.endpoint.tls.value = "1.2"
    assert guide.case.url is None
    assert guide.instance.url.value == ""
    assert "GET /" in guide.run.plan.value
    assert "orders" not in guide.run.plan.value


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("partner.example", "port 443 (none was given)"),
        ("https://partner.example/x", "port 443 (none was given)"),
        ("partner.example:443", "port 443<"),
    ],
)
def test_a_port_that_was_taken_for_granted_is_told(guide: Guide, address: str, said: str) -> None:
    """Before the call, where the endpoint is named."""
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = address
    assert said in guide.run.plan.value


def test_a_surprise_is_named_with_its_answer(guide: Guide) -> None:
    """Before the run no widget names it; after the run the answer does; the next is another."""
    guide.endpoint.surprise.click()
    first = guide.session.plan.scene
    assert first is not None
    shown = guide.run.plan.value + guide.run.more.value + guide.run.answer.value
    assert scenes.SCENES[first].title not in shown
    assert f"{first!r}" not in shown
    guide.endpoint.surprise.click()
    assert guide.session.plan.scene != first
    guide.session.intend(scene="network.refused")
    guide.run.button.click()
    assert scenes.SCENES["network.refused"].title in guide.run.more.value


def test_an_answer_that_no_longer_holds_is_told_as_one(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """It is not said that nothing was called; ticking to try further takes nothing away."""
    call_own(guide, staged)
    guide.run.experiments.value = False
    guide.run.button.click()
    assert guide.report is not None
    guide.run.experiments.value = True
    assert guide.report is not None
    put(guide.keys.uploads["trust"], *staged.trust_files)
    assert guide.report is None
    assert "no longer holds" in guide.run.progress.value
    assert "no longer holds" in guide.keep.message.value
    assert "mtls-again" in guide.rail[-3]._dom_classes
    assert "1 certificate<" in guide.run.plan.value


def test_an_acceptance_is_told_as_its_report_tells_it(
    guide: Guide, put: Callable[..., None]
) -> None:
    """What it does not show is said in the line above the report, not only in it."""
    with scenes.stage("none") as lab:
        call_own(guide, lab)
        guide.keys.password.value = lab.password
        put(guide.keys.uploads["identity"], *lab.identity_files)
        guide.run.button.click()
    assert guide.report is not None
    assert guide.report.outcome == "accepted"
    assert "the server was not verified" in guide.run.progress.value
    assert "mtls-warn" in guide.run.progress.value


def test_the_guide_names_its_fields_and_no_options(after_run: Guide) -> None:
    """Texts that name an option for the terminal name the guide's own field here."""
    said = by_fields("Give it with --trust, or (--material).")
    assert said == (
        "Give it in the guide (step 3, Add trust files), or (step 3, Add other certificates)."
    )
    shown = [one.value for one in after_run.checks._said.values()] + [after_run.run.answer.value]
    assert not [text for text in shown if re.search(r"(with|\() ?--(trust|material|set)", text)]


@pytest.mark.parametrize("text", ["not a host", "host:99999", "://", "[::1", "host:port"])
def test_an_address_that_names_no_endpoint_is_told(guide: Guide, text: str) -> None:
    """What cannot be called is said in words beneath the field, and nothing is planned."""
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = text
    assert 'role="alert"' in guide.endpoint.message.value
    assert not guide.session.plan.ready
    assert guide.endpoint.state == "needs"


def test_running_with_nothing_to_call_says_what_is_needed(guide: Guide) -> None:
    """The button answers in words where it stands, and can be used again."""
    guide.endpoint.what.value = "own"
    guide.run.button.click()
    assert "Say in step 1 what you have" in guide.run.progress.value
    assert not guide.run.button.disabled
    assert guide.run.button.description == "Run the diagnosis"


def test_an_endpoint_that_nobody_serves_is_a_report_too(guide: Guide) -> None:
    """Unreachable is an answer, with its cause."""
    guide.endpoint.scene.value = "network.refused"
    guide.run.button.click()
    assert guide.report is not None
    assert guide.report.opinions[0].cause == "network.refused"


def test_a_bug_of_ours_is_told_as_one(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error appears in words, and the button comes back."""

    def broken(_: object) -> None:
        raise TypeError("<b>oops</b>")

    monkeypatch.setattr(guide.session, "to_run", lambda: broken)
    guide.run.button.click()
    assert "bug of mtlskit" in guide.run.progress.value
    assert "<b>oops</b>" not in guide.run.progress.value
    assert not guide.run.button.disabled


def test_a_bug_in_one_step_is_told_there_and_the_others_go_on(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is drawn after a change: an error stands at its place and ends in no log."""

    def broken() -> None:
        raise TypeError("a drawing")

    monkeypatch.setattr(guide.handshake, "_draw", broken)
    guide.endpoint.scene.value = CHAIN
    guide.run.button.click()
    assert "bug of mtlskit" in guide.handshake.message.value
    assert f"Cause: {CHAIN}, confirmed." in guide.run.progress.value
    assert guide.mend.todo.value
    monkeypatch.setattr(guide.session, "add", lambda **_: broken())
    next(iter(guide.checks.answers.values())).value = "yes"
    assert "bug of mtlskit" in guide.checks.message.value


def test_the_button_says_that_it_works_and_cannot_be_pressed_twice(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the work is under way the button is off and names it."""
    seen: list[tuple[bool, str, str]] = []

    def look(_: object) -> None:
        button = guide.run.button
        seen.append((button.disabled, button.description, guide.run.progress.value))

    monkeypatch.setattr(guide.session, "to_run", lambda: look)
    guide.run.button.click()
    assert seen[0][:2] == (True, "Running …")
    assert "one thing at a time" in seen[0][2]


def test_an_answer_by_hand_counts_in_the_checklist(after_run: Guide) -> None:
    """What the engineer answers is kept in the case and judged anew, with or without a report."""
    for guide in (Guide(), after_run):
        row = next(iter(guide.checks.answers))
        guide.checks.answers[row].value = "yes"
        assert guide.case.answers == ((row, "yes"),)
        answered = next(one for one in guide.session.rows if one.id == row)
        assert (answered.answer, answered.by_hand) == ("yes", True)
        guide.checks.answers[row].value = ""
        assert guide.case.answers == ()
    assert after_run.report is not None


def test_exports_are_read_and_a_wrong_file_is_told(guide: Guide, put: Callable[..., None]) -> None:
    """An export fills the settings; a file that is none is named with what to do."""
    export = {
        "records": [{"__class_name": "sys_properties", "name": "glide.httpclient.x", "value": "1"}]
    }
    put(guide.instance.upload, Blob(Source("p.json"), json.dumps(export).encode()))
    assert guide.case.settings is not None
    assert "p.json" in guide.instance.table.value
    put(guide.instance.upload, Blob(Source("q.xml"), b""))
    assert "q.xml" in guide.instance.message.value
    assert 'role="alert"' in guide.instance.message.value


def test_an_address_of_the_instance_that_is_none_is_told(guide: Guide) -> None:
    """An address that cannot be read stays out of the case; a good one comes in."""
    guide.instance.url.value = "https://[::1/orders"
    assert 'role="alert"' in guide.instance.message.value
    assert guide.case.url is None
    guide.instance.url.value = "https://partner.example:8443/orders"
    assert guide.instance.message.value == ""
    assert guide.case.url == "https://partner.example:8443/orders"


def test_the_report_is_saved_beside_the_notebook(
    after_run: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three files are written and linked; a second save writes over none of them."""
    monkeypatch.chdir(tmp_path)
    after_run.keep.stem.value = "../case 17"
    after_run.keep.button.click()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"case-17.html", "case-17.md", "case-17.json"}
    shown = json.dumps(after_run.keep.links.outputs)
    assert all(f"({name})" in shown for name in names)
    after_run.keep.button.click()
    assert {path.name for path in tmp_path.iterdir()} - names == {
        "case-17-2.html",
        "case-17-2.md",
        "case-17-2.json",
    }
    assert states(after_run)[-1] == "mtls-done"
    row = next(iter(after_run.checks.answers))
    after_run.checks.answers[row].value = "yes"
    assert "has changed since it was saved" in after_run.keep.message.value
    after_run.checks.answers[row].value = ""


def test_what_a_level_hides_is_shown_before_it_is_saved(
    after_run: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name with its placeholder; the files then hold none of them, the preview stays here."""
    monkeypatch.chdir(tmp_path)
    keep, report = after_run.keep, after_run.report
    assert report is not None
    assert "every name and address stays" in keep.preview.value
    keep.level.value = "names"
    names = [name for name, _ in report.preview("names").replaced]
    assert "Acme Integration Client" in names
    assert f"What is replaced: {len(names)} names" in keep.preview.value
    assert "Acme Integration Client" in keep.preview.value
    assert "Acme Integration Client" not in keep.messages.value
    keep.stem.value = "hidden"
    keep.button.click()
    saved = {path.suffix: path.read_text() for path in tmp_path.iterdir()}
    assert len(saved) == 3
    assert not [1 for text in saved.values() if "Acme Integration Client" in text]
    keep.level.value = "secrets"
    assert "has changed since it was saved" in keep.message.value
    assert "mtls-needs" in after_run.rail[-1]._dom_classes


def test_a_pdf_and_a_notebook_are_made_where_they_are_wanted(
    after_run: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their links stand beside the others; where nothing prints, it is said and what to do."""
    monkeypatch.chdir(tmp_path)
    after_run.keep.stem.value, after_run.keep.pdf.value = "printed", True
    after_run.keep.notebook.value = True
    monkeypatch.setattr(saving, "_printer", lambda: lambda _, pdf: pdf.write_bytes(b"%PDF-"))
    after_run.keep.button.click()
    shown = json.dumps(after_run.keep.links.outputs)
    assert "printed.pdf" in shown
    assert "printed.ipynb" in shown
    after_run.keep.notebook.value = False

    def none() -> None:
        raise saving.NoPdfError("Nothing here prints PDF. Install Chromium.")

    monkeypatch.setattr(saving, "_printer", none)
    after_run.keep.button.click()
    assert ">Nothing here prints PDF. Install Chromium.<" in after_run.keep.message.value
    after_run.keep.pdf.value = False


def test_the_case_is_saved_beside_the_report(
    after_run: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there is no report yet; a second save writes over nothing."""
    monkeypatch.chdir(tmp_path)
    for guide in (Guide(), after_run):
        guide.keep.stem.value = "mine"
        guide.keep.case.click()
        assert "mtls-good" in guide.keep.said.value
    assert {path.name for path in tmp_path.iterdir()} == {"mine.case.json", "mine-2.case.json"}
    assert Guide().open_case("mine-2.case.json").report is not None


def test_a_saved_report_is_compared_with_the_present_one(
    after_run: Guide, tmp_path: Path, put: Callable[..., None]
) -> None:
    """What differs is told with both sides; a file that is no report is named."""
    with scenes.stage("none") as lab:
        good = mtlskit.diagnose(lab.target, identity=lab.identity_files, password=lab.password)
    data = next(p for p in good.save(tmp_path / "good") if p.suffix == ".json").read_bytes()
    guide = Guide()
    put(guide.mend.earlier, Blob(Source("good.json"), data))
    assert "Saved report" in guide.mend.compared.value
    put(after_run.mend.earlier, Blob(Source("good.json"), data))
    assert "The first was accepted, and the second was refused." in after_run.mend.compared.value
    put(after_run.mend.earlier, Blob(Source("x.json"), b"[]"))
    assert "x.json is no saved report" in after_run.mend.said.value


def test_a_call_that_is_made_again_is_followed_where_it_was_begun(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is told in the step of mending, also where it was none; then it can be pressed."""
    guide.endpoint.scene.value = "network.refused"
    guide.run.button.click()
    guide.mend.again.click()
    assert guide.session.before is not None
    assert "Before and after" in guide.mend.after.value
    assert not guide.mend.again.disabled
    assert guide.mend.halt.layout.display == "none"

    def none() -> None:
        raise ValueError("There is no way.")

    monkeypatch.setattr(guide.session, "to_run", none)
    guide.mend.again.click()
    assert "There is no way." in guide.mend.message.value
    assert not guide.mend.again.disabled


def test_two_guides_in_one_kernel_know_nothing_of_each_other(put: Callable[..., None]) -> None:
    """What is given to one is not in the other."""
    first, second = Guide(), Guide()
    first.endpoint.what.value = "own"
    first.endpoint.address.value = "partner.example:8443"
    with scenes.stage(CHAIN) as lab:
        put(first.keys.uploads["trust"], *lab.trust_files)
    assert first.case.trust
    assert second.case.trust is None
    assert second.endpoint.what.value == "lab"
    assert second.session.plan.target is None


def test_there_is_nothing_to_save_before_a_run(guide: Guide) -> None:
    """The button is off, and the step says why."""
    assert guide.keep.button.disabled
    assert rail.where(rail.DIAGNOSIS) in guide.keep.message.value


def test_opening_the_guide_again_brings_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running the cell again shows the guide as it was left; `fresh` begins anew."""
    monkeypatch.setattr("mtlskit.desk.guide._OPEN", [])
    first = open_guide()
    first.rail[3].click()
    assert open_guide() is first
    assert open_guide().at == 3
    assert open_guide(fresh=True) is not first
    assert open_guide().at == 0


def test_without_the_notebook_parts_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A missing extra is named when the guide is opened, and not before."""
    monkeypatch.delitem(sys.modules, "mtlskit.desk.guide")
    monkeypatch.delattr("mtlskit.desk.guide")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'mtlskit\[notebook\]'"):
        open_guide()


def test_where_no_widget_can_be_drawn_a_sentence_stands(guide: Guide) -> None:
    """The static form of the guide says what to do, and holds nothing of what was typed."""
    bundle = guide._repr_mimebundle_()
    assert bundle["text/plain"].startswith("The guide is a form")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_every_control_of_the_guide_has_words_and_no_emoji(guide: Guide) -> None:
    """Whoever cannot see the form hears what each control is for."""

    def beneath(widget: widgets.Widget) -> Iterator[widgets.Widget]:
        yield widget
        for child in getattr(widget, "children", ()):
            yield from beneath(child)

    controls = [
        w for w in beneath(guide._ui) if hasattr(w, "description") and hasattr(w, "tooltip")
    ]
    said = [w.description for w in controls if not isinstance(w, widgets.HTML | widgets.Label)]
    assert len(said) > 20
    assert all(re.fullmatch(r"[A-Za-z0-9].*", text) for text in said)
    assert all(ord(letter) < 0x2E80 for text in said for letter in text)
