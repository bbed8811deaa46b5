"""In which order a JVM goes through the aliases of a key store.

Law of this file: `java.util.HashMap` and `Hashtable` go by the hash of the key, which for strings
is laid down (Java SE API, String.hashCode); so the order can be told without a JVM. The tests ask
a real one.
"""

from __future__ import annotations

from collections.abc import Sequence

_FULL = 0.75
"""Both kinds of map grow when they are three quarters full."""
_FIRST_BUCKETS, _FIRST_SLOTS = 16, 11


def hash_code(text: str) -> int:
    """Return ``String.hashCode()``, unsigned: 31-fold sums over UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value


def in_hash_map(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys as a HashMap gives them that they were put into in this order."""
    buckets = _FIRST_BUCKETS
    while len(keys) > _FULL * buckets:
        buckets *= 2
    # Keys of one bucket keep their order, also when the map grows.
    return tuple(sorted(dict.fromkeys(keys), key=lambda one: _spread(one) & (buckets - 1)))


def _spread(key: str) -> int:
    code = hash_code(key)
    return code ^ (code >> 16)


def in_hashtable(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys as a Hashtable enumerates them that they were put into in this order."""
    slots: list[list[str]] = [[] for _ in range(_FIRST_SLOTS)]
    for count, key in enumerate(dict.fromkeys(keys)):
        if count >= int(len(slots) * _FULL):
            slots = _grown(slots)
        _put(slots, key)
    return tuple(key for slot in reversed(slots) for key in slot)


def _grown(slots: list[list[str]]) -> list[list[str]]:
    """Twice the slots and one more; each key goes before those that are there (as it came)."""
    larger: list[list[str]] = [[] for _ in range(2 * len(slots) + 1)]
    for slot in reversed(slots):
        for key in slot:
            _put(larger, key)
    return larger


def _put(slots: list[list[str]], key: str) -> None:
    slots[(hash_code(key) & 0x7FFFFFFF) % len(slots)].insert(0, key)
