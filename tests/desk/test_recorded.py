import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlskit.case import Case
from mtlskit.collect.calling import call_of
from mtlskit.collect.capture import read_capture
from mtlskit.collect.given import case_of
from mtlskit.collect.live import connect
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.desk import rail
from mtlskit.desk.guide import Guide
from mtlskit.desk.told import Told, sort_out
from mtlskit.desk.twin import twin
from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Source

CHAIN = "client.chain-incomplete"
ALERT = "javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate"


@pytest.fixture(scope="module")
def staged() -> Staged:
    with scenes.stage(CHAIN, tls="1.3") as lab:
        return lab


@pytest.fixture(scope="module")
def recorded() -> tuple[Blob, Blob]:
    """A capture of a refusal, and its key log."""
    with scenes.stage(CHAIN, tls="1.3") as lab:
        case = case_of(lab.target, lab.identity_files, None, (), (), lab.password)
        tap = connect(call_of(case, None, lab.server_name, 10.0, request=True, manner={}))
    log = "\n".join(tap.secrets.lines)
    return Blob(Source("call.pcapng"), pcapng(tap)), Blob(Source("keys.log"), log.encode())


@pytest.fixture
def guide() -> Guide:
    return Guide()


@pytest.fixture
def files(guide: Guide) -> Guide:
    guide.endpoint.what.value = "files"
    return guide


def test_files_alone_lead_to_a_report(
    files: Guide, recorded: tuple[Blob, Blob], staged: Staged, put: Callable[..., None]
) -> None:
    """A capture, its key log and a key store give the cause, and nobody is called."""
    put(files.files.upload, *recorded, *staged.identity_files)
    assert files.endpoint.state == "done"
    assert "acme-client.p12 went to step 3" in files.files.message.value
    assert "keys.log opened the captures" in files.files.message.value
    files.keys.password.value = staged.password
    files.keys.open.click()
    assert "Nobody is called" in files.run.plan.value
    files.run.button.click()
    assert files.report is not None, files.run.progress.value
    assert files.report.opinions[0].cause == CHAIN
    assert files.case.trace is not None
    assert files.case.trace.asked is not None


def test_a_key_log_that_comes_later_opens_the_capture_too(
    files: Guide, recorded: tuple[Blob, Blob], put: Callable[..., None]
) -> None:
    """Before it the request is sealed; after it, it is seen. It is then forgotten."""
    capture, log = recorded
    put(files.files.upload, capture)
    assert files.case.trace is not None
    assert files.case.trace.asked is None
    put(files.files.upload, log)
    assert files.case.trace.asked is not None
    assert [one.name for one in files.files.held] == ["call.pcapng"]


def test_no_secret_of_a_key_log_is_kept(
    files: Guide,
    recorded: tuple[Blob, Blob],
    put: Callable[..., None],
    widget_state: Callable[[], str],
) -> None:
    """Neither a widget, nor the session, nor the report holds a line of it."""
    put(files.files.upload, *recorded)
    files.run.button.click()
    assert files.report is not None
    secrets = [line.split()[2] for line in recorded[1].data.decode().splitlines()]
    held = "".join(
        (widget_state(), repr(vars(files.files)), repr(vars(files.session)), str(files.report))
    )
    for secret in secrets:
        assert secret not in held
        assert base64.b64encode(secret.encode()).decode()[:40] not in held
    assert base64.b64encode(recorded[0].data[:60]).decode() not in held


def test_a_key_log_without_a_capture_is_told(
    files: Guide, recorded: tuple[Blob, Blob], put: Callable[..., None]
) -> None:
    """It is said that it was forgotten, and with what to hand it in again."""
    put(files.files.upload, recorded[1])
    assert "there is no capture here yet" in files.files.message.value
    assert files.endpoint.state == "needs"


def test_a_file_is_read_where_it_lies(
    files: Guide, recorded: tuple[Blob, Blob], tmp_path: Path
) -> None:
    """A path is read; one that leads nowhere is told by its name, and the field is emptied."""
    (tmp_path / "big.pcapng").write_bytes(recorded[0].data)
    files.files.path.value = str(tmp_path / "big.pcapng")
    files.files.read.click()
    assert files.endpoint.state == "done"
    assert files.files.path.value == ""
    files.files.path.value = str(tmp_path / "none.pcapng")
    files.files.read.click()
    assert "none.pcapng" in files.files.list.children[1].children[0].value
    files.files.list.children[1].children[1].click()
    assert [one.name for one in files.files.held] == ["big.pcapng"]


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 40, b"hello", b"<xml", b"\n\r\r\n" * 9])
def test_a_file_that_is_nothing_known_is_told(
    files: Guide, put: Callable[..., None], data: bytes
) -> None:
    """Whatever it holds, it is named, and the guide goes on."""
    put(files.files.upload, Blob(Source("<b>odd</b>.bin"), data))
    shown = "".join(row.children[0].value for row in files.files.list.children)
    shown += files.files.message.value + "".join(
        row.children[0].value for row in files.keys.files.children
    )
    assert "odd" in shown
    assert "<b>odd" not in shown


def test_exports_go_to_the_settings(files: Guide, put: Callable[..., None]) -> None:
    """The step that reads them gets them, and it is said where they went."""
    export = b'{"records": [{"__class_name": "sys_properties", "name": "x", "value": "1"}]}'
    put(files.files.upload, Blob(Source("p.json"), export))
    assert files.case.settings is not None
    assert f"p.json went to {rail.where(rail.SETTINGS)}" in files.files.message.value


def test_another_connection_can_be_chosen(
    files: Guide, recorded: tuple[Blob, Blob], put: Callable[..., None]
) -> None:
    """The one that shows most is judged at first, and then the one that was chosen."""
    trace = read_capture(recorded[0]).connections[0].trace
    other = recorded[0].data
    for random in trace.randoms:
        other = other.replace(random, random[::-1])  # the same story, another connection
    second = Blob(Source("again.pcapng"), other)
    put(files.files.upload, recorded[0], second)
    case = files.case
    assert len(case.traces) == 2
    assert case.trace is case.traces[0]
    files.files.choose(1)
    case = files.case
    assert case.trace is case.traces[1]
    assert "connection=2" in twin(files.session)


def test_the_script_of_files_finds_what_the_form_finds(
    files: Guide,
    recorded: tuple[Blob, Blob],
    put: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It reads the same files, and judges the same connection."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "call.pcapng").write_bytes(recorded[0].data)
    put(files.files.upload, recorded[0])
    files.run.button.click()
    names: dict = {}
    exec(compile(twin(files.session), "twin", "exec"), names)  # noqa: S102 - the code under test
    assert files.report is not None
    assert names["report"].outcome == files.report.outcome
    assert names["report"].best.cause == files.report.best.cause


def test_one_error_line_leads_to_a_report(guide: Guide) -> None:
    """It is explained where it was pasted, judged without a call, and its script says the same."""
    guide.endpoint.what.value = "line"
    guide.line.text.value = ALERT
    guide.line.whose.value = "client"
    guide.line.button.click()
    assert guide.line.text.value == ""
    assert "The server refused" in guide.line.answer.value
    assert guide.endpoint.state == "done"
    guide.run.button.click()
    assert guide.report is not None
    assert guide.report.refused_by == "server"
    names: dict = {}
    exec(compile(twin(guide.session), "twin", "exec"), names)  # noqa: S102 - the code under test
    assert names["report"].best.cause == guide.report.best.cause


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("  ", "Paste the error first"),
        ("x" * 200_001, "hand it in under Files"),
        ("-----BEGIN PRIVATE KEY-----\ncanary-8823\n", "A private key stood in this text"),
    ],
)
def test_what_is_no_error_line_is_told(
    guide: Guide, pasted: str, said: str, widget_state: Callable[[], str]
) -> None:
    """In words beneath the field, which is empty afterwards."""
    guide.endpoint.what.value = "line"
    guide.line.text.value = pasted
    guide.line.button.click()
    assert said in guide.line.message.value
    assert guide.line.text.value == ""
    assert "canary-8823" not in widget_state()


def test_a_line_that_says_nothing_known_is_told(guide: Guide) -> None:
    """The explanation says what to paste, and a run says what is missing."""
    guide.endpoint.what.value = "line"
    guide.line.text.value = "<script>oops</script>"
    guide.line.button.click()
    assert "<script>oops" not in guide.line.answer.value
    assert guide.endpoint.state == "needs"
    guide.run.button.click()
    assert "nothing to judge yet" in guide.run.progress.value


def test_each_way_to_begin_keeps_what_it_was_given(
    guide: Guide, recorded: tuple[Blob, Blob], put: Callable[..., None]
) -> None:
    """Looking at another way and coming back loses nothing, and mixes nothing."""
    guide.endpoint.what.value = "files"
    put(guide.files.upload, recorded[0])
    guide.endpoint.what.value = "line"
    assert guide.case.trace is None
    guide.line.text.value = ALERT
    guide.line.button.click()
    guide.endpoint.what.value = "own"
    assert guide.case == Case()
    guide.endpoint.what.value = "files"
    assert [one.source.name for one in guide.case.traces] == ["call.pcapng"]
    guide.endpoint.what.value = "line"
    assert re.search(r"pasted text", str(guide.case.trace.source if guide.case.trace else ""))


def test_nothing_given_is_nothing_sorted() -> None:
    """No file, no recording; and nothing told adds nothing to a case but its emptiness."""
    assert sort_out([]).recordings == ()
    assert Told().added_to(Case()) == Case()
