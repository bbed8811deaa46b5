"""Another identity or chain, against servers of the lab: what an acceptance proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509

import mtlskit
from mtlskit.lab.endpoint import serve
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority, Issued, now, pem
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Blob, Source
from mtlskit.report import Report

DAY = timedelta(days=1)
HOST = "partner-api.example"


class World:
    """An authority that the server trusts, one that it does not, and the server."""

    def __init__(self) -> None:
        """Make them."""
        self.root = Authority.root("CN=Root A, O=Lab")
        self.issuing = self.root.intermediate("CN=Issuing A, O=Lab")
        self.other = Authority.root("CN=Root B, O=Lab").intermediate("CN=Issuing B, O=Lab")
        self.server = Authority.root("CN=Root for servers").server(f"CN={HOST}", HOST)

    def client(self, **parts: object) -> Issued:
        """A client's certificate by the authority that the server trusts."""
        return self.issuing.client("CN=client", **parts)


@cache
def world() -> World:
    """The one world of these tests."""
    return World()


def store(name: str, issued: Issued) -> Blob:
    """A file with certificate, chain and key."""
    return Blob(Source(name), issued.pem_chain() + issued.pem_key())


def diagnosed(
    own: Issued | None, beside: Sequence[Blob], version: str = "1.3", **settings: object
) -> Report:
    """Call a server that verifies, with one identity in use and more beside."""
    here = world()
    demanded = Tls(here.server, (here.root.certificate,), **settings)
    with serve(tls(demanded)) as endpoint:
        return mtlskit.diagnose(
            endpoint.target,
            identity=None if own is None else store("own.pem", own),
            material=beside,
            tls=version,
            server_name=HOST,
            timeout=4.0,
        )


def proved(report: Report) -> list[str]:
    """The causes that are confirmed."""
    return [one.cause for one in report.opinions if one.standing == "CONFIRMED"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"not_before": now() - 9 * DAY, "not_after": now() - DAY}, "client.expired"),
        ({"not_before": now() + DAY, "not_after": now() + 9 * DAY}, "client.not-yet-valid"),
        ({"eku": ("serverAuth",)}, "client.purpose"),
    ],
    ids=["expired", "early", "purpose"],
)
def test_a_certificate_of_the_same_ca_without_the_fault_proves_the_fault(
    parts: dict[str, Any], cause: str, version: str
) -> None:
    """Only the fault differs, and with it the outcome."""
    here = world()
    report = diagnosed(here.client(**parts), [store("renewed.pem", here.client())], version)
    assert proved(report) == [cause]
    assert "renewed.pem" in report.opinions[0].remedy


def test_a_certificate_that_differs_in_more_proves_that_the_first_was_the_wrong_one() -> None:
    """Of two faults neither is proved by a certificate that has none of them."""
    here = world()
    own = here.client(not_before=now() - 9 * DAY, not_after=now() - DAY, eku=("serverAuth",))
    assert proved(diagnosed(own, [store("renewed.pem", here.client())])) == [
        "client.wrong-identity"
    ]


def test_a_certificate_of_another_ca_proves_that_the_first_was_the_wrong_one() -> None:
    """An expired one of a CA that the server does not know would be refused without its date."""
    here = world()
    own = here.other.client("CN=client", not_before=now() - 9 * DAY, not_after=now() - DAY)
    assert proved(diagnosed(own, [store("right.pem", here.client())])) == ["client.wrong-identity"]


def test_an_identity_at_hand_that_the_call_does_not_use_is_offered() -> None:
    """The key store lies among the further material; the client is set up without one."""
    here = world()
    report = diagnosed(None, [store("right.pem", here.client())])
    assert proved(report) == ["client.no-identity"]
    assert "right.pem" in report.opinions[0].remedy
    assert report.case.identities is None


def test_what_the_server_names_is_offered_first() -> None:
    """Of many identities the one of a named CA needs no second try."""
    here = world()
    others = [store(f"{n}.pem", here.other.client(f"CN=other {n}")) for n in range(3)]
    report = diagnosed(here.other.client("CN=own"), [*others, store("right.pem", here.client())])
    assert proved(report) == ["client.wrong-identity"]
    assert "right.pem" in report.case.attempts[0].change


def test_after_a_proof_only_the_controls_follow() -> None:
    """What is settled needs no more callers."""
    here = world()
    spare = [store("right.pem", here.client()), store("too.pem", here.client(serial=7))]
    attempts = diagnosed(here.other.client("CN=own"), spare).case.attempts
    assert [one.cause for one in attempts] == ["client.wrong-identity", None, None]
    assert attempts[-1].repeats


def test_another_identity_is_sent_with_the_issuers_at_hand() -> None:
    """Its store holds no chain; the intermediate lies beside."""
    here = world()
    alone = replace(here.client(), chain=())
    beside = [
        store("right.pem", alone),
        Blob(Source("issuing.pem"), pem((here.issuing.certificate,))),
    ]
    report = diagnosed(here.other.client("CN=own"), beside)
    assert proved(report) == ["client.wrong-identity"]
    assert "chain completed" in report.case.attempts[0].change


def test_a_revoked_certificate_is_proved_by_another_of_the_same_ca() -> None:
    """The server says certificate_revoked, and takes the other."""
    here = world()
    revoked = here.client()
    crls = tuple(
        x509.load_der_x509_crl(one)
        for one in (
            revocation_list(here.root),
            revocation_list(here.issuing, revoked.certificate),
        )
    )
    report = diagnosed(revoked, [store("other.pem", here.client())], crls=crls)
    assert proved(report) == ["client.revoked"]


def test_a_key_that_the_server_cannot_take_is_proved_by_one_that_it_can() -> None:
    """The server takes RSA alone; the EC identity was withheld, the RSA one is accepted."""
    here = world()
    beside = [store("rsa.pem", here.client(key="RSA 2048"))]
    server = Authority.root("CN=RSA for servers", key="RSA 2048")
    own = server.server(f"CN={HOST}", HOST, key="RSA 2048")
    demanded = Tls(own, (here.root.certificate,), schemes="rsa_pss_rsae_sha256:RSA+SHA256")
    with serve(tls(demanded)) as endpoint:
        report = mtlskit.diagnose(
            endpoint.target,
            identity=store("own.pem", here.client()),
            material=beside,
            server_name=HOST,
            timeout=4.0,
        )
    assert proved(report) == ["client.withheld-algorithm"]


def test_a_chain_with_junk_in_it_is_completed() -> None:
    """What was sent besides the missing intermediate does not keep it from being added."""
    here = world()
    own = replace(here.client(), chain=(here.other.certificate,))
    beside = [Blob(Source("issuing.pem"), pem((here.issuing.certificate,)))]
    assert proved(diagnosed(own, beside)) == ["client.chain-incomplete"]


def test_an_expired_intermediate_is_proved_by_its_renewed_copy() -> None:
    """The leaf stays; its issuer's certificate was made anew for the same key."""
    here = world()
    new = here.root.intermediate("CN=Short, O=Lab")
    old = here.root.intermediate(
        "CN=Short, O=Lab", key=new.key, not_before=now() - 9 * DAY, not_after=now() - DAY
    )
    own = replace(new.client("CN=client"), chain=(old.certificate,))
    beside = [Blob(Source("renewed.pem"), pem((new.certificate,)))]
    report = diagnosed(own, beside)
    assert proved(report) == ["client.expired"]
    assert "renewed copy" in report.case.attempts[0].change


def test_nothing_is_proved_by_identities_that_help_nothing() -> None:
    """Every other identity is refused too: no cause is confirmed."""
    here = world()
    late = here.client(not_before=now() - 9 * DAY, not_after=now() - DAY)
    beside = [store("other.pem", here.other.client("CN=other")), store("late.pem", late)]
    report = diagnosed(here.other.client("CN=own"), beside)
    assert proved(report) == []
    tried = [one for one in report.case.attempts if one.cause == "client.wrong-identity"]
    assert len(tried) == 2
