"""Caddy, which is Go's net/http with a configuration. Law of this file: it writes one Caddyfile."""

from __future__ import annotations

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_MODES = {"require": "require_and_verify", "optional": "verify_if_given"}
_CONFIG = """\
{{
  admin off
  auto_https disable_redirects
  log {{
    level DEBUG
  }}
}}
{name}:{port} {{
  bind {host}
  {tls}
  header Content-Type text/html
  respond "{says}" {status}
}}
"""


def _tls(setup: Setup, room: Room) -> str:
    spoken = [f"tls{one}" for one in setup.versions]
    lines = [f"protocols {' '.join(spoken)}"]
    if setup.asks != "no":
        trust = room.path("trust.pem")
        mode = f"mode {_MODES[setup.asks]}"
        lines.append(f"client_auth {{\n {mode}\n trusted_ca_cert_file {trust}\n}}")
    body = "\n".join(lines)
    return f"tls {room.path('chain.pem')} {room.path('key.pem')} {{\n{body}\n}}"


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    config = _CONFIG.format(
        name=setup.names[0] if setup.names else "",
        port=room.port,
        host=room.host,
        tls=_tls(setup, room),
        says=setup.says.replace('"', "'"),
        status=setup.status,
    )
    file = room.write("Caddyfile", config)
    homes = (("HOME", str(room.folder)), ("XDG_DATA_HOME", str(room.folder)))
    told = (program, "run", "--adapter", "caddyfile", "--config", str(file))
    return Launch(told, env=(*homes, ("XDG_CONFIG_HOME", str(room.folder))))


CADDY = Stack(
    name="caddy",
    library="Go crypto/tls",
    can=frozenset({"optional", "status", "names"}),
    find=found("caddy"),
    ask_version=asked("version", pattern=r"v?(\d+\.\d+\.\d+)"),
    launch=_launch,
    measured_as="caddy_{minor}",
    starter=started,
)
