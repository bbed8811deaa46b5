"""Forty-four made-up instances: the right cause first in every format, and a plan that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import pytest

from mtlskit.case import Case, Missing
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab import exports as lab
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source
from mtlskit.report.planning import change_plan, settings_causes, told, tried_out

WORLDS = (*lab.worlds(), *lab.pairs(), *lab.variants())
Files = dict[str, bytes]


@cache
def key_stores() -> Mapping[str, bytes]:
    """Make one key store for every attachment of every world."""
    issued = Authority.root("CN=Partner CA").client("CN=orders.northwind.example")
    store = issued.p12("made-up-word", "orders")
    names = {
        str(dict(file.fields)["file_name"]) for one in WORLDS for file in one.of("sys_attachment")
    }
    return dict.fromkeys(names, store)


def per_table(write: Callable[[list[lab.Made]], bytes]) -> Callable[[lab.World], Files]:
    """Write a file for each table, called by it."""
    return lambda world: {table: write(list(world.of(table))) for table in world.tables()}


WAYS: dict[str, Callable[[lab.World], Files]] = {
    "xml": lambda world: {"a.xml": lab.as_unload(world.records)},
    "xml by address": lambda world: {"a.xml": lab.as_unload(world.records, wrapper="xml")},
    "update set": lambda world: {"a.xml": lab.as_update_set(world.records)},
    "update set, CDATA": lambda world: {"a.xml": lab.as_update_set(world.records, cdata=True)},
    "json": per_table(lab.as_table_api),
    "json, labels": per_table(lambda r: lab.as_table_api(r, display="true")),
    "json, both": per_table(lambda r: lab.as_table_api(r, display="all")),
    "csv": per_table(lab.as_csv),
    "csv, labels, UTF-8": per_table(lambda r: lab.as_csv(r, labels=True, encoding="utf-8")),
    "workbook": per_table(lab.as_workbook),
}
ATTACHED: dict[str, Callable[[lab.World], lab.World]] = {
    "no attachments": lambda world: world.without("sys_attachment"),
    "attachments named": lambda world: world,
    "attachments whole": lambda world: world.carrying(key_stores()),
}


def settings(files: Files) -> Settings:
    """Read files as one instance."""
    return settings_from(read_export(Blob(Source(name), data)) for name, data in files.items())


def case_of(world: lab.World, way: str = "xml", attached: str = "attachments named") -> Case:
    """Read a world."""
    return Case(settings=settings(WAYS[way](ATTACHED[attached](world))), url=world.url)


def wrong(worlds: Iterable[lab.World], way: str, attached: str) -> list[str]:
    """Return the worlds of which the wrong cause comes first, or one though they are sound."""
    found = []
    for world in worlds:
        causes = settings_causes(case_of(world, way, attached))
        right = causes[0].cause in world.causes if causes else not world.causes
        if not right:
            found.append(f"{world.id}: {[one.cause for one in causes]}")
    return found


def test_there_are_worlds_enough() -> None:
    """Every cause alone and in pairs, the same in other ways, and sound ones."""
    assert len(WORLDS) >= 40
    assert {fault.cause for fault in lab.FAULTS} == {one for w in WORLDS for one in w.causes}
    assert sum(not world.causes for world in WORLDS) >= 4


@pytest.mark.parametrize("attached", ATTACHED)
@pytest.mark.parametrize("way", WAYS)
def test_the_right_cause_comes_first_and_the_sound_have_none(way: str, attached: str) -> None:
    """In 98 of 100 worlds at least, whatever the export; and never a cause for a sound one."""
    sound = [world for world in WORLDS if not world.causes]
    assert wrong(sound, way, attached) == []
    assert len(wrong(WORLDS, way, attached)) <= 0.02 * len(WORLDS)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.id)
def test_the_plan_mends_what_the_exports_decide_and_names_the_rest(world: lab.World) -> None:
    """After the changes no cause is left, unless people must choose between two key stores."""
    plan = change_plan(case_of(world))
    assert bool(plan.steps or plan.open) == bool(world.causes)
    assert plan.what_if is not None
    after = plan.what_if.after
    assert after is not None
    case = Case(settings=plan.what_if.then, url=after.url)
    left = {one.cause for one in settings_causes(case)}
    assert left <= {"instance.several-keystores"}
    assert bool(left) == bool(plan.open and "key store" in plan.open[0])


def test_what_merely_may_be_at_fault_is_changed_last() -> None:
    """A step says what it mends; the doubtful ones come after the sure ones, and say so."""
    steps = change_plan(case_of(lab.WORLDS["broken"])).steps
    assert ["may be at fault" in one.why for one in steps] == [False, False, True]
    assert "registered port" in steps[0].why
    assert "myhttpstest" in steps[2].record


def test_nothing_is_planned_from_nothing() -> None:
    """Without settings or a URL it is said what is missing."""
    with pytest.raises(Missing, match="settings"):
        change_plan(Case())
    alone = settings({"a.xml": lab.as_unload([lab.profile("myhttps", "8443", None)])})
    with pytest.raises(Missing, match="URL"):
        change_plan(Case(settings=alone))
    assert told(Case(settings=alone)) is None


def test_what_a_change_leaves_wrong_is_told() -> None:
    """The first step alone mends its part and names the rest; all of them leave less."""
    case = case_of(lab.WORLDS["broken"])
    plan = change_plan(case)
    assert plan.what_if is not None
    every = plan.what_if.changes
    none, first, whole = (tried_out(case, changes) for changes in ((), every[:1], every))
    assert none.mended == ()
    assert none.left
    assert first.left is not None
    assert whole.left is not None
    assert len(whole.left) < len(first.left) <= len(none.left)
    assert whole.mended
    assert "What would still be wrong" in str(first.page())
    assert "What would be mended" in str(whole.page())
