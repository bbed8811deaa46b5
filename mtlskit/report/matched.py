"""The matching table in a report: which identity at hand fits what the server asked for.

Law of this file: it is told where the server's request was seen and an identity is at hand, and
nowhere else.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.certs.matching import Matching
from mtlskit.certs.offers import Offer
from mtlskit.page.blocks import Section
from mtlskit.page.plain import Plain
from mtlskit.rules.evidence import matched

TITLE = "Which identity fits what the server asked for"


def section(case: Case) -> Section | None:
    """Tell it; folded where there is one identity, of which the cause says all that matters."""
    found = matched(case)
    if found is None:
        return None
    return Section(TITLE, found.blocks(), folded=len(found.offers) == 1)


def record(case: Case) -> Plain:
    """Tell it to a program: each identity's answers, and what each library would send."""
    found = matched(case)
    if found is None:
        return None
    return {"identities": [_offer(one) for one in found.offers], "clients": _clients(found)}


def _offer(one: Offer) -> Plain:
    return {
        "label": one.identity.label,
        "source": str(one.identity.source),
        "fits": one.fits,
        "answers": {
            check.question: {"answer": check.answer, "because": check.text} for check in one.checks
        },
    }


def _clients(found: Matching) -> list[Plain]:
    return [
        {
            "client": one.choice.chooser.id,
            "store": one.store,
            "sends": one.choice.chosen.identity.label if one.choice.chosen else None,
            "withholds": [
                {"label": held.identity.label, "because": check.text}
                for held, check in one.choice.withheld
            ],
        }
        for one in found.sendings
    ]
