"""A report on a connection that only a log tells of: nothing is claimed that it does not say."""

from datetime import UTC, datetime

from mtlskit.case import Case
from mtlskit.material import Because, Source
from mtlskit.page.text import text
from mtlskit.report import Report, judge
from mtlskit.trace.events import Ended, Symptom, Trace

SOURCE = Source("app.log", ("line 7",))


def told(refused_by: str | None) -> Report:
    """A report on one line that tells of an alert, and of no more."""
    because = (Because("the fatal alert certificate_expired (45) was seen", SOURCE),)
    symptom = Symptom(alert=45, name="certificate_expired")
    ended = Ended("refused", refused_by, None, symptom, because)
    return judge(Case(trace=Trace(Source("app.log"), None, (), ended), at=datetime.now(UTC)))


def test_no_stage_is_called_done_that_nobody_saw() -> None:
    """Where the stage of the end is unknown, no later stage counts as reached or accepted."""
    screen = text(told(None).page()).split("To find this attempt")[0]
    assert "The connection in app.log was refused" in screen
    assert "accepted" not in screen
    assert screen.count("not known") >= 5
    assert "It cannot be told which side refused." in screen


def test_a_known_side_is_said_without_its_stage() -> None:
    """The side that refused is said also where the stage is not known."""
    screen = text(told("server").page(), 200)
    assert "The server refused the client. At which point is not told." in screen
