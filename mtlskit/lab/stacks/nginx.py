"""nginx: ``ssl_verify_client`` on or optional, and as a ``stream`` where that module is here.

Law of this file: one process and no worker, so that one process id is the whole server.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found, protocols, said, switches
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack, Wish

_VERSION = r"nginx/(\S+)"
_STREAM = "ngx_stream_module.so"
_PLACES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_ASKS = {"require": "on", "optional": "optional", "no": "off"}
_HEAD = """\
{modules}daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
"""


def _tls(setup: Setup, room: Room) -> list[str]:
    lines = [
        f"ssl_protocols {protocols(setup)}",
        f"ssl_certificate {room.path('chain.pem')}",
        f"ssl_certificate_key {room.path('key.pem')}",
        f"ssl_verify_client {switches(setup, _ASKS)}",
        f"ssl_verify_depth {setup.depth}",
    ]
    if setup.asks != "no":
        lines.append(f"ssl_client_certificate {room.path('list.pem')}")
        lines.append(f"ssl_trusted_certificate {room.path('trust.pem')}")
    if setup.crls:
        lines.append(f"ssl_crl {room.path('crl.pem')}")
    if setup.ciphers:
        lines.append(f"ssl_ciphers {setup.ciphers[0]}")
        lines.append(f"ssl_conf_command Ciphersuites {setup.ciphers[1]}")
    if setup.schemes:
        lines.append(f"ssl_conf_command ClientSignatureAlgorithms {setup.schemes}")
    return lines


def _block(name: str, lines: list[str]) -> str:
    body = "".join(f"  {line}{'' if line.endswith('}') else ';'}\n" for line in lines)
    return f"{name} {{\n{body}}}\n"


def _http(setup: Setup, room: Room) -> str:
    outer = [f"{name}_temp_path {room.path(name)}" for name in _TEMPORARY]
    address = f"{room.host}:{room.port}"
    own = [
        f"listen {address}" if setup.plain else f"listen {address} ssl",
        "default_type text/html",
    ]
    own += [] if setup.plain else _tls(setup, room)
    if setup.names:
        own.append(f"server_name {' '.join(setup.names)}")
        outer.append(
            _block(
                "server",
                [
                    f"listen {address} ssl default_server",
                    f"ssl_protocols {protocols(setup)}",
                    "ssl_reject_handshake on",
                ],
            )
        )
    says = setup.says.replace('"', "'")
    own.append(f'location / {{ return {setup.status} "{says}\\n"; }}')
    outer.append(_block("server", own).rstrip())
    return _block("http", [line.rstrip() for line in ["access_log off", *outer]])


def _stream(setup: Setup, room: Room) -> str:
    own = [f"listen {room.host}:{room.port} ssl", *_tls(setup, room)]
    own.append(r'return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"')
    return _block("stream", [_block("server", own).rstrip()])


def _launch(setup: Setup, room: Room, program: str, *, stream: bool) -> Launch:
    module = _module() if stream else None
    modules = f"load_module {module};\n" if module else ""
    body = (_stream if stream else _http)(setup, room)
    config = room.write("nginx.conf", _HEAD.format(modules=modules, folder=room.folder) + body)
    told = (program, "-p", str(room.folder), "-e", room.path("error.log"), "-c", str(config))
    return Launch(told)


def _find_stream() -> str | None:
    program = found("nginx")()
    built_in = program is not None and "--with-stream " in said(program, "-V")
    return program if _module() or built_in else None


def _module() -> Path | None:
    places = (Path(one) / _STREAM for one in _PLACES)
    return next((one for one in places if one.exists()), None)


_CAN: frozenset[Wish] = frozenset({"optional", "ca-list", "depth", "crl", "ciphers", "schemes"})
NGINX = Stack(
    name="nginx",
    library="OpenSSL",
    can=_CAN | {"status", "names", "plain"},
    find=found("nginx"),
    ask_version=asked("-v", pattern=_VERSION),
    launch=partial(_launch, stream=False),
    measured_as="nginx",
    starter=started,
    logs=("error.log",),
)
STREAM = Stack(
    name="nginx-stream",
    library="OpenSSL",
    can=_CAN,
    find=_find_stream,
    ask_version=asked("-v", pattern=_VERSION),
    launch=partial(_launch, stream=True),
    measured_as="nginx_stream",
    starter=started,
    logs=("error.log",),
)
