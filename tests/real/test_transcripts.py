"""Transcripts of real clients at real servers: openssl, curl and gnutls-cli, in every form.

Whatever form a transcript has, it names the right side, alert and sending, or none. It may not
know; it is never wrong.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from mtlskit.lab import scenery
from mtlskit.lab.scenes import Staged, stage
from mtlskit.lab.stacks import STACKS
from mtlskit.material import Source
from mtlskit.trace.dialects.reader import read_log
from mtlskit.trace.events import Trace

SCENES = ("client.no-identity", "client.expired", "client.chain-incomplete", "server.expired")
FORMS = ("openssl", "openssl -state", "openssl -msg", "openssl -trace", "curl", "gnutls-cli")
_PATIENCE = 15.0

pytestmark = pytest.mark.needs("openssl", "curl", "gnutls-cli", "node")


@dataclass(frozen=True)
class Played:
    """A scene on a server, the files a client needs for it, and what the wire showed."""

    staged: Staged
    folder: Path
    wire: Trace
    sends: int | None

    def command(self, form: str, program: Callable[[str], str]) -> list[str]:
        """The client's command line."""
        tool, _, more = form.partition(" ")
        files = {name: str(self.folder / f"{name}.pem") for name in ("chain", "key", "trust")}
        host, port = self.staged.server_name, self.staged.target.port
        has = self.sends != 0
        if tool == "curl":
            version = ["--tlsv1.3"] if self.staged.tls == "1.3" else ["--tls-max", "1.2"]
            own = ["--cert", files["chain"], "--key", files["key"]] if has else []
            at = ["--resolve", f"{host}:{port}:127.0.0.1", f"https://{host}:{port}/"]
            return [program("curl"), "-sSv", *version, "--cacert", files["trust"], *own, *at]
        if tool == "gnutls-cli":
            own = ["--x509certfile", files["chain"], "--x509keyfile", files["key"]] if has else []
            rule = f"NORMAL:-VERS-ALL:+VERS-TLS{self.staged.tls}"
            return [program("gnutls-cli"), "--priority", rule, "--x509cafile", files["trust"],
                    "--sni-hostname", host, "--verify-hostname", host, *own,
                    "-p", str(port), "127.0.0.1"]  # fmt: skip
        own = ["-cert", files["chain"], "-key", files["key"]]
        issuers = self.folder / "issuers.pem"
        own += ["-cert_chain", str(issuers)] if issuers.exists() else []
        version = "-tls1_3" if self.staged.tls == "1.3" else "-tls1_2"
        return [program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-servername",
                host, version, "-CAfile", files["trust"], "-verify_return_error",
                "-ign_eof", *([more] if more else []), *(own if has else [])]  # fmt: skip


@pytest.fixture(
    scope="module",
    params=[(name, scene, tls) for name in ("openssl-www", "node") for scene in SCENES
            for tls in ("1.2", "1.3")],
    ids="-".join,
)  # fmt: skip
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """A scene on a server that answers with alerts, and on one that is silent."""
    name, scene, tls = request.param
    with stage(scene, tls, stack=STACKS[name]) as staged:
        folder = tmp_path_factory.mktemp("client")
        sends = _written(staged, folder)
        yield Played(staged, folder, scenery.met(staged), sends)


def _written(staged: Staged, folder: Path) -> int:
    """Write what the client has; say how many certificates it will send."""
    (folder / "trust.pem").write_bytes(b"\n".join(one.data for one in staged.trust_files))
    usable = [one for one in scenery.holding(staged).identities or () if one.key]
    if not usable:
        return 0
    own = usable[0]
    pem = serialization.Encoding.PEM
    assert own.key is not None
    chain = [own.certificate, *own.chain]
    (folder / "chain.pem").write_bytes(b"".join(_pem(one.der) for one in chain))
    if own.chain:
        (folder / "issuers.pem").write_bytes(b"".join(_pem(one.der) for one in own.chain))
    (folder / "key.pem").write_bytes(
        own.key.unlocked().private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return len(chain)


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("form", FORMS)
def test_a_transcript_is_right_or_does_not_know(
    played: Played, form: str, program: Callable[[str], str]
) -> None:
    """Side, alert and what was sent are those of the scene, or open."""
    run = subprocess.run(
        played.command(form, program), input=b"GET / HTTP/1.0\r\n\r\n", timeout=_PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    text = run.stdout.decode("utf-8", "replace")
    log = read_log(text.splitlines(), Source(form))
    assert log.traces, text
    told = log.traces[-1]
    scene = played.staged.scene
    assert told.ended.refused_by in (None, scene.refused_by), text
    assert told.tls in (None, played.staged.tls)
    if scene.refused_by == "server":
        assert told.ended.outcome != "accepted", text
        assert told.ended.symptom.alert in (None, played.wire.ended.symptom.alert), text
        assert told.client_chain is None or len(told.client_chain) == played.sends, text
        expected = {"client-certificate"} if played.staged.tls == "1.2" else {"after-handshake"}
        assert told.ended.stage in {None, *expected}, text
