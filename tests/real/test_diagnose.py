"""The main job on real input: keytool's key stores, a real nginx, a real openssl s_server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mtlskit.__main__ import main
from mtlskit.material import Target

Fixture = Any  # what a fixture of conftest.py gives

pytestmark = pytest.mark.needs("openssl", "keytool", "nginx")

SERVERS = ("nginx", "s_server_www", "s_server")
VERSIONS = ("1.2", "1.3")
KINDS = ("p12", "jks")
FAULTS = {  # whose key store is offered, and the cause that is to be found
    "ok": ("ok", "none"),
    "no certificate": (None, "client.no-identity"),
    "expired": ("expired", "client.expired"),
    "unrelated CA": ("stranger", "client.untrusted-issuer"),
    "missing intermediate": ("leaf-alone", "client.chain-incomplete"),
    "wrong EKU": ("for-servers", "client.purpose"),
}


def _arguments(
    target: Target,
    stores: Fixture,
    partner: Fixture,
    identity: Fixture,
    tls: str,
) -> list[str]:
    told = ["diagnose", str(target), "--trust", str(partner.root), "--tls", tls, "--json"]
    told += ["--timeout", "3"]  # one of the servers answers no request, and is waited for
    if identity is not None:
        told += ["--identity", str(identity), "--password-file", str(stores.password_file)]
    return told


@pytest.fixture
def diagnose(stores: Fixture, partner: Fixture, capsys: Fixture) -> Callable[..., tuple[int, Any]]:
    """Runs the terminal door against a server; returns its exit status and its JSON."""

    def run(server: Target, who: str | None, kind: str, tls: str, *more: str) -> tuple[int, Any]:
        identity = None if who is None else stores.store(who, kind)
        status = main([*_arguments(server, stores, partner, identity, tls), *more])
        shown = capsys.readouterr()
        assert stores.password not in shown.out + shown.err
        return status, json.loads(shown.out)

    return run


def _stage(name: str, tls: str) -> str:
    """Name the stage at which this server refuses a client's certificate."""
    if name == "nginx":
        return "application"
    return {"1.2": "client-certificate", "1.3": "after-handshake"}[tls]


def _status(name: str, fault: str) -> int | None:
    """Name the HTTP status that this server answers with."""
    if name == "nginx":
        return 200 if fault == "ok" else 400
    return 200 if (name, fault) == ("s_server_www", "ok") else None


# The server is a fixture that lives as long as the run; its name is known to the test as well.
each_server = pytest.mark.parametrize(
    ("server", "name"), [(one, one) for one in SERVERS], indirect=["server"], ids=SERVERS
)
each_version = pytest.mark.parametrize("tls", VERSIONS)
each_kind = pytest.mark.parametrize("kind", KINDS)


@each_server
@each_version
@pytest.mark.parametrize(
    ("fault", "kind"),  # without a store there is no kind of it
    [(one, kind) for one, (who, _) in FAULTS.items() for kind in KINDS if who or kind == "p12"],
)
def test_right_cause_is_first(  # noqa: PLR0913, PLR0917 - the table's columns
    server: Target, name: str, tls: str, fault: str, kind: str, diagnose: Fixture
) -> None:
    """The first opinion names the fault; outcome, side, stage and exit status are right."""
    who, cause = FAULTS[fault]
    status, told = diagnose(server, who, kind, tls)
    judged = {key: told[key] for key in ("outcome", "refused_by", "stage")}
    accepted = {"outcome": "accepted", "refused_by": None, "stage": None}
    refused = {"outcome": "refused", "refused_by": "server", "stage": _stage(name, tls)}
    assert judged == (accepted if fault == "ok" else refused)
    assert told["opinions"][0]["cause"] == cause
    assert status == (0 if fault == "ok" else 1)
    assert told["symptom"]["tls"] == tls
    assert told["symptom"]["http"] == _status(name, fault)


@each_server
@each_version
@each_kind
def test_missing_intermediate_is_proved_where_it_lies_at_hand(  # noqa: PLR0913, PLR0917 - the same
    server: Target, name: str, tls: str, kind: str, diagnose: Fixture, stores: Fixture
) -> None:
    """With the issuer's certificate among the material, the cause is confirmed by trying it."""
    _, told = diagnose(server, "leaf-alone", kind, tls, "--material", str(stores.issuing))
    assert told["stage"] == _stage(name, tls)
    first = told["opinions"][0]
    assert (first["cause"], first["standing"]) == ("client.chain-incomplete", "CONFIRMED")
    assert first["party"] == "client-owner"


@pytest.mark.parametrize("server", ["nginx", "s_server"], indirect=True)
def test_what_was_asked_and_sent_is_told(server: Target, diagnose: Fixture) -> None:
    """The report says that the server asked, whom it accepts, and what was sent."""
    _, told = diagnose(server, "expired", "jks", "1.3")
    assert told["sent"]["asked"] is True
    assert "Acme Root CA" in told["sent"]["accepted_issuers"][0]
    subjects = [one["subject"] for one in told["sent"]["by_client"]]
    assert len(subjects) == 3  # a Java key store holds the root too
    assert "Acme Integration Client" in subjects[0]


def test_late_alert_is_told_with_its_number(s_server: Target, diagnose: Fixture) -> None:
    """A TLS 1.3 refusal that comes after the client's Finished is told with its alert."""
    _, told = diagnose(s_server, "expired", "p12", "1.3")
    assert (told["symptom"]["alert"], told["symptom"]["name"]) == (45, "certificate_expired")


@pytest.mark.parametrize("fault", ["ok", "missing intermediate"])
def test_terminal_command_does_the_same(
    fault: str, nginx: Target, stores: Fixture, partner: Fixture
) -> None:
    """``python -m mtlskit diagnose`` prints JSON alone on its output, and ends as it should."""
    who, cause = FAULTS[fault]
    told = _arguments(nginx, stores, partner, stores.store(who, "jks"), "1.3")
    done = subprocess.run(
        [sys.executable, "-m", "mtlskit", *told],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout)["opinions"][0]["cause"] == cause
    assert done.returncode == (0 if fault == "ok" else 1)
    assert done.stderr == ""
