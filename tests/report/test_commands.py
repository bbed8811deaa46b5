"""Commands that the other side runs: real names, quoted, and they work."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from mtlskit.case import Case
from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.lab import scenes
from mtlskit.lab.pki import Authority
from mtlskit.material import Source, Target
from mtlskit.report import Report
from mtlskit.report.commands import checks, path

LEAF = Authority.root("CN=Root, O=Lab").client("CN=client, O=Lab")
PARTNER = Target("partner.example", 8443)


def case(file: str, target: Target = PARTNER, url: str | None = None) -> Case:
    leaf = read_certificate(LEAF.der, Source(file))
    return Case(target=target, identities=(Identity(leaf.source, None, leaf),), url=url)


def commands(of: Case) -> list[str]:
    return [one.command for one in checks(of)]


@pytest.mark.parametrize("file", ["a b'; touch x; '.p12", "$(id).pem", "-rf.jks", "\\.p12"])
def test_a_file_name_is_one_word(file: str) -> None:
    """Whatever a file is called, the shell takes its name as one argument and no option."""
    for command in commands(case(file))[1:]:
        for line in command.splitlines():
            given = [one for one in shlex.split(line) if file in one]
            assert given in ([], [file], [f"./{file}"], [file] * 2, [f"./{file}"] * 2)
    assert shlex.split(path(file))[0].lstrip("./") == file.lstrip("./")
    assert not shlex.split(path(file))[0].startswith("-")


def test_a_host_is_one_word() -> None:
    """A host name with signs of the shell is quoted too."""
    (look,) = commands(Case(target=Target("a;reboot", 443)))
    assert "a;reboot:443" in shlex.split(look)


def test_each_format_has_its_own_tool() -> None:
    """PEM goes to openssl, stores go to keytool, and a JKS is converted before curl takes it."""
    assert "openssl crl2pkcs7" in commands(case("a.pem"))[1]
    assert commands(case("a.p12"))[2].startswith("keytool -list -v -keystore a.p12")
    assert "keytool -importkeystore -noprompt -srckeystore a.jks" in commands(case("a.jks"))[3]


def test_an_address_gets_no_server_name() -> None:
    """SNI is a name, never an address (RFC 6066, 3)."""
    for host in ("192.0.2.1", "2001:db8::1"):
        assert "-servername" not in commands(Case(target=Target(host, 443)))[0]
    assert "-connect '[2001:db8::1]:443'" in commands(Case(target=Target("2001:db8::1", 443)))[0]


def test_no_secret_of_the_url_is_in_a_command() -> None:
    """The URL is told without user and query."""
    told = commands(case("a.p12", url="https://u:p4ss@partner.example:8443/x?key=s3cret"))[3]
    assert told.endswith("https://partner.example:8443/x")


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example:8443/x", "https://partner.example/x", "https://[bad"]
)
def test_the_path_of_another_endpoint_is_not_taken(url: str) -> None:
    """Only the URL of the endpoint that was called gives its path; else / is asked for."""
    assert commands(case("a.p12", url=url))[3].endswith(" https://partner.example:8443/")


def test_the_password_is_asked_for_once_and_stands_in_no_command() -> None:
    """A store's commands take it from the environment; a PEM file needs none of it."""
    told = commands(case("a.p12"))
    assert told[1] == "read -rs STOREPASS\nexport STOREPASS"
    assert "-storepass:env STOREPASS" in told[2]
    assert '--pass "$STOREPASS"' in told[3]
    assert not any("STOREPASS" in one for one in commands(case("a.pem")))


def test_a_server_that_was_not_verified_is_not_verified_by_curl_either() -> None:
    """Without a trust store both look on; with a PEM file curl verifies by that file."""
    assert " --insecure " in commands(case("a.p12"))[3]
    root = read_certificate(LEAF.der, Source("root.pem", ("block 1",)))
    told = commands(replace(case("a.p12"), trust=(root,)))
    assert " --cacert root.pem " in told[3]
    store = replace(root, source=Source("trust.jks", ('alias "root"',)))
    made, told_last = commands(replace(case("a.p12"), trust=(root, store)))[3:]
    assert "cat root.pem\nkeytool -list -rfc -keystore trust.jks" in made
    assert " --cacert mtlskit-trust.pem " in told_last


def test_without_an_endpoint_only_files_are_looked_at() -> None:
    """Nothing is called that is not known."""
    told = commands(replace(case("a.p12"), target=None))
    assert told[1:] == ["keytool -list -v -keystore a.p12 -storepass:env STOREPASS"]


@pytest.mark.needs("openssl")
def test_the_first_command_shows_what_the_server_asks_for(
    report_of: Callable[[str, str], Report],
) -> None:
    """Run against the endpoint itself, it prints the CA list that it speaks of."""
    report = report_of("client.untrusted-issuer", "1.3")
    with scenes.stage("client.untrusted-issuer", tls="1.3") as staged:
        command = checks(replace(report.case, target=staged.target))[0].command
        run = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, timeout=20, check=False
        )
    assert "Acceptable client certificate CA names" in run.stdout
