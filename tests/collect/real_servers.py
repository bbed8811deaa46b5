"""Servers that nobody here wrote, for the tests of this room: proxies, and TLS within protocols.

Each has a folder, ports and a process group of its own, and is ended by its process id.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mtlskit.material import Target

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
HOST = "127.0.0.1"
_READY = 15.0


def free_port() -> int:
    with socket.create_server((HOST, 0)) as holder:
        return int(holder.getsockname()[1])


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that servers can read which give up their rights."""
    folder = Path(tempfile.mkdtemp(prefix="mtlskit-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(command: Sequence[str], *ports: int, user: str | None = None) -> Iterator[None]:
    """Runs a server in the foreground until the test is done with it."""
    who = {"user": user, "group": user, "extra_groups": []} if user else {}
    with tempfile.TemporaryFile() as words, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
        start_new_session=True, cwd="/", **who,
    ) as process:  # fmt: skip
        try:
            if not all(_answers(process, port) for port in ports):
                words.seek(0)
                pytest.fail(f"{command[0]} did not start: {words.read().decode()[-2000:]}")
            yield
        finally:
            _end(process)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _READY
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return True
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the server and its children: the group is its own."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(3)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


_APACHE = """\
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error
ServerName localhost
{user}
{modules}
TypesConfig /dev/null
DocumentRoot {folder}/www
{sites}
"""
_APACHE_MODULES = (
    "mpm_event", "authn_core", "authz_core", "authn_file", "authz_user", "auth_basic", "proxy",
    "proxy_connect", "ssl", "mime", "dir",
)  # fmt: skip


@contextmanager
def apache(program: str, folder: Path, sites: str, *ports: int) -> Iterator[None]:
    """Runs Apache with these sites; ``www`` in its folder holds the pages."""
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("welcome")
    (folder / "www").chmod(0o755)
    modules = next(
        one
        for one in ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules")
        if Path(one).is_dir()
    )
    lines = "\n".join(f"LoadModule {one}_module {modules}/mod_{one}.so" for one in _APACHE_MODULES)
    user = "User www-data\nGroup www-data" if ROOT else ""
    config = folder / "apache.conf"
    config.write_text(_APACHE.format(folder=folder, user=user, modules=lines, sites=sites))
    with running([program, "-f", str(config), "-DFOREGROUND"], *ports):
        yield


@contextmanager
def connect_proxy(program: str, passwords: str, ends_at: Sequence[int]) -> Iterator[Target]:
    """Runs Apache as a proxy that wants Basic credentials and connects to these ports only."""
    port = free_port()
    with open_folder() as folder:
        (folder / "users").write_text(passwords)
        (folder / "users").chmod(0o644)
        sites = f"""\
Listen {HOST}:{port}
ProxyRequests On
AllowCONNECT {" ".join(map(str, ends_at))}
<Proxy *>
AuthType Basic
AuthName "the way out"
AuthUserFile {folder}/users
Require valid-user
</Proxy>"""
        with apache(program, folder, sites, port):
            yield Target(HOST, port)


@contextmanager
def socks_proxy(program: str, *credentials: str) -> Iterator[Target]:
    """Runs microsocks, with ``-u`` and ``-P`` as given."""
    port = free_port()
    with running([program, "-i", HOST, "-p", str(port), *credentials], port):
        yield Target(HOST, port)


_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3 submission
listen = 127.0.0.1
hostname = mail.example
submission_relay_host = 127.0.0.1
ssl = {ssl}
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/key.pem
ssl_ca = <{folder}/trust.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_require_client_cert = yes
{rootless}
passdb {{
  driver = static
  args = nopassword=y
}}
"""
_DOVECOT_PORT = """
service {0}-login {{
  {2}
  inet_listener {0} {{
    port = {1}
  }}
  inet_listener {0}s {{
    port = 0
  }}
}}
"""
_ROOTLESS = """\
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
"""


def _group() -> str:
    import grp  # noqa: PLC0415 - Windows has none, and no Dovecot either

    return grp.getgrgid(os.getgid()).gr_name


@contextmanager
def dovecot(program: str, folder: Path, *, ssl: str = "yes") -> Iterator[dict[str, Target]]:
    """Runs Dovecot: IMAP, POP3 and mail submission, which is SMTP."""
    ports = {one: free_port() for one in ("imap", "pop3", "submission")}
    rootless = "" if ROOT else _ROOTLESS.format(user=getpass.getuser(), group=_group())
    config = _DOVECOT.format(folder=folder, ssl=ssl, rootless=rootless)
    for name, port in ports.items():
        config += _DOVECOT_PORT.format(name, port, "" if ROOT else "chroot =")
    (folder / "dovecot.conf").write_text(config)
    with running([program, "-F", "-c", str(folder / "dovecot.conf")], *ports.values()):
        yield {
            "smtp": Target(HOST, ports["submission"]),
            "imap": Target(HOST, ports["imap"]),
            "pop3": Target(HOST, ports["pop3"]),
        }


_SLAPD = """\
include /etc/ldap/schema/core.schema
pidfile {folder}/pid
{tls}
database ldif
directory {folder}
suffix "dc=example"
"""
_SLAPD_TLS = """\
TLSCertificateFile {folder}/chain.pem
TLSCertificateKeyFile {folder}/key.pem
TLSCACertificateFile {folder}/trust.pem
TLSVerifyClient demand"""


@contextmanager
def slapd(program: str, folder: Path, *, tls: bool = True) -> Iterator[Target]:
    """Runs OpenLDAP's server."""
    port = free_port()
    words = _SLAPD_TLS.format(folder=folder) if tls else ""
    config = folder / "slapd.conf"
    config.write_text(_SLAPD.format(folder=folder, tls=words))
    with running([program, "-f", str(config), "-h", f"ldap://{HOST}:{port}", "-d", "0"], port):
        yield Target(HOST, port)


@contextmanager
def postgres(folder: Path, *, ssl: bool = True) -> Iterator[Target]:
    """Runs PostgreSQL on a cluster of its own. It refuses to run as root."""
    bin_folder = max(Path("/usr/lib/postgresql").glob("*/bin"))
    user = "postgres" if ROOT else None
    data, port = folder / "data", free_port()
    if user:
        for one in (folder, *folder.iterdir()):
            shutil.chown(one, user)
    who = {"user": user, "group": user, "extra_groups": []} if user else {}
    made = [str(bin_folder / "initdb"), "-D", str(data), "-A", "trust", "--no-sync"]
    subprocess.run(made, check=True, capture_output=True, cwd="/", timeout=60, **who)
    settings = {
        "ssl": "on" if ssl else "off", "ssl_cert_file": f"{folder}/chain.pem",
        "ssl_key_file": f"{folder}/key.pem", "ssl_ca_file": f"{folder}/trust.pem",
        "listen_addresses": HOST, "port": str(port), "unix_socket_directories": "",
        "fsync": "off",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with running([str(bin_folder / "postgres"), "-D", str(data), *options], port, user=user):
        yield Target(HOST, port)
