"""Which clients there are, and how each is told to make the same attempt.

Law of this file: it writes down commands and runs nothing. Every client is pointed at the tap, is
given the name it means to reach, and leaves its user's settings aside.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from mtlskit.collect.call import VERSIONS, Call, HttpRequest
from mtlskit.collect.clients.papers import Papers
from mtlskit.collect.clients.running import Command
from mtlskit.material import Target

_GNUTLS = {"1.0": "TLS1.0", "1.1": "TLS1.1", "1.2": "TLS1.2", "1.3": "TLS1.3"}
_SWITCHES = {"1.0": "-tls1", "1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}
_CURL = {"1.0": "--tlsv1.0", "1.1": "--tlsv1.1", "1.2": "--tlsv1.2", "1.3": "--tlsv1.3"}


@dataclass(frozen=True, slots=True)
class Errand:
    """One attempt, to be made by any client.

    Attributes:
        call: what to offer, demand and trust; its target is what the tap leads to.
        tap: where to connect.
        papers: the files for it.
    """

    call: Call
    tap: Target
    papers: Papers

    @property
    def name(self) -> str:
        """The name that the server is expected to prove."""
        return self.call.expected_name

    @property
    def sni(self) -> str | None:
        """The name to send; None for an address (RFC 6066, 3)."""
        return None if self.call.sni is None else self.name

    @property
    def request(self) -> HttpRequest:
        """What to ask: method and path of the call's, and none of its headers."""
        asked = self.call.request
        if not isinstance(asked, HttpRequest):
            return HttpRequest()
        return HttpRequest(asked.method, asked.path, asked.host)

    @property
    def encoded(self) -> str:
        """The bytes of the request, which are ASCII."""
        return self.request.encoded(self.call.authority).decode("ascii")


@dataclass(frozen=True, slots=True)
class Client:
    """A program of others that can make the attempt.

    Attributes:
        name: what people call it.
        program: what has to be on the PATH.
        version: the arguments that make it tell its version.
        command: how to run it, given the program's path.
        words: finds its own words for what happened, the last of them first.
    """

    name: str
    program: str
    version: tuple[str, ...]
    command: Callable[[str, Errand], Command]
    words: re.Pattern[str]

    @property
    def path(self) -> str | None:
        """Where the program is, or None."""
        return sys.executable if self.program == "python" else shutil.which(self.program)


def _some(flag: str, path: Path | None) -> tuple[str, ...]:
    return () if path is None else (flag, str(path))


def _openssl(program: str, errand: Errand) -> Command:
    papers, (low, high) = errand.papers, errand.call.versions
    checks = ("-verify_return_error", "-verify_hostname", errand.name)
    if errand.sni is None:
        checks = ("-verify_return_error", "-verify_ip", errand.name)
    return Command(
        (
            *(program, "s_client", "-connect", str(errand.tap), "-ign_eof", "-msg", "-state"),
            *(("-noservername",) if errand.sni is None else ("-servername", errand.sni)),
            *((_SWITCHES[low],) if low == high else ()),
            *(("-no-CApath", "-no-CAstore", *checks) if papers.trust else ()),
            *_some("-CAfile", papers.trust),
            *_some("-cert", papers.chain),
            *_some("-cert_chain", papers.issuers),
            *_some("-key", papers.key),
            *("-keylogfile", str(papers.key_log)),
        ),
        errand.encoded.encode(),
    )


def _curl(program: str, errand: Errand) -> Command:
    papers, (low, high) = errand.papers, errand.call.versions
    name = f"[{errand.name}]" if ":" in errand.name else errand.name
    return Command(
        (
            *(program, "-q", "-v", "-s", "-S", "--noproxy", "*", "--globoff", "--http1.1"),
            *("--connect-to", f"::{errand.tap}", _CURL[low], "--tls-max", high),
            *(("--cacert", str(papers.trust)) if papers.trust else ("--insecure",)),
            *_some("--cert", papers.chain),
            *_some("--key", papers.key),
            *("--max-time", f"{errand.call.timeout:g}"),
            *(
                "-H",
                "Connection: close",
                f"https://{name}:{errand.call.target.port}{errand.request.path}",
            ),
        ),
        environment={"SSLKEYLOGFILE": str(papers.key_log)},
    )


def _gnutls(program: str, errand: Errand) -> Command:
    papers, (low, high) = errand.papers, errand.call.versions
    wanted = VERSIONS[VERSIONS.index(low) : VERSIONS.index(high) + 1]
    priority = "NORMAL:-VERS-ALL" + "".join(f":+VERS-{_GNUTLS[one]}" for one in wanted)
    return Command(
        (
            *(program, "--port", str(errand.tap.port), errand.tap.host, "--priority", priority),
            *(("--disable-sni",) if errand.sni is None else ("--sni-hostname", errand.sni)),
            *(("--verify-hostname", errand.name) if papers.trust else ("--insecure",)),
            *_some("--x509cafile", papers.trust),
            *_some("--x509certfile", papers.chain),
            *_some("--x509keyfile", papers.key),
        ),
        errand.encoded.encode(),
        environment={"SSLKEYLOGFILE": str(papers.key_log)},
        hangs_up=False,  # it leaves without the answer when its input ends
    )


def _java(program: str, errand: Errand) -> Command:
    papers, (low, high) = errand.papers, errand.call.versions
    wanted = VERSIONS[VERSIONS.index(low) : VERSIONS.index(high) + 1]
    versions = ",".join("TLSv1" if one == "1.0" else f"TLSv{one}" for one in wanted)
    wishes = (
        *(errand.tap.host, str(errand.tap.port), errand.name, versions),
        *(str(papers.store or "-"), str(papers.trust_store or "-"), papers.password),
        errand.encoded.replace("\r\n", "\\r\\n"),
    )
    switches = ("-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    return Command(
        (
            *(program, *switches, "-Djavax.net.debug=ssl:handshake"),
            str(written(papers.folder, "attempt.java")),
        ),
        "".join(f"{one}\n" for one in wishes).encode(),
    )


def _wish(errand: Errand) -> bytes:
    papers = errand.papers
    wish = {
        "address": errand.tap.host,
        "port": errand.tap.port,
        "name": errand.name,
        "sni": errand.sni or "",
        "versions": errand.call.versions,
        "chain": papers.chain and str(papers.chain),
        "key": papers.key and str(papers.key),
        "trust": papers.trust and str(papers.trust),
        "keyLog": str(papers.key_log),
        "timeout": errand.call.timeout,
        "request": errand.encoded,
    }
    return json.dumps(wish).encode()


def _script(name: str, switches: tuple[str, ...], program: str, errand: Errand) -> Command:
    script = written(errand.papers.folder, name)
    return Command((program, *switches, str(script)), _wish(errand))


def written(folder: Path, name: str) -> Path:
    """Put one of our own programs into the folder, wherever this package is kept."""
    path = folder / name
    if not path.exists():
        with as_file(files("mtlskit.collect.clients").joinpath(name)) as source:
            path.write_bytes(source.read_bytes())
    return path


_OURS = re.compile(r"^(?:FAILED|REFUSED|ACCEPTED|CLOSED): (.*)$", re.MULTILINE)

CLIENTS: tuple[Client, ...] = (
    Client(
        "openssl s_client",
        "openssl",
        ("version",),
        _openssl,
        re.compile(
            r"^(?:[0-9A-F]+:)?(error:.*|verify error:.*)$|^(HTTP/1\.\d \d+.*?)\r?$", re.MULTILINE
        ),
    ),
    Client(
        "curl",
        "curl",
        ("--version",),
        _curl,
        re.compile(r"^(curl: \(\d+\) .*)$|^< (HTTP/1\.\d \d+.*?)\r?$", re.MULTILINE),
    ),
    Client("Java", "java", ("-version",), _java, _OURS),
    Client(
        "gnutls-cli",
        "gnutls-cli",
        ("--version",),
        _gnutls,
        re.compile(
            r"^(?:\*\*\* )((?:Fatal error|Received alert|PKI|Verif).*)$"
            r"|^(HTTP/1\.\d \d+.*?)\r?$|^(- Status: .*)$",
            re.MULTILINE,
        ),
    ),
    Client("Node", "node", ("--version",), partial(_script, "attempt.js", ()), _OURS),
    Client("Python", "python", ("-VV",), partial(_script, "attempt.py", ("-I",)), _OURS),
)
"""Every client that can be asked, in the order in which they are asked."""
