"""Every scene really shows what it declares, to a client that none of this project wrote."""

from __future__ import annotations

import socket
import ssl
import stat
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from mtlskit.lab.pki import write_private
from mtlskit.lab.plots import PLOTS
from mtlskit.lab.scenes import SCENES, Scene, Staged, Version, stage
from mtlskit.trace.events import Outcome, RefusedBy, Stage

_ALERTS = {  # RFC 8446, 6, as OpenSSL says them
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    48: "unknown ca",
    70: "protocol version",
    112: "unrecognized name",
    120: "no application protocol",
    116: "certificate required",
}
_UNUSABLE = {  # scenes whose identity a client cannot even load
    "client.no-identity/no-key",
    "client.key-mismatch",
    "client.key-locked",
    "client.store-unreadable",
}
# Where curl breaks off, by the stage at which a server's alert reaches it.
_BREAKS = {
    "hello": "broke in the handshake",
    "client-certificate": "broke in the handshake",
    "after-handshake": "broke while reading",
}
_QUIET = {  # scenes in which no alert is sent
    "protocol.not-tls": ("broke in the handshake", "wrong version number"),
    "protocol.not-tls/greeting": ("broke in the handshake", "wrong version number"),
    "network.refused": ("not connected", "connect to"),
    "network.unresolved": ("unresolved", "partner-api.invalid"),
    "network.reset": ("broke in the handshake", "reset by peer"),
    "network.timeout": ("timed out", "timed out"),
    "network.proxy": ("broke while reading", "403"),
}

every_scene = pytest.mark.parametrize("scene_id", SCENES)
both_versions = pytest.mark.parametrize("tls", get_args(Version))


def _by_alert(scene: Scene) -> bool:
    return scene.refused_by == "server" and scene.http is None


@pytest.mark.needs("curl")
@both_versions
@pytest.mark.parametrize("scene_id", [one.id for one in SCENES.values() if _by_alert(one)])
def test_server_refuses_as_declared(
    scene_id: str, tls: Version, curl: Callable[..., Any], tmp_path: Path
) -> None:
    """Where the server refuses by alert, curl hears that very alert at that very stage."""
    with stage(scene_id, tls) as staged:
        heard = curl(staged, identity=scene_id not in _UNUSABLE)
        scene = staged.scene
        assert staged.endpoint.visits(1)[-1].ended is not None
        if (tls, scene.alert[tls]) == ("1.2", 45):
            # Here curl takes the alert for a complaint of its own; Python does not.
            assert "ALERT_CERTIFICATE_EXPIRED" in _python_hears(staged, tmp_path)
        else:
            assert heard.end == _BREAKS[scene.stage[tls]]
            assert _ALERTS[scene.alert[tls]] in heard.words


def _python_hears(staged: Staged, directory: Path) -> str:
    """Call as Python's own ssl module does, and return why the handshake failed."""
    store = pkcs12.load_pkcs12(staged.identity_files[0].data, staged.password.encode())
    held = [store.cert, *store.additional_certs]
    parts = [one.certificate.public_bytes(Encoding.PEM) for one in held]
    parts.append(store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pair = write_private(directory / "pair.pem", b"".join(parts))
    context = ssl.create_default_context(cadata=staged.trust_files[0].data.decode())
    context.load_cert_chain(pair)
    address = (staged.target.host, staged.target.port)
    with (
        socket.create_connection(address, timeout=10) as sock,
        pytest.raises(ssl.SSLError) as failure,
    ):
        context.wrap_socket(sock, server_hostname=staged.server_name)
    return failure.value.reason


@pytest.mark.needs("curl")
@pytest.mark.parametrize("scene_id", sorted(_UNUSABLE))
def test_unusable_identity_cannot_be_sent(scene_id: str, curl: Callable[..., Any]) -> None:
    """Where the identity is said to be unusable, curl cannot load it and says no word of TLS."""
    with stage(scene_id) as staged:
        assert curl(staged).end == "own certificate unusable"
        assert staged.endpoint.visits(1)[-1].ended == "the client closed the connection"


@pytest.mark.needs("curl")
@both_versions
@pytest.mark.parametrize(
    "scene_id", [one.id for one in SCENES.values() if one.refused_by == "client"]
)
def test_client_refuses_as_declared(scene_id: str, tls: Version, curl: Callable[..., Any]) -> None:
    """Where the client refuses, it is at the server's certificate, and it asks for nothing."""
    with stage(scene_id, tls) as staged:
        assert curl(staged).end == "refused the server"
        assert staged.scene.stage[tls] == "server-certificate"
        (visit,) = staged.endpoint.visits(1)
        assert visit.status is None
        # curl compares the name only after the handshake, and then takes its leave.
        by_name = scene_id == "server.name-mismatch"
        if "via" in staged.manner:  # the endpoint met the proxy alone, which shows no certificate
            assert "peer did not return a certificate" in visit.ended
            return
        assert visit.ended == "the client said goodbye" if by_name else "alert" in visit.ended


@pytest.mark.needs("curl")
@both_versions
@pytest.mark.parametrize("scene_id", [one.id for one in SCENES.values() if one.http])
def test_answer_is_as_declared(scene_id: str, tls: Version, curl: Callable[..., Any]) -> None:
    """Where TLS succeeds, the page that comes has the declared status."""
    with stage(scene_id, tls) as staged:
        heard = curl(staged)
        assert (heard.end, heard.http) == ("answered", staged.scene.http)
        (visit,) = staged.endpoint.visits(1)
        assert visit.version == f"TLSv{tls}"
        asked = scene_id != "server.does-not-ask"
        assert (visit.client is not None) == asked


@pytest.mark.needs("curl")
@pytest.mark.parametrize("scene_id", _QUIET)
def test_failure_without_a_word_is_as_declared(scene_id: str, curl: Callable[..., Any]) -> None:
    """Where no TLS alert is sent, curl meets the failure that the scene's name says."""
    with stage(scene_id) as staged:
        heard = curl(staged, patience=1 if scene_id == "network.timeout" else 10)
        end, words = _QUIET[scene_id]
        assert heard.end == end
        assert words in heard.words


@pytest.mark.needs("curl")
@both_versions
@pytest.mark.parametrize("scene_id", PLOTS)
def test_mending_helps(scene_id: str, tls: Version, curl: Callable[..., Any]) -> None:
    """With what the client holds put right, the same endpoint answers 200."""
    with stage(scene_id, tls) as staged:
        if staged.mended is None:
            assert staged.scene.cause.split(".")[0] != "client"
            return
        heard = curl(staged.mended)
        assert (heard.end, heard.http) == ("answered", 200)


def test_material_at_hand_completes_the_chain() -> None:
    """The issuer that lies beside the store in chain-incomplete is the one that is missing."""
    with stage("client.chain-incomplete") as staged:
        held = [_certificates(one) for one in (staged, staged.mended)]
        assert held[1] - held[0] == {staged.material_files[0].data}


def _certificates(staged: Staged) -> set[bytes]:
    """Read the issuers in a staging's key store, as PEM."""
    store = pkcs12.load_pkcs12(staged.identity_files[0].data, staged.password.encode())
    return {one.certificate.public_bytes(Encoding.PEM) for one in store.additional_certs}


def test_every_scene_is_told_and_plotted() -> None:
    """The stories and the plots name the same scenes."""
    assert set(SCENES) == set(PLOTS)


@every_scene
def test_declaration_keeps_to_the_vocabulary(scene_id: str) -> None:
    """Cause, outcome, side and stage of a scene are words that the kit's reports use."""
    scene = SCENES[scene_id]
    causes = files("mtlskit.diagnosis").joinpath("causes.toml").read_text(encoding="utf-8")
    assert scene.cause in tomllib.loads(causes)
    assert scene.outcome in get_args(Outcome)
    assert scene.refused_by in (None, *get_args(RefusedBy))
    assert set(scene.stage) == set(get_args(Version))
    assert set(scene.stage.values()) <= {None, *get_args(Stage)}


@every_scene
def test_story_is_told_in_two_sentences(scene_id: str) -> None:
    """A story has two sentences, and neither names the cause."""
    story = SCENES[scene_id].story
    assert story.count(". ") == 1
    assert story.endswith(".")
    assert SCENES[scene_id].cause not in story


@every_scene
def test_files_are_written_for_their_owner_only(scene_id: str, tmp_path: Path) -> None:
    """The files of a staging hold what the blobs hold, and nobody else may read them."""
    with stage(scene_id, directory=tmp_path) as staged:
        blobs = (*staged.identity_files, *staged.trust_files, *staged.material_files)
        for blob, path in zip(blobs, staged.files, strict=False):
            assert path.read_bytes() == blob.data
        assert {stat.S_IMODE(path.stat().st_mode) for path in staged.files} == {0o600}


def test_no_staging_shows_its_secrets() -> None:
    """Neither password nor key stands in the repr of a staging."""
    with stage("client.expired") as staged:
        assert staged.password not in repr(staged)
        assert "BEGIN" not in repr(staged)


def test_two_stagings_share_nothing() -> None:
    """Each staging has parties, passwords and a port of its own."""
    with stage("none") as one, stage("none") as other:
        assert one.target != other.target
        assert one.password != other.password
        assert one.trust_files[0].data != other.trust_files[0].data


def test_unknown_scene_is_named_with_those_that_are() -> None:
    """Asking for a scene that is not there says which are."""
    with pytest.raises(KeyError, match=r"no scene 'client\.bored'.*client\.expired"):
        stage("client.bored").__enter__()


def test_unknown_version_is_refused() -> None:
    """The lab plays in TLS 1.2 and 1.3 only, and says so."""
    with pytest.raises(ValueError, match=r"TLS 1\.2 and 1\.3"):
        stage("none", "1.1").__enter__()
