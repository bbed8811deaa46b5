"""Nothing is proposed without evidence, and a slip of the pen in a class is found."""

from pathlib import Path

import pytest

from mtlskit.case import Case
from mtlskit.collect.files import read_blob
from mtlskit.instance.exports import read_export
from mtlskit.instance.proposals import proposed
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.material import Blob
from mtlskit.report import judge

EXPORTS = Path(__file__).parents[2] / "data" / "exports"
URL = "myhttps://partner.example.com:8443/orders"


def changed(sample: str, *swaps: tuple[str, str]) -> Settings:
    """The settings of a sample in which a text was replaced."""
    blob = read_blob(EXPORTS / sample / "instance.xml")
    text = blob.data.decode()
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return settings_from((read_export(Blob(blob.source, text.encode())),))


def inactive(name: str) -> Settings:
    """The healthy instance whose partner's key store is inactive; the other one has this name."""
    healthy = changed("healthy")
    (partner,) = [one for one in healthy.key_stores or () if "Partner" in one.name]
    raw = read_blob(EXPORTS / "healthy" / "instance.xml")
    records = raw.data.decode().split("<sys_certificate")
    records = [
        one.replace("<active>true", "<active>false") if f"<name>{partner.name}" in one else one
        for one in records
    ]
    text = "<sys_certificate".join(records).replace("SAML 2.0 SP Keystore", name)
    return settings_from((read_export(Blob(raw.source, text.encode())),))


@pytest.mark.parametrize("name", ["SAML 2.0 SP Keystore", "Bank B Payments Keystore"])
def test_a_profile_is_never_pointed_to_somebody_elses_key(name: str) -> None:
    """The store that the profile names is made active; another's key is not proposed."""
    (change,) = proposed("instance.keystore-reference", inactive(name), URL, 8443)
    assert name not in str(change)
    assert "Partner" in str(change)


def test_a_misspelt_socket_factory_is_found() -> None:
    """A class that is nearly the socket factory's offers no certificate, and is named."""
    slip = ("DBKeyStoreSocketFactory", "DBKeystoreSocketFactory")
    settings = changed("property-overrides-profile", slip)
    best = judge(Case(settings=settings, url=URL)).opinions[0]
    assert best.cause == "instance.property-overrides-profile"
    assert "names the class com.glide.certificates.DBKeystoreSocketFactory" in best.because[0].text
