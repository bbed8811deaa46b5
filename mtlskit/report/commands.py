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
from mtlskit.certs.keystore import Identity
from mtlskit.material import Source, Target
from mtlskit.report.redaction import address
from mtlskit.wire.messages import ClientHello
from mtlskit.wire.names import version_name

_PEM = frozenset({".pem", ".crt", ".cer", ".cert", ".key"})
_PKCS12 = frozenset({".p12", ".pfx", ".pkcs12"})
_TLS = {"1.2": " -tls1_2", "1.3": " -tls1_3"}
_CURL = {"1.2": " --tlsv1.2 --tls-max 1.2", "1.3": " --tlsv1.3"}
_HTTPS = 443
STORE = " -storepass:env STOREPASS"
"""How keytool is told where the password is, so that it stands in no command."""


@dataclass(frozen=True, slots=True)
class Check:
    """One command, and what it is good for as a sentence."""

    purpose: str
    command: str


def checks(case: Case) -> tuple[Check, ...]:
    """Return the commands for this case: look, compare, try."""
    target = case.target or (case.trace.target if case.trace else None)
    every = {one.source.name: one for one in case.identities or ()}
    found = [_look(case, target)] if target else []
    found += password(*every.values())
    found += [_listing(one) for one in every.values()]
    held = case.chosen or next(iter(case.identities or ()), None)
    if held and target:
        found += tries(case, target, held)
    return tuple(found)


def path(name: str) -> str:
    """Quote a file name for a shell; one that begins with a dash is not taken for an option."""
    return quote(f"./{name}" if name.startswith("-") else name)


def kind(source: Source) -> str:
    """Tell what kind of file this came from: ``pem``, ``der``, ``pkcs12`` or ``store``."""
    ending = PurePath(source.name).suffix.lower()
    if any(one.startswith("block ") for one in source.place):
        return "pem"
    if ending in _PKCS12:
        return "pkcs12"
    if source.place:
        return "store"
    return "pem" if ending in _PEM else "der" if ending == ".der" else "store"


def password(*held: Identity) -> list[Check]:
    """Return how the password gets to the commands that follow; nothing if none needs it."""
    if all(kind(one.source) == "pem" for one in held):
        return []
    purpose = (
        "First the password of the key store: type it and press Enter. It is not shown and stands "
        "in no command; it is forgotten when the window is closed."
    )
    return [Check(purpose, "read -rs STOREPASS\nexport STOREPASS")]


def tries(case: Case, target: Target, held: Identity, file: str | None = None) -> list[Check]:
    """Return the same call with this identity, by curl.

    Args:
        case: says how the first call was made: version, names, trust.
        target: the endpoint that was called.
        held: the identity to call with.
        file: the file to take in place of the identity's own, of the same kind.
    """
    name = file or held.source.name
    trusted, prepared = _trust(case)
    call = f"curl -v{_version(case)}{_way(case, target)}{trusted}"
    url = quote(_url(case, target))
    purpose = f"The same call with {name}, by another program."
    if case.trust is None:
        purpose += " The server is not verified (--insecure), since no trust store was given."
    if kind(held.source) == "pem":
        key = held.key_source.name if held.key_source else name
        tried = f"{call} --cert {path(name)} --key {path(key)} {url}"
        return [*prepared, Check(purpose, tried)]
    converted, prepare = _as_pkcs12(case, held, name)
    tried = f'{call} --cert-type P12 --cert {path(converted)} --pass "$STOREPASS" {url}'
    if prepare:
        purpose += f" curl takes PKCS#12 only. Delete {converted} afterwards."
    return [*prepared, Check(purpose, "\n".join([*prepare, tried]))]


def _name(case: Case, target: Target) -> str | None:
    """Return the server name that the client sends: a name, never an address."""
    name = (case.trace.expected_name if case.trace else None) or target.host
    return None if _is_address(name) else name


def _look(case: Case, target: Target) -> Check:
    name = _name(case, target)
    sni = f" -servername {quote(name)}" if name else ""
    tls = _TLS.get(_spoken(case), "")
    command = f"openssl s_client -connect {quote(str(target))}{sni}{tls} -showcerts </dev/null"
    purpose = (
        "What the server shows and asks for, without a client certificate. Look for "
        '"Acceptable client certificate CA names": the CAs from which it takes one.'
    )
    return Check(purpose, command)


def _listing(held: Identity) -> Check:
    name = held.source.name
    if kind(held.source) == "pem":
        told = (
            f"openssl crl2pkcs7 -nocrl -certfile {path(name)} | openssl pkcs7 -print_certs -noout"
        )
        return Check(f"Which certificates are in {name}, in order.", told)
    purpose = (
        f"What is in {name}. An identity is a PrivateKeyEntry; its chain length tells how many "
        "certificates the client can send."
    )
    return Check(purpose, f"keytool -list -v -keystore {path(name)}{STORE}")


def _as_pkcs12(case: Case, held: Identity, name: str) -> tuple[str, list[str]]:
    """Return a PKCS#12 file with this identity as its only one, and how to make it."""
    beside = [one for one in case.identities or () if one.source.name == held.source.name]
    if kind(held.source) == "pkcs12" and len(beside) < 2:  # noqa: PLR2004 - curl takes the first
        return name, []
    alias = f" -srcalias {quote(held.alias)}" if held.alias else ""
    made = f"{PurePath(name).stem}-for-curl.p12"
    convert = (
        f"keytool -importkeystore -noprompt -srckeystore {path(name)} -srcstorepass:env STOREPASS"
        f"{alias} -destkeystore {path(made)} -deststoretype PKCS12 -deststorepass:env STOREPASS"
    )
    return made, [convert]


def _trust(case: Case) -> tuple[str, list[Check]]:
    """Return curl's option for the client's trust, and how to get it as PEM where it is not."""
    if not case.trust:
        return (" --insecure" if case.trust is None else ""), []
    files = {one.source.name: kind(one.source) for one in case.trust}
    if list(files.values()) == ["pem"]:
        return f" --cacert {path(next(iter(files)))}", []
    lines = [f"{_TO_PEM[what].format(path(name))}" for name, what in files.items()]
    command = f"{{\n{chr(10).join(lines)}\n}} > mtlskit-trust.pem"
    purpose = "What the client trusts servers by, as one PEM file. A store may ask for its password"
    return " --cacert mtlskit-trust.pem", [Check(f"{purpose}.", command)]


_TO_PEM = {
    "pem": "cat {}",
    "der": "openssl x509 -inform DER -in {}",
    "pkcs12": "keytool -list -rfc -keystore {}",
    "store": "keytool -list -rfc -keystore {}",
}


def _version(case: Case) -> str:
    return _CURL.get(_spoken(case), "")


def _spoken(case: Case) -> str:
    """Return the version that was agreed on, else the only one that was offered."""
    trace = case.trace
    if trace is None or trace.tls is not None:
        return (trace.tls if trace else None) or ""
    hellos = [one.body for one in trace.events if isinstance(one.body, ClientHello)]
    offered = {version_name(one) for hello in hellos for one in hello.versions}
    return offered.pop() if len(offered) == 1 else ""


def _url(case: Case, target: Target) -> str:
    """Return what to call: the endpoint that was called, with the URL's path if it is the same."""
    name = _name(case, target)
    where = f"https://{name}:{target.port}" if name else f"https://{target}"
    return f"{where}{_path(case, target)}"


def _path(case: Case, target: Target) -> str:
    """Return the path of the case's URL; of another endpoint's URL nothing is taken."""
    try:
        parts = urlsplit(address(case.url or ""))
        port = parts.port or _HTTPS
    except ValueError:
        return "/"
    same = parts.hostname in {target.host, _name(case, target)} and port == target.port
    return (parts.path or "/") if same else "/"


def _way(case: Case, target: Target) -> str:
    """Keep curl on the host that was called, where the server name is another."""
    name = _name(case, target)
    if name in {None, target.host}:
        return ""
    return f" --connect-to {quote(f'{name}:{target.port}:{target}')}"


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
