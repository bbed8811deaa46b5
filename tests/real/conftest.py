"""Real key stores and real servers: keytool, openssl and nginx make them, and no code of the kit.

Every server has a directory, a port and a process of its own, and is ended by its process id.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtlskit.lab.stacks import STACKS, Running
from mtlskit.lab.world import World
from mtlskit.material import Target

HOST = "partner-api.example"
_READY = 20.0  # seconds until a server must answer
_ENV = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")}
_QUICK_JVM = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
_WORD = "STORE_WORD"


@dataclass(frozen=True)
class Stores:
    """What the client's owner has: key stores made by keytool, and PEM files beside them.

    Attributes:
        folder: holds ``<who>.p12`` and ``<who>.jks``, by the alias in the lists below.
        password: of every store; `password_file` holds it.
    """

    folder: Path
    password: str

    @property
    def password_file(self) -> Path:
        """The file from which the kit reads the password."""
        return self.folder / "password.txt"

    @property
    def root(self) -> Path:
        """The root that the servers verify clients against."""
        return self.folder / "root.pem"

    @property
    def issuing(self) -> Path:
        """The issuing authority's certificate, which lies beside the stores."""
        return self.folder / "issuing.pem"

    def store(self, who: str, kind: str) -> Path:
        """Where the key store of `who` is, as ``p12`` or ``jks``."""
        return self.folder / f"{who}.{kind}"


_CA = ("-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign,cRLSign")
_LEAF = ("-ext", "ku:critical=digitalSignature")
_ENTRIES = (  # alias, distinguished name, signer, the rest
    ("root", "CN=Acme Root CA,O=Acme Corporation", None, _CA),
    ("issuing", "CN=Acme Issuing CA 2,O=Acme Corporation", "root", _CA),
    ("elsewhere", "CN=Quite Another CA,O=Somebody Else", None, _CA),
    ("ok", "CN=Acme Integration Client,O=Acme Corporation", "issuing",
     (*_LEAF, "-ext", "eku=clientAuth")),
    ("expired", "CN=Acme Integration Client,O=Acme Corporation", "issuing",
     (*_LEAF, "-ext", "eku=clientAuth", "-startdate", "-40d", "-validity", "10")),
    ("stranger", "CN=Acme Integration Client,O=Acme Corporation", "elsewhere",
     (*_LEAF, "-ext", "eku=clientAuth")),
    ("for-servers", "CN=Acme Integration Client,O=Acme Corporation", "issuing",
     (*_LEAF, "-ext", "eku=serverAuth")),
)  # fmt: skip
_CLIENTS = ("ok", "expired", "stranger", "for-servers")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Stores:
    """Has keytool make the parties, and a store of each kind for every client."""
    made = Stores(tmp_path_factory.mktemp("stores"), f"real-{secrets.token_hex(6)}")
    made.password_file.write_text(made.password + "\n")
    run = _Runner(made, program)
    for alias, name, signer, rest in _ENTRIES:
        given = ("-signer", signer) if signer else ()
        run.keytool(
            *("-genkeypair", "-keystore", "world.p12", "-storetype", "PKCS12", "-alias", alias),
            *("-dname", name, "-keyalg", "EC", "-groupname", "secp256r1", *given, *rest),
        )
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run.copy, who, kind) for who in _CLIENTS for kind in ("p12", "jks")]
        jobs += [pool.submit(run.export, alias) for alias in ("root", "issuing")]
        for job in jobs:
            job.result()
    run.leaf_alone()
    return made


@dataclass(frozen=True)
class _Runner:
    stores: Stores
    program: Callable[[str], str]

    def keytool(self, *told: str) -> None:
        word = ("-storepass:env", _WORD)
        self._run(self.program("keytool"), *_QUICK_JVM, told[0], *word, *told[1:])

    def copy(self, who: str, kind: str) -> None:
        """Copy an entry with its chain into a store of its own."""
        self.keytool(
            *("-importkeystore", "-noprompt", "-srckeystore", "world.p12", "-srcalias", who),
            *("-srcstorepass:env", _WORD, "-destkeystore", f"{who}.{kind}"),
            *("-deststoretype", {"p12": "PKCS12", "jks": "JKS"}[kind]),
        )

    def export(self, alias: str) -> None:
        """Write a certificate as PEM."""
        file = f"{alias}.pem"
        self.keytool(
            "-exportcert", "-rfc", "-keystore", "world.p12", "-alias", alias, "-file", file
        )

    def leaf_alone(self) -> None:
        """Make a store without the issuers. keytool insists on a chain, so openssl makes it."""
        word = ("-passin", f"env:{_WORD}")
        openssl = self.program("openssl")
        self._run(openssl, "pkcs12", "-in", "ok.p12", "-nocerts", "-nodes", *word, "-out", "k.pem")
        self._run(openssl, "pkcs12", "-in", "ok.p12", "-clcerts", "-nokeys", *word, "-out", "c.pem")
        sealed = ("-passout", f"env:{_WORD}", "-name", "leaf-alone", "-out", "leaf-alone.p12")
        self._run(openssl, "pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", *sealed)
        self.keytool(
            *("-importkeystore", "-noprompt", "-srckeystore", "leaf-alone.p12"),
            *("-srcstorepass:env", _WORD, "-destkeystore", "leaf-alone.jks"),
            *("-deststoretype", "JKS"),
        )

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.stores.folder,
            env=_ENV | {_WORD: self.stores.password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{' '.join(command)}: {done.stdout}{done.stderr}", pytrace=False)


@dataclass(frozen=True)
class Partner:
    """The partner's certificate, key and root, as PEM files."""

    certificate: Path
    key: Path
    root: Path


@pytest.fixture(scope="session")
def partner(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Partner:
    """Has openssl make the partner's root, and a server certificate beneath it."""
    folder = tmp_path_factory.mktemp("partner")
    openssl, curve = program("openssl"), ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")

    def made(*told: str) -> None:
        command = (openssl, "req", "-x509", *curve, "-nodes", "-days", "30", *told)
        subprocess.run(command, cwd=folder, capture_output=True, timeout=30, check=True)

    made("-subj", "/O=Partner Example Ltd/CN=Partner Example Root CA",
         "-keyout", "root-key.pem", "-out", "root.pem")  # fmt: skip
    made("-subj", f"/O=Partner Example Ltd/CN={HOST}", "-CA", "root.pem", "-CAkey", "root-key.pem",
         "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
         "-addext", "extendedKeyUsage=serverAuth", "-addext", "basicConstraints=critical,CA:false",
         "-keyout", "key.pem", "-out", "server.pem")  # fmt: skip
    return Partner(folder / "server.pem", folder / "key.pem", folder / "root.pem")


_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 128; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name {host};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {partner.certificate};
        ssl_certificate_key {partner.key};
        ssl_client_certificate {stores.root};
        ssl_verify_client on;
        ssl_verify_depth 5;
        location / {{ return 200 "orders: none\\n"; }}
    }}
}}
"""


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the context is left. Its standard input stays open and silent."""
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, env=_ENV
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _until(ready: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> object:
    """Wait until the server is ready; return what tells so."""
    deadline = time.monotonic() + _READY
    while process.poll() is None and time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.02)
    return pytest.fail(f"the server did not start: {log.read_text()}", pytrace=False)


def _answers(target: Target) -> bool:
    with suppress(OSError), socket.create_connection((target.host, target.port), timeout=1):
        return True
    return False


@pytest.fixture(scope="session")
def nginx(
    stores: Stores,
    partner: Partner,
    tmp_path_factory: pytest.TempPathFactory,
    program: Callable[[str], str],
) -> Iterator[Target]:
    """A real nginx with ``ssl_verify_client on``."""
    folder = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        target = Target("127.0.0.1", free.getsockname()[1])
    config, log = folder / "nginx.conf", folder / "error.log"
    config.write_text(
        _NGINX.format(folder=folder, port=target.port, host=HOST, partner=partner, stores=stores)
    )
    command = [program("nginx"), "-p", str(folder), "-e", str(log), "-c", str(config)]
    with _running(command, folder / "output.log") as process:
        _until(lambda: _answers(target), process, log)
        yield target


def _s_server(openssl: str, stores: Stores, partner: Partner, *more: str) -> list[str]:
    return [
        *(openssl, "s_server", "-accept", "127.0.0.1:0", "-cert", str(partner.certificate)),
        *("-key", str(partner.key), "-CAfile", str(stores.root), "-no-CApath", "-no-CAstore"),
        *("-Verify", "5", "-verify_return_error", *more),
    ]


@contextmanager
def _openssl(folder: Path, command: list[str]) -> Iterator[Target]:
    log = folder / "output.log"
    with _running(command, log) as process:
        found = _until(
            lambda: re.search(r"ACCEPT 127\.0\.0\.1:(\d+)", log.read_text("utf-8", "replace")),
            process,
            log,
        )
        yield Target("127.0.0.1", int(found[1]))


@pytest.fixture(scope="session")
def s_server(
    stores: Stores,
    partner: Partner,
    tmp_path_factory: pytest.TempPathFactory,
    program: Callable[[str], str],
) -> Iterator[Target]:
    """A real ``openssl s_server -Verify``, which answers no request."""
    folder = tmp_path_factory.mktemp("s_server")
    with _openssl(folder, _s_server(program("openssl"), stores, partner)) as target:
        yield target


@pytest.fixture(scope="session")
def s_server_www(
    stores: Stores,
    partner: Partner,
    tmp_path_factory: pytest.TempPathFactory,
    program: Callable[[str], str],
) -> Iterator[Target]:
    """The same with ``-www``: it answers a request with a page."""
    folder = tmp_path_factory.mktemp("s_server_www")
    command = _s_server(program("openssl"), stores, partner, "-www")
    with _openssl(folder, command) as target:
        yield target


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Target:
    """One of the servers above, by its name."""
    return request.getfixturevalue(request.param)


class Stacks:
    """Real servers of the lab, each started when it is first asked for and kept for the run.

    They trust one made-up client root and demand a certificate; `world` holds all parties.
    """

    def __init__(self) -> None:
        self.world = World()
        self._leaving = ExitStack()
        self._running: dict[tuple[str, str], Running] = {}

    def __call__(self, name: str, variant: str = "base") -> Running:
        """Give a running server by its stack's name; `variant` as the measured faults name it."""
        if (name, variant) not in self._running:
            started = STACKS[name].start(self.world.setup(variant))
            self._running[name, variant] = self._leaving.enter_context(started)
        return self._running[name, variant]

    def close(self) -> None:
        """End them all."""
        self._leaving.close()


@pytest.fixture(scope="session")
def stacks() -> Iterator[Stacks]:
    """Gives the lab's real servers by name: ``stacks("nginx").target``, ``.log()``."""
    made = Stacks()
    yield made
    made.close()
