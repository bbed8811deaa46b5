"""What SoapUI, Postman and curl would send is read from their files, and set beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.files import kind_of
from mtlskit.instance.exports import read_export
from mtlskit.instance.othertools.beside import beside
from mtlskit.instance.othertools.curl import Curl, read_curl
from mtlskit.instance.othertools.postman import Postman, read_postman
from mtlskit.instance.othertools.reader import KINDS, kind_of_tool, read_tool, together
from mtlskit.instance.othertools.soapui import SoapUi, read_soapui
from mtlskit.instance.othertools.tool import Sending, known_of
from mtlskit.instance.routes import address_of
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab.endpoint import serve
from mtlskit.lab.exports import WORLDS, as_unload
from mtlskit.lab.pki import Authority, write_private
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Blob, Source, Unreadable

HERE = "https://partner.example.com:8443/orders"
CON = 'xmlns:con="http://eviware.com/soapui/config"'
SECRET = "pa55word"
SIGNED = f"--key client.key https://me:{SECRET}@partner.example.com:8443/orders | jq ."


def blob(data: str | bytes, name: str = "file") -> Blob:
    return Blob(Source(name), data.encode() if isinstance(data, str) else data)


def settings_xml(store: str = "C:\\keys\\partner.jks", password: str = SECRET) -> str:
    """A file of SoapUI's settings, with a mock service's key store that must not be taken."""
    pairs = {
        "SSLSettings@keyStore": store,
        "SSLSettings@keyStorePassword": password,
        "SSLSettings@mockKeyStore": "mock.jks",
    }
    rows = "".join(f'<con:setting id="{i}">{value}</con:setting>' for i, value in pairs.items())
    return f'<?xml version="1.0"?><con:soapui-settings {CON}>{rows}</con:soapui-settings>'


def project_xml(named: str = "", endpoint: str = HERE) -> str:
    """A project with a request and a key store of its own."""
    return (
        f'<con:soapui-project name="Orders" {CON}>'
        f"<con:endpoints><con:endpoint>https://elsewhere.example</con:endpoint></con:endpoints>"
        f'<con:call name="Request 1" sslKeystore="{named}">'
        f"<con:endpoint>{endpoint}</con:endpoint><con:request>&lt;x/&gt;</con:request></con:call>"
        f"<con:wssContainer><con:crypto><con:source>/keys/own.jks</con:source>"
        f"<con:password>{SECRET}</con:password><con:type>KEYSTORE</con:type></con:crypto>"
        f"</con:wssContainer></con:soapui-project>"
    )


def soapui(*files: str) -> Sending:
    """What SoapUI would send with these files."""
    (tool,) = together(read_soapui(blob(one, f"file {n}")) for n, one in enumerate(files))
    return tool.sending(address_of(HERE))


def test_soapui_uses_its_global_key_store() -> None:
    """Where the request names none; of the password only that it is set is known."""
    sending = soapui(project_xml(), settings_xml())
    assert sending.sends is not None
    assert (sending.sends.name, sending.sends.password) == ("partner.jks", True)
    assert sending.verifies is False
    assert "the request Request 1 calls" in str(sending.because[0])


def test_a_request_with_a_key_store_of_its_own_uses_that() -> None:
    """It stands in the project, and is told to stay in memory until SoapUI ends."""
    sending = soapui(settings_xml(), project_xml("own.jks"))
    assert sending.sends is not None
    assert sending.sends.file == "/keys/own.jks"
    assert "never-cleared" in sending.facts


def test_a_request_that_names_no_key_store_that_is_there_sends_none() -> None:
    """The global one is not taken in its place."""
    sending = soapui(settings_xml(), project_xml("gone.jks"))
    assert sending.sends is None
    assert "which the project does not hold" in str(sending.because[-1])


def test_without_settings_it_is_not_known_what_is_set() -> None:
    """Not looked at is not the same as not set."""
    assert "was not given" in str(soapui(project_xml()).because[-1])
    assert "no global key store is set" in str(soapui(settings_xml(store="")).because[-1])


def test_an_endpoint_that_only_soapui_knows_is_told() -> None:
    """A request whose address is a variable may be the one."""
    sending = soapui(settings_xml(), project_xml("own.jks", "${#Project#host}/orders"))
    assert "which only SoapUI can fill in" in str(sending.because[0])


def test_an_encrypted_project_is_named() -> None:
    """Nothing is concluded from what cannot be read."""
    inner = "<con:encryptedContent>x</con:encryptedContent>"
    data = f"<con:soapui-project {CON}>{inner}</con:soapui-project>"
    (problem,) = read_soapui(blob(data)).problems
    assert problem.code == "encrypted"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (settings_xml()[:-30], "damaged"),
        (
            settings_xml().replace("<con:soapui-settings", "<!DOCTYPE x><con:soapui-settings"),
            "doctype",
        ),
        ("<a>" * 200, "too-deep"),
        ("<unload/>", "not-soapui"),
        ('<?xml version="1.0" encoding="x-odd"?><a/>', "damaged"),
    ],
)
def test_xml_that_is_no_file_of_soapui_is_refused(data: str, code: str) -> None:
    """Cut short, with a document type, too deep, or something else: each by its word."""
    with pytest.raises(Unreadable) as caught:
        read_soapui(blob(data))
    assert caught.value.problem.code == code


def postman(*entries: dict[str, object]) -> Sending:
    """What Postman would send with these entries."""
    return read_postman(blob(json.dumps(entries))).sending(address_of(HERE))


def entry(pattern: str) -> dict[str, object]:
    """A client certificate as Postman keeps it."""
    files = {"key": {"src": "/k/partner.key"}, "cert": {"src": "/k/partner.pem"}}
    return {"name": "partner", "matches": [pattern], "passphrase": SECRET, **files}


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        ("https://partner.example.com:8443/*", True),
        ("https://partner.example.com:*/*", True),
        ("https://*.example.com:8443/*", True),
        ("https+http://partner.example.com:8443/ord*", True),
        ("<all_urls>", True),
        ("https://partner.example.com/*", False),
        ("https://partner.example.com:443/*", False),
        ("http://partner.example.com:8443/*", False),
        ("https://partner.example.com:8443/other", False),
        ("https://example.com:8443/*", False),
        ("partner.example.com", False),
    ],
)
def test_postman_sends_where_its_pattern_fits(pattern: str, *, sent: bool) -> None:
    """Scheme, host, port and path all have to fit; a pattern without a port means 443."""
    assert (postman(entry(pattern)).sends is not None) is sent


def test_an_entry_without_a_port_is_for_443_alone() -> None:
    """Which is said, since the call goes to another port and nobody sees why."""
    sending = postman(entry("https://partner.example.com/*"))
    assert "port 443 alone, and the call goes to port 8443" in str(sending.because[0])
    assert "empty-port" in sending.facts
    by_host = postman({"host": "partner.example.com", "port": "", "pfx": "/k/partner.pfx"})
    assert by_host.facts == sending.facts
    assert postman({"host": "partner.example.com", "port": 8443, "pfx": "/k/partner.pfx"}).sends


def test_of_several_entries_the_first_counts() -> None:
    """The list is searched from its beginning."""
    second = entry("https://*.example.com:8443/*") | {"cert": {"src": "second.pem"}}
    sending = postman(entry("https://partner.example.com:8443/*"), second)
    assert sending.sends is not None
    assert sending.sends.name == "partner.pem"
    assert "first-one" in sending.facts


def test_a_collection_may_switch_verification_off() -> None:
    """Otherwise it is not known: it is a setting of the application."""
    info = {"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}}
    off = info | {"protocolProfileBehavior": {"strictSSL": False}}
    assert read_postman(blob(json.dumps(info))).verifies is None
    assert read_postman(blob(json.dumps(off))).verifies is False
    inner = info | {"item": [{"request": {"certificate": entry("https://a.example/*")}}]}
    assert read_postman(blob(json.dumps(inner))).entries[0].held.name == "partner.pem"


def curl(line: str) -> Curl:
    return read_curl(blob(line, "command"))


@pytest.mark.parametrize(
    "line",
    [
        f"curl --cert client.pem:{SECRET} --key client.key -k {HERE}",
        f"curl -k --key=client.key -E client.pem:{SECRET} '{HERE}?token={SECRET}'",
        f"$ curl -vkE client.pem \\\n  --key client.key \\\n  --pass {SECRET} \\\n  {HERE}\n",
        f'curl.exe -sk ^\r\n --cert client.pem ^\r\n --key client.key "{HERE}"',
        f"  curl -u me:{SECRET} -H 'X: -k' -d '{{\"a\": 1}}' --insecure --cert client.pem {SIGNED}",
    ],
)  # fmt: skip
def test_a_command_line_is_read_in_every_way_of_writing(line: str) -> None:
    """Long and short options, values in the same word or the next, over several lines."""
    read = curl(line)
    assert read.urls == (HERE,)
    assert read.certificate is not None
    assert (read.certificate.file, read.certificate.key) == ("client.pem", "client.key")
    assert read.insecure
    assert SECRET not in repr(read)


def test_a_drive_is_no_password() -> None:
    """The colon of a Windows path belongs to the file."""
    held = curl(f"curl --cert C:\\keys\\client.pem:{SECRET} {HERE}").certificate
    assert held is not None
    assert (held.file, held.name, held.password) == ("C:\\keys\\client.pem", "client.pem", True)


def test_what_leads_elsewhere_is_told() -> None:
    """Another address or a proxy: the tool may have reached another server."""
    line = (
        f"curl --resolve partner.example.com:8443:10.0.0.1 -x http://me:{SECRET}@proxy:3128 {HERE}"
    )
    told = " ".join(map(str, curl(line).sending(address_of(HERE)).because))
    assert "10.0.0.1" in told
    assert "http://proxy:3128" in told
    assert SECRET not in told


def test_options_in_a_file_that_was_not_given_are_told() -> None:
    """The certificate may stand in there."""
    told = " ".join(map(str, curl(f"curl -K my.conf {HERE}").sending(address_of(HERE)).because))
    assert "--config" in told
    assert curl(f"curl -K my.conf {HERE}").urls == (HERE,)


def test_a_command_to_another_address_is_said_to_be_one() -> None:
    """It proves nothing about this one."""
    sending = curl("curl https://other.example").sending(address_of(HERE))
    assert "that is not partner.example.com, port 8443" in " ".join(map(str, sending.because))


@pytest.mark.parametrize(("line", "code"), [("curl 'x", "damaged"), ("wget x", "not-curl")])
def test_what_is_no_command_is_refused(line: str, code: str) -> None:
    """A missing quotation mark, or another program."""
    with pytest.raises(Unreadable) as caught:
        curl(f"{line} ")
    assert caught.value.problem.code == code


@pytest.mark.needs("curl")
@pytest.mark.parametrize("options", ["-k --cert {f}", "-skE {f}", "-k", "--cert {f} --cacert {ca}"])
def test_the_real_curl_sends_what_is_read_from_its_command(
    options: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    """An endpoint that asks for a certificate sees one where one is predicted, and else none."""
    root = Authority.root("CN=Root")
    client = root.client("CN=Client")
    pem = write_private(tmp_path / "client.pem", client.pem_chain() + client.pem_key())
    (tmp_path / "ca.pem").write_bytes(root.pem_chain())
    server = Tls(root.server("here", "127.0.0.1"), (root.certificate,), asks="optional")
    with serve(tls(server)) as endpoint:
        words = options.format(f=pem, ca=tmp_path / "ca.pem")
        line = f"curl {words} https://{endpoint.target}/"
        sending = curl(line).sending(address_of(f"https://{endpoint.target}/"))
        done = subprocess.run(
            [program("curl"), *line.split()[1:]], capture_output=True, timeout=20, check=False
        )
        (visit,) = endpoint.visits(1)
    assert done.returncode == 0
    assert (visit.client is not None) is (sending.sends is not None)
    assert sending.verifies is ("k" not in options.split(maxsplit=1)[0])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (settings_xml(), "soapui"),
        (project_xml(), "soapui"),
        (json.dumps([entry("https://a.example/*")]), "postman"),
        ('{"info": {"_postman_id": "1", "schema": "https://schema.getpostman.com/x"}}', "postman"),
        (f"curl -k {HERE}", "curl-command"),
        (f"curl -k {HERE} | jq .\n", "curl-command"),
        (f"$ curl -v {HERE}\n*   Trying 10.0.0.1:8443...\n", "text"),
        ('{"result": []}', "instance-json"),
        ("<unload/>", "instance-xml"),
    ],
)
def test_a_file_is_recognised_by_what_it_holds(data: str, kind: str) -> None:
    """And a transcript, with what curl printed, stays a log."""
    assert kind_of(blob(data)) == kind
    if kind in KINDS:
        assert read_tool(blob(data)).name.lower() in kind


def test_the_instances_files_are_no_tools_files() -> None:
    """None of the sample exports is taken for a file of another tool."""
    samples = Path(__file__).parents[3] / "data" / "exports"
    files = [one for one in samples.rglob("*") if one.is_file()]
    assert len(files) > 10
    assert {kind_of_tool(one.read_bytes()) for one in files} == {None}


@pytest.fixture(scope="module")
def broken() -> Settings:
    return settings_from([read_export(blob(as_unload(WORLDS["broken"].records), "instance.xml"))])


def test_they_stand_side_by_side(broken: Settings) -> None:
    """One column each, one row a question, and what follows from the difference."""
    tools = [
        read_tool(blob(settings_xml(), "soapui-settings.xml")),
        read_tool(blob(json.dumps([entry("https://partner.example.com/*")]), "certificates.json")),
        read_tool(blob(f"curl -k --cert client.pem:{SECRET} {HERE}", "command.txt")),
    ]
    found = beside(broken, WORLDS["broken"].url, tools)
    assert [one.sends.name if one.sends else None for one in found.sendings] == [
        "partner.jks", None, "client.pem",
    ]  # fmt: skip
    told = found._repr_markdown_()
    assert "registered is 4433" in told
    assert "SoapUI and curl do not verify the server" in told
    assert "Postman would send no certificate here" in told
    assert "The instance may offer any of" in told
    assert "without a row LocalPrincipal no certificate was sent" in told
    assert SECRET not in told + repr(found) + found._repr_html_()


@pytest.mark.parametrize(("value", "told"), [("true", False), ("false", True), (None, True)])
def test_an_instance_that_trusts_everyone_is_said_to(value: str | None, *, told: bool) -> None:
    """By its property; that host names are verified overrides it."""
    trusting = [("com.glide.communications.trustmanager_trust_all", value)] if value else []
    rows = "".join(
        f"<sys_properties><name>{name}</name><value>{held}</value></sys_properties>"
        for name, held in [("glide.httpclient.x", "1"), *trusting]
    )
    settings = settings_from([read_export(blob(f"<unload>{rows}</unload>"))])
    assert beside(settings, HERE, []).verifies is told


def test_by_plain_https_the_instance_offers_none_and_the_tool_does(broken: Settings) -> None:
    """Which is how it looks when the scheme of the URL is wrong."""
    found = beside(broken, HERE, [read_tool(blob(f"curl --cert client.pem {HERE}"))])
    told = " ".join(str(found).split())
    assert "curl holds client.pem ready, and the instance would offer no certificate" in told


def test_without_the_instance_the_tools_stand_alone() -> None:
    """What is not known of the instance is said to be not known."""
    found = beside(None, HERE, [read_tool(blob(settings_xml()))])
    assert found.verifies is None
    assert "its settings were not given" in " ".join(str(found).split())


def test_every_fact_has_its_source() -> None:
    """And a word for when it is told."""
    for tool in ("SoapUI", "Postman", "curl"):
        for fact in known_of(tool).values():
            assert fact.says.endswith(".")
            assert fact.source
            assert fact.when


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Never a failure of another kind."""
    for read in (read_soapui, read_postman, read_curl):
        try:
            tool = read(blob(data))
        except Unreadable:
            continue
        assert isinstance(tool, SoapUi | Postman | Curl)
        tool.sending(address_of(HERE))


@given(st.text(max_size=80))
def test_any_words_after_curl_are_read_or_refused(words: str) -> None:
    """A command line with anything in it."""
    try:
        read = curl(f"curl {words} ")
    except Unreadable:
        return
    assert read.sending(address_of(HERE)).tool == "curl"
