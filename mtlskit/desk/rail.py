"""The steps of the guide by name, in order. Law of this file: it alone knows a step's number."""

from __future__ import annotations

BEGIN = "What you have"
CHECKS = "Checklist"
KEYS = "Identity and trust"
ASKS = "What it asks"
SETTINGS = "Settings"
HANDSHAKE = "Handshake"
DIAGNOSIS = "Diagnosis"
MEND = "Mend"
REPORT = "Report"

STEPS = (BEGIN, CHECKS, KEYS, ASKS, SETTINGS, HANDSHAKE, DIAGNOSIS, MEND, REPORT)
"""The names on the rail, from the first question to the report."""


def where(name: str) -> str:
    """Say which step it is, as it is called in a sentence: ``step 3``."""
    return f"step {STEPS.index(name) + 1}"


def place(name: str) -> str:
    """Say at the head of a step which of how many it is."""
    return f"Step {STEPS.index(name) + 1} of {len(STEPS)}"
