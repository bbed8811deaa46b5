"""Apache httpd with mod_ssl. Law of this file: one process, and no more modules than are used."""

from __future__ import annotations

from pathlib import Path

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found, protocols, said
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_ASKS = {"require": "require", "optional": "optional", "no": "none"}
_MODULES = ("mpm_event", "authz_core", "alias", "mime", "ssl", "unixd")
_PLACES = (
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/libexec/apache2",
)
_CONFIG = """\
ServerRoot {folder}
ServerName {name}
Listen {address}
PidFile {folder}/httpd.pid
DefaultRuntimeDir {folder}
Mutex file:{folder} default
ErrorLog {folder}/error.log
LogLevel info
DocumentRoot {folder}/pages
TypesConfig /dev/null
AddType text/html .html
<Directory {folder}>
  Require all granted
</Directory>
{answer}
"""


def _modules(program: str) -> list[str]:
    built_in = said(program, "-l")
    at = next((place for place in _PLACES if Path(place).is_dir()), _PLACES[0])
    return [
        f"LoadModule {name}_module {at}/mod_{name}.so"
        for name in _MODULES
        if f"mod_{name}.c" not in built_in and f"  {name.removeprefix('mpm_')}.c" not in built_in
    ]


def _tls(setup: Setup, room: Room) -> list[str]:
    lines = [
        "SSLEngine on",
        "SSLSessionCache none",
        f"SSLProtocol -all {' '.join('+' + one for one in protocols(setup).split())}",
        f"SSLCertificateFile {room.path('chain.pem')}",
        f"SSLCertificateKeyFile {room.path('key.pem')}",
        f"SSLVerifyClient {_ASKS[setup.asks]}",
        f"SSLVerifyDepth {setup.depth}",
    ]
    if setup.trust:
        lines.append(f"SSLCACertificateFile {room.path('trust.pem')}")
    if setup.ca_list is not None:
        lines.append(f"SSLCADNRequestFile {room.path('list.pem')}")
    if setup.crls:
        lines.append(f"SSLCARevocationFile {room.path('crl.pem')}")
        lines.append("SSLCARevocationCheck chain")
    return lines + _algorithms(setup)


def _algorithms(setup: Setup) -> list[str]:
    lines = ["SSLStrictSNIVHostCheck on"] if setup.names else []
    if setup.ciphers:
        lines += [
            f"SSLCipherSuite {setup.ciphers[0]}",
            f"SSLCipherSuite TLSv1.3 {setup.ciphers[1]}",
        ]
    if setup.schemes:
        lines.append(f"SSLOpenSSLConfCmd ClientSignatureAlgorithms {setup.schemes}")
    return lines


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    pages = room.folder / "pages"
    pages.mkdir()
    page = Path(room.path("page.html")).rename(pages / "page.html")
    answer = f'AliasMatch "^/" "{page}"'
    if setup.status != 200:  # noqa: PLR2004 - HTTP's own number
        answer = f'RedirectMatch {setup.status} "^/"'
    config = _CONFIG.format(
        folder=room.folder,
        address=f"{room.host}:{room.port}",
        name=setup.names[0] if setup.names else "partner-api.example",
        answer=answer,
    )
    lines = [*_modules(program), config, *([] if setup.plain else _tls(setup, room))]
    file = room.write("httpd.conf", "\n".join(lines) + "\n")
    return Launch((program, "-X", "-f", str(file)))


APACHE = Stack(
    name="apache",
    library="OpenSSL",
    can=frozenset({"optional", "status", "ca-list", "depth", "crl", "ciphers", "schemes", "plain"}),
    find=found("apache2", "httpd"),
    ask_version=asked("-v", pattern=r"Apache/(\S+)"),
    launch=_launch,
    measured_as="apache",
    starter=started,
    logs=("error.log",),
)
