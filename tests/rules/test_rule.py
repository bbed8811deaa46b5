"""The engine: four verdicts, and Broken for a bug of our own."""

import pytest

from mtlskit.case import Case, Missing
from mtlskit.material import Because
from mtlskit.rules.rule import Answer, Broken, Clear, Rule, Unknown, ask, rule


def a_rule(answer: object) -> Rule:
    """A rule that gives this answer, or raises it."""

    def put(_case: Case) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Rule("none", "title", "remedy", "RFC", put)


def test_missing_evidence_becomes_unknown_with_the_way_to_get_it() -> None:
    """The engine alone says Unknown, in the words of what is missing."""
    (finding,) = ask([a_rule(Missing("a trace", "Run it."))], Case())
    assert finding.verdict == Unknown("a trace", "Run it.")


def test_a_failing_rule_is_broken_and_the_others_are_still_asked() -> None:
    """A bug in one rule takes nothing else down."""
    clear = Clear((Because("seen"),))
    found = ask([a_rule(ZeroDivisionError("oops")), a_rule(clear)], Case())
    assert found[0].verdict == Broken("ZeroDivisionError: oops")
    assert found[1].verdict == clear


def test_a_cause_has_one_rule() -> None:
    """Declaring a second rule for the same cause is refused."""
    with pytest.raises(ValueError, match="two rules for none"):
        rule("none", title="t", cites="c")(lambda _case: Clear(()))
