"""What an instance's answer is: records, or which of the many other things that it may say.

Law of this file: an answer is taken for records only if it is the Table API's JSON; every other
one is named for what it is, with what to do. Pages are told by what they are, never obeyed.

Sources: ServiceNow product documentation, "Table API", "REST API HTTP response codes", "Inbound
REST API rate limiting"; the words of pages as users quote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from mtlskit.collect.https import Answer

Kind = Literal[
    "login-refused", "not-permitted", "no-such-table", "rate-limited", "maintenance", "hibernating",
    "login-page", "web-page", "redirected", "failed", "cut-short", "damaged",
]  # fmt: skip
"""Everything that is no list of records."""

PASSING: frozenset[Kind] = frozenset({"rate-limited", "maintenance", "failed", "cut-short"})
"""What may be over when one asks again."""

_WORDS = 200
_NEXT = re.compile(r'[?&]sysparm_offset=([0-9]{1,9})(?:&[^<>,;]*)?>\s*;\s*rel="?next\b')
_SIGN_IN = ("user_password", "login.do", "log in", "login", "sign in", "sign-in", "saml")
_REDIRECTS = range(300, 400)
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Records:
    """A page of records.

    Attributes:
        total: how many there are on all pages, as the header `X-Total-Count` says; None: unsaid.
        following: where the next page begins, as the header `Link` says; None: it names no next
            page, or is not there.
    """

    records: Sequence[Mapping[str, Any]]
    total: int | None
    following: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """No records, and why.

    Attributes:
        text: a sentence.
        wait: seconds after which to ask again, if the answer says so.
    """

    kind: Kind
    text: str
    wait: float | None = None


def understood(answer: Answer, now: datetime) -> Records | Refusal:
    """Tell what an answer of the Table API is."""
    if answer.status in _REDIRECTS:
        return _redirected(answer)
    if answer.status == 429:  # noqa: PLR2004 - Too Many Requests, RFC 6585, 4
        text = "The instance answered 429: it takes no more requests for now"
        return Refusal("rate-limited", f"{text}{_own_words(answer)}.", waiting(answer, now))
    if _is_page(answer):
        return _page(answer)
    if answer.status != 200:  # noqa: PLR2004 - OK, RFC 9110, 15.3.1
        return _refused(answer, now)
    return _records(answer)


def _records(answer: Answer) -> Records | Refusal:
    try:
        document = json.loads(answer.body)
    except RecursionError:
        return Refusal("damaged", "The answer was JSON, and nested deeper than any list is.")
    except ValueError:
        says = "The answer was no whole JSON, although its status was 200."
        return Refusal("cut-short", says)
    if isinstance(document, dict) and "error" in document:
        # A list that takes too long ends in the middle, with an error and the status 200.
        text = "The instance broke off in the middle of the list"
        return Refusal("cut-short", f"{text}{_own_words(answer)}.")
    held = document.get("result") if isinstance(document, dict) else None
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        return Refusal("damaged", "The answer was JSON, and no list of records.")
    total = answer.headers.get("x-total-count", "").strip()
    following = _NEXT.search(answer.headers.get("link", ""))
    return Records(
        held,
        int(total[:9]) if total.isascii() and total.isdigit() else None,
        int(following[1]) if following else None,
    )


def _refused(answer: Answer, now: datetime) -> Records | Refusal:
    said = _own_words(answer)
    if answer.status == 401:  # noqa: PLR2004 - Unauthorized, RFC 9110, 15.5.2
        text = f"The instance did not accept the login{said}. Check the user and the password"
        return Refusal("login-refused", f"{text}, or the token and whether it has expired.")
    if answer.status == 403:  # noqa: PLR2004 - Forbidden, RFC 9110, 15.5.4
        return Refusal("not-permitted", f"The user may not read this table{said}.")
    if answer.status in {400, 404}:
        if "no record" in said.lower():
            return Records((), 0, None)
        return Refusal("no-such-table", f"The instance has no such table{said}.")
    if answer.status in _SERVER_ERRORS:
        text = f"The instance answered {answer.status}{said}."
        return Refusal("failed", text, waiting(answer, now))
    return Refusal("damaged", f"The instance answered {answer.status}{said}.")


def _redirected(answer: Answer) -> Refusal:
    to = "".join(one for one in answer.headers.get("location", "") if one.isprintable())
    text = (
        f"The instance answered {answer.status} and sent the call elsewhere "
        f"({to.partition('?')[0][:_WORDS] or 'it did not say where'}). That is not followed, "
        "since the login is for this host alone. Give the instance's own address."
    )
    return Refusal("redirected", text)


def _is_page(answer: Answer) -> bool:
    head = answer.body[:512].lstrip().lower()
    return "html" in answer.headers.get("content-type", "").lower() or head.startswith(
        (b"<!doctype html", b"<html")
    )


def _page(answer: Answer) -> Refusal:
    text = answer.body[:_PAGE].decode("utf-8", "replace").lower()
    told = f"status {answer.status}"
    if "hibernat" in text:
        says = f"The instance sleeps ({told}): wake it in the developer portal, and ask again."
        return Refusal("hibernating", says)
    if answer.status in {502, 503, 504} or "maintenance" in text:
        says = f"The instance answered with a page ({told}): it is under maintenance, or down."
        return Refusal("maintenance", says)
    if answer.status == 401:  # noqa: PLR2004 - Unauthorized
        return Refusal("login-refused", f"The login was not accepted, with a page ({told}).")
    if any(word in text for word in _SIGN_IN):
        says = (
            f"A login page came where JSON was expected ({told}): something before the Table API "
            "asks for a login of its own, as single sign-on does. Give a user or a token that may "
            "use the REST API."
        )
        return Refusal("login-page", says)
    says = f"A web page came where JSON was expected ({told}). Is this the instance's own address?"
    return Refusal("web-page", says)


_PAGE = 65536


def _own_words(answer: Answer) -> str:
    """Return what the instance itself says of the error, in one line."""
    try:
        error = json.loads(answer.body)["error"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    parts = [error] if isinstance(error, str) else []
    if isinstance(error, dict):
        parts = [str(error[name]) for name in ("message", "detail") if error.get(name)]
    line = " ".join(": ".join(parts).split())[:_WORDS]
    shown = "".join(one for one in line if one.isprintable())
    return f" (“{shown}”)" if shown else ""


def waiting(answer: Answer, now: datetime) -> float | None:
    """Return for how many seconds to wait: `Retry-After` (RFC 9110, 10.2.3) or the limit's reset.

    Args:
        answer: may carry `Retry-After` in seconds or as a date, or `X-RateLimit-Reset` in seconds
            since 1970.
        now: the present, aware.
    """
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - now).total_seconds())
    except (ValueError, TypeError):  # it has no such header, or no date in it
        pass
    reset = answer.headers.get("x-ratelimit-reset", "").strip()
    if reset.isascii() and reset.isdigit():
        return max(0.0, float(reset[:12]) - now.astimezone(UTC).timestamp())
    return None
