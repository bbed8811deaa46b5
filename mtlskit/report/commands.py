"""Commands by which the other side can check the report's statements without mtlskit.

Law of this file: real names, quoted so that a shell takes them as they are; no command holds a
password, and none changes anything but files that it makes anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from shlex import quote
from urllib.parse import urlsplit

from mtlskit.case import Case
from mtlskit.material import Target
from mtlskit.report.redaction import address

_PEM = frozenset({".pem", ".crt", ".cer", ".cert", ".key"})
_PKCS12 = frozenset({".p12", ".pfx", ".pkcs12"})
_TLS = {"1.2": " -tls1_2", "1.3": " -tls1_3"}


@dataclass(frozen=True, slots=True)
class Check:
    """One command, and what it is good for as a sentence."""

    purpose: str
    command: str


def checks(case: Case) -> tuple[Check, ...]:
    """Return the commands for this case: look, compare, try."""
    target = case.target or (case.trace.target if case.trace else None)
    files = list(dict.fromkeys(one.source.name for one in case.identities or ()))
    found = [_look(case, target)] if target else []
    found += [_listing(name) for name in files]
    if files and target:
        found += _tries(case, target, files[0])
    return tuple(found)


def path(name: str) -> str:
    """Quote a file name for a shell; one that begins with a dash is not taken for an option."""
    return quote(f"./{name}" if name.startswith("-") else name)


def _name(case: Case, target: Target) -> str | None:
    """Return the server name that the client sends: a name, never an address."""
    name = (case.trace.expected_name if case.trace else None) or target.host
    return None if name.replace(".", "").isdigit() or ":" in name else name


def _look(case: Case, target: Target) -> Check:
    name = _name(case, target)
    sni = f" -servername {quote(name)}" if name else ""
    tls = _TLS.get((case.trace.tls if case.trace else None) or "", "")
    command = f"openssl s_client -connect {quote(str(target))}{sni}{tls} -showcerts </dev/null"
    purpose = (
        "What the server shows and asks for, without a client certificate. Look for "
        '"Acceptable client certificate CA names": the CAs from which it takes one.'
    )
    return Check(purpose, command)


def _listing(name: str) -> Check:
    if _ending(name) in _PEM:
        told = (
            f"openssl crl2pkcs7 -nocrl -certfile {path(name)} | openssl pkcs7 -print_certs -noout"
        )
        return Check(f"Which certificates are in {name}, in order.", told)
    purpose = (
        f"What is in {name}. An identity is a PrivateKeyEntry; its chain length tells how many "
        "certificates the client can send."
    )
    return Check(purpose, f"keytool -list -v -keystore {path(name)}")


def _tries(case: Case, target: Target, name: str) -> list[Check]:
    url = _url(case, target)
    tls = _CURL.get((case.trace.tls if case.trace else None) or "", "")
    resolve = _resolve(url, target)
    ending = _ending(name)
    call = f"curl -v{tls}{resolve}"
    purpose = f"The same call with {name}, by another program."
    if ending in _PEM:
        key = path(name)
        return [Check(purpose, f"{call} --cert {key} --key {key} {quote(url)}")]
    if ending in _PKCS12:
        return [Check(purpose, f"{call} --cert-type P12 --cert {path(name)} {quote(url)}")]
    convert = (
        f"keytool -importkeystore -srckeystore {path(name)} "
        "-destkeystore mtlskit-check.p12 -deststoretype PKCS12"
    )
    then = f"{call} --cert-type P12 --cert mtlskit-check.p12 {quote(url)}"
    return [Check(f"{purpose} Delete mtlskit-check.p12 afterwards.", f"{convert}\n{then}")]


_CURL = {"1.2": " --tlsv1.2 --tls-max 1.2", "1.3": " --tlsv1.3"}


def _url(case: Case, target: Target) -> str:
    if case.url and "://" in case.url:
        # The instance's own scheme names the key store to use; on the wire it is https.
        return urlsplit(address(case.url))._replace(scheme="https").geturl()
    name = _name(case, target)
    return f"https://{name}:{target.port}/" if name else f"https://{target}/"


def _resolve(url: str, target: Target) -> str:
    """Keep curl on the address that was called, where the URL has another name for it."""
    parts = urlsplit(url)
    if parts.hostname in (target.host, None) or not _is_address(target.host):
        return ""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f" --resolve {quote(f'{parts.hostname}:{target.port}:{host}')}"


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()
