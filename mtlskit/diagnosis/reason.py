"""From findings to causes: which ones the evidence supports, how surely, and who must act.

Law of this room: a standing rests on something named. `CONFIRMED`: one thing was changed and the
outcome changed. `LIKELY`: what the cause rests on was found, and the symptom fits. `POSSIBLE`: the
symptom fits, the rest is unknown. `RULED_OUT`: what it rests on was looked at and is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mtlskit.case import Attempt, Case
from mtlskit.diagnosis.beside import connected
from mtlskit.diagnosis.causes import Cause, Party, causes
from mtlskit.diagnosis.habits import Share, share, sign_of, usual
from mtlskit.diagnosis.parties import parties
from mtlskit.diagnosis.phrased import Word, words_about
from mtlskit.diagnosis.proof import helped, left_to_do, passed_the_server, stands
from mtlskit.diagnosis.stacks import StackGuess, guess_stack
from mtlskit.material import Because
from mtlskit.rules.rule import Clear, Finding, Found, Unknown, Verdict
from mtlskit.trace.events import Ended, Trace

Standing = Literal["CONFIRMED", "LIKELY", "POSSIBLE", "RULED_OUT"]

_ORDER: dict[Standing, int] = {"CONFIRMED": 0, "LIKELY": 1, "POSSIBLE": 2, "RULED_OUT": 3}
_UNMEASURED = 0.02
"""Likelihood of a cause of which nothing at all was measured."""
_FOUND = 0.3
"""Likelihood of a cause whose habits nobody has measured, where it was found itself."""
_TELLING = ("states", "one of")
_DECISIVE = 30.0
"""How much heavier evidence that explains the failure weighs than none."""
_SUGGESTIVE = 4.0
_OF_WHAT_WAS_SENT = ("server.trust-incomplete", "server.crl-stale", "server.ca-list-wrong")
"""Causes beside the client's own by which a server refuses a certificate that was sent."""
_CLIENT_WORDS = {
    44: ("server.revoked",),
    45: ("server.expired",),
    48: ("server.untrusted-issuer", "server.chain-incomplete"),
}
"""What a client's alert says of the server's certificate by RFC 8446, 6.2; others say little."""
_WORTH_SAYING = 0.02
"""A possible cause lighter than this part of the heaviest one is left out of the list."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One cause, how it stands, and what that rests on."""

    cause: str
    title: str
    standing: Standing
    party: Party
    because: tuple[Because, ...]
    remedy: str
    settle: tuple[str, ...]
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The opinions, best first, ruled-out ones last; and the findings that they rest on."""

    opinions: tuple[Opinion, ...]
    findings: tuple[Finding, ...]
    server_stack: StackGuess

    @property
    def parties(self) -> tuple[Party, ...]:
        """Who may have to act, the likeliest first; more than one while that is open."""
        return parties(self.opinions)


def reason(case: Case, findings: Iterable[Finding], stack: StackGuess | None = None) -> Diagnosis:
    """Weigh the findings.

    Args:
        case: the evidence that they were made from.
        findings: what the rules answered.
        stack: the server's software, where somebody knows it; None: guess it.
    """
    found = tuple(findings)
    stack = stack or guess_stack(case.trace)
    verdicts = {one.rule.id: one for one in found}
    ended = _ending(case.trace) if case.trace else None
    bench = _Bench(case, ended, stack, words_about(case.trace))
    opinions = [
        connected(opinion, verdicts)
        for cause in causes().values()
        if (opinion := bench.opinion(cause, verdicts.get(cause.id))) is not None
    ]
    return Diagnosis(_ranked(opinions, bench), found, stack)


def _ranked(opinions: list[Opinion], bench: _Bench) -> tuple[Opinion, ...]:
    heaviest = max((one.weight for one in opinions if one.standing != "RULED_OUT"), default=0.0)
    kept = [
        one
        for one in opinions
        if one.standing != "POSSIBLE" or one.weight >= _WORTH_SAYING * heaviest
    ]
    if any(one.standing == "CONFIRMED" for one in kept):
        # With one thing changed the same server accepted: what merely might be, is not.
        kept = [one for one in kept if one.standing != "POSSIBLE"]
    if any(one.standing == "LIKELY" and one.cause != "none" for one in kept):
        # This call was accepted, and yet the settings would make the instance's own call fail.
        kept = [one for one in kept if one.cause != "none"]
    if bench.in_words_alone and any(bench.told(one) in _TELLING for one in kept):
        # The words name the causes, and nothing else is known that another could rest on.
        kept = [one for one in kept if one.standing != "POSSIBLE" or one.cause in bench.said]
    if not any(one.standing != "RULED_OUT" for one in kept):
        kept.append(bench.nothing_fits())
    return tuple(sorted(kept, key=lambda one: (_ORDER[one.standing], -one.weight)))


@dataclass(frozen=True, slots=True)
class _Bench:
    """Everything that an opinion is formed from, besides the finding itself."""

    case: Case
    ended: Ended | None
    stack: StackGuess
    said: Mapping[str, Word]

    def opinion(self, cause: Cause, finding: Finding | None) -> Opinion | None:
        if cause.id == "unknown":
            return None
        verdict = finding.verdict if finding else None
        decided = self._tried(cause, verdict)
        if decided is not None:
            return decided
        word = self.said.get(cause.id)
        if word is not None and word.weight == "excludes":
            return self._say(cause, "RULED_OUT", (word.because,))
        if verdict is not None and not isinstance(verdict, Found | Unknown):
            return self._weighed(cause, None) if self._named(word) else None
        return self._weighed(cause, verdict) if self._named(word) or self._fits(cause) else None

    def told(self, one: Opinion) -> str | None:
        """Return how the log speaks of a cause; None: not at all."""
        word = self.said.get(one.cause)
        return word.weight if word is not None else None

    @property
    def in_words_alone(self) -> bool:
        """Whether no message of the connection was seen, and only words tell of it."""
        trace = self.case.trace
        return trace is not None and all(one.body is None for one in trace.events)

    def _named(self, word: Word | None) -> bool:
        """Tell whether the log names this cause; where it is all there is, a hint will do."""
        return word is not None and (self.in_words_alone or word.weight == "states")

    def _tried(self, cause: Cause, verdict: Verdict | None) -> Opinion | None:
        """Say what experiments and plain facts decide by themselves."""
        found = verdict.because if isinstance(verdict, Found) else ()
        title = verdict.title if isinstance(verdict, Found) else None
        proof, rehearsed = self._proof(cause), self._rehearsed(cause)
        if proof is not None:
            because = (_proved(proof, self.case.need_trace()), *found)
            if not any(one.repeats for one in self.case.attempts if not one.stand_in):
                # Stopped, or out of time: whether the first outcome stands was not looked at.
                because = (*because, Because("the unchanged call was not repeated"))
                weight = cause.prior * _DECISIVE
                return self._say(cause, "LIKELY", because, remedy=proof.remedy, weight=weight)
            return self._say(cause, "CONFIRMED", because, remedy=proof.remedy, weight=cause.prior)
        if isinstance(verdict, Clear):
            return self._say(cause, "RULED_OUT", verdict.because)
        if rehearsed is not None:
            because = (_rehearsal(rehearsed), *found)
            weight = cause.prior * _DECISIVE
            return self._say(
                cause, "LIKELY", because, remedy=rehearsed.remedy, weight=weight, title=title
            )
        return None

    def _weighed(self, cause: Cause, verdict: Verdict | None) -> Opinion | None:
        habit = self._habit(cause)
        unmeasured = _FOUND if isinstance(verdict, Found) else self.usual
        weight = cause.prior * (habit.likelihood if habit else unmeasured)
        weight /= self._doubt(cause) * self._word_of_client(cause)
        if self._in_vain(cause):
            weight /= _SUGGESTIVE
        said = _in_words(cause, habit, self.ended)
        word = self.said.get(cause.id)
        if word is not None:
            strong = word.weight == "states" or self.in_words_alone
            weight *= _DECISIVE if strong else _SUGGESTIVE
            # A log that names the cause needs no habits beside it.
            said = (word.because, *(() if word.weight == "states" else said))
        if isinstance(verdict, Found):
            weight *= _DECISIVE if verdict.decisive else _SUGGESTIVE
            return self._say(
                cause,
                "LIKELY" if verdict.decisive else "POSSIBLE",
                verdict.because + said,
                remedy=verdict.remedy or "",
                # What stands in an export needs no further looking for.
                settle=() if cause.id.startswith("instance.") else cause.settle,
                weight=weight,
                title=verdict.title,
            )
        if self.ended is None or self.ended.outcome == "accepted":
            return None
        if word is not None and word.weight == "states" and not word.assumed:
            return self._say(cause, "LIKELY", said, weight=weight)
        if isinstance(verdict, Unknown):
            settle = (verdict.how, *cause.settle)
            weight /= verdict.doubt
            return self._say(cause, "POSSIBLE", said, settle=settle, weight=weight)
        return self._say(cause, "POSSIBLE", said, settle=cause.settle, weight=weight / 2)

    def nothing_fits(self) -> Opinion:
        if self.ended is not None:
            unknown = causes()["unknown"]
            return self._say(unknown, "POSSIBLE", self.ended.because, settle=unknown.settle)
        because = Because("no fault was found in what was given; no connection was looked at")
        nothing = replace(causes()["none"], title="No fault was found in what was given")
        return self._say(nothing, "POSSIBLE", (because,))

    def _fits(self, cause: Cause) -> bool:
        """Tell whether this cause can show itself as it did."""
        ended = self.ended
        if cause.id.startswith("instance.") and self.case.settings is None:
            return False
        if ended is None:
            return cause.id.startswith(("instance.", "client."))
        if cause.id == "none" or ended.outcome == "accepted":
            unasked = cause.id == "server.does-not-ask" and self.case.chosen is not None
            return cause.id == "none" or unasked or cause.id.startswith("instance.")
        if cause.refused_by is not None and ended.refused_by not in (cause.refused_by, None):
            return False
        if cause.refused_by is None and ended.refused_by == "client":
            return "server-certificate" in cause.shows or cause.id == "protocol.not-tls"
        return not cause.shows or ended.stage is None or ended.stage in cause.shows

    def _habit(self, cause: Cause) -> Share | None:
        if self.ended is None or cause.id.startswith(("instance.", "network.")):
            return None
        if "client" in (self.ended.refused_by, cause.refused_by):
            return None  # the habits are those of servers
        measured = cause.like or cause.id
        if self._sent_nothing() and cause.id.startswith("client."):
            # Whatever kept the certificate back, the server saw an empty message.
            measured = "client.no-identity"
        known, every = share(measured, self.ended, self._near), share(measured, self.ended)
        if known is not None or every is None:
            return known
        # Of servers like this one nobody measured it: there it is as anything else that they do.
        return replace(every, likelihood=self.usual)

    @property
    def _near(self) -> tuple[str, ...] | None:
        return self.stack.habits_of or None

    @property
    def usual(self) -> float:
        """How often anything that was measured shows so; a cause not measured gains nothing."""
        if self.ended is None:
            return _UNMEASURED
        found = usual(self.ended, self._near)
        found = usual(self.ended) if found is None else found
        return _UNMEASURED if found is None else found

    def _doubt(self, cause: Cause) -> float:
        """Weigh what the sizes of sealed records tell of the client's Certificate message."""
        inferred = self.case.trace.inferred if self.case.trace else None
        if inferred is None or inferred.sent_certificate is None:
            return 1
        empty = "client.no-identity" in (cause.id, cause.like)
        of_it = cause.id.startswith("client.") or cause.id in _OF_WHAT_WAS_SENT or empty
        return _DECISIVE if of_it and empty == inferred.sent_certificate else 1

    def _word_of_client(self, cause: Cause) -> float:
        """Weigh the client's own alert: one with a word for what it found uses that word."""
        if self.ended is None or self.ended.refused_by != "client":
            return 1
        named = _CLIENT_WORDS.get(self.ended.symptom.alert or 0, ())
        worded = any(cause.id in causes for causes in _CLIENT_WORDS.values())
        if self.ended.symptom.alert is None or cause.id in named or not (worded or named):
            return 1
        return _SUGGESTIVE

    def _sent_nothing(self) -> bool:
        return self.case.trace is not None and self.case.trace.sent_certificate is False

    def _proof(self, cause: Cause) -> Attempt | None:
        if self.ended is None or self.ended.outcome not in ("refused", "undecided"):
            return None
        live = [one for one in self.case.attempts if not one.stand_in]
        if any(one.repeats and not stands(one) for one in live):
            return None  # the first outcome did not stand, so the change proves nothing
        before = self.case.need_trace()
        return next((one for one in live if one.cause == cause.id and helped(one, before)), None)

    def _in_vain(self, cause: Cause) -> bool:
        """Tell whether the change that would have mended this was made, and changed nothing."""
        seen = None if self.ended is None else sign_of(self.ended)
        tried = [one for one in self.case.attempts if one.cause == cause.id and not one.stand_in]
        return bool(tried) and all(sign_of(_ending(one.trace)) == seen for one in tried)

    def _rehearsed(self, cause: Cause) -> Attempt | None:
        """Return the change that helped on a stand-in which refused without it, as the server."""
        tries = [one for one in self.case.attempts if one.stand_in]
        unchanged = [
            one for one in tries if one.cause is None and one.trace.ended.outcome == "refused"
        ]
        if not tries or tries[0] not in unchanged or self.ended is None:
            return None
        if self.ended.refused_by not in (tries[0].trace.ended.refused_by, None):
            return None
        return next(
            (
                one
                for one in tries
                if one.cause == cause.id and one.trace.ended.outcome == "accepted"
            ),
            None,
        )

    def _say(  # noqa: PLR0913 - the parts of an opinion
        self,
        cause: Cause,
        standing: Standing,
        because: tuple[Because, ...],
        *,
        remedy: str = "",
        settle: tuple[str, ...] = (),
        weight: float = 0.0,
        title: str | None = None,
    ) -> Opinion:
        open_question = standing == "POSSIBLE"
        return Opinion(
            cause=cause.id,
            title=title or cause.title,
            standing=standing,
            party=cause.party,
            because=because,
            remedy=remedy or cause.remedy,
            settle=left_to_do(self.case, cause.id, settle) if open_question else (),
            weight=weight,
        )


def _ending(trace: Trace) -> Ended:
    """Tell the stage as exactly as the rest of the trace allows."""
    ended, inferred = trace.ended, trace.inferred
    if trace.tls is None or ended.stage != "hello":
        return ended
    if ended.refused_by == "client":
        # What it refused is sealed, and came after the hello.
        return replace(ended, stage="server-certificate") if trace.asking_hidden else ended
    if trace.asked is not None:
        # The server's flight was through: what failed, failed while the client's was under way.
        return replace(ended, stage="client-certificate")
    if ended.outcome != "undecided":
        return ended
    if inferred is not None and inferred.client_refused:
        return replace(ended, stage="server-certificate", refused_by="client")
    finished = inferred is not None and inferred.client_finished
    return replace(ended, stage="after-handshake" if finished else None)


def _rehearsal(one: Attempt) -> Because:
    text = (
        "a stand-in of the server, built from what was seen of it, refused the call too, and "
        f"accepted it when {one.change}"
    )
    return Because(text, one.trace.source)


def _proved(proof: Attempt, before: Trace) -> Because:
    what = "the server accepted"
    if passed_the_server(proof, before):
        what = "the client no longer refused the server"
    text = f"one thing was changed, and {what}: {proof.change}"
    return Because(text, proof.trace.source)


def _in_words(cause: Cause, habit: Share | None, ended: Ended | None) -> tuple[Because, ...]:
    """Tell the habit as a count."""
    if habit is None or ended is None or cause.id == "none" or ended.outcome == "undecided":
        return ()
    version = f" in TLS {ended.symptom.tls}" if ended.symptom.tls else ""
    text = f"{habit.stacks} of {habit.of} measured server stacks answer this fault so{version}"
    return (Because(text),)
