"""The report for programs: schema 1. Keys are only ever added.

Law of this file: what was not looked at is null, what was looked at and is not there is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mtlskit.case import Attempt
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.checklist import Row
from mtlskit.diagnosis.reason import Opinion
from mtlskit.material import Because
from mtlskit.page.plain import Plain, plain
from mtlskit.report import asking, connections, instance, matched, messages, othertools
from mtlskit.report.identities import key_word
from mtlskit.report.redaction import address
from mtlskit.report.schema import SCHEMA
from mtlskit.report.sections import versions
from mtlskit.rules.rule import Broken, Finding, Unknown
from mtlskit.trace.events import Symptom, Trace

if TYPE_CHECKING:
    from mtlskit.report.judged import Report


def record_of(report: Report) -> dict[str, Plain]:
    """Return the report as JSON-able values."""
    case, stack = report.case, report.diagnosis.server_stack
    target = case.target or (case.trace.target if case.trace else None)
    return {
        "schema": SCHEMA,
        "redacted": report.level,
        "target": str(target) if target else None,
        "url": address(case.url) if case.url else None,
        "made": plain(report.made),
        "judged_at": plain(case.at),
        "began": plain(case.trace.began if case.trace else None),
        "address_called": case.trace.peer if case.trace else None,
        "called_from": case.trace.own if case.trace else None,
        "outcome": report.outcome,
        "refused_by": report.refused_by,
        "stage": report.stage,
        "symptom": plain(case.trace.ended.symptom if case.trace else Symptom()),
        "because": _said(case.trace.ended.because) if case.trace else [],
        "server_stack": {"guess": stack.guess, "because": stack.because},
        "sent": _sent(case.trace),
        "opinions": [_opinion(one) for one in report.opinions],
        "parties": list(report.diagnosis.parties),
        "questions": asking.record(report),
        "checklist": [_row(one) for one in report.checklist],
        "findings": [_finding(one) for one in report.diagnosis.findings],
        "experiments": [_experiment(one) for one in case.attempts],
        "identities": (
            None if case.identities is None else [_identity(one) for one in case.identities]
        ),
        "connections": connections.record(case),
        "matching": matched.record(case),
        "trusted": _chain(case.trust),
        "settings": _settings(report),
        "other_tools": othertools.told(report.case),
        "said": plain(case.trace.said if case.trace else ()),
        "messages": messages.record(report),
        "problems": [
            {"code": one.code, "text": one.text, "source": str(one.source)} for one in case.problems
        ],
        "versions": dict(versions()),
    }


def _said(because: Iterable[Because]) -> list[Plain]:
    return [str(one) for one in because]


def _sent(trace: Trace | None) -> Plain:
    if trace is None:
        return {"by_client": None, "by_server": None, "asked": None, "accepted_issuers": None}
    asked = trace.asked
    was_asked = None if trace.asking_hidden or trace.server_chain is None else False
    return {
        "by_client": _chain(trace.client_chain),
        "by_server": _chain(trace.server_chain),
        "asked": True if asked is not None else was_asked,
        "accepted_issuers": list(asked.authorities) if asked is not None else None,
        "accepted_schemes": list(asked.schemes) if asked is not None else None,
    }


def _chain(chain: Iterable[Certificate] | None) -> Plain:
    return None if chain is None else [_certificate(one) for one in chain]


def _certificate(one: Certificate) -> Plain:
    return {
        "subject": str(one.subject),
        "issuer": str(one.issuer),
        "serial": f"{one.serial:x}",
        "sha256": one.sha256,
        "not_before": plain(one.not_before),
        "not_after": plain(one.not_after),
        "key": str(one.key),
        "signature_algorithm": one.signature_algorithm,
        "san": None if one.san is None else [f"{name.kind}:{name.value}" for name in one.san],
        "eku": None if one.eku is None else list(one.eku),
        "source": str(one.source),
    }


def _identity(one: Identity) -> Plain:
    return {
        "label": one.label,
        "source": str(one.source),
        "private_key": key_word(one)[0],
        "certificate": _certificate(one.certificate),
        "chain": _chain(one.chain),
    }


def _opinion(one: Opinion) -> Plain:
    return {
        "cause": one.cause,
        "title": one.title,
        "standing": one.standing,
        "party": one.party,
        "because": _said(one.because),
        "remedy": one.remedy,
        "settle": list(one.settle),
    }


def _row(one: Row) -> Plain:
    return {
        "id": one.id,
        "question": one.question,
        "answer": one.answer,
        "because": "; ".join(map(str, one.because)),
        "by_hand": one.by_hand,
        "follows": one.follows,
    }


def _finding(one: Finding) -> Plain:
    verdict = one.verdict
    told: dict[str, Plain] = {"rule": one.rule.id, "verdict": type(verdict).__name__.lower()}
    if isinstance(verdict, Unknown):
        return told | {"because": verdict.missing, "source": None, "how": verdict.how}
    if isinstance(verdict, Broken):
        return told | {"because": verdict.error, "source": None}
    source = next((str(why.source) for why in verdict.because if why.source), None)
    return told | {"because": "; ".join(why.text for why in verdict.because), "source": source}


def _experiment(one: Attempt) -> Plain:
    ended = one.trace.ended
    return {
        "cause": one.cause,
        "change": one.change,
        "began": plain(one.trace.began),
        "outcome": ended.outcome,
        "refused_by": ended.refused_by,
        "stage": ended.stage,
        "symptom": plain(ended.symptom),
        "because": _said(ended.because),
        "remedy": one.remedy,
    }


def _settings(report: Report) -> Plain:
    settings = report.case.settings
    if settings is None:
        return None
    road = instance.road_of(report.case)
    offered = road.offered if road else None
    return {
        "files": [one.name for one in settings.sources],
        "not_given": list(settings.not_given),
        "port": road.port if road else None,
        "key_store": road.key_store.name if road and road.key_store else None,
        "offered": None if offered is None else [one.name for one in offered],
        "because": _said(road.because) if road else [],
        "problems": [str(one) for one in settings.problems],
    }
