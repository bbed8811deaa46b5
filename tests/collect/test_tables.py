"""What is made of several readings of one table, each of which may have missed something."""

from __future__ import annotations

from time import monotonic

from mtlskit.collect.https import Login, Server
from mtlskit.collect.tables import Instance, Wanted, Whole, _Read
from mtlskit.material import Target


class Told(Instance):
    """An instance of which these readings are made, one after another."""

    def __init__(self, *readings: tuple[str, set[int | None]]) -> None:
        server = Server(Target("acme.example", 443))
        super().__init__(server, Login(token="abc"), monotonic() + 60)
        self.left = [
            _Read({one: {"sys_id": one} for one in ids}, totals) for ids, totals in readings
        ]

    def _reading(self, _: Wanted) -> _Read:
        return self.left.pop(0)


def whole(*readings: tuple[str, set[int | None]]) -> tuple[str, Whole, int]:
    """The records that are kept, and how many readings were not made."""
    told = Told(*readings)
    table = told.table(Wanted("sys_certificate", ("sys_id",)))
    return "".join(str(one["sys_id"]) for one in table.records), table, len(told.left)


def test_a_reading_that_adds_up_is_enough() -> None:
    """As many came as there are."""
    kept, table, left = whole(("abc", {3}), ("abcd", {4}))
    assert (kept, table.total, table.steady, left) == ("abc", 3, True, 1)


def test_two_readings_that_agree_are_enough() -> None:
    """The rest is hidden from this user: to read a third time would not show it."""
    kept, table, left = whole(("ab", {3}), ("ab", {3}), ("abc", {3}))
    assert (kept, table.total, table.steady, left) == ("ab", 3, True, 1)


def test_two_readings_that_agree_while_the_table_moved_are_not_enough() -> None:
    """What slipped from one page to another may have been missed both times."""
    kept, table, left = whole(("ab", {3, 4}), ("ab", {3, 4}), ("abc", {3}))
    assert (kept, table.steady, left) == ("abc", True, 0)


def test_of_readings_that_never_agree_all_is_kept_and_that_is_told() -> None:
    """No record is lost that was seen once."""
    kept, table, left = whole(("ab", {5, 4}), ("bc", {4, 5}), ("cd", {5}))
    assert sorted(kept) == ["a", "b", "c", "d"]
    assert (table.total, table.steady, left) == (5, False, 0)


def test_a_last_reading_that_adds_up_stands_alone() -> None:
    """What was seen before and is no more was deleted in the meantime."""
    kept, table, left = whole(("ab", {3}), ("bc", {4}), ("cd", {2}))
    assert (kept, table.total, table.steady, left) == ("cd", 2, True, 0)
