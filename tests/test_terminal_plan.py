"""``mtlskit plan``: the steps on paper, as text, Markdown, JSON and CSV; nothing is changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlskit.__main__ import main
from mtlskit.lab import exports as lab
from mtlskit.terminal.showing import ACCEPTED, REFUSED, UNREADABLE, USAGE

SAMPLES = Path(__file__).parents[1] / "data" / "exports"
BROKEN, HEALTHY = (SAMPLES / name / "instance.xml" for name in ("broken", "healthy"))
URL = "myhttps://partner.example.com:8443/orders"
Capsys = pytest.CaptureFixture[str]


def test_the_broken_sample_has_a_plan(capsys: Capsys, tmp_path: Path) -> None:
    """Steps are printed, and written as CSV where that was asked for; a file is never replaced."""
    sheet = tmp_path / "plan.csv"
    assert main(["plan", str(BROKEN), "--url", URL, "--csv", str(sheet)]) == REFUSED
    told = capsys.readouterr()
    assert "Step 1. Empty" in told.out
    assert "glide.httpclient.protocol.myhttps.port" in told.out
    assert sheet.read_text(encoding="utf-8-sig").startswith('"Step","What"')
    assert main(["plan", str(BROKEN), "--url", URL, "--csv", str(sheet)]) == UNREADABLE
    assert "exists" in capsys.readouterr().err


def test_the_plan_for_a_program_and_for_a_ticket(capsys: Capsys) -> None:
    """JSON holds the steps and before and after; Markdown has a heading for each step."""
    assert main(["plan", str(BROKEN), "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert [step["number"] for step in told["steps"]] == [1, 2, 3]
    ports = next(one for one in told["before_and_after"] if one["what"] == "Registered port")
    assert (ports["before"], ports["after"]) == ("4433", "8443")
    assert main(["plan", str(BROKEN), "--markdown"]) == REFUSED
    assert (
        "# Step 3. Remove the protocol profile myhttpstest (default port 8443"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("end", "write"),
    [
        ("xlsx", lab.as_workbook),
        ("csv", lambda records: lab.as_csv(records, labels=True)),
        ("json", lambda records: lab.as_table_api(records, display="true")),
    ],
)
def test_a_file_for_each_table_gives_the_same_plan(
    end: str, write: Callable[[list[lab.Made]], bytes], tmp_path: Path, capsys: Capsys
) -> None:
    """Workbooks, CSV with labels and JSON are told by content, and lead to the same steps."""
    world = lab.WORLDS["broken"]
    files = [tmp_path / f"{table}.{end}" for table in world.tables()]
    for file in files:
        file.write_bytes(write(list(world.of(file.stem))))
    assert main(["plan", *map(str, files), "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert main(["plan", str(BROKEN), "--json"]) == REFUSED
    wanted = json.loads(capsys.readouterr().out)
    assert told["steps"] == wanted["steps"]
    assert told["before_and_after"] == wanted["before_and_after"]


def test_a_healthy_instance_needs_no_plan(capsys: Capsys) -> None:
    """The exit status says so too."""
    assert main(["plan", str(HEALTHY)]) == ACCEPTED
    assert "Nothing was found" in capsys.readouterr().out


def test_without_settings_or_a_url_it_is_said_what_is_missing(
    capsys: Capsys, tmp_path: Path
) -> None:
    """A login page is named for what it is; half of an export asks for the other half."""
    page = tmp_path / "sys_properties.xml"
    page.write_text("<!DOCTYPE html><html><title>Log in</title></html>")
    assert main(["plan", str(page)]) == UNREADABLE
    assert "login page" in capsys.readouterr().err
    alone = SAMPLES / "broken" / "sys_properties.json"
    assert main(["plan", str(alone)]) == UNREADABLE
    assert "URL" in capsys.readouterr().err
    assert main(["plan", str(alone), "--url", URL]) == REFUSED
    told = capsys.readouterr().out
    assert "sys_protocol_profile was not given" in told
    assert "Step 1" not in told


def test_changes_of_ones_own_can_be_tried(capsys: Capsys) -> None:
    """Before and after of what is asked for, as text and for a program."""
    emptied = "sys_properties glide.httpclient.protocol.myhttps.class value="
    gone = "sys_protocol_profile myhttpstest removed"
    asked = ["plan", str(BROKEN), "--try", emptied, "--try", gone]
    assert main(asked) == ACCEPTED
    assert "Decided by" in capsys.readouterr().out
    assert main([*asked, "--json"]) == ACCEPTED
    told = {one["what"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["Decided by"]["before"] == "property"
    assert told["Decided by"]["after"] == "profile"


@pytest.mark.parametrize("change", ["", "nonsense", "a b c", "sys_properties none value=1", "a 'b"])
def test_a_change_that_is_none_is_said_to_be(change: str, capsys: Capsys) -> None:
    """Neither a sentence that is no change nor a record that is not there is passed over."""
    assert main(["plan", str(BROKEN), "--try", change]) == UNREADABLE
    assert "mtlskit: " in capsys.readouterr().err


def test_two_instances_at_once_have_no_plan(capsys: Capsys, tmp_path: Path) -> None:
    """A plan drawn from whichever file came last would change the wrong instance."""
    other = tmp_path / "other.xml"
    text = BROKEN.read_text(encoding="utf-8")
    swapped = text.replace("northwind-made-up", "another").replace("4433", "9999")
    assert swapped != text
    other.write_text(swapped, encoding="utf-8")
    assert main(["plan", str(BROKEN), str(other), "--url", URL]) == UNREADABLE
    told = capsys.readouterr()
    assert "Step 1" not in told.out
    assert "two instances at once" in told.err


@pytest.mark.parametrize(
    "wish",
    [
        "sys_properties glide.httpclient.protocol.myhttps.port nofield=3",
        "sys_protocol_profile myhttps default_port=abc",
        "sys_protocol_profile myhttps default_port=99999",
    ],
)
def test_a_change_that_cannot_be_is_refused(wish: str, capsys: Capsys) -> None:
    """A field that no record has, and a port that cannot be, are named and not tried."""
    assert main(["plan", str(BROKEN), "--url", URL, "--try", wish]) in {USAGE, UNREADABLE}
    told = capsys.readouterr()
    assert wish.rpartition("=")[2] in told.err or "nofield" in told.err
