"""A live attempt against `openssl s_server` and nginx: servers that nobody here wrote."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab.pki import pem, write_private
from mtlskit.material import Tap, Target
from mtlskit.wire.conversation import ApplicationData, Seen
from mtlskit.wire.messages import Alert

if TYPE_CHECKING:
    from conftest import Parties

    Told = Callable[[Tap], list[Seen]]
    Program = Callable[[str], str]

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    ssl_client_certificate {folder}/trust.pem; ssl_verify_client on; ssl_verify_depth 3;
    location / {{ return 200 "welcome"; }}
  }}
}}
"""


@contextmanager
def running(command: list[str], target: Target) -> Iterator[Target]:
    """Runs a server until the test is done with it."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(process, target)
            yield target
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[bytes], target: Target) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection((target.host, target.port), 1):
            return
        time.sleep(0.01)
    pytest.fail("the server did not start")


def free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as holder:
        return holder.getsockname()[1]


@pytest.fixture
def folder(parties: Parties, tmp_path: Path) -> Path:
    """The server's files."""
    write_private(tmp_path / "chain.pem", parties.server.pem_chain())
    write_private(tmp_path / "leaf.pem", parties.server.pem_chain(chain=False))
    write_private(tmp_path / "key.pem", parties.server.pem_key())
    write_private(tmp_path / "trust.pem", pem([parties.client_root.certificate]))
    return tmp_path


def s_server(program: Program, folder: Path, version: str, host: str = "127.0.0.1") -> list[str]:
    port = free_port(host)
    bracketed = f"[{host}]" if ":" in host else host
    files = ["-cert", "leaf.pem", "-cert_chain", "chain.pem", "-key", "key.pem"]
    files = [str(folder / one) if one.endswith(".pem") else one for one in files]
    demand = ["-CAfile", str(folder / "trust.pem"), "-Verify", "3", "-verify_return_error"]
    return [
        program("openssl"), "s_server", "-accept", f"{bracketed}:{port}", *files, *demand,
        f"-tls{version.replace('.', '_')}", "-www", "-quiet",
    ]  # fmt: skip


def alerts(seen: list[Seen]) -> list[int]:
    return [one.item.description for one in seen if one.sender == "server"
            and isinstance(one.item, Alert) and one.item.description]  # fmt: skip


def answer(seen: list[Seen]) -> bytes:
    said = [one.item for one in seen if one.sender == "server"]
    return b"".join(item.data for item in said if isinstance(item, ApplicationData))


@pytest.mark.needs("openssl")
@BOTH
def test_openssl_answers_and_refuses(
    parties: Parties, told: Told, folder: Path, program: Program, version: str
) -> None:
    """With an identity a page comes; without one, and with a strange one, the alert."""
    command = s_server(program, folder, version)
    target = Target("127.0.0.1", int(command[3].rsplit(":", 1)[1]))
    stranger = parties.identity(parties.issuing.client("Stranger"))
    with running(command, target):
        good = connect(Call(target, identity=parties.identity(), request=HttpRequest()))
        none = connect(Call(target, request=HttpRequest()))
        bad = connect(Call(target, identity=stranger, request=HttpRequest()))
        short = connect(Call(target, identity=parties.identity(), chain=(), request=HttpRequest()))
    assert answer(told(good)).startswith(b"HTTP/1.0 200 ok")
    assert alerts(told(none)) == [116 if version == "1.3" else 40]
    assert alerts(told(bad)) == [48]
    assert alerts(told(short)) == [48]


@pytest.mark.needs("openssl")
def test_openssl_answers_on_ipv6(
    parties: Parties, told: Told, folder: Path, program: Program
) -> None:
    """An IPv6 address is called and verified like any other."""
    try:
        command = s_server(program, folder, "1.3", "::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    target = Target("::1", int(command[3].rsplit(":", 1)[1]))
    trust = (parties.identity(parties.root).certificate,)
    with running(command, target):
        call = Call(target, identity=parties.identity(), trust=trust, request=HttpRequest())
        tap = connect(call)
    assert answer(told(tap)).startswith(b"HTTP/1.0 200 ok")


@pytest.mark.needs("nginx")
@BOTH
def test_nginx_refuses_by_a_page(
    parties: Parties, told: Told, folder: Path, program: Program, version: str
) -> None:
    """A refusal that comes as an HTTP answer, without any alert, is read."""
    target = Target("127.0.0.1", free_port())
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=target.port))
    stranger = parties.identity(parties.issuing.client("Stranger"))
    versions = (version, version)
    with running([program("nginx"), "-c", str(config), "-e", str(folder / "error")], target):
        calls = [
            Call(target, identity=one, versions=versions, request=HttpRequest())
            for one in (parties.identity(), None, stranger)
        ]
        good, none, bad = (told(connect(call)) for call in calls)
    assert answer(good).startswith(b"HTTP/1.1 200 OK")
    assert b"400 No required SSL certificate was sent" in answer(none)
    assert b"400 The SSL certificate error" in answer(bad)
    assert alerts(good) + alerts(none) + alerts(bad) == []
