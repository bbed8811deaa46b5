"""A guide as a case to keep, and back. Law of this file: fields are filled first, then facts.

Filling in a field does what typing into it does; whatever that changes is overwritten by the facts
of the saved case, so the order of the fields does not matter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mtlskit.desk.kept import Kept
from mtlskit.desk.seen import Seen

if TYPE_CHECKING:
    from mtlskit.desk.guide import Guide


def kept(guide: Guide) -> Kept:
    """Return what is kept of a guide as it stands."""
    session = guide.session
    return Kept(
        begin=guide.endpoint.begun,
        plan=session.plan,
        given=session.given,
        told=session.told,
        found=Seen.of(session.report),
        before=Seen.of(session.before),
        asking=session.asking,
        lab=session.lab,
        held=tuple(one.without_bytes() for one in guide.keys.held),
        recordings=tuple(replace(one, given=None) for one in guide.files.held),
    )


def restore(guide: Guide, case: Kept) -> None:
    """Have a guide stand as a saved case stood."""
    guide.keys.restore(case.held)
    guide.instance.restore()
    guide.files.restore(case.recordings, case.told.chosen)
    guide.line.restore(case.told.line, case.plan.tls)
    guide.checks.restore(case.given.answers)
    guide.run.experiments.value = case.plan.experiments
    guide.endpoint.restore(case.begin, case.plan)
    guide.session.resume(
        case.found,
        case.before,
        plan=case.plan,
        given=case.given,
        told=case.told,
        asking=case.asking,
        lab=case.lab,
    )
