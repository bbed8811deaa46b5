"""Reports to look at: scenes of the lab, and cases made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mtlskit.report import Report

Reports = Callable[[str, str], Report]

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def incomplete(report_of: Reports) -> Report:
    """Gives the report of a refusal whose cause was proved."""
    return report_of("client.chain-incomplete", "1.3")


@pytest.fixture
def noon() -> datetime:
    """Gives the time at which everything made by hand is judged."""
    return NOON
