"""What a client's CA publishes, asked for by a diagnosis of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtlskit
from mtlskit.__main__ import main
from mtlskit.collect import fetch as fetching
from mtlskit.lab.pki import Issued, pem, write_private
from mtlskit.lab.publisher import publishing
from mtlskit.lab.stacks import STACKS
from mtlskit.lab.world import HOST, World
from mtlskit.report import Report

pytestmark = pytest.mark.needs("nginx")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world whose authorities publish."""
    with publishing() as publisher:
        yield World(publisher)


def files(world: World, who: Issued, folder: Path) -> dict[str, Path]:
    """What the client holds, as files."""
    (folder / "trust.pem").write_bytes(pem([world.server_root.certificate]))
    (folder / "named.pem").write_bytes(pem([world.root.certificate]))
    key = write_private(folder / "client.pem", who.pem_chain() + who.pem_key())
    return {"identity": key, "trust": folder / "trust.pem"}


def opinions(report: Report) -> dict[str, str]:
    """The standing of each cause."""
    return {one.cause: one.standing for one in report.opinions}


def test_the_published_list_tells_a_revoked_client_from_a_stale_server(
    world: World, tmp_path: Path
) -> None:
    """The server's answer is the same; what the CA publishes tells them apart."""
    said = {}
    for who, variant in ((world.revoked, "crl"), (world.good, "crl_expired")):
        with STACKS["nginx"].start(world.setup(variant)) as server:
            said[variant] = mtlskit.diagnose(
                server.target,
                **files(world, who, tmp_path),
                server_name=HOST,
                fetch=("issuers", "crls"),
                experiments=False,
            )
    ended = {(one.stage, one.case.need_trace().ended.symptom.http) for one in said.values()}
    assert ended == {("application", 400)}
    assert opinions(said["crl"])["client.revoked"] == "LIKELY"
    assert said["crl"].diagnosis.parties == ("client-owner",)
    assert opinions(said["crl_expired"])["client.revoked"] == "RULED_OUT"
    assert "client-owner" not in said["crl_expired"].diagnosis.parties
    assert not said["crl"].case.problems


def test_nothing_is_fetched_that_was_not_named_nor_where_nothing_failed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wish, and after an acceptance, nobody but the endpoint is called."""
    asked: list[str] = []
    real = fetching._exchange
    monkeypatch.setattr(
        fetching, "_exchange", lambda one, *rest: (asked.append(one.url), real(one, *rest))[1]
    )
    for who, fetch, calls in (
        (world.revoked, (), 0), (world.good, ("issuers", "crls"), 0), (world.revoked, ("crls",), 1),
    ):  # fmt: skip
        asked.clear()
        with STACKS["nginx"].start(world.setup("crl")) as server:
            mtlskit.diagnose(
                server.target,
                **files(world, who, tmp_path),
                server_name=HOST,
                fetch=fetch,
                experiments=False,
            )
        assert len(asked) == calls


def test_what_was_not_to_be_had_is_told_and_concludes_nothing(tmp_path: Path) -> None:
    """The authority's place is gone: a problem beside the report, and an open question."""
    with publishing() as publisher:
        gone = World(publisher)
    with STACKS["nginx"].start(gone.setup("crl")) as server:
        report = mtlskit.diagnose(
            server.target,
            **files(gone, gone.revoked, tmp_path),
            server_name=HOST,
            fetch=("crls",),
            experiments=False,
        )
    assert [one.code for one in report.case.problems] == ["not-fetched"]
    assert opinions(report)["client.revoked"] == "POSSIBLE"


def test_the_terminal_takes_what_the_owner_named_and_what_is_to_be_fetched(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both options reach the diagnosis."""
    given = files(world, world.good, tmp_path)
    with STACKS["nginx"].start(world.setup("crl_incomplete")) as server:
        status = main([
            "diagnose", str(server.target), "--json", "--no-experiments", "--server-name", HOST,
            "--identity", str(given["identity"]), "--trust", str(given["trust"]),
            "--server-trust", str(tmp_path / "named.pem"), "--fetch", "issuers", "crls",
        ])  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    assert status == 1
    assert told["opinions"][0]["cause"] == "server.crl-stale"
    out = {one["cause"] for one in told["opinions"] if one["standing"] == "RULED_OUT"}
    assert {"client.revoked", "client.untrusted-issuer"} <= out
