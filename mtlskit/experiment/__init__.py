"""The live diagnosis: one attempt as the client would make it, then one change at a time.

Law of this room: a change is one change. Its attempt is bounded in time and number, and its result
is a trace like any other; what it proves is said in `diagnosis`.
"""

from __future__ import annotations

from mtlskit.experiment.change import Change as Change
from mtlskit.experiment.run import MOST_CONNECTIONS as MOST_CONNECTIONS
from mtlskit.experiment.run import attempt as attempt
from mtlskit.experiment.run import diagnose as diagnose
from mtlskit.experiment.run import tried as tried
