"""The measured habits of real servers."""

import csv
from importlib.resources import files

import pytest

from mtlskit.diagnosis.causes import causes
from mtlskit.diagnosis.habits import share
from mtlskit.trace.events import Ended, Symptom

ROWS = list(
    csv.DictReader(
        files("mtlskit.diagnosis").joinpath("habits.csv").read_text("utf-8").splitlines()
    )
)


def refused(tls: str, stage: str, alert: int | None = None, http: int | None = None) -> Ended:
    """A refusal by the server with this sign."""
    return Ended("refused", "server", stage, Symptom(alert, None, http, None, tls), ())


def test_each_row_names_a_cause_and_what_was_seen() -> None:
    """Every row is of the vocabulary, dated, and carries an outcome with its stage."""
    for row in ROWS:
        assert row["cause"] in causes()
        assert row["measured"]
        assert (row["outcome"] == "refused") is bool(row["stage"]), row


@pytest.mark.parametrize(
    ("tls", "alert", "likelier", "than"),
    [
        ("1.3", 116, "client.no-identity", "client.expired"),
        ("1.3", 45, "client.expired", "client.untrusted-issuer"),
        ("1.3", 48, "client.untrusted-issuer", "client.expired"),
        ("1.2", 43, "client.purpose", "client.expired"),
        ("1.2", 51, "client.key-mismatch", "client.untrusted-issuer"),
    ],
)
def test_an_alert_speaks_for_the_fault_that_most_servers_answer_so(
    tls: str, alert: int | None, likelier: str, than: str
) -> None:
    """The likelihoods order as the measurements do."""
    stage = "after-handshake" if tls == "1.3" else "client-certificate"
    ended = refused(tls, stage, alert)
    assert share(likelier, ended).likelihood > share(than, ended).likelihood


def test_a_stack_has_its_own_habits() -> None:
    """The server nginx answers a missing certificate with a page, and never with an alert."""
    page = refused("1.3", "application", http=400)
    alert = refused("1.3", "after-handshake", 116)
    assert share("client.no-identity", page, "nginx").stacks > 0
    assert share("client.no-identity", alert, "nginx").likelihood < 0.3


def test_what_was_never_measured_is_none_and_what_was_never_seen_is_not_zero() -> None:
    """No rows: None. Rows without this sign: unlikely, and still possible."""
    odd = refused("1.3", "after-handshake", 20)
    assert share("client.key-unusable", odd) is None
    assert 0 < share("client.expired", odd).likelihood < 0.05
