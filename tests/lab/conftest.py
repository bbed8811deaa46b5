"""An outside client for the lab's tests: curl, which none of this project's code has a part in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtlskit.lab.pki import write_private
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob

_ENDS = {  # curl's exit status (its manual, "EXIT CODES")
    0: "answered",
    5: "no proxy",
    6: "unresolved",
    7: "not connected",
    28: "timed out",
    35: "broke in the handshake",
    56: "broke while reading",
    58: "own certificate unusable",
    60: "refused the server",
}

_NO_OPINION = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = usual
[usual]
CipherString = DEFAULT@SECLEVEL=0
"""


@dataclass(frozen=True)
class Heard:
    """What an outside client met: how it ended, its words, the HTTP status and page."""

    end: str
    words: str
    http: int | None
    page: str


@pytest.fixture
def curl(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., Heard]:
    """Calls a staged endpoint as the staging says, with or without its first identity."""
    config = tmp_path / "openssl.cnf"

    def written(blob: Blob) -> str:
        return str(write_private(tmp_path / blob.source.name, blob.data))

    def call(staged: Staged, *, identity: bool = True, patience: float = 10) -> Heard:
        host = staged.server_name if staged.target.host == "127.0.0.1" else staged.target.host
        port = staged.target.port
        low, high = staged.versions
        told = [
            "silent",
            "show-error",
            f"max-time = {patience}",
            f"tlsv{low}",
            f"tls-max = {high}",
            'write-out = "\\n%{http_code}"',
            f'resolve = "{staged.server_name}:{port}:127.0.0.1"',
            f'cacert = "{written(staged.trust_files[0])}"',
            f'url = "https://{host}:{port}/orders"',
        ]
        # All that curl can be told of this: to offer HTTP/1.1 alone, or nothing.
        told.append("http1.1" if "alpn" in staged.manner else "no-alpn")
        if "via" in staged.manner:
            told.append(f'proxy = "{staged.manner["via"]}"')
        schemes = ":".join(staged.manner.get("schemes", ()))
        config.write_text(_NO_OPINION + (f"SignatureAlgorithms = {schemes}\n" if schemes else ""))
        if identity and staged.identity_files:
            file = staged.identity_files[0]
            kind = "P12" if file.source.name.endswith(".p12") else "PEM"
            told += [f'cert = "{written(file)}:{staged.password}"', f"cert-type = {kind}"]
        done = subprocess.run(
            [program("curl"), "--disable", "--config", "-"],
            input="\n".join(told),
            capture_output=True,
            text=True,
            timeout=patience + 10,
            check=False,
            env={"OPENSSL_CONF": str(config), "PATH": "/usr/bin:/bin"},
        )
        page, _, status = done.stdout.rpartition("\n")
        return Heard(_ENDS[done.returncode], done.stderr, int(status) or None, page)

    return call
