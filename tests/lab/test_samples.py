"""The lab's key stores and chains show what their notebooks say of them."""

import mtlskit
from mtlskit.lab import samples


def test_the_stores_hold_what_a_customers_folder_holds() -> None:
    """One warning of each kind that the notebook asks about, and nothing that cannot be read."""
    lab = samples.stores()
    found = mtlskit.inspect(*lab.files, password=lab.password)
    assert found.problems == ()
    assert [one.code for one in found.warnings] == [
        "expires-soon",
        "client-auth-missing",
        "missing-intermediate",
    ]
    assert len([one for one in found.identities if one.key is not None]) == 2
    assert lab.password not in repr(lab)


def test_the_new_store_renews_the_old_one() -> None:
    """Same subject, new key; the old one lacks the intermediate; the new one's alias is odd."""
    lab = samples.stores()
    found = mtlskit.compare(lab.old, lab.new, password=lab.password)
    (renewal,) = found.renewals
    assert (renewal.same_subject, renewal.same_key) == (True, False)
    assert [one.issuer.label for one in found.missing] == ["Acme Issuing CA 2"]
    assert {one.name for one in found.odd_names} == {"Acme-2026.p12", "Acme Client"}


def test_the_chains_are_accepted_or_refused_as_they_say() -> None:
    """Whole: accepted. Alone: the issuer is missing, and the file beside mends it."""
    lab = samples.chains()
    assert mtlskit.verify(lab.whole, trust=lab.trust).accepted
    alone = mtlskit.verify(lab.alone, trust=lab.trust, material=lab.beside)
    assert [one.code for one in alone.reasons] == ["missing-issuer"]
    assert "issuing.pem" in alone.repair[0].text


def test_the_tangle_has_two_ways_and_both_are_wrong() -> None:
    """The expired intermediate, and the root that nobody trusts."""
    lab = samples.chains()
    found = mtlskit.verify(lab.tangled, trust=lab.trust)
    assert not found.accepted
    ways = [{reason.code for reason in path.reasons} for path in found.paths]
    assert ways == [{"expired"}, {"untrusted-root", "expired"}]
