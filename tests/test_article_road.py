"""The whole article as one run, with a made-up instance that really calls a lab endpoint.

The instance is played: its settings, read from its exports, decide by `offering` which key stores
its JVM would load and what it would send; the connection itself is a real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mtlskit.case import Case
from mtlskit.collect.call import Call, HttpRequest
from mtlskit.collect.live import connect
from mtlskit.instance.exports import read_export
from mtlskit.instance.offering import offering
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.lab.endpoint import serve
from mtlskit.lab.pki import Authority
from mtlskit.lab.servers import Tls, tls
from mtlskit.material import Blob, Source, Target
from mtlskit.report import judge
from mtlskit.report.planning import change_plan
from mtlskit.trace.events import Trace
from mtlskit.trace.handshake import follow

HOST, WORD = "partner.example.com", "made-up-word"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Scene:
    """The partner's endpoint, and the exports of the instance that calls it."""

    target: Target
    url: str
    settings: Settings

    def call(self, settings: Settings, url: str) -> Trace:
        """Call as an instance with these settings: of the key stores it loads the first wins."""
        told = offering(settings, url, at=NOW, passwords=(WORD,))
        sent = told.sends[0] if told.sends else None
        assert told.route.port == self.target.port
        call = Call(
            self.target,
            server_name=HOST,
            identity=sent,
            versions=("1.2", "1.2"),
            request=HttpRequest("/orders"),
        )
        return follow(connect(call))

    def case(self, settings: Settings, trace: Trace) -> Case:
        """Put together what an engineer has of that call."""
        return Case(target=self.target, settings=settings, url=self.url, trace=trace, at=NOW)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """An endpoint on a port of its own that accepts one authority, and names none in asking."""
    partner, other = Authority.root("CN=Partner CA"), Authority.root("CN=Another CA")
    files: Mapping[str, bytes] = {
        "samlkeystore.jks": other.client("CN=saml").p12(WORD, "saml"),
        "partner.jks": partner.client("CN=orders").p12(WORD, "orders"),
        "partnertest.jks": other.client("CN=trial").p12(WORD, "trial"),
    }
    told = Tls(
        identity=partner.server("CN=server", HOST),
        trust=(partner.certificate,),
        asks="required",
        listed=(),
        versions=("1.2", "1.2"),
    )
    with serve(tls(told)) as endpoint:
        target = Target(HOST, endpoint.target.port)
        (world,) = (one for one in lab.worlds(HOST, target.port) if one.id == "broken")
        data = lab.as_unload(world.carrying(files).records)
        settings = settings_from([read_export(Blob(Source("instance.xml"), data))])
        yield Scene(endpoint.target, world.url, settings)


def test_the_article_from_the_refusal_to_the_acceptance(scene: Scene) -> None:
    """Refused, the cause named, emptied on paper and so mended; with that the call is accepted."""
    refused = scene.call(scene.settings, scene.url)
    assert refused.ended.outcome == "refused"
    assert refused.ended.refused_by == "server"
    case = scene.case(scene.settings, refused)
    report = judge(case)
    assert report.opinions[0].cause in {"instance.port", "instance.property-overrides-profile"}
    assert report.opinions[0].standing == "LIKELY"
    rows = {row.id: row for row in report.checklist}
    assert rows["several-key-stores"].answer == "yes"
    assert rows["settings-resolve"].answer == "unknown"  # on paper, until it is tried below

    plan = change_plan(case, (WORD,))
    assert plan.what_if is not None
    assert plan.open == ()
    emptied = [one for one in plan.steps if one.new == ""]
    assert {lab.CLASS, lab.PORT} == {one.record.partition(" ")[2] for one in emptied}
    before, after = plan.what_if.before, plan.what_if.after
    assert before is not None
    assert after is not None
    assert not before.certain
    assert [one.label for one in after.sends] == ["orders"]
    assert plan.csv().count("\r\n") == len(plan.steps) + 1
    assert "Step 1" in str(plan)

    accepted = scene.call(plan.what_if.then, after.url)
    assert accepted.ended.outcome == "accepted"
    again = judge(scene.case(plan.what_if.then, accepted))
    assert again.opinions[0].cause == "none"
    assert not [one for one in again.opinions if one.cause.startswith("instance.")
                and one.standing != "RULED_OUT"]  # fmt: skip
