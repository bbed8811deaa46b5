"""The fewest steps by which a refused certificate would be accepted.

Law of this room: a step is named only if it mends something. What is at hand comes before what has
to be asked for, and a certificate that is to be added is named with the place where it stands.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from mtlskit.certs import paths
from mtlskit.certs.access import access_of
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.path_rules import Reason


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        act: ``add`` a certificate to the chain, or what mends a reason: its code.
        certificate: the one to add, or the one at fault.
    """

    act: str
    text: str
    certificate: Certificate


def steps_for(found: paths.PathSearch) -> tuple[Step, ...]:
    """The fewest steps after which the certificate would be accepted; (): it is accepted."""
    if found.accepted:
        return ()
    asked_for = _asked_for(found)
    if not found.question.at_hand:
        return asked_for
    return min(_added(found), asked_for, key=len)


def _added(found: paths.PathSearch) -> tuple[Step, ...]:
    """With the certificates at hand added to the chain, as far as the best path needs them."""
    question = found.question
    more = replace(question, others=(*question.others, *question.at_hand), at_hand=())
    again = paths.answer(more)
    known = {one.der for one in (question.leaf, *question.others, *question.anchors)}
    path = again.paths[0]
    added = tuple(_add(one) for one in path.certificates if one.der not in known)
    if path.certificates[-1].self_issued and not path.anchored:
        added = tuple(step for step in added if step.certificate is not path.certificates[-1])
    return (*added, *_asked_for(again))


def _add(one: Certificate) -> Step:
    return Step("add", f"Add {one.subject}, which stands in {one.source}.", one)


def _asked_for(found: paths.PathSearch) -> tuple[Step, ...]:
    """What mends each reason, once for each certificate and kind of step."""
    steps: dict[str, Step] = {}
    for reason in found.reasons:
        step = _mended(reason)
        steps.setdefault(step.text, step)
    return tuple(steps.values())


def _mended(reason: Reason) -> Step:
    one = reason.certificate
    named = reason.expected and reason.expected != str(one.issuer)
    text = _texts()[_act(reason)].format(
        it=one.label,
        issuer=one.issuer,
        exactly=f" ({reason.expected})" if named else "",
        expected=reason.expected,
        presented=reason.presented or "nothing",
    )
    return Step(reason.code, text + _address(reason), one)


def _act(reason: Reason) -> str:
    """Which text mends it: the code's, but for what the side that verifies has to do."""
    if reason.code == "path-length" and reason.certificate.path_length is None:
        return "depth"
    if reason.code == "missing-issuer" and reason.presented == "not among the trusted":
        return "issuer-untrusted"
    return reason.code


def _address(reason: Reason) -> str:
    """Where the certificate itself says that it is to be had."""
    access = access_of(reason.certificate)
    if reason.code == "missing-issuer" and access.issuers:
        return f" The certificate says that it is to be had at {access.issuers[0]}."
    if reason.code == "revocation-unknown" and access.crls:
        return f" The certificate says that it is to be had at {access.crls[0]}."
    return ""


@cache
def _texts() -> dict[str, str]:
    text = files("mtlskit.certs").joinpath("repair.toml").read_text("utf-8")
    return tomllib.loads(text)
