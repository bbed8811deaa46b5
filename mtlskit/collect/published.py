"""What the CA of a client's certificate publishes about it: lists, responses, missing issuers.

Law of this file: nothing leaves this machine unless somebody asked for it, as in `status`; the
addresses are those that stand in the client's own certificates. Nothing is concluded here.
"""

from __future__ import annotations

from collections.abc import Collection

from mtlskit.case import Case, Missing
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.rulings import Question
from mtlskit.collect import status
from mtlskit.rules.evidence import at_hand, offered


def with_published(case: Case, kinds: Collection[status.Kind], *, timeout: float = 15.0) -> Case:
    """Add to a case what the certificates in use say is to be had at their addresses.

    Args:
        case: the evidence so far; without a client's certificate it is returned as it is.
        kinds: ``issuers`` that are missing, ``ocsp`` responses, ``crls``; see `status.fetched`.
        timeout: seconds for everything together.
    """
    question = _question(case) if kinds else None
    if question is None:
        return case
    found = status.fetched(question, kinds, timeout=timeout)
    return case.having(
        material=_with(case.material, found.issuers),
        crls=(*case.crls, *found.crls),
        responses=(*case.responses, *found.responses),
        problems=(*case.problems, *found.problems),
    )


def _question(case: Case) -> Question | None:
    """Ask for the chain that was sent; every root at hand may be its end."""
    try:
        chain, at = offered(case).chain, case.need_time()
    except Missing:
        return None
    others = (*chain[1:], *at_hand(case))
    roots = tuple(one for one in others if one.self_issued)
    return Question(chain[0], others, roots, "client", at)


def _with(held: tuple[Certificate, ...], more: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    return tuple({one.der: one for one in (*held, *more)}.values())
