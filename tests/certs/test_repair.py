"""What would mend a refused chain: the fewest steps, with the place of what is to be added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from mtlskit.certs import paths, stacks
from mtlskit.certs.certificate import Certificate
from mtlskit.lab.pki import Authority
from mtlskit.material import Source

if TYPE_CHECKING:
    from conftest import Cast, Maker

NOW = datetime.now(UTC)


def _search(
    leaf: Certificate, others: list[Certificate], anchors: list[Certificate], **more: object
) -> paths.PathSearch:
    return paths.search(leaf, others, anchors, **{"role": "client", "at": NOW, **more})


def test_what_is_missing_and_at_hand_is_to_be_added(make: Maker, cast: Cast) -> None:
    """The missing intermediate is named with the file and entry in which it stands."""
    at_hand = make.facts(cast.issuing, "partner.p7b")
    found = _search(make.facts(cast.client), [], [make.facts(cast.root)], at_hand=[at_hand])
    (step,) = found.repair
    assert step.act == "add"
    assert step.text == f"Add {at_hand.subject}, which stands in partner.p7b."
    assert not found.accepted
    assert step.text in str(found)
    assert found.plain()["repair"] == [step.text]


def test_what_is_missing_everywhere_is_to_be_asked_for(make: Maker, cast: Cast) -> None:
    """The issuer and the identifier of its key are named, and the address, if there is one."""
    found = _search(make.facts(cast.client), [], [make.facts(cast.root)])
    (step,) = found.repair
    assert step.act == "missing-issuer"
    assert "CN=Acme Issuing CA" in step.text
    assert "key identifier" in step.text
    address = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                x509.AuthorityInformationAccessOID.CA_ISSUERS,
                x509.UniformResourceIdentifier("http://ca.example/issuing.cer"),
            )
        ]
    )
    leaf = cast.issuing.client("CN=With address", extra=[(address, False)])
    (step,) = _search(make.facts(leaf), [], [make.facts(cast.root)]).repair
    assert "http://ca.example/issuing.cer" in step.text


def test_an_issuer_is_named_once(make: Maker, cast: Cast) -> None:
    """Where its name is all that is known of it, it does not stand in brackets again."""
    leaf = cast.issuing.client("CN=No AKI", aki=None)
    (step,) = _search(make.facts(leaf), [], [make.facts(cast.root)]).repair
    assert step.text.count("CN=Acme Issuing CA") == 1


def test_an_untrusted_root_above_a_trusted_issuer_is_for_the_other_side(
    make: Maker, cast: Cast
) -> None:
    """Nothing that is sent mends it: nginx wants the root among the trusted ones."""
    question = _search(make.facts(cast.client), [], [make.facts(cast.issuing)]).question
    found = stacks.search_as(question, stacks.profile("nginx"))
    (step,) = found.repair
    assert step.text.startswith("Have CN=Acme Root CA,O=Acme,C=DE trusted too by the side that")
    assert step.text.count("CN=Acme Root CA") == 1


def test_what_is_accepted_needs_no_repair(make: Maker, cast: Cast) -> None:
    """An accepted chain has no steps."""
    found = _search(make.facts(cast.client), [make.facts(cast.issuing)], [make.facts(cast.root)])
    assert (found.accepted, found.repair) == (True, ())


def test_each_reason_that_adding_does_not_mend_has_its_own_step(make: Maker, cast: Cast) -> None:
    """A chain that is incomplete and expired needs two steps: one to add, one to renew."""
    late = cast.issuing.client(
        "CN=Late", not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=1)
    )
    found = _search(
        make.facts(late), [], [make.facts(cast.root)], at_hand=[make.facts(cast.issuing, "b.pem")]
    )
    assert {step.act for step in found.repair} == {"add", "expired"}


def test_what_does_not_help_is_not_to_be_added(make: Maker, cast: Cast) -> None:
    """A certificate at hand that leads nowhere is never named."""
    stranger = Authority.root("CN=Stranger")
    others, at_hand = [make.facts(cast.issuing)], [make.facts(stranger), make.facts(cast.root)]
    found = _search(make.facts(cast.client), others, [make.facts(stranger)], at_hand=at_hand)
    assert [step.act for step in found.repair] == ["untrusted-root"]
    assert all(step.act != "add" for step in found.repair)


def test_the_depth_of_the_verifier_is_told_from_that_of_a_ca(make: Maker, cast: Cast) -> None:
    """Where the verifier's own depth is too small, that is what is to be changed."""
    given = make.facts(cast.client), [make.facts(cast.issuing)], [make.facts(cast.root)]
    (step,) = _search(*given, max_depth=0).repair
    assert "Set the depth" in step.text
    root = Authority.root("CN=Flat", path_length=0)
    issuing = root.intermediate("CN=Issuing")
    given = make.facts(issuing.client("CN=c")), [make.facts(issuing)], [make.facts(root)]
    (step,) = _search(*given).repair
    assert "CA higher up" in step.text


def test_certificates_that_are_the_same_are_known_by_their_bytes(make: Maker, cast: Cast) -> None:
    """A copy of what was sent is nothing to add, wherever it stands."""
    sent, copy = make.facts(cast.issuing), make.facts(cast.issuing, "copy.pem")
    found = _search(make.facts(cast.client), [sent], [], at_hand=[copy])
    assert copy.source == Source("copy.pem")
    assert all(step.act != "add" for step in found.repair)
