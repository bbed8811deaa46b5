"""stunnel before a shell that answers HTTP. Law of this file: it writes one configuration."""

from __future__ import annotations

from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, found
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack, page

_SCRIPT = """\
end=$(printf '\\r')
while IFS= read -r line && [ "$line" != "$end" ]; do :; done
cat answer.http
"""


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    body = page(setup)
    room.write(
        "answer.http",
        f"HTTP/1.1 {setup.status} Lab\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}",
    )
    script = room.write("answer.sh", _SCRIPT)
    lines = ["foreground = yes", "pid =", "debug = info", "syslog = no"]
    lines += ["[lab]", f"accept = {room.host}:{room.port}", "client = no"]
    lines += [f"cert = {room.path('chain.pem')}", f"key = {room.path('key.pem')}"]
    lines += ["exec = /bin/sh", f"execArgs = sh {script}", "TIMEOUTclose = 0"]
    lines += [
        f"sslVersionMin = TLSv{setup.versions[0]}",
        f"sslVersionMax = TLSv{setup.versions[1]}",
    ]
    lines += _clients(setup, room)
    if setup.ciphers:
        lines += [f"ciphers = {setup.ciphers[0]}", f"ciphersuites = {setup.ciphers[1]}"]
    return Launch((program, str(room.write("stunnel.conf", "\n".join(lines) + "\n"))))


def _clients(setup: Setup, room: Room) -> list[str]:
    if setup.asks == "no":
        return []
    lines = [f"CAfile = {room.path('trust.pem')}", "verifyChain = yes"]
    lines.append(f"requireCert = {'yes' if setup.asks == 'require' else 'no'}")
    return [*lines, f"CRLfile = {room.path('crl.pem')}"] if setup.crls else lines


STUNNEL = Stack(
    name="stunnel",
    library="OpenSSL",
    can=frozenset({"optional", "status", "crl", "ciphers"}),
    find=found("stunnel4", "stunnel"),
    ask_version=asked("-version", pattern=r"stunnel (\d\S*)"),
    launch=_launch,
    measured_as="stunnel",
    starter=started,
)
