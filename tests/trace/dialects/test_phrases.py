"""Every phrase row: its sample, what it claims, and what it costs to look for it."""

from __future__ import annotations

import re
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.diagnosis.causes import causes
from mtlskit.material import Source
from mtlskit.trace.dialects import phrases
from mtlskit.trace.dialects.lines import said_in
from mtlskit.trace.dialects.phrases import LINE, Phrase, families, find, phrase, phrases_of
from mtlskit.trace.dialects.sense import Sense, sense
from mtlskit.trace.dialects.spelled import alert_spelled, alerts, reasons

ROWS = tuple(row for name in families() for row in phrases_of(name))
OTHER = {"client": "server", "server": "client"}
_STEEP = 12.0
"""Four times the text may cost four times as much; what grows with the square costs sixteen."""
_TOO_SHORT = 0.004  # seconds: what takes less is not measured, for the clock is too coarse

each = pytest.mark.parametrize("row", ROWS, ids=lambda one: one.id)


def understood(row: Phrase, seen_by: str | None = None) -> Sense:
    """The sample of a row, as it is understood."""
    alone = families()[row.family].fallback
    for said in said_in(row.sample, Source("sample"), fallback=alone):
        if said.phrase == row.id:
            return sense(said, seen_by, assume=True)
    raise AssertionError(f"{row.id} is not found in its own sample")


def test_there_are_enough_rows() -> None:
    """At least sixty lines are explained, and those that mislead are marked."""
    assert len(ROWS) >= 200
    assert sum(row.misleads for row in ROWS) >= 50
    assert len({row.id for row in ROWS}) == len(ROWS)


@each
def test_a_sample_is_recognised_by_its_own_row(row: Phrase) -> None:
    """The sample is found by the row that it is the sample of, and says something."""
    told = understood(row)
    assert told.phrase is phrase(row.id)
    assert told.means.strip()
    assert "{" not in told.means + told.not_means


@each
def test_the_claimed_side_refused(row: Phrase) -> None:
    """The side that the row names is the one that the sample is read as refused by."""
    told = understood(row)
    if told.alert is not None and told.alert.number in (0, 90):
        return  # a goodbye refuses nobody
    if row.refused in ("client", "server", "between"):
        assert told.refused_by == row.refused
    elif row.refused == "self":
        assert told.refused_by == told.reading
    elif row.refused == "other":
        assert told.reading is None or told.refused_by == OTHER[told.reading]
    else:
        assert told.refused_by is None


@each
def test_the_speaker_of_a_row_is_a_side_or_open(row: Phrase) -> None:
    """A row whose phrase tells the speaker is read so, whatever was said by hand."""
    if row.speaker:
        assert understood(row, OTHER[row.speaker]).reading == row.speaker
    if row.refused in ("self", "other") and not row.speaker:
        assert row.usual or families()[row.family], row.id
    assert row.family == row.id.partition(".")[0]


@each
def test_the_alert_in_a_sample_is_known(row: Phrase) -> None:
    """An alert that a row captures from its sample is one of the table."""
    values = understood(row).said.values
    if "alert" in values:
        assert alert_spelled(values["alert"]) or "number" in values or "word" in values
    if row.alert is not None:
        assert row.alert in alerts()


@each
def test_every_cause_exists(row: Phrase) -> None:
    """Causes that a row names, suggests or excludes are of the vocabulary."""
    assert set(row.names + row.suggests + row.excludes) <= set(causes())
    assert not set(row.names) & set(row.excludes)


@each
def test_a_misleading_row_says_what_it_does_not_mean(row: Phrase) -> None:
    """Whoever misreads a phrase is told what it does not say; and every row says where it was."""
    assert row.seen.strip()
    assert row.means.endswith((".", "{text}"))
    if row.misleads:
        assert row.not_means.strip() or any(
            one and one.not_means for one in (understood(row).alert, understood(row).reason)
        )


@pytest.mark.parametrize("word", [*alerts().values(), *reasons().values()], ids=str)
def test_causes_of_alerts_and_reasons_exist(word: object) -> None:
    """The tables of spellings speak of causes of the vocabulary only."""
    assert set(word.client + word.server) <= set(causes())


@each
def test_no_pattern_is_slow(row: Phrase) -> None:
    """A line made to mislead a pattern costs in proportion to its length, not to its square."""
    hit = re.search(row.pattern, row.sample)
    assert hit is not None
    pattern = re.compile(row.pattern)
    for begin in {hit[0][: len(hit[0]) * part // 4] for part in (1, 2, 3)} - {""}:
        for unit in (begin, f"{begin} {'a' * 60} "):
            long = (unit * (LINE // len(unit) + 1))[:LINE] + "\0"
            taken = _seconds(pattern, long)
            if taken > _TOO_SHORT:
                assert taken < _STEEP * _seconds(pattern, long[: LINE // 4]) + _TOO_SHORT


def _seconds(pattern: re.Pattern[str], text: str) -> float:
    """The shortest of three searches."""
    times = []
    for _ in range(3):
        begin = thread_time()
        pattern.search(text)
        times.append(thread_time() - begin)
    return min(times)


@given(st.text(max_size=400), st.sampled_from(ROWS), st.integers(0, 400))
def test_any_line_is_looked_at_without_harm(text: str, row: Phrase, cut: int) -> None:
    """Whatever stands around a phrase, or is cut from it, nothing is raised."""
    for line in (text, text + row.sample, row.sample[:cut] + text):
        for said in said_in(line, Source("any")):
            assert sense(said, assume=True).means
            assert len(said.text) <= 400


def test_a_phrase_within_another_counts_once() -> None:
    """The longer phrase says all that the shorter one does."""
    hits = find("curl: (60) SSL certificate problem: certificate has expired")
    assert [one.phrase.id for one in hits] == ["curl.60"]


def test_no_pattern_is_passed_over_that_would_match() -> None:
    """Whatever a pattern matches holds one of the texts by which it is looked for first."""
    for row in ROWS:
        for other in ROWS:
            if phrases._compiled(row.pattern).search(other.sample):
                low = other.sample.lower()
                assert any(one in low for one in phrases._literals(row.pattern))


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("no shared cipher|NO_SHARED", ("no shared cipher", "no_shared")),
        (r"error \((\d+)\): denied", ("): denied",)),
        (r"colou?r fails", ("r fails",)),
        (r"a{2,3}bc+d", ("bc",)),
        (r"doesn\x27t (?:fit|match)", ("doesn",)),
        (r"(?:one|two)", ("",)),
        (r"[a|b(c]long text", ("long text",)),
        (r"x\d\.end|\w+", (".end", "")),
    ],
)
def test_the_text_of_a_pattern_is_what_no_match_lacks(pattern: str, texts: tuple[str, ...]) -> None:
    """Groups, sets, counts and what may be left out are no part of it."""
    assert phrases._literals(pattern) == texts


SOURCES = ("documentation", "sources", "list of", "RFC", "ngx_", "ECONNRESET", ".h, ")
"""What names a document where no version or issue is named."""


@each
def test_a_row_says_where_its_line_was_seen(row: Phrase) -> None:
    """A version, an issue or a document is named, so that somebody can look again."""
    assert any(sign.isdigit() for sign in row.seen) or any(one in row.seen for one in SOURCES)
