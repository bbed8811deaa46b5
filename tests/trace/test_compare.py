from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlskit.collect.given import case_of
from mtlskit.collect.live import Call, HttpRequest, connect
from mtlskit.lab.scenes import Staged, stage
from mtlskit.material import Chunk, Secrets, Side, Source, Tap
from mtlskit.trace.compare import NOT_SEEN, STEPS, Differences, compare
from mtlskit.trace.events import Event, Trace
from mtlskit.trace.handshake import follow

VERSIONS = pytest.mark.parametrize("version", ["1.2", "1.3"])


def attempt(staged: Staged, who: Staged, version: str, **parts: object) -> Tap:
    """Calls the scene's endpoint with what someone holds."""
    held = case_of(staged.target, who.identity_files, who.trust_files, (), (), who.password)
    usable = [one for one in held.identities or () if one.key_matches]
    call = Call(
        staged.target,
        staged.server_name,
        usable[0] if usable else None,
        trust=held.trust,
        versions=(version, version),
        request=HttpRequest(),
    )
    return connect(replace(call, **parts))


@cache
def pair(scene: str, version: str) -> tuple[Tap, Tap]:
    """The mended attempt and the broken one, at the same server."""
    with stage(scene, version) as staged:
        assert staged.mended is not None
        return attempt(staged, staged.mended, version), attempt(staged, staged, version)


def differences(scene: str, version: str) -> Differences:
    good, bad = pair(scene, version)
    return compare(follow(good), follow(bad))


@VERSIONS
@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("client.chain-incomplete", '2 certificates in "works here"; 1 certificate'),
        ("client.no-identity", 'empty: no certificate in "fails there"'),
        ("client.expired", "2 certificates in both, and not the same"),
    ],
)
def test_they_part_where_the_client_sent_something_else(
    scene: str, words: str, version: str
) -> None:
    """Not at the alert, which is what came of it."""
    found = differences(scene, version)
    assert "They part at the client's Certificate" in found.headline()
    assert words in found.headline()
    told = {one.what: (one.left, one.right) for one in found.rows}
    assert told["Outcome"] == ("accepted", "refused")
    assert "Client's certificates" in told
    assert "Cipher suite" in found.alike
    assert "the first difference" in str(found)


@pytest.mark.parametrize(
    ("scene", "what", "sides"),
    [
        ("client.purpose", "extended key usage", ("clientAuth", "serverAuth")),
        ("client.purpose/key-usage", "key usage", ("digitalSignature", "keyEncipherment")),
    ],
)
def test_in_what_two_certificates_differ_is_told(
    scene: str, what: str, sides: tuple[str, str]
) -> None:
    """Their names and fingerprints alone would leave that open."""
    rows = {one.what: (one.left, one.right) for one in differences(scene, "1.2").rows}
    assert "Client's certificates" in rows
    assert rows[f"Client's certificate: {what}"] == sides
    assert not [one for one in rows if "serial" in one or "SHA-256" in one]


def test_a_chain_that_is_longer_has_the_same_first_certificate() -> None:
    """Then nothing is told of its fields."""
    rows = [one.what for one in differences("client.chain-incomplete", "1.2").rows]
    assert "Client's certificates" in rows
    assert not [one for one in rows if one.startswith("Client's certificate:")]


@VERSIONS
def test_a_connection_does_not_differ_from_itself(version: str) -> None:
    """No row, no parting."""
    trace = follow(pair("client.expired", version)[0])
    found = compare(trace, trace)
    assert found.rows == found.unseen == ()
    assert found.parting is None
    assert "went the same way" in found.headline()
    assert {one.likeness for one in found.levels} == {"same"}


def test_what_is_sealed_in_one_of_them_is_no_difference() -> None:
    """The same connection with and without its key log: told as not seen, never as different."""
    tap = pair("client.no-identity", "1.3")[1]
    opened, closed = follow(tap), follow(replace(tap, secrets=Secrets()))
    found = compare(opened, closed)
    assert found.parting is None
    assert "Client's certificates" not in {one.what for one in found.rows}
    (seen,) = [one for one in found.unseen if one.what == "Client's certificates"]
    assert seen.right == NOT_SEEN


@pytest.mark.parametrize("ask", [lambda trace: trace, lambda trace: replace(trace, events=())])
def test_both_ways_round_it_is_the_same_comparison(ask: Callable[[Trace], Trace]) -> None:
    """What is left becomes right."""
    good, bad = (ask(follow(one)) for one in pair("client.expired", "1.2"))
    one, other = compare(good, bad), compare(bad, good)
    assert [(each.what, each.left, each.right) for each in one.rows] == [
        (each.what, each.right, each.left) for each in other.rows
    ]


def test_of_two_offers_only_what_the_other_lacks_is_told() -> None:
    """Long lists that are nearly the same are told by their difference."""
    with stage("none", "1.3") as staged:
        both = [
            follow(attempt(staged, staged, "1.3", **parts))
            for parts in ({"alpn": ("h2", "http/1.1")}, {"alpn": ("http/1.1",)})
        ]
    told = {one.what: (one.left, one.right) for one in compare(*both).rows}
    assert told["Protocols offered (ALPN)"] == ("also h2", "nothing more")


CHUNKS = st.lists(
    st.builds(
        Chunk,
        st.just(0.5),
        st.sampled_from(("client", "server")),
        st.binary(max_size=60).map(lambda body: b"\x16\x03\x03\x00" + bytes([len(body)]) + body)
        | st.binary(max_size=60),
    ),
    max_size=6,
)


@given(CHUNKS, CHUNKS, st.integers(0, 6))
def test_any_two_connections_can_be_compared(
    one: list[Chunk], other: list[Chunk], cut: int
) -> None:
    """Whatever was recorded, real bytes cut short among it; and it can be shown."""
    real = pair("client.expired", "1.2")[1]
    mixed = (*real.chunks[:cut], *other)
    found = compare(follow(a_tap(tuple(one))), follow(a_tap(mixed)))
    assert "works here" in str(found)
    assert compare(found.right, found.right).parting is None


def a_tap(chunks: tuple[Chunk, ...]) -> Tap:
    return Tap(Source("any"), chunks=chunks)


def long(steps: int, first: Side = "client") -> Trace:
    """A connection of so many steps that no run gathers."""
    both: tuple[Side, Side] = ("client", "server") if first == "client" else ("server", "client")
    events = tuple(
        Event(both[n % 2], "message", "KeyUpdate", Source("long"), expected=True)
        for n in range(steps)
    )
    return replace(follow(Tap(Source("long"))), events=events)


def test_of_very_many_steps_the_first_are_compared_and_that_is_said() -> None:
    """Work and page are bounded, and a cut is never told as the end of a connection."""
    told = compare(long(20_000), long(30_000))
    assert len(told.levels) == STEPS
    assert told.beyond == (20_000 - STEPS, 30_000 - STEPS)
    assert told.parting is None
    assert f"in their first {STEPS} steps" in told.headline()
    assert '29500 of "fails there"' in str(told.page())
    shifted = compare(long(20_000), long(20_000, "server"))
    assert len(shifted.levels) <= 2 * STEPS
    assert shifted.parting is not None
    assert shifted.parting.level == 0


def test_a_connection_that_ends_early_parts_there_and_few_steps_are_all_compared() -> None:
    """What really ended is told so, beside one that goes on beyond the bound or within it."""
    for more in (30, STEPS + 30):
        told = compare(long(20), long(more))
        assert told.parting is not None
        assert told.parting.left is None
    assert compare(long(20), long(20)).beyond == (0, 0)
    assert "first" not in compare(long(20), long(20)).headline()


def test_where_two_long_connections_part_is_told_though_both_are_cut() -> None:
    """A message that one of them lacks in the midst is no cut."""
    many = long(2000)
    named = (replace(one, name=f"step {n}") for n, one in enumerate(many.events))
    whole = replace(many, events=tuple(named))
    extra = Event("client", "message", "Certificate", Source("long"))
    other = replace(whole, events=(*whole.events[:6], extra, *whole.events[6:]))
    told = compare(whole, other)
    assert told.parting is not None
    assert (told.parting.level, told.parting.left) == (6, None)
    assert told.parting.right == extra
