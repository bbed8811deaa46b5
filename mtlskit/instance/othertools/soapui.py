"""SoapUI's settings and projects: which key store it would use for an address.

Law of this file: the global key store counts where the request names none of the project's. Of
passwords only whether one is set is kept.

Source: SmartBear/soapui, `soapui.xsd`, `SSLSettings.java`, `SoapUISSLSocketFactory.java`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mtlskit.instance.othertools.elements import Element, walk
from mtlskit.instance.othertools.tool import HTTPS, Held, Name, Sending, facts_for, refused
from mtlskit.instance.routes import Address, address_of
from mtlskit.material import Because, Blob, Problem, Source, Unreadable

ROOTS = ("soapui-settings", "soapui-project")
_STORE, _PASSWORD = "SSLSettings@keyStore", "SSLSettings@keyStorePassword"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a project.

    Attributes:
        endpoint: as written; it may hold ``${variables}``.
        keystore: the project's key store that it names; "" or None: the global one.
    """

    name: str
    endpoint: str
    keystore: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class SoapUi:
    """What files of SoapUI say.

    Attributes:
        store: the global key store; None: none is set, or no settings were given.
        settings_given: whether `soapui-settings.xml` was among the files.
        stores: the key stores of projects.
    """

    sources: tuple[Source, ...]
    store: Held | None = None
    settings_given: bool = False
    stores: tuple[Held, ...] = ()
    requests: tuple[Request, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> Name:
        """What the tool is called."""
        return "SoapUI"

    def sending(self, address: Address) -> Sending:
        """Tell which key store would be used at an address, and why."""
        request = _request_to(self.requests, address)
        because = [_calls(request)] if request else list(_variable(self.requests))
        named = request.keystore if request else None
        store, why = self._named(named) if named else self._global()
        found = ["store"] if store else []
        found += ["project-store"] if store and named else []
        return Sending(
            tool="SoapUI",
            address=address,
            sends=store,
            verifies=False,
            because=(*because, why),
            facts=facts_for("SoapUI", found),
        )

    def _named(self, named: str) -> tuple[Held | None, Because]:
        for one in self.stores:
            if named in {one.file, one.name}:
                text = f"the request names the project's key store {one.name}"
                return one, Because(text, one.source)
        text = f"the request names the key store {named}, which the project does not hold"
        return None, Because(text)

    def _global(self) -> tuple[Held | None, Because]:
        if self.store:
            return self.store, Because("the global key store is used", self.store.source)
        if self.settings_given:
            return None, Because("no global key store is set", self.sources[0])
        text = "whether a global key store is set is not known: soapui-settings.xml was not given"
        return None, Because(text)


def joined(files: Iterable[SoapUi]) -> SoapUi:
    """Join settings and projects; of two settings the first counts."""
    every = tuple(files)
    # The settings first: what is said of them is said of the first file.
    ordered = sorted(every, key=lambda one: not one.settings_given)
    return SoapUi(
        sources=tuple(source for one in ordered for source in one.sources),
        store=next((one.store for one in every if one.store), None),
        settings_given=any(one.settings_given for one in every),
        stores=tuple(store for one in every for store in one.stores),
        requests=tuple(request for one in every for request in one.requests),
        problems=tuple(problem for one in every for problem in one.problems),
    )


def read_soapui(blob: Blob) -> SoapUi:
    """Read `soapui-settings.xml`, or a project.

    Raises:
        Unreadable: it is cut short or damaged, has a DOCTYPE, or is neither.
    """
    reading = _Reading(blob.source)
    walk(blob, reading.see)
    if reading.root not in ROOTS:
        says = (
            f"is XML, but neither SoapUI's settings nor a project: its root is "
            f"<{reading.root[:40]}>."
        )
        raise refused(blob.source, "not-soapui", says)
    return reading.read()


@dataclass(slots=True)
class _Reading:
    """What was seen so far of one file."""

    source: Source
    root: str = ""
    global_file: tuple[str, int] | None = None
    global_password: bool = False
    crypto: dict[str, str] = field(default_factory=dict)
    stores: list[Held] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def see(self, element: Element) -> None:
        """Take what is of use from one element."""
        text = element.text.strip()
        if not element.parents:
            self.root = element.tag
            return
        match element.tag:
            case "setting":
                self._setting(element, text)
            case "source" | "password" if element.parents[-1].tag == "crypto":
                self.crypto[element.tag] = text
            case "crypto":
                self._crypto(element)
            case "endpoint" if text:
                self._endpoint(element.parents[-1], text)
            case "encryptedContent":
                says = (
                    "The project is encrypted, so nothing in it can be told. Save it from SoapUI "
                    "without its password (project property “Encrypt project”)."
                )
                self.problems.append(Problem("encrypted", says, self.source))

    def _at(self, element: Element) -> Source:
        return self.source.at(f"line {element.line}")

    def _setting(self, element: Element, text: str) -> None:
        # A project may carry settings too, and only those of the file of settings count here.
        if element.parents[0].tag != "soapui-settings":
            return
        if element.attributes.get("id") == _STORE and text:
            self.global_file = text, element.line
        if element.attributes.get("id") == _PASSWORD:
            self.global_password = bool(text)

    def _crypto(self, element: Element) -> None:
        read, self.crypto = self.crypto, {}
        if read.get("source"):
            where = "project, WS-Security Configurations, Keystores"
            password = bool(read.get("password"))
            self.stores.append(Held(read["source"], None, password, where, self._at(element)))

    def _endpoint(self, parent: Element, text: str) -> None:
        if parent.tag == "endpoints":  # a list to choose from; nothing calls them by itself
            return
        attributes = parent.attributes
        name = attributes.get("name") or next(
            (one.attributes["name"] for one in parent.parents[::-1] if one.attributes.get("name")),
            parent.tag,
        )
        self.requests.append(Request(name, text, attributes.get("sslKeystore"), self._at(parent)))

    def read(self) -> SoapUi:
        """Return everything that was seen."""
        store = None
        if self.global_file:
            file, line = self.global_file
            where = "Preferences, SSL Settings, KeyStore"
            place = self.source.at(f"line {line}")
            store = Held(file, None, self.global_password, where, place)
        return SoapUi(
            sources=(self.source,),
            store=store,
            settings_given=self.root == "soapui-settings",
            stores=tuple(self.stores),
            requests=tuple(self.requests),
            problems=tuple(self.problems),
        )


def _calls(request: Request) -> Because:
    return Because(f"the request {request.name} calls {request.endpoint}", request.source)


def _variable(requests: Iterable[Request]) -> Iterator[Because]:
    """Name a request whose endpoint only SoapUI knows; it may be the one, with another store."""
    for one in requests:
        if "${" in one.endpoint:
            text = f"the request {one.name} calls {one.endpoint}, which only SoapUI can fill in"
            yield Because(text, one.source)
            return


def _request_to(requests: Iterable[Request], address: Address) -> Request | None:
    """Return the first request to the same host and port, one with a key store of its own first."""
    same = [one for one in requests if _reaches(one.endpoint, address)]
    return next((one for one in same if one.keystore), same[0] if same else None)


def _reaches(endpoint: str, address: Address) -> bool:
    try:
        there = address_of(endpoint)
    except Unreadable:
        return False  # made of ${variables}, which only SoapUI fills
    return there.host == address.host and (there.port or HTTPS) == (address.port or HTTPS)
