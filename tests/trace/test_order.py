"""The table of handshake messages."""

import pytest

from mtlskit.trace.order import HELLO, TLS12, TLS13, Table, table_for
from mtlskit.wire import messages


@pytest.mark.parametrize("table", [HELLO, TLS12, TLS13])
def test_every_state_can_be_reached_and_only_known_messages_lead_on(table: Table) -> None:
    """No row of the table is dead, and each message is one that the wire can read."""
    known = {
        one.name for one in vars(messages).values() if isinstance(getattr(one, "name", 0), str)
    }
    reached = {"start"}
    while more := {to for at in reached for to in table.get(at, {}).values()} - reached:
        reached |= more
    assert set(table) <= reached
    assert {name for steps in table.values() for _, name in steps} <= known


def test_the_version_chooses_the_table() -> None:
    """Before a version is agreed on, only the hellos are known."""
    assert table_for(None) is HELLO
    assert table_for("1.3") is TLS13
    assert table_for("1.0") is TLS12
