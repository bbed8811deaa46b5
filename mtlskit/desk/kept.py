"""A guide's case as a file, to go on with another day. Law of this file: no secret is in it.

The file is a saved report as well, so `mtlskit read` shows it; what the guide needs beside that
stands under one key of its own. It hides no name: it is for its owner, not for the other company.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import mtlskit
from mtlskit.case import Case
from mtlskit.collect.asked import Asking
from mtlskit.desk.held import Held
from mtlskit.desk.plan import Plan
from mtlskit.desk.pool import pooled, unpooled
from mtlskit.desk.seen import Seen
from mtlskit.desk.told import Recording, Told
from mtlskit.material import Blob, Problem, Source, Unreadable
from mtlskit.report import Report
from mtlskit.report.reopened import reopened

ENDING = ".case.json"
_KEY = "kept"
_DAMAGED = (
    "{0} was changed after it was saved, or is damaged, so the case in it is not opened. "
    "Open the file as it was saved."
)
_OTHER = (
    "{0} was saved by mtlskit {1}, and its case cannot be opened by this one, {2}. "
    "`mtlskit read` still shows what was found."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """All that a guide needs to stand as it stood.

    Attributes:
        begin: which of the ways to begin was chosen, and the address as it was typed.
        found, before: the latest report, and the one before it.
        asking: what the server was found to ask for; `lab`: what the lab's client held then.
        held: the files of the step of identities and trust, without their bytes.
        recordings: captures, logs and settings of other tools, without their bytes.
    """

    begin: tuple[str, str]
    plan: Plan
    given: Case
    told: Told
    found: Seen | None
    before: Seen | None
    asking: Asking | None
    lab: Case | None
    held: tuple[Held, ...]
    recordings: tuple[Recording, ...]


def written(kept: Kept, report: Report) -> str:
    """Return the text of the file.

    Args:
        kept: the guide's state.
        report: what is known so far, for whoever opens the file elsewhere.
    """
    pool = pooled(kept)
    own = {"mtlskit": mtlskit.__version__, "digest": _digest(pool), "pool": pool}
    return json.dumps({**report.redacted("secrets").json(), _KEY: own}, indent=1) + "\n"


def holds_case(blob: Blob) -> bool:
    """Whether a saved report holds a case too."""
    return isinstance(reopened(blob).record.get(_KEY), dict)


def opened(blob: Blob) -> Kept:
    """Open a case.

    Raises:
        Unreadable: it is no saved case, was changed since, or is of another version.
    """
    own: Mapping[str, Any] = reopened(blob).record.get(_KEY) or {}
    pool, name = own.get("pool"), blob.source.name
    if not isinstance(pool, list) or own.get("digest") != _digest(pool):
        raise _unreadable("damaged", _DAMAGED.format(name), blob.source)
    try:
        kept = _unarmed(unpooled(pool))
    except (ValueError, TypeError, LookupError, AttributeError, ImportError):
        kept = None
    if not isinstance(kept, Kept):
        says = _OTHER.format(name, own.get("mtlskit"), mtlskit.__version__)
        raise _unreadable("unsupported", says, blob.source)
    return kept


def _unarmed(kept: Kept) -> Kept:
    """Return it without paths and bytes: ours has none, and a foreign one's would be read here."""
    recordings = tuple(replace(one, given=None) for one in kept.recordings)
    return replace(
        kept, held=tuple(one.without_bytes() for one in kept.held), recordings=recordings
    )


def _digest(pool: list[Any]) -> str:
    return hashlib.sha256(json.dumps(pool).encode()).hexdigest()


def _unreadable(code: str, says: str, source: Source) -> Unreadable:
    return Unreadable(Problem(code, says, source))
