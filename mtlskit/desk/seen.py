"""What a report was made from. Law of this file: it is judged anew when it is opened again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mtlskit.case import Case
from mtlskit.report import Report


@dataclass(frozen=True, slots=True)
class Seen:
    """The evidence of a report, and when that was made, in UTC."""

    case: Case
    made: datetime | None

    @classmethod
    def of(cls, report: Report | None) -> Seen | None:
        """Return what a report was made from; None without one."""
        return None if report is None else cls(report.case, report.made)
