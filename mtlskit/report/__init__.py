"""A case with its diagnosis as one saved, redacted, versioned thing.

Law of this room: nothing is found out here. What the other company reads is told in plain words
first and with its evidence after that; no private key, password or key log is in any face of it.
"""

from mtlskit.report.compared import compare_reports
from mtlskit.report.judged import SCHEMA, Report, judge

__all__ = ["SCHEMA", "Report", "compare_reports", "judge"]
