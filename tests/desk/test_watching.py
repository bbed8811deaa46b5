import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mtlskit.case import Attempt, Case
from mtlskit.collect.evidence import gather
from mtlskit.desk import plan as plans
from mtlskit.desk import rail
from mtlskit.desk.guide import Guide
from mtlskit.desk.handshake import NOTHING
from mtlskit.desk.plan import Plan, Watch
from mtlskit.desk.work import Work
from mtlskit.lab import scenes
from mtlskit.lab.scenes import Staged
from mtlskit.material import Blob, Source

CHAIN = "client.chain-incomplete"
WRONG = "client.wrong-identity"


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    with scenes.stage(CHAIN, tls="1.3") as lab:
        yield lab


@pytest.fixture
def guide() -> Guide:
    return Guide()


def call_own(guide: Guide, staged: Staged) -> None:
    guide.endpoint.what.value = "own"
    guide.endpoint.address.value = str(staged.target)
    guide.endpoint.server_name.value = staged.server_name


def test_the_rail_has_every_step_in_its_order(guide: Guide) -> None:
    """Each is named once, and the words name it by that number."""
    assert [step.name for step in guide.steps] == list(rail.STEPS)
    assert [button.description for button in guide.rail] == [
        f"{number} {name}" for number, name in enumerate(rail.STEPS, 1)
    ]
    assert rail.where(rail.BEGIN) == "step 1"


def test_the_server_is_asked_and_the_identities_are_held_against_it(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """Before any diagnosis: what it wants, and which certificate fits and why not."""
    call_own(guide, staged)
    assert guide.asks.state == "optional"
    guide.asks.button.click()
    assert "requires a client certificate" in guide.asks.answer.value
    assert guide.asks.state == "done"
    assert "mtlskit.asked(" in guide.asks.more.value
    assert guide.asks.matching.value == ""
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    assert guide.session.matching is not None
    assert "Issuer listed" in guide.asks.matching.value
    assert guide.report is None
    guide.endpoint.tls.value = "1.2"
    assert guide.asks.answer.value == ""


def test_a_failure_of_the_lab_can_be_asked_too(guide: Guide) -> None:
    """The identities that its client holds are matched."""
    guide.endpoint.scene.value = WRONG
    guide.asks.button.click()
    assert "Acceptable issuers" in guide.asks.answer.value
    assert guide.session.matching is not None
    assert len(guide.session.matching.offers) > 1


def test_without_an_endpoint_nobody_is_asked(guide: Guide) -> None:
    """The button is off; pressed in a script, it says what is missing."""
    guide.endpoint.what.value = "own"
    assert guide.asks.button.disabled
    guide.asks.ask()
    assert "no endpoint" in guide.asks.message.value


def test_after_a_run_every_connection_can_be_seen_and_compared(guide: Guide) -> None:
    """The first call and each attempt stand in the list; two of them show where they part."""
    assert guide.handshake.state == "later"
    assert "No connection is known yet" in guide.handshake.message.value
    guide.endpoint.scene.value = CHAIN
    guide.run.button.click()
    assert guide.handshake.state == "found"
    assert guide.handshake.one.options[0][0].startswith("The first call: refused")
    assert len(guide.handshake.one.options) == 1 + len(guide.case.attempts)
    first = guide.handshake.ladder.value
    good = next(
        n for n, one in enumerate(guide.case.attempts, 1) if one.trace.ended.outcome == "accepted"
    )
    guide.handshake.other.value = good
    assert "They part" in guide.handshake.ladder.value
    assert f"attempts[{good - 1}].trace)" in guide.handshake.more.value
    guide.handshake.other.value = NOTHING
    assert guide.handshake.ladder.value == first
    guide.endpoint.tls.value = "1.2"
    assert guide.handshake.ladder.value == ""


def test_of_several_connections_of_a_log_another_is_judged(
    guide: Guide, put: Callable[..., None]
) -> None:
    """The button stands beside one that is not judged, and has it judged."""
    words = "curl: (56) OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad certificate"
    other = words.replace("0A000412", "0A000415").replace("bad certificate", "certificate expired")
    guide.endpoint.what.value = "files"
    put(
        guide.files.upload,
        Blob(Source("one.txt"), words.encode()),
        Blob(Source("two.txt"), other.encode()),
    )
    assert len(guide.case.traces) == 2
    judged = guide.handshake.one.value
    assert guide.handshake.judge.layout.display == "none"
    guide.handshake.one.value = 1 - judged
    assert guide.handshake.judge.layout.display == ""
    guide.handshake.judge.click()
    assert guide.session.told.judged == 1 - judged
    assert guide.handshake.one.value == 1 - judged
    assert guide.handshake.judge.layout.display == "none"


class Stopping:
    """Somebody who watches a run and wants no more after some calls."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.told: list[int] = []

    @property
    def watch(self) -> Watch:
        """What a run is given."""
        return Watch(lambda number, _: self.told.append(number), self._enough)

    def _enough(self) -> bool:
        return len(self.told) >= self.after


@pytest.mark.parametrize("after", [1, 2])
def test_a_run_is_stopped_between_two_calls(after: int) -> None:
    """No further call is made, and what was seen until then is judged."""
    someone = Stopping(after)
    report = plans.diagnosed(Plan(scene=WRONG), Case(), someone.watch)
    assert someone.told == list(range(1, after + 1))
    assert len(report.case.attempts) == after - 1
    assert report.outcome == "refused"


def test_a_run_in_a_kernel_leaves_the_form_alive(
    guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar fills, Stop is heard while a call is under way, and a second run is possible."""
    going, heard = threading.Event(), threading.Event()
    real = plans.tried

    def slow(*args: object) -> Iterator[Attempt]:
        for one in real(*args):
            going.set()
            assert heard.wait(20)
            yield one

    monkeypatch.setattr(plans, "tried", slow)
    guide.endpoint.scene.value = WRONG

    async def working() -> None:
        guide.run.button.click()
        await until(going.is_set)
        assert guide.run.button.disabled
        assert guide.run.halt.layout.display == ""
        await until(lambda: guide.run.bar.value >= 1)
        guide.run.halt.click()
        assert "Stopping" in guide.run.progress.value
        heard.set()
        await until(lambda: not guide.run.work.going)

    asyncio.run(working())
    assert guide.report is not None
    assert len(guide.case.attempts) == 1
    assert "It was stopped" in guide.run.progress.value
    assert guide.run.halt.layout.display == "none"
    assert not guide.run.button.disabled
    guide.run.button.click()
    assert "It was stopped" not in guide.run.progress.value
    assert len(guide.case.attempts) > 1


async def until(true: Callable[[], bool]) -> None:
    """Wait for a condition, at most 20 seconds."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for is set by no coroutine
            await asyncio.sleep(0.01)


def test_an_answer_that_was_overtaken_is_not_shown(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """Evidence that is handed in while a run is under way makes its answer one of another case."""
    call_own(guide, staged)
    work = guide.session.to_run()
    found = work(Watch())
    put(guide.keys.uploads["trust"], *staged.trust_files)
    guide.run._ended(found, None)
    assert "was changed while it was looked for" in guide.run.progress.value
    assert guide.report is None


def test_only_one_piece_of_work_is_done_at_a_time() -> None:
    """A second one that is begun meanwhile is not begun."""
    work, done = Work(), []

    def first(_: Watch) -> str:
        work.start(lambda _: "second", lambda *_: None, lambda result, _: done.append(result))
        return "first"

    work.start(first, lambda *_: None, lambda result, _: done.append(result))
    assert done == ["first"]
    assert not work.going


def test_before_and_after_stand_side_by_side(
    guide: Guide, staged: Staged, put: Callable[..., None]
) -> None:
    """What to do is told; after the chain was added and tried again, both runs are compared."""
    call_own(guide, staged)
    guide.keys.password.value = staged.password
    put(guide.keys.uploads["identity"], *staged.identity_files)
    assert guide.mend.state == "later"
    assert "something to mend after" in guide.mend.message.value
    guide.run.button.click()
    assert guide.mend.state == "needs"
    assert "What to do" in guide.mend.todo.value
    assert "Before and after" not in guide.mend.after.value
    identity = (guide.case.identities or ())[0]
    whole = replace(identity, chain=gather(staged.material_files).certificates)
    guide.session.give(identities=(whole,))
    guide.mend.again.click()
    assert guide.mend.state == "done"
    assert "Before and after" in guide.mend.after.value
    assert guide.session.before is not None
    assert guide.session.before.outcome == "refused"
    assert guide.mend.todo.value.count("What to do") == 0


def test_a_change_is_rehearsed_on_a_stand_in(guide: Guide) -> None:
    """The attempts on it join the report, marked; a second rehearsal takes their place."""
    guide.endpoint.scene.value = WRONG
    guide.run.experiments.value = False
    guide.run.button.click()
    assert guide.case.attempts == ()
    for _ in range(2):
        guide.mend.rehearsal.click()
        assert guide.case.attempts, guide.mend.message.value
        assert all(one.stand_in for one in guide.case.attempts)
    first = [one for one in guide.case.attempts if one.repeats]
    assert len(first) <= 2
    assert guide.session.before is None
