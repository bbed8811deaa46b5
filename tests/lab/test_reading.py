"""The instance that the notebook reads: its key stores open, and all roads to it agree."""

from __future__ import annotations

from pathlib import Path

import pytest

import mtlskit
from mtlskit.instance.offering import offering
from mtlskit.instance.overview import overview
from mtlskit.instance.settings import Settings
from mtlskit.lab import reading
from mtlskit.lab.reading import Reading
from mtlskit.report.planning import change_plan


@pytest.fixture(scope="module")
def lab() -> Reading:
    return reading.instance()


@pytest.fixture(scope="module")
def settings(lab: Reading) -> Settings:
    found = mtlskit.read(*lab.files, url=lab.url).settings
    assert found is not None
    return found


def test_the_key_stores_open_and_one_of_them_is_the_partners(
    lab: Reading, settings: Settings
) -> None:
    """Of the three that may be offered, the server's list lets one through."""
    found = offering(settings, lab.url, wanted=lab.wanted, passwords=[lab.password])
    assert len(found.identities) == 3
    assert [one.alias for one in found.sends] == ["partner"]


def test_the_export_and_the_instance_itself_say_the_same(lab: Reading, settings: Settings) -> None:
    """Read over the Table API, key stores included, it has the same settings."""
    live = lab.live()
    assert live.problems == ()
    for read in (settings, live.settings):
        assert {one.protocol for one in read.profiles or ()} == {"myhttps", "myhttpstest"}
        assert len(read.key_stores or ()) == 3
    assert len(live.stores([lab.password])) == 3
    both = [offering(one, lab.url, wanted=lab.wanted, passwords=[lab.password])
            for one in (settings, live.settings)]  # fmt: skip
    assert [one.alias for one in both[0].sends] == [one.alias for one in both[1].sends]


def test_the_overview_names_what_decides_and_what_is_in_vain(settings: Settings) -> None:
    """The property wins, the profile's key store is bypassed, three key stores may be offered."""
    told = overview(settings)._repr_markdown_()
    assert "keystore = Partner Client Keystore" in told
    assert "SAML 2.0 SP Keystore, Partner Client Keystore, Partner Test Keystore" in told
    assert "samlkeystore.jks" in told


def test_what_was_not_given_is_said() -> None:
    """An instance of which nothing is known has the built-in schemes, and three tables to give."""
    told = " ".join(str(overview(Settings())).split())
    assert "so not looked at: sys_properties, sys_protocol_profile, sys_cert" in told


def test_a_plan_can_be_made_of_it(lab: Reading) -> None:
    """The properties are emptied, and the second profile goes."""
    plan = change_plan(mtlskit.read(*lab.files, url=lab.url), [lab.password])
    assert len(plan.steps) == 3


def test_each_tool_is_read(lab: Reading) -> None:
    """SoapUI, Postman and curl."""
    assert {one.name for one in lab.other_tools()} == {"SoapUI", "Postman", "curl"}


def test_the_sample_files_of_other_tools_are_what_the_command_writes(tmp_path: Path) -> None:
    """None is edited by hand, and none is missing."""
    reading.main([str(tmp_path)])
    made = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    shipped = Path(__file__).parents[2] / "data" / "tools"
    assert made == {one.name: one.read_bytes() for one in shipped.iterdir()}
