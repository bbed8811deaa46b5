import pytest

from mtlskit.collect.clients.attempts import Clients
from mtlskit.collect.met import Met
from mtlskit.lab import watching
from mtlskit.trace.compare import compare


@pytest.mark.parametrize(
    ("version", "stage"), [("1.2", "client-certificate"), ("1.3", "after-handshake")]
)
def test_a_refusal_is_seen_where_each_version_has_it(version: str, stage: str) -> None:
    """The same fault is refused within the handshake in TLS 1.2, and after it in 1.3."""
    assert watching.handshake("none", version).ended.outcome == "accepted"
    ended = watching.handshake("client.chain-incomplete", version).ended
    assert (ended.outcome, ended.refused_by, ended.stage) == ("refused", "server", stage)


def test_before_and_after_are_two_calls_of_one_endpoint() -> None:
    """What the client held wrong is all that differs."""
    fails, works = watching.before_and_after("client.no-identity")
    assert (fails.ended.outcome, works.ended.outcome) == ("refused", "accepted")
    assert fails.target == works.target
    assert "Server's certificates" in compare(works, fails).alike


def test_what_the_client_cannot_mend_is_refused() -> None:
    """One sentence says why there is no after."""
    with pytest.raises(ValueError, match="not in the client's hands"):
        watching.before_and_after("server.expired")


def test_a_client_looks_into_the_mirror_or_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python is always there; what is not installed is not made up."""
    met = watching.in_the_mirror("python")
    assert isinstance(met, Met)
    assert met.proved
    monkeypatch.setattr("mtlskit.collect.clients.programs.shutil.which", lambda _: None)
    absent = watching.in_the_mirror("curl")
    assert isinstance(absent, Clients)
    assert absent.absent == ("curl",)
