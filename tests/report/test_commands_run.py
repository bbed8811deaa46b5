"""The printed commands, run as they are printed: they see what mtlskit saw, and mend what it says.

Real bash, OpenSSL, curl and keytool against a real TLS server of the lab on loopback.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import mtlskit
from mtlskit.lab import scenes
from mtlskit.lab.cast import HOST, Cast
from mtlskit.lab.endpoint import serve
from mtlskit.lab.pki import write_private
from mtlskit.lab.servers import tls as tls_server
from mtlskit.report import Report
from mtlskit.report.commands import Check, checks
from mtlskit.report.mending import mends

pytestmark = pytest.mark.needs("openssl", "curl", "keytool")
PASSWORD = "a b'$c"


@dataclass(frozen=True)
class Ran:
    """What the commands said, and how the last one ended."""

    said: str
    status: int


def run(steps: Iterable[Check], folder: Path, password: str) -> Ran:
    """Run the commands in one bash, the password typed in."""
    script = "\n".join(["set -o pipefail", *(one.command for one in steps)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        input=f"{password}\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "LC_ALL": "C", "JAVA_TOOL_OPTIONS": "-Duser.language=en"},
    )
    return Ran(done.stdout + done.stderr, done.returncode)


def diagnosed(staged: scenes.Staged) -> Report:
    """The report of the scene as it stands on the disk."""
    written = {path.name: path for path in staged.files}
    return mtlskit.diagnose(
        staged.target,
        identity=[written[one.source.name] for one in staged.identity_files],
        trust=[written[one.source.name] for one in staged.trust_files],
        material=[written[one.source.name] for one in staged.material_files],
        password=staged.password,
        server_name=staged.server_name,
        url=staged.url,
        tls=staged.tls,
        timeout=5.0,
    )


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_curl_sees_the_same_refusal_and_the_mended_store_is_accepted(
    tmp_path: Path, tls: scenes.Version
) -> None:
    """A PKCS#12 file: refused with the same alert, mended by its commands, then accepted."""
    with scenes.stage("client.chain-incomplete", tls, directory=tmp_path) as staged:
        report = diagnosed(staged)
        assert report.outcome == "refused"
        assert staged.password is not None
        checked = run(checks(report.case), tmp_path, staged.password)
        mended = run(mends(report.case), tmp_path, staged.password)
    assert checked.status != 0
    assert "Acceptable client certificate CA names" in checked.said
    assert "Certificate chain length: 1" in checked.said
    assert "alert unknown ca" in checked.said
    assert mended.status == 0, mended.said
    assert "200 OK" in mended.said
    assert staged.password not in "".join(one.command for one in mends(report.case))


def _held(tmp_path: Path, tls: str, kind: str) -> tuple[Cast, list[Path], Path]:
    """A client whose store lacks its intermediate: its files, and the intermediate's."""
    cast = Cast(tls)
    good = cast.good
    at_hand = tmp_path / "issuing ca.pem"
    at_hand.write_bytes(good.pem_chain().split(b"-----END CERTIFICATE-----\n")[1] + _END)
    if kind == "pem":
        cert = write_private(tmp_path / "client.pem", good.pem_chain(chain=False))
        return cast, [cert, write_private(tmp_path / "client.key", good.pem_key())], at_hand
    p12 = write_private(tmp_path / "client.p12", good.p12(PASSWORD, "Alias 1", chain=False))
    if kind == "pkcs12":
        return cast, [p12], at_hand
    jks = tmp_path / "client.jks"
    convert = (
        "keytool -importkeystore -noprompt -srckeystore client.p12 -srcstorepass:env P "
        "-destkeystore client.jks -deststoretype JKS -deststorepass:env P"
    )
    env = {**os.environ, "P": PASSWORD}
    subprocess.run(["bash", "-c", convert], cwd=tmp_path, env=env, check=True, capture_output=True)
    p12.unlink()
    return cast, [jks], at_hand


_END = b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("kind", ["pem", "pkcs12", "jks"])
def test_each_kind_of_store_is_mended_in_its_own_way(tmp_path: Path, kind: str) -> None:
    """What was refused is accepted after the commands for this kind of store were run."""
    cast, files, at_hand = _held(tmp_path, "1.3", kind)
    with serve(tls_server(cast.endpoint())) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target,
            identity=files,
            material=at_hand,
            password=PASSWORD,
            tls="1.3",
            timeout=5.0,
        )
        assert (report.outcome, report.opinions[0].standing) == ("refused", "CONFIRMED")
        before = run(checks(report.case), tmp_path, PASSWORD)
        kept = {path: path.read_bytes() for path in files}
        after = run(mends(report.case), tmp_path, PASSWORD)
    assert before.status != 0
    assert "alert unknown ca" in before.said
    assert after.status == 0, after.said
    assert "200 OK" in after.said
    assert {path: path.read_bytes() for path in files} == kept


def test_another_identity_is_tried_by_curl_too(tmp_path: Path) -> None:
    """Where another identity was accepted, the commands call with that one."""
    with scenes.stage("client.wrong-identity", "1.3", directory=tmp_path) as staged:
        report = diagnosed(staged)
        assert report.opinions[0].standing == "CONFIRMED"
        assert staged.password is not None
        before = run(checks(report.case), tmp_path, staged.password)
        after = run(mends(report.case), tmp_path, staged.password)
    assert before.status != 0
    assert after.status == 0, after.said
    assert "200 OK" in after.said


def test_a_store_that_the_call_does_not_use_is_tried_by_curl(tmp_path: Path) -> None:
    """The key store lies among the further material; the commands call with it."""
    cast = Cast("1.3")
    store = write_private(tmp_path / "unused.p12", cast.good.p12(PASSWORD, "Alias 1"))
    with serve(tls_server(cast.endpoint())) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, material=store, password=PASSWORD, tls="1.3", timeout=5.0
        )
        assert report.opinions[0].cause == "client.no-identity"
        after = run(mends(report.case), tmp_path, PASSWORD)
    assert after.status == 0, after.said
    assert "200 OK" in after.said


@pytest.mark.parametrize(
    ("settings", "wishes", "cause"),
    [
        ({"names": (HOST,)}, {"server_name": "elsewhere.example"}, "protocol.sni"),
        ({"versions": ("1.3", "1.3")}, {"server_name": HOST, "tls": "1.2"}, "protocol.version"),
    ],
    ids=["name", "version"],
)
def test_a_call_that_is_mended_by_its_name_or_version_is_made_so_by_curl(
    tmp_path: Path, settings: dict[str, object], wishes: dict[str, str], cause: str
) -> None:
    """The store stays as it is; curl makes the call as it was accepted."""
    cast = Cast("1.3")
    made = write_private(tmp_path / "client.pem", cast.good.pem_chain() + cast.good.pem_key())
    with serve(tls_server(replace(cast.endpoint(), **settings))) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target, identity=made, url=f"https://{HOST}/", timeout=5.0, **wishes
        )
        assert (report.opinions[0].cause, report.opinions[0].standing) == (cause, "CONFIRMED")
        before = run(checks(report.case), tmp_path, "")
        after = run(mends(report.case), tmp_path, "")
    assert before.status != 0
    assert after.status == 0, after.said
    assert "200 OK" in after.said
