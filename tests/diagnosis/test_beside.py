"""A wrong identity and the settings that let it be offered: two opinions that are told together."""

from collections.abc import Callable

import pytest

from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import settings_from
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source
from mtlskit.report import Report, judge


@pytest.mark.parametrize(
    ("name", "told"), [("broken", True), ("several-keystores", True), ("healthy", False)]
)
def test_the_remedy_names_the_settings_that_let_the_wrong_store_be_offered(
    report_of: Callable[[str, str], Report], name: str, *, told: bool
) -> None:
    """Proved from here, and on the instance the properties would do it again."""
    report, world = report_of("client.wrong-identity", "1.3"), lab.WORLDS[name]
    target = report.case.target
    assert target is not None
    export = read_export(Blob(Source("instance.xml"), lab.as_unload(world.records)))
    url = f"myhttps://{target.host}:{target.port}/orders"
    before = judge(report.case).opinions[0]
    first = judge(report.case.having(settings=settings_from([export]), url=url)).opinions[0]
    assert (first.cause, first.standing) == (before.cause, "CONFIRMED")
    assert first.remedy.startswith(before.remedy)
    assert ("set to empty: glide.httpclient.protocol.myhttps.class" in first.remedy) is told
    said = [one.text for one in first.because]
    assert any("let it offer the wrong key store" in one for one in said) is told
    assert any(one.source and one.source.name == "instance.xml" for one in first.because) is told
