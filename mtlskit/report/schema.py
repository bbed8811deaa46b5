"""The number of the form in which a report is saved. Law of this file: keys are only added."""

SCHEMA = 1
"""The schema of the JSON that this version writes."""
