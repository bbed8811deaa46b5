"""A made-up instance to read: its exports, itself over the network, and the tools beside it.

Law of this room: it is the article's instance (two properties, two profiles, three key stores), and
its key stores are made anew and really open. Nothing leaves this machine.
``python -m mtlskit.lab.reading DIR`` writes the sample files of other tools.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtlskit.certs.offers import Wanted
from mtlskit.collect.instance import read_instance
from mtlskit.instance.live import Live
from mtlskit.instance.othertools.reader import read_tool
from mtlskit.instance.othertools.tool import Tool
from mtlskit.lab.exports import WORLDS
from mtlskit.lab.pki import Authority
from mtlskit.lab.records import Made, World, attachment
from mtlskit.lab.table_api import Api, table_api
from mtlskit.lab.written import as_unload
from mtlskit.material import Blob, Source

PASSWORD = "made-up"  # noqa: S105 - of key stores that guard nothing
_FILES = ("partner.jks", "partnertest.jks", "samlkeystore.jks")
_ALIASES = ("partner", "partner-test", "saml2sp")
_SETTINGS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<con:soapui-settings xmlns:con="http://eviware.com/soapui/config">\n'
    '  <con:setting id="SSLSettings@keyStore">C:\\keys\\partner.jks</con:setting>\n'
    '  <con:setting id="SSLSettings@keyStorePassword">made-up</con:setting>\n'
    "</con:soapui-settings>"
)
_PROJECT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<con:soapui-project name="Orders" xmlns:con="http://eviware.com/soapui/config">\n'
    '  <con:interface name="Orders"><con:operation name="list">\n'
    '    <con:call name="Orders, all" sslKeystore="">\n'
    "      <con:endpoint>https://{authority}/orders</con:endpoint>\n"
    "    </con:call>\n"
    "  </con:operation></con:interface>\n"
    "</con:soapui-project>"
)
_COMMAND = "curl -k --cert partner.pem --key partner.key https://{authority}/orders"
_ENTRY = (
    '[{{"name": "partner", "matches": ["https://{host}/*"],'
    ' "pfx": {{"src": "partner.pfx"}}, "passphrase": "made-up"}}]'
)


@dataclass(frozen=True, slots=True)
class Reading:
    """An instance to read.

    Attributes:
        url: what its message calls.
        files: its exports, as a colleague would send them.
        password: opens its key stores.
        wanted: what the partner's server asks for.
    """

    world: World
    url: str
    files: tuple[Blob, ...]
    wanted: Wanted
    password: str = field(default=PASSWORD, repr=False)

    def live(self) -> Live:
        """Read it over the Table API instead, key stores included; it runs as long as that."""
        with table_api(Api(self.world.records)) as served:
            return read_instance(
                served.url, served.login, attachments=True, trust=served.trust, timeout=60.0
            )

    def other_tools(self) -> tuple[Tool, ...]:
        """Read what SoapUI, Postman and curl of a colleague would use for the same endpoint."""
        files = tool_files(self.url).items()
        return tuple(read_tool(Blob(Source(name), data)) for name, data in files)


def tool_files(url: str) -> Mapping[str, bytes]:
    """Write the settings of a colleague's SoapUI, Postman and curl for an endpoint."""
    authority = url.partition("://")[2].partition("/")[0]
    texts = {
        "soapui-settings.xml": _SETTINGS,
        "orders-soapui-project.xml": _PROJECT.format(authority=authority),
        "client-certificates.json": _ENTRY.format(host=authority.partition(":")[0]),
        "command.txt": _COMMAND.format(authority=authority),
    }
    return {name: f"{text}\n".encode() for name, text in texts.items()}


def instance(name: str = "broken") -> Reading:
    """Make a sample instance, with key stores that open.

    Raises:
        KeyError: no sample instance has that name.
    """
    root = Authority.root("CN=Partner Root CA, O=Partner")
    world = WORLDS[name]
    world = world.having(*_pieces(world, _stores(root)))
    return Reading(
        world=world,
        url=world.url,
        files=(Blob(Source("instance.xml"), as_unload(world.records)),),
        wanted=Wanted(
            authorities=(root.certificate.subject.public_bytes(),),
            schemes=("ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"),
            tls="1.3",
            source=Source("the partner's server"),
        ),
    )


def _stores(root: Authority) -> Sequence[bytes]:
    """Make the files: the partner's, one for tests by another authority, and the usual SAML one."""
    issuing = root.intermediate("CN=Partner Issuing CA, O=Partner")
    tests = Authority.root("CN=Partner Test CA, O=Partner")
    saml = Authority.root("CN=SAML, O=Northwind Made Up")
    holders = (
        issuing.client("CN=northwind-made-up, O=Northwind Made Up"),
        tests.client("CN=northwind-test, O=Northwind Made Up"),
        saml.client("CN=SAML 2.0 SP, O=Northwind Made Up"),
    )
    return [one.p12(PASSWORD, alias) for one, alias in zip(holders, _ALIASES, strict=True)]


def _pieces(world: World, stores: Sequence[bytes]) -> Sequence[Made]:
    """Put the files behind the attachments that the sample instance names without carrying them."""
    named = {one.key for one in world.of("sys_attachment")}
    return [
        piece
        for name, data in zip(_FILES, stores, strict=True)
        if name in named
        for piece in attachment("", name, data)[1:]
    ]


def main(arguments: Sequence[str]) -> None:
    """Write the tools' files into the directory that is named."""
    root = Path(arguments[0]) if arguments else Path("data/tools")
    root.mkdir(parents=True, exist_ok=True)
    for name, data in tool_files(WORLDS["broken"].url).items():
        (root / name).write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
