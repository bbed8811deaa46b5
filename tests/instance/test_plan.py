"""The change plan: every step can be followed, checked and undone; its CSV is harmless."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.instance import changes
from mtlskit.instance.changes import Change
from mtlskit.instance.exports import read_export
from mtlskit.instance.plan import COLUMNS, Plan, harmless, plan_of
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.instance.whatif import what_if
from mtlskit.lab import exports as lab
from mtlskit.material import Blob, Source

BROKEN = lab.WORLDS["broken"]


def settings() -> Settings:
    """Read the broken instance."""
    return settings_from([read_export(Blob(Source("a.xml"), lab.as_unload(BROKEN.records)))])


def planned(*wanted: Change) -> Plan:
    """Plan some changes of it."""
    return plan_of(what_if(settings(), wanted, BROKEN.url), ("a title",), ("left open",))


EVERY = (
    changes.emptied(lab.CLASS),
    changes.valued(lab.PORT, "8443"),
    changes.ported("myhttps", 9443),
    changes.removed("myhttpstest"),
    changes.added("third"),
    changes.activated("Partner Test Keystore", active=False),
    Change("sys_attachment", "partner.jks", "file_name", "p.jks"),
    Change("sys_rest_message", "Partner Orders", "rest_endpoint", "https://a/"),
)


@pytest.mark.parametrize("change", EVERY, ids=str)
def test_a_step_says_all_that_whoever_does_it_must_know(change: Change) -> None:
    """Value now and then, where, who, back-up, undo, check: none of them is left out."""
    (step,) = planned(change).steps
    told = dict(zip(COLUMNS, step.cells(), strict=True))
    assert all(told.values())
    assert change.record in told["Record"]
    assert told["Present value"] != told["New value"]


def test_a_plan_shows_itself_everywhere() -> None:
    """Text, HTML and Markdown hold the steps, what is open, and before and after."""
    plan = planned(*EVERY[:2])
    for face in (str(plan), plan._repr_html_(), plan._repr_markdown_()):
        assert "Step 2" in face
        assert "left open" in face
        assert "4433" in face
        assert "bypassed" in face


def test_a_plan_without_steps_says_why() -> None:
    """Nothing to change and nothing decided are two things."""
    assert "nothing is proposed by guess" in str(planned()).replace("\n", " ")
    sound = plan_of(what_if(settings(), (), BROKEN.url))
    assert "Nothing was found" in str(sound)


def test_the_csv_has_a_row_for_each_step() -> None:
    """A change request can take it as it is."""
    rows = list(csv.reader(io.StringIO(planned(*EVERY).csv())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(EVERY) + 1
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_a_value_that_is_a_formula_stays_text() -> None:
    """What an export holds must not run in the spreadsheet of whoever opens the plan."""
    text = planned(changes.valued(lab.PORT, '=HYPERLINK("http://a.example","x")')).csv()
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


@given(st.text() | st.text(alphabet=" =+-@\t\r\n\u00a0a'", max_size=8))
def test_no_cell_begins_a_formula(text: str) -> None:
    """Whatever the value is: no formula, no line of its own, nothing lost."""
    cell = harmless(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    assert "\n" not in cell
    assert text.replace("\r", " ").replace("\n", " ") in cell
