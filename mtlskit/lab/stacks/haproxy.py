"""HAProxy, which ends TLS and answers by itself. Law of this file: it writes one configuration."""

from __future__ import annotations

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found, switches
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_ASKS = {"require": "required", "optional": "optional", "no": "none"}
_CONFIG = """\
global
  noreuseport
  log stdout format raw daemon debug
  tune.ssl.default-dh-param 2048
defaults
  mode http
  log global
  option httplog
  timeout connect 10s
  timeout client 10s
  timeout server 10s
frontend lab
  bind {address} {tls}
  http-request return status {status} content-type text/html file {page}
"""


def _tls(setup: Setup, room: Room) -> str:
    if setup.plain:
        return ""
    low, high = setup.versions
    words = ["ssl", "crt", room.path("pair.pem"), "ssl-min-ver", f"TLSv{low}"]
    words += ["ssl-max-ver", f"TLSv{high}", "verify", switches(setup, _ASKS)]
    if setup.asks != "no":
        words += ["ca-file", room.path("list.pem"), "ca-verify-file", room.path("trust.pem")]
    if setup.crls:
        words += ["crl-file", room.path("crl.pem")]
    if setup.ciphers:
        words += ["ciphers", setup.ciphers[0], "ciphersuites", setup.ciphers[1]]
    if setup.names:
        words.append("strict-sni")
    return " ".join(words)


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    config = _CONFIG.format(
        address=f"{room.host}:{room.port}",
        tls=_tls(setup, room),
        status=setup.status,
        page=room.path("page.html"),
    )
    return Launch((program, "-db", "-f", str(room.write("haproxy.cfg", config))))


HAPROXY = Stack(
    name="haproxy",
    library="OpenSSL",
    can=frozenset({"optional", "status", "ca-list", "crl", "ciphers", "names", "plain"}),
    find=found("haproxy"),
    ask_version=asked("-v", pattern=r"version (\d+\.\d+\.\d+)"),
    launch=_launch,
    measured_as="haproxy",
    starter=started,
)
