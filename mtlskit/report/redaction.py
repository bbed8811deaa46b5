"""The last look at everything that leaves: what is secret by its form is taken out.

Law of this file: nothing secret should come here at all; what still has the form of a private key,
a key-log line or a password is replaced by a note in brackets, in every face alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from mtlskit.page.blocks import Page
from mtlskit.page.plain import Plain

_LABEL = r"(?:CLIENT_RANDOM|EXPORTER_SECRET|EARLY_EXPORTER_SECRET|[A-Z_]+_TRAFFIC_SECRET(?:_\d+)?)"
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        "[private key taken out]",
    ),
    (re.compile(rf"\b{_LABEL}\s+[0-9A-Fa-f]{{64}}\s+[0-9A-Fa-f]+"), "[key log taken out]"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/@?#]+@", re.IGNORECASE), r"\1[taken out]@"),
    (
        re.compile(
            r"(pass(?:word|wd|phrase)?|pwd|token|secret|api[_-]?key)"
            r"=[^\s&\"'<>]+",
            re.IGNORECASE,
        ),
        r"\1=[taken out]",
    ),
)


def clean(text: str) -> str:
    """Take out of a text what has the form of a secret."""
    for form, note in _FORMS:
        text = form.sub(note, text)
    return text


def clean_page(page: Page) -> Page:
    """Return the page with every text in it cleaned, those in drawings too."""
    return cast("Page", mapped(page, clean))


def clean_plain(record: dict[str, Plain]) -> dict[str, Plain]:
    """Return the record with every text in it cleaned."""
    return cast("dict[str, Plain]", mapped(record, clean))


def address(url: str) -> str:
    """Return a URL without user, query and fragment, which may carry secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return clean(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else clean(url.partition("?")[0])


_WORDS_OF_OURS = frozenset(
    (
        "svg",
        "tone",
        "language",
        "direction",
        "state",
        "to",
        "outcome",
        "refused_by",
        "stage",
        "standing",
        "party",
        "cause",
        "rule",
        "verdict",
        "answer",
        "id",
        "kind",
        "code",
        "phrase",
        "versions",
        "redacted",
    )
)
"""Fields and keys that hold words of our own, and a drawing, which is made of changed words."""


def renamed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - as `mapped`
    """Return the block or record with every name in it changed; words of our own stay."""
    return mapped(value, change, _WORDS_OF_OURS)


def mapped(
    value: Any,  # noqa: ANN401 - any block or value
    change: Callable[[str], str],
    spared: frozenset[str] = frozenset(),
) -> Any:  # noqa: ANN401 - of the same type
    """Return the block or value with every text in it changed, but in the fields spared."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            key: inner if key in spared else mapped(inner, change, spared)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(mapped(inner, change, spared) for inner in value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: getattr(value, one.name) for one in fields(value)}
        return type(value)(**mapped(held, change, spared))
    return value
