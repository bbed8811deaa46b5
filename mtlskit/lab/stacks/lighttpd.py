"""lighttpd with mod_openssl. Law of this file: it writes one configuration."""

from __future__ import annotations

from pathlib import Path

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_MODULES = "mod_openssl.so"


def _modules(program: str) -> Path | None:
    """Find the directory of the modules, beside the program's own."""
    near = Path(program).resolve().parents[1] / "lib" / "lighttpd"
    places = (near, Path("/usr/lib/lighttpd"), Path("/usr/lib64/lighttpd"))
    return next((one for one in places if (one / _MODULES).exists()), None)


def _find() -> str | None:
    program = found("lighttpd")()
    return program if program and _modules(program) else None


def _switch(name: str, value: bool | int | str) -> str:  # noqa: FBT001 - a value, not a choice
    if isinstance(value, bool):
        return f'{name} = "{"enable" if value else "disable"}"'
    return f"{name} = {value}" if isinstance(value, int) else f'{name} = "{value}"'


def _tls(setup: Setup, room: Room) -> list[str]:
    low, high = setup.versions
    commands = {"MinProtocol": f"TLSv{low}", "MaxProtocol": f"TLSv{high}"}
    if setup.ciphers:
        commands |= {"CipherString": setup.ciphers[0], "Ciphersuites": setup.ciphers[1]}
    told = [f'"{name}" => "{value}"' for name, value in commands.items()]
    lines = [
        _switch("ssl.engine", value=True),
        _switch("ssl.pemfile", room.path("chain.pem")),
        _switch("ssl.privkey", room.path("key.pem")),
        f"ssl.openssl.ssl-conf-cmd = ({', '.join(told)})",
    ]
    return lines if setup.asks == "no" else [*lines, *_clients(setup, room)]


def _clients(setup: Setup, room: Room) -> list[str]:
    lines = [
        _switch("ssl.verifyclient.activate", value=True),
        _switch("ssl.verifyclient.enforce", setup.asks == "require"),
        _switch("ssl.verifyclient.depth", setup.depth),
        _switch("ssl.verifyclient.ca-file", room.path("trust.pem")),
    ]
    if setup.ca_list is not None:
        lines.append(_switch("ssl.verifyclient.ca-dn-file", room.path("list.pem")))
    if setup.crls:
        lines.append(_switch("ssl.verifyclient.ca-crl-file", room.path("crl.pem")))
    return lines


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    pages = room.folder / "pages"
    pages.mkdir()
    Path(room.path("page.html")).rename(pages / "page.html")
    lines = [
        'server.modules = ("mod_openssl")',
        _switch("server.document-root", str(pages)),
        _switch("server.bind", room.host),
        _switch("server.port", room.port),
        _switch("server.error-handler", "/page.html"),
        'index-file.names = ("page.html")',
        'mimetype.assign = (".html" => "text/html")',
        *([] if setup.plain else _tls(setup, room)),
    ]
    file = room.write("lighttpd.conf", "\n".join(lines) + "\n")
    return Launch((program, "-D", "-m", str(_modules(program)), "-f", str(file)))


LIGHTTPD = Stack(
    name="lighttpd",
    library="OpenSSL",
    can=frozenset({"optional", "ca-list", "depth", "crl", "ciphers", "plain"}),
    find=_find,
    ask_version=asked("-v", pattern=r"lighttpd/(\S+)"),
    launch=_launch,
    measured_as="lighttpd",
    starter=started,
)
