"""Issuers, OCSP responses and lists from a server on this machine, and servers that trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs7, pkcs12
from cryptography.x509 import ocsp

import mtlskit
from mtlskit.__main__ import main
from mtlskit.certs import paths
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.collect import fetch as fetching
from mtlskit.collect import status
from mtlskit.collect.fetch import Request, fetch, until
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued
from mtlskit.lab.responses import Responder
from mtlskit.material import Source, Unreadable

NOW = datetime.now(UTC)
ENDLESS = 60.0  # seconds; no busy machine takes as long
Page = bytes | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """What a server on this machine has, by path, and what it was asked for."""

    address: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def _served() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            page = site.pages.get(self.path)
            if callable(page):
                page(self)
            elif page is None:
                self.send_error(404)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        do_POST = do_GET  # noqa: N815 - http.server looks for this name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with _served() as one:
        yield one


@dataclass(frozen=True)
class Road:
    """A root, two intermediates and a leaf whose addresses all lead to the site."""

    root: Authority
    upper: Authority
    lower: Authority
    leaf: Issued


@pytest.fixture
def road(site: Site) -> Road:
    def extra(name: str) -> dict[str, list[tuple[x509.ExtensionType, bool]]]:
        uri = x509.UniformResourceIdentifier
        point = x509.DistributionPoint([uri(f"{site.address}/{name}.crl")], None, None, None)
        methods = x509.AuthorityInformationAccessOID
        access = [
            x509.AccessDescription(methods.CA_ISSUERS, uri(f"{site.address}/{name}.cer")),
            x509.AccessDescription(methods.OCSP, uri(f"{site.address}/{name}.ocsp")),
        ]
        return {
            "extra": [
                (x509.CRLDistributionPoints([point]), False),
                (x509.AuthorityInformationAccess(access), False),
            ]
        }

    root = Authority.root("CN=Root")
    upper = root.intermediate("CN=Upper", **extra("root"))
    lower = upper.intermediate("CN=Lower", **extra("upper"))
    made = Road(root, upper, lower, lower.client("CN=Leaf", **extra("lower")))
    for name, one in (("root", root), ("upper", upper), ("lower", lower)):
        site.pages[f"/{name}.cer"] = one.der
        site.pages[f"/{name}.crl"] = revocation_list(one)
        site.pages[f"/{name}.ocsp"] = _responding(Responder(one), made)
    return made


def _responding(responder: Responder, road: Road) -> Page:
    """Reads the request, and answers for the certificate with that serial number."""
    known = {
        one.certificate.serial_number: one.certificate
        for one in (road.upper, road.lower, road.leaf)
    }

    def page(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        asked = ocsp.load_der_ocsp_request(body)
        answer = responder.response(known[asked.serial_number])
        handler.send_response(200)
        handler.end_headers()  # no length: the end is where the server closes
        handler.wfile.write(answer)

    return page


def _read(one: Issued) -> Certificate:
    return read_certificate(one.der, Source("test"))


def _search(road: Road, *others: Authority) -> paths.PathSearch:
    return paths.search(
        _read(road.leaf), map(_read, others), [_read(road.root)], role="client", at=NOW
    )


def test_nothing_is_fetched_that_nobody_asked_for(site: Site, road: Road) -> None:
    """Without a kind no address is called, whatever the certificates say."""
    assert status.fetched(_search(road).question, ()) == status.Fetched()
    assert site.asked == []


def test_missing_issuers_are_fetched_one_after_the_other(site: Site, road: Road) -> None:
    """Each issuer names where its own is; with them the chain is accepted."""
    found = _search(road)
    assert not found.accepted
    got = status.fetched(found.question, ["issuers"])
    assert [one.label for one in got.issuers] == ["Lower", "Upper"]
    assert got.issuers[0].source.name == f"{site.address}/lower.cer"
    assert paths.answer(got.added_to(found.question)).accepted
    assert site.asked == ["/lower.cer", "/upper.cer"]


def test_lists_and_responses_are_fetched_for_the_whole_path(site: Site, road: Road) -> None:
    """One of each for every certificate below the anchor; they decide."""
    question = _search(road, road.lower, road.upper).question
    got = status.fetched(question, ["crls", "ocsp"])
    assert (len(got.crls), len(got.responses), got.problems) == (3, 3, ())
    assert paths.answer(got.added_to(question)).accepted
    site.pages["/upper.crl"] = revocation_list(road.upper, road.lower.certificate)
    again = status.fetched(question, ["crls"])
    refused = paths.answer(again.added_to(question))
    assert [(one.code, one.certificate.label) for one in refused.reasons] == [("revoked", "Lower")]


def test_what_cannot_be_fetched_is_a_problem_beside_the_rest(site: Site, road: Road) -> None:
    """A list that is not there, and one that is none, hide nothing of the others."""
    del site.pages["/root.crl"]
    site.pages["/upper.crl"] = b"<html>moved</html>"
    got = status.fetched(_search(road, road.lower, road.upper).question, ["crls"])
    assert len(got.crls) == 1
    assert sorted(one.code for one in got.problems) == ["empty", "not-fetched"]
    assert any("404" in one.text for one in got.problems)


def _refused(url: str, seconds: float = 5.0, limit: int = 10_000) -> str:
    began = time.monotonic()
    with pytest.raises(Unreadable) as caught:
        fetch(Request(url), until(seconds), limit)
    assert time.monotonic() - began < ENDLESS
    assert caught.value.problem.text.endswith(".")
    return f"{caught.value.problem.code}: {caught.value.problem.text}"


def _drip(handler: BaseHTTPRequestHandler) -> None:
    """One byte now and then, for ever."""
    try:
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        return


def _moved(where: str) -> Page:
    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", where)
        handler.end_headers()

    return page


def _short(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"only this")


def _claimed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2147483648")
    handler.end_headers()


def _chunked(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"1\r\nx\r\n0\r\n\r\n")


def test_servers_that_trouble_get_one_sentence_each(site: Site) -> None:
    """Slow, endless, too large, cut off, in circles, in chunks, no HTTP: each is told, in time."""
    site.pages |= {
        "/drip": _drip,
        "/large": bytes(20_000),
        "/claimed": _claimed,
        "/short": _short,
        "/circle": _moved("/circle"),
        "/away": _moved("ldap://elsewhere.example/x"),
        "/chunked": _chunked,
        "/noise": lambda handler: handler.wfile.write(b"no HTTP at all") and None,
    }
    words = {
        "/drip": "before the deadline",
        "/large": "more than 10000 bytes",
        "/claimed": "more than 10000 bytes",
        "/short": "ended after 9 bytes",
        "/circle": "forwarded more than 3 times",
        "/away": "only http is supported here, not ldap",
        "/chunked": "in chunks",
        "/noise": "no HTTP",
        "/missing": "404",
    }
    for path, said in words.items():
        assert said in _refused(site.address + path, seconds=0.6 if path == "/drip" else 5.0), path


def test_a_forwarded_address_is_followed(site: Site) -> None:
    """What lies at the end is told as from the address that was asked."""
    site.pages |= {"/old": _moved("/new"), "/new": b"here"}
    blob = fetch(Request(site.address + "/old"), until(5))
    assert (blob.data, blob.source.name) == (b"here", site.address + "/old")


@pytest.mark.parametrize(
    "elsewhere",
    ["http://192.168.0.9/x", "http://[fd00::9]/x", "http://10.0.0.9/", "http://192.0.2.9/"],
)
def test_a_server_does_not_forward_to_another_kind_of_place(site: Site, elsewhere: str) -> None:
    """Neither into a private network nor, from here, to the internet: it is not even tried."""
    site.pages["/old"] = _moved(elsewhere)
    said = _refused(site.address + "/old")
    assert f"{elsewhere} could not be fetched: a server on this machine forwarded to it" in said


def test_where_a_name_leads_is_seen_before_anything_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may mean any address: the one that was reached counts, and it is not asked."""
    told = iter(["this machine", "this machine", None, "a private network"])
    with _served() as other:
        port = other.address.rpartition(":")[2]
        site.pages["/old"] = _moved(f"http://127.1:{port}/inside")
        other.pages["/inside"] = b"secret"
        monkeypatch.setattr(fetching, "where", lambda _: next(told))
        assert "it is on a private network: that is not followed" in _refused(site.address + "/old")
        assert other.asked == []
    assert site.asked == ["/old"]


def test_a_server_may_forward_to_its_own_kind(site: Site) -> None:
    """Another port and another way to write this machine are the same kind of place."""
    with _served() as other:
        port = other.address.rpartition(":")[2]
        other.pages["/new"] = b"here"
        for host in ("127.0.0.1", "127.1", "localhost"):
            site.pages["/old"] = _moved(f"http://{host}:{port}/new")
            assert fetch(Request(site.address + "/old"), until(5)).data == b"here"


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_nothing_on_the_local_link_is_called(site: Site, host: str) -> None:
    """Clouds keep credentials there: neither a certificate nor a server leads to it."""
    assert "on the local link, where nothing is called" in _refused(f"http://{host}/latest")
    site.pages["/old"] = _moved(f"http://{host}/latest")
    assert "on the local link" in _refused(site.address + "/old")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("127.0.0.1", "this machine"),
        ("[::1]", "this machine"),
        ("0.0.0.0", "this machine"),  # noqa: S104 - an address to be told, none to bind
        ("::ffff:127.0.0.1", "this machine"),
        ("fe80::1%eth0", "the local link"),
        ("10.1.2.3", "a private network"),
        ("100.64.0.1", "a private network"),
        ("fd00::1", "a private network"),
        ("8.8.8.8", "the internet"),
        ("2001:4860:4860::8888", "the internet"),
        ("ca.example", None),
    ],
)
def test_addresses_are_of_four_kinds(address: str, place: str | None) -> None:
    """Names are of none: what they mean is known when they were reached."""
    assert fetching.where(address) == place


@pytest.mark.parametrize("kind", ["issuers", "crls"])
def test_what_is_fetched_is_no_key_store(site: Site, road: Road, kind: status.Kind) -> None:
    """A PKCS#12 store in place of a certificate is not opened, be it without a password."""
    own = road.lower
    store = pkcs12.serialize_key_and_certificates(
        b"n", own.key, own.certificate, None, NoEncryption()
    )
    site.pages["/lower.cer"] = site.pages["/lower.crl"] = store
    others = () if kind == "issuers" else (road.lower, road.upper)
    got = status.fetched(_search(road, *others).question, [kind])
    assert got.issuers == ()
    assert "empty" in [one.code for one in got.problems]


def test_issuers_in_pkcs7_are_read_and_keys_beside_them_are_left(site: Site, road: Road) -> None:
    """RFC 5280, 4.2.2.1: certs-only PKCS#7 is the other format; PEM with a key gives no key."""
    bundle = [road.lower.certificate, road.upper.certificate]
    site.pages["/lower.cer"] = pkcs7.serialize_certificates(bundle, Encoding.DER)
    got = status.fetched(_search(road).question, ["issuers"])
    assert sorted(one.label for one in got.issuers) == ["Lower", "Upper"]
    site.pages["/lower.cer"] = road.lower.pem_key() + road.lower.pem_chain(chain=False)
    got = status.fetched(_search(road).question, ["issuers"])
    assert [one.label for one in got.issuers] == ["Lower", "Upper"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ldap://ca.example/cn=x", "only http"),
        ("https://ca.example/x", "only http"),
        ("file:///etc/passwd", "only http"),
        ("http:///x", "names no host"),
        ("http://a.example:99999/", "no address"),
        ("http://a.example/\r\nHost: b", "characters that no address has"),
        ("", "characters that no address has"),
        ("http://a.example/" + "x" * 3000, "too long"),
    ],
)
def test_what_is_no_plain_address_is_refused_before_anything_is_sent(url: str, said: str) -> None:
    """Addresses come from certificates, and anybody can write one."""
    assert said in _refused(url)


def test_where_nobody_listens_that_is_told(site: Site) -> None:
    """A closed port is a problem in words, at once."""
    with _served() as other:
        gone = other.address
    assert "refused" in _refused(gone + "/x").lower()
    assert site.asked == []


def test_an_answer_in_pem_is_read_as_well(site: Site, road: Road) -> None:
    """Some CAs serve PEM where DER is asked for."""
    listed = x509.load_der_x509_crl(revocation_list(road.lower))
    site.pages["/lower.crl"] = listed.public_bytes(Encoding.PEM)
    site.pages["/lower.cer"] = road.lower.pem_chain(chain=False)
    found = status.fetched(_search(road).question, ["issuers", "crls"])
    assert [one.label for one in found.issuers] == ["Lower", "Upper"]
    assert len(found.crls) == 3


def test_the_doors_fetch_only_when_asked(
    site: Site, road: Road, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify(fetch=…)` and `--fetch` mend an incomplete chain; what was not to be had is told."""
    leaf, root = tmp_path / "leaf.pem", tmp_path / "root.pem"
    leaf.write_bytes(road.leaf.pem_chain(chain=False))
    root.write_bytes(road.root.pem_chain(chain=False))
    assert not mtlskit.verify(leaf, trust=root).accepted
    assert site.asked == []
    assert mtlskit.verify(leaf, trust=root, fetch=["issuers", "ocsp", "crls"]).accepted
    terminal = ["verify", str(leaf), "--trust", str(root), "--fetch"]
    assert main([*terminal, "issuers"]) == 0
    del site.pages["/lower.crl"]
    assert main([*terminal, "issuers", "crls"]) == 1
    said = " ".join(capsys.readouterr().out.replace("|", " ").split())
    assert "Not everything that was given was judged" in said
    assert "/lower.crl could not be fetched: the server answered 404" in said
