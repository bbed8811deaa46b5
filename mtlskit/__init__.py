"""Finds out why a mutual-TLS connection fails, proves it, and says who must act.

The front door; each name is loaded when it is first used::

    mtlskit.inspect("client.p12", password=…)     what is in these files
    mtlskit.compare("old.p12", "new.p12")         what differs, what renews what
    mtlskit.verify("chain.pem", trust="ca.pem")   why a chain is accepted or not
    mtlskit.trace("partner.example:443")          who said what
    mtlskit.asked("partner.example:443")          what the server asks of its clients
    mtlskit.clients("partner.example:443")        what curl, Java and others make of it
    mtlskit.compare_traces(works, fails)          where two connections part
    mtlskit.tap(…), mtlskit.mirror(…)             watch any client; ask what it sends
    mtlskit.resume("partner.example:443")         whether it resumes a session
    mtlskit.diagnose("partner.example:443", identity="client.p12", password=…)
    mtlskit.read("client.p12", "export.xml")      any mixture of files
    mtlskit.read_instance("acme", login)          an instance's settings, over its Table API
    mtlskit.overview(case.settings)               those settings at a glance
    mtlskit.plan(case)                            what to change in them, step by step
    mtlskit.what_if(case.settings, changes)       what such changes would do, on paper
    mtlskit.rehearse(case)                        what would help, on a stand-in of the server
    mtlskit.course.lesson(1)                      twelve lessons, and mysteries to solve
    mtlskit.explain("Received fatal alert: ...")  what an error line says
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # importing it from typing would cost more than all the rest of this file
if TYPE_CHECKING:
    from typing import Any

    from mtlskit.case import Case as Case
    from mtlskit.collect.asked import asked as asked
    from mtlskit.collect.clients.asked import clients as clients
    from mtlskit.collect.doctor import doctor as doctor
    from mtlskit.collect.given import read as read
    from mtlskit.collect.instance import read_instance as read_instance
    from mtlskit.collect.look import compare as compare
    from mtlskit.collect.look import inspect as inspect
    from mtlskit.collect.look import verify as verify
    from mtlskit.collect.mirror import mirror as mirror
    from mtlskit.collect.resuming import resume as resume
    from mtlskit.desk import course as course
    from mtlskit.experiment import attempt as attempt
    from mtlskit.experiment import diagnose as diagnose
    from mtlskit.instance.overview import overview as overview
    from mtlskit.instance.whatif import what_if as what_if
    from mtlskit.lab.stand_in import rehearse as rehearse
    from mtlskit.report import Report as Report
    from mtlskit.report import planning as planning
    from mtlskit.report.compared import compare_reports as compare_reports
    from mtlskit.report.explained import explain as explain
    from mtlskit.trace import compare as comparing

    compare_traces = comparing.compare
    plan = planning.change_plan

__version__ = "0.1.0"

_DOORS = {
    "Case": ("mtlskit.case", "Case"),
    "Report": ("mtlskit.report", "Report"),
    "asked": ("mtlskit.collect.asked", "asked"),
    "attempt": ("mtlskit.experiment", "attempt"),
    "compare_reports": ("mtlskit.report.compared", "compare_reports"),
    "clients": ("mtlskit.collect.clients.asked", "clients"),
    "compare": ("mtlskit.collect.look", "compare"),
    "compare_traces": ("mtlskit.trace.compare", "compare"),
    "course": ("mtlskit.desk.course", None),
    "diagnose": ("mtlskit.experiment", "diagnose"),
    "doctor": ("mtlskit.collect.doctor", "doctor"),
    "explain": ("mtlskit.report.explained", "explain"),
    "inspect": ("mtlskit.collect.look", "inspect"),
    "mirror": ("mtlskit.collect.mirror", "mirror"),
    "overview": ("mtlskit.instance.overview", "overview"),
    "plan": ("mtlskit.report.planning", "change_plan"),
    "read": ("mtlskit.collect.given", "read"),
    "read_instance": ("mtlskit.collect.instance", "read_instance"),
    "resume": ("mtlskit.collect.resuming", "resume"),
    "rehearse": ("mtlskit.lab.stand_in", "rehearse"),
    "tap": ("mtlskit.collect.tap", "relay"),
    "trace": ("mtlskit.trace", None),
    "verify": ("mtlskit.collect.look", "verify"),
    "what_if": ("mtlskit.instance.whatif", "what_if"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever stands behind the door
    try:
        module, what = _DOORS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    loaded = import_module(module)
    return getattr(loaded, what) if what else loaded


def __dir__() -> list[str]:
    return sorted([*globals(), *_DOORS])
