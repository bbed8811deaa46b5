"""What the application answered, where a program printed it among the lines of Java's debug log.

Law of this file: Java's own log does not tell what was answered, so it accepts nothing. A line of
the program's own counts where it can only be of one connection; otherwise it is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mtlskit.material import Because, Source
from mtlskit.trace.ending import refuses
from mtlskit.trace.events import Ended, HttpAnswer, Symptom, Trace

_STATUS = re.compile(
    r"\bHTTP/(?:1\.[01]|2(?:\.0)?) (?P<line>[2-5]\d\d)\b(?: (?P<reason>[A-Z][A-Za-z -]{1,40}))?"
    r"|\bHTTP response code: (?P<java>[2-5]\d\d)\b"
    r"|(?<!exit )\bstatus(?:[ _-]?code)?\"?\s*[:=]?\s*(?P<word>[2-5]\d\d)\b(?![.:\d])",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"<title>\s*(?P<status>[2-5]\d\d) (?P<text>[^<]{1,200}?)\s*</title>", re.IGNORECASE
)
_OWN = "javax.net.ssl|"
_MOST = 2000
_NEAR = 60
"""Lines within which a page's title belongs to the status before it."""
_BAD_REQUEST = 400


@dataclass(slots=True)
class Answers:
    """Lines on their way to the reader; answers among them are kept, with their line."""

    lines: Iterable[str]
    source: Source
    found: list[tuple[int, HttpAnswer]] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.lines, 1):
            if _OWN not in line and _may_answer(line):
                self._take(number, line[:_MOST])
            yield line

    def _take(self, number: int, line: str) -> None:
        status, title = _STATUS.search(line), _TITLE.search(line)
        if status is not None:
            code = int(status["line"] or status["java"] or status["word"])
            self._add(number, code, status["reason"] or "", "")
        if title is not None:
            self._add(number, int(title["status"]), "", title["text"])

    def _add(self, number: int, status: int, reason: str, text: str) -> None:
        """Keep an answer; a title soon after its status is of the same one."""
        if self.found:
            line, last = self.found[-1]
            if last.status == status and number - line <= _NEAR and not (last.text and text):
                told = last.reason or reason.strip(), last.text or text
                self.found[-1] = line, replace(last, reason=told[0], text=told[1])
                return
        if len(self.found) < _MOST:
            place = self.source.at(f"line {number}")
            self.found.append((number, HttpAnswer(status, reason.strip(), None, text, place)))


def _may_answer(line: str) -> bool:
    """Tell whether a line holds what every answer does; asked first, for logs are long.

    Each `in` stands by itself: a loop over them takes three times as long.
    """
    return (
        "tatus" in line
        or "HTTP" in line
        or "http" in line
        or "STATUS" in line
        or "<title>" in line
        or "<TITLE>" in line
    )


def answered(traces: tuple[Trace, ...], answers: Answers) -> tuple[Trace, ...]:
    """Give each answer to the one connection that it can be of."""
    if not answers.found or any(_first(after) < _last(one) for one, after in pairwise(traces)):
        return traces  # they overlap, so whose answer it is cannot be told
    told = list(traces)
    for at, one in enumerate(traces):
        until = _first(traces[at + 1]) if at + 1 < len(traces) else None
        mine = [
            answer
            for line, answer in answers.found
            if line > _finished(one) and (until is None or line < until)
        ]
        if mine and _open(one):
            told[at] = replace(one, http=mine[0], ended=_judged(one, mine[0]))
    return tuple(told)


def _open(one: Trace) -> bool:
    """Tell whether the handshake of a client was done, and its answer is what is missing."""
    done = one.ended.outcome == "undecided" and one.ended.stage == "after-handshake"
    return one.seen_by == "client" and done and bool(_finished(one))


def _judged(one: Trace, http: HttpAnswer) -> Ended:
    """Judge as on the wire; only that a bare 400, of which no page is shown, is a refusal."""
    said = f"the log holds the answer HTTP {http.status} {http.reason}".rstrip()
    said += f": {http.text!r}" if http.text else ""
    bare = http.status == _BAD_REQUEST and not http.text
    symptom = Symptom(http=http.status, tls=one.tls)
    because = (Because(said, http.source),)
    if bare or refuses(http):
        return Ended("refused", "server", "application", symptom, because)
    return Ended("accepted", None, None, symptom, because)


def _line(source: Source) -> int:
    """Give the number of the line that a source names; 0: it names none."""
    found = re.fullmatch(r"line (\d+)", source.place[-1]) if source.place else None
    return int(found[1]) if found else 0


def _first(one: Trace) -> int:
    return _line(one.source)


def _last(one: Trace) -> int:
    """Give the line at which its handshake was last spoken of; its close may come much later."""
    return max((_line(event.source) for event in one.events if event.kind == "message"), default=0)


def _finished(one: Trace) -> int:
    """Give the line by which both sides had finished; 0: they had not."""
    done = [_line(event.source) for event in one.events if event.name == "Finished"]
    return max(done) if len(done) > 1 else 0
