import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import mtlskit
from mtlskit.case import Case
from mtlskit.desk.guide import Guide
from mtlskit.desk.kept import holds_case
from mtlskit.desk.pool import AbsentKey, pooled, unpooled
from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Secrets, Source, Unreadable
from mtlskit.report.reopened import reopened
from mtlskit.wire.items import ApplicationData

CHAIN = "client.chain-incomplete"
REFUSED = (ValueError, TypeError, LookupError, AttributeError, ImportError)


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    with scenes.stage(CHAIN, tls="1.3") as lab:
        yield lab


def called(staged: Staged, put: Callable[..., None]) -> Guide:
    """A guide that has called an endpoint of one's own, with a key store and its password."""
    guide = Guide()
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = str(staged.target)
    guide.endpoint.server_name.value = staged.server_name
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    put(guide.keys.uploads["trust"], *staged.trust_files)
    put(guide.keys.uploads["material"], *staged.material_files)
    guide.checks.answers[next(iter(guide.checks.answers))].value = "no"
    guide.asks.button.click()
    guide.run.button.click()
    return guide


def standing(guide: Guide) -> list[Any]:
    """List what a guide shows."""
    return [
        [button._dom_classes for button in guide.rail],
        guide.report and guide.report.json(),
        guide.run.answer.value,
        guide.run.more.value,
        guide.asks.answer.value,
        guide.asks.matching.value,
        guide.handshake.ladder.value,
        guide.mend.todo.value,
        guide.endpoint.address.value,
        [field.value for field in guide.checks.answers.values()],
        [row.children[0].value for row in guide.keys.files.children],
        [row.children[0].value for row in guide.files.list.children],
        guide.line.answer.value,
    ]


@pytest.fixture(scope="module")
def scene() -> Guide:
    guide = Guide()
    guide.endpoint.scene.value = CHAIN
    guide.asks.button.click()
    guide.run.button.click()
    guide.run.button.click()
    return guide


def test_a_saved_case_of_the_lab_opens_as_it_stood(scene: Guide, tmp_path: Path) -> None:
    """Every step shows the same, and the run before the latest is known too."""
    path = scene.save_case(tmp_path / "one.case.json")
    again = Guide().open_case(path)
    assert standing(again) == standing(scene)
    assert again.session.before is not None
    assert again.case.chosen is (again.case.identities or (None,))[0]


def test_a_saved_case_of_ones_own_keeps_no_secret(
    staged: Staged, put: Callable[..., None], tmp_path: Path
) -> None:
    """It opens with the same report; no key, password or byte of the key store is in the file."""
    guide = called(staged, put)
    path = guide.save_case(tmp_path / "own.case.json")
    text, store = path.read_bytes(), staged.identity_files[0].data
    key, _, _ = pkcs12.load_key_and_certificates(store, (staged.password or "").encode())
    assert key is not None
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for secret in (der, store):
        for start in (0, len(secret) // 3):
            assert secret[start : start + 33].hex().encode() not in text
            assert mtlskit_base64(secret[start : start + 33]) not in text
    assert (staged.password or "").encode() not in text
    again = Guide().open_case(path)
    assert again.report is not None
    assert again.report.json() == (guide.report and guide.report.json())
    assert again.keys.state == "needs"
    assert "no private key" in again.keys.message.value


def mtlskit_base64(data: bytes) -> bytes:
    """Write bytes as the file would."""
    return json.dumps(pooled(data)[0]["bytes"]).strip('"').encode()


def test_a_key_that_was_not_kept_is_asked_for_where_it_is_needed(
    staged: Staged, put: Callable[..., None], tmp_path: Path
) -> None:
    """A run says so in words; the same key store, added again, takes the old one's place."""
    again = Guide().open_case(called(staged, put).save_case(tmp_path / "again.case.json"))
    (identity,) = again.case.identities or ()
    assert isinstance(identity.key, AbsentKey)
    assert identity.key_matches
    again.run.button.click()
    assert "was not kept with the case. Add the key store again" in again.run.progress.value
    again.keys.password.value = staged.password
    put(again.keys.uploads["identity"], *staged.identity_files)
    assert again.keys.state == "done"
    assert len(again.keys.held) == 3
    again.run.button.click()
    assert again.report is not None, again.run.progress.value
    assert again.report.opinions[0].cause == CHAIN


def test_a_case_of_files_opens_as_it_stood(staged: Staged, tmp_path: Path) -> None:
    """Connections, which one is judged, and settings that a file carried."""
    log = b"javax.net.ssl.SSLHandshakeException: Received fatal alert: bad_certificate\n"
    guide = Guide()
    guide.endpoint.what.value = "files"
    export = {"records": [{"__class_name": "sys_properties", "name": "glide.x", "value": "1"}]}
    guide.files.receive(
        [
            Blob(Source("client.log"), log),
            Blob(Source("p.json"), json.dumps(export).encode()),
            *staged.trust_files,
        ]
    )
    guide.run.button.click()
    assert guide.report is not None, guide.run.progress.value
    again = Guide().open_case(guide.save_case(tmp_path / "files.case.json"))
    assert standing(again) == standing(guide)
    assert again.case.settings == guide.case.settings
    assert "From a saved case: p.json" in again.instance.table.value


def test_a_pasted_line_is_explained_again(tmp_path: Path) -> None:
    """What was recognised is kept; the text itself is not."""
    guide = Guide()
    guide.endpoint.what.value = "line"
    guide.line.text.value = "host secret-host: Received fatal alert: bad_certificate"
    guide.line.button.click()
    path = guide.save_case(tmp_path / "line.case.json")
    assert b"secret-host" not in path.read_bytes()
    again = Guide().open_case(path)
    assert standing(again) == standing(guide)
    assert again.run.state == "needs"


def test_a_case_is_opened_where_files_are_dropped(
    scene: Guide, tmp_path: Path, put: Callable[..., None]
) -> None:
    """The guide says that it stands as it stood; a report without a case goes to be compared."""
    blob = Blob(Source("one.case.json"), scene.save_case(tmp_path / "x.json").read_bytes())
    guide = Guide()
    guide.endpoint.what.value = "files"
    put(guide.files.upload, blob)
    assert standing(guide) == standing(scene)
    assert "The case of one.case.json was opened" in guide.files.message.value
    record = json.loads(blob.data)
    del record["kept"]
    other = Guide()
    put(other.files.upload, Blob(Source("report.json"), json.dumps(record).encode()))
    assert "report.json went to step 8" in other.files.message.value
    assert "was refused" in other.mend.compared.value


def test_a_saved_case_is_a_report_too(scene: Guide, tmp_path: Path) -> None:
    """Whoever has no guide reads it as any saved report."""
    path = scene.save_case(tmp_path / "two.case.json")
    blob = Blob(Source("two.case.json"), path.read_bytes())
    assert holds_case(blob)
    assert reopened(blob).outcome == "refused"
    with pytest.raises(FileExistsError):
        scene.save_case(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda own: own["pool"].pop(), "was changed after it was saved"),
        (lambda own: own.update(digest="0"), "was changed after it was saved"),
        (lambda own: own.update(pool=5), "was changed after it was saved"),
    ],
)
def test_a_damaged_case_is_named(
    scene: Guide, tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    """One sentence, and the guide stands as before."""
    record = json.loads(scene.save_case(tmp_path / "d.json").read_text())
    change(record["kept"])
    guide = Guide()
    with pytest.raises(Unreadable, match=says):
        guide.open_case(Blob(Source("d.json"), json.dumps(record).encode()))
    assert guide.report is None


def test_a_case_of_another_version_is_named(
    scene: Guide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that is missing there cannot be made up."""
    monkeypatch.setattr("mtlskit.desk.kept.pooled", lambda _: [{"of": "case:Gone", "has": {}}])
    path = scene.save_case(tmp_path / "v.json")
    with pytest.raises(Unreadable, match=rf"was saved by mtlskit {mtlskit.__version__}"):
        Guide().open_case(path)
    with pytest.raises(Unreadable, match="no saved report"):
        Guide().open_case(Blob(Source("x.json"), b"{}"))


def test_a_case_names_no_file_that_would_be_read(tmp_path: Path) -> None:
    """A path that somebody wrote into it is not opened when a key log comes."""
    own, guide = tmp_path / "own.txt", Guide()
    own.write_text("not theirs")
    guide.files.receive([Blob(Source("client.log"), b"Received fatal alert: bad_certificate\n")])
    record = json.loads(guide.save_case(tmp_path / "p.json").read_text())
    pool = record["kept"]["pool"]
    (node,) = [one for one in pool if one.get("of") == "desk.told:Recording"]
    node["has"]["given"] = str(own)
    digest = hashlib.sha256(json.dumps(pool).encode()).hexdigest()
    record["kept"]["digest"] = digest
    again = Guide().open_case(Blob(Source("p.json"), json.dumps(record).encode()))
    assert [one.name for one in again.files.held] == ["client.log"]
    assert [one.given for one in again.files.held] == [None]


def test_what_is_secret_has_no_form_here() -> None:
    """A key log is refused, the bytes of a file are left out, and a text loses its secrets."""
    with pytest.raises(TypeError, match="Secrets is not kept"):
        pooled(Secrets(("CLIENT_RANDOM 00 11",)))
    said = ApplicationData(b"under the seal")
    assert unpooled(pooled((Blob(Source("x"), b"bytes"), said, "password=hidden"))) == (
        None,
        None,
        "password=[taken out]",
    )


def test_what_is_one_thing_stays_one_thing() -> None:
    """Two references to one value lead to one value again."""
    place = Source("a.pem", ("entry 1",))
    case = Case(problems=(), at=datetime(2026, 1, 2, tzinfo=UTC))
    first, second, told = unpooled(pooled((place, place, case)))
    assert first is second
    assert first == place
    assert told == case


KEYS = ("of", "has", "in", "tuple", "map", "set", "bytes", "time", "key", "certificate", "source")
NAMES = ("case:Case", "material:Source", "os:system", "desk.guide:Guide")
PLAIN = st.none() | st.booleans() | st.integers(-2, 5) | st.text(max_size=4)
JSON = st.recursive(
    PLAIN | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=200)
def test_a_foreign_pool_is_refused(pool: list[Any]) -> None:
    """Whatever JSON stands there, it is read or refused, and nothing but fields is made."""
    try:
        unpooled(pool)
    except REFUSED:
        return


@pytest.mark.parametrize(
    "name", ["os:system", "desk.guide:Guide", "case:Missing", "terminal.door:x"]
)
def test_only_classes_of_evidence_are_made(name: str) -> None:
    """Another module or class is refused by its name."""
    with pytest.raises(REFUSED):
        unpooled([{"of": name, "has": {}}, {"tuple": [[0]]}])
