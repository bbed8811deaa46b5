"""A change plan: numbered steps with the value now and then, where, who, how back, and the check.

Law of this room: a step that cannot be undone is not in it without its backup. The plan is paper:
whoever carries it out decides. A cell of the CSV never begins a formula.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from mtlskit.instance.changes import Change
from mtlskit.instance.routes import bare
from mtlskit.instance.whatif import WhatIf
from mtlskit.page.blocks import Block, Callout, Code, Fields, Items, Page, Paragraph, Section
from mtlskit.page.shown import Shown

COLUMNS = (
    "Step",
    "What",
    "Why",
    "Record",
    "Field",
    "Present value",
    "New value",
    "Where",
    "Role",
    "Backup",
    "Undo",
    "Check",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EMPTY = "(empty)"
_WISHED = "as wished"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in the instance.

    Attributes:
        why: what it mends, and how sure that is.
        record: the table and the record as a person finds it.
        present: the value that stands there now, as the exports say.
        role: who may usually do it.
    """

    number: int
    what: str
    why: str
    record: str
    field: str
    present: str
    new: str
    where: str
    role: str
    backup: str
    undo: str
    check: str

    def cells(self) -> tuple[str, ...]:
        """Return the step in the order of `COLUMNS`."""
        present = self.present or _EMPTY
        new = self.new or _EMPTY
        told = (self.what, self.why, self.record, self.field, present, new, self.where, self.role)
        return (str(self.number), *told, self.backup, self.undo, self.check)


@dataclass(frozen=True, slots=True)
class Plan(Shown):
    """What to change in an instance.

    Attributes:
        url: the URL that the instance calls.
        causes: titles of what the steps are to mend.
        open: what the exports do not decide, and people must.
        last: how to see, when all is done, that it helped.
    """

    url: str
    causes: tuple[str, ...]
    steps: tuple[Step, ...]
    what_if: WhatIf | None
    open: tuple[str, ...] = ()
    last: str = ""

    def page(self) -> Page:
        """Tell it: what for, the steps, before and after, what is open."""
        return Page("Change plan", self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """The same without a title, for a larger page."""
        told: list[Block] = [Fields((("Call", Code(self.url)),))]
        if self.causes:
            told.append(Section("What it mends", (Items(self.causes),)))
        if not self.steps:
            told.append(Paragraph(self._nothing()))
        told += [_section(one) for one in self.steps]
        if self.open:
            told.append(Callout("To be decided by people", (Items(self.open),), "warn"))
        if self.steps:
            told.append(Section("At the end", (Paragraph(self.last),)))
        if self.what_if is not None and self.steps:
            told.append(Section("Before and after", (self.what_if.table(),)))
        return tuple(told)

    def _nothing(self) -> str:
        if self.open:
            return "The exports do not decide what to change; nothing is proposed by guess."
        return "Nothing was found in the settings that needs to be changed for this call."

    def csv(self) -> str:
        """Return the steps for a change request: UTF-8 text, every cell quoted, no formulas."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        for one in self.steps:
            writer.writerow([harmless(cell) for cell in one.cells()])
        return out.getvalue()


def harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula: an apostrophe goes before it."""
    plain = cell.replace("\r", " ").replace("\n", " ")
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) or cell[:1] in _FORMULA else plain


@cache
def _places() -> Mapping[str, Mapping[str, str]]:
    text = files("mtlskit.instance").joinpath("where.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def plan_of(
    what_if: WhatIf,
    causes: Sequence[str] = (),
    undecided: Sequence[str] = (),
    *,
    reasons: Sequence[str] = (),
    url: str = "",
) -> Plan:
    """Make the plan of some changes that were worked out.

    Args:
        what_if: the changes with what they would do.
        causes: what they mend, as titles.
        undecided: what is left for people to decide.
        reasons: why each of the changes is made, in their order.
        url: the URL that is called, where `what_if` has none.
    """
    called = bare(what_if.before.url if what_if.before else url)
    whys = (*reasons, *[_WISHED] * (len(what_if.changes) - len(reasons)))
    changes = zip(what_if.changes, what_if.values, whys, strict=True)
    steps = tuple(_step(number, *one) for number, one in enumerate(changes, start=1))
    return Plan(called, tuple(causes), steps, what_if, tuple(undecided), _last(what_if, called))


def _step(number: int, change: Change, present: str, why: str) -> Step:
    place = _places()[change.table]
    record = f"{change.table} {change.record}"
    which = f" (sys_id {change.sys_id})" if change.sys_id else ""
    if "://" in change.value or "://" in present:
        change, present = replace(change, value=bare(change.value)), bare(present)
    new = "the record is removed" if change.kind == "remove" else change.value
    return Step(
        number=number,
        what=_what(change, present),
        why=why,
        record=record + which,
        field=change.field or "the whole record",
        present=present,
        new=new,
        where=place["place"],
        role=place["role"],
        backup="nothing to back up: the record is new" if change.kind == "add" else place["backup"],
        undo=_undo(change, present, place["undo"]),
        check="the list no longer shows the record" if change.kind == "remove" else place["check"],
    )


_KINDS = {
    "sys_properties": "the property",
    "sys_protocol_profile": "the protocol profile",
    "sys_certificate": "the key-store record",
}


def _what(change: Change, present: str) -> str:
    named = f"{_KINDS.get(change.table, 'the record')} {change.record}"
    if change.kind == "remove":
        return f"Remove {named} ({present}), unless calls to another endpoint need it."
    if change.kind == "add":
        return f"Make a new protocol profile {change.record}."
    if change.table == "sys_attachment":
        return f"Upload the key store again under the name {change.value}."
    if not change.value:
        return f"Empty the field {change.field} of {named} (now {present or _EMPTY})."
    now = f" (now {present or _EMPTY})"
    return f"Set the field {change.field} of {named} to {change.value}{now}."


def _undo(change: Change, present: str, usual: str) -> str:
    if change.kind == "add":
        return "remove the record again"
    if change.kind == "remove":
        return "import the kept file (list menu, Import XML)"
    return f"{usual}; the old value is {present}" if present else usual


def _last(what_if: WhatIf, url: str) -> str:
    called = bare(what_if.after.url) if what_if.after else url
    return (
        f"Call {called or 'the endpoint'} from the instance once more, and look at System Logs > "
        "Outbound HTTP Requests. Then export the same tables again and have them read: no cause "
        "is to be found any more. If it did not help, undo the steps from the last to the first."
    )


def _section(step: Step) -> Section:
    return Section(
        f"Step {step.number}. {step.what}",
        (
            Fields(
                (
                    ("Why", step.why),
                    ("Record", Code(step.record)),
                    ("Field", Code(step.field)),
                    ("Present value", Code(step.present or _EMPTY)),
                    ("New value", Code(step.new or _EMPTY)),
                    ("Where", step.where),
                    ("Usual role", step.role),
                    ("Back up first", step.backup),
                    ("How to undo", step.undo),
                    ("Check", step.check),
                )
            ),
        ),
    )
