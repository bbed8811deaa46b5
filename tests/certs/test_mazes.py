"""Graphs of certificates in which a search could lose itself: a bound, and a word about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import pytest

from mtlskit.certs import paths, signing
from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.certs.climb import LENGTH_LIMIT
from mtlskit.lab.mazes import Maze, mazes
from mtlskit.material import Source


@cache
def _mazes() -> tuple[Maze, ...]:
    return tuple(mazes())


def _read(der: bytes) -> Certificate:
    return read_certificate(der, Source("maze"))


@dataclass(frozen=True)
class Spent:
    """What one search took, counted from outside of it."""

    found: paths.PathSearch
    verified: int
    judged: int


def _searched(maze: Maze) -> Spent:
    """Search with nothing remembered from another search."""
    leaf, others, anchors = _read(maze.leaf), map(_read, maze.others), map(_read, maze.anchors)
    given = list(others), list(anchors)
    signing._verified.cache_clear()
    found = paths.search(leaf, *given, role="client", at=datetime.now(UTC))
    verified = signing._verified.cache_info().misses
    return Spent(found, verified, sum(len(one.certificates) for one in found.paths))


@pytest.mark.parametrize("number", range(10))
def test_a_maze_costs_little_and_is_never_answered_wrongly(number: int) -> None:
    """A search ends within its work: it finds the way out, or says that it gave up."""
    maze = _mazes()[number]
    spent = _searched(maze)
    found = spent.found
    assert spent.verified <= paths.CHECK_LIMIT + 1, maze.id
    assert len(found.paths) <= 2 * paths.PATH_LIMIT + 1, maze.id
    assert spent.judged <= 2 * paths.PATH_LIMIT * LENGTH_LIMIT + 1, maze.id
    assert found.accepted <= maze.way_out, maze.id
    given_up = found.reasons[:1] and found.reasons[0].code == "budget"
    assert found.accepted == maze.way_out or given_up, maze.id


def test_the_work_is_reported_and_bounded() -> None:
    """Each search says how much it took; where it was given up, the limits stand beside it."""
    given_up = 0
    for maze in _mazes():
        found = _searched(maze).found
        assert found.work.steps <= paths.STEP_LIMIT + len(maze.others) + 1
        assert found.work.checks <= paths.CHECK_LIMIT + 1
        assert str(found.work) in " ".join(str(found).split())
        for reason in found.reasons:
            if reason.code == "budget":
                given_up += 1
                assert str(paths.STEP_LIMIT) in reason.expected
                assert str(found.work.steps) in reason.because
    assert given_up


def test_most_mazes_are_walked_to_their_end() -> None:
    """The budget is large enough for re-keyed, cross-signed, layered and circular issuers."""
    found = [_searched(maze).found.accepted for maze in _mazes() if maze.way_out]
    assert sum(found) >= len(found) - 1
