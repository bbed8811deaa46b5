"""A made-up instance to read: its exports, itself over the network, and the tools beside it.

Law of this room: it is the article's instance (two properties, two profiles, three key stores), and
its key stores are made anew and really open. Nothing leaves this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<con:soapui-settings xmlns:con="http://eviware.com/soapui/config">'
    '<con:setting id="SSLSettings@keyStore">C:\\keys\\partner.jks</con:setting>'
    '<con:setting id="SSLSettings@keyStorePassword">made-up</con:setting>'
    "</con:soapui-settings>"
)
_ENTRY = (
    '[{{"name": "partner", "matches": ["https://{host}/*"],'
    ' "pfx": {{"src": "/home/me/partner.pfx"}}, "passphrase": "made-up"}}]'
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
        authority = self.url.partition("://")[2].partition("/")[0]
        host = authority.partition(":")[0]
        entry = _ENTRY.format(host=host)
        command = f"curl -k --cert partner.pem --key partner.key https://{authority}/orders"
        given = {
            "soapui-settings.xml": _SETTINGS,
            "client-certificates.json": entry,
            "command.txt": command,
        }
        return tuple(read_tool(Blob(Source(name), text.encode())) for name, text in given.items())


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
