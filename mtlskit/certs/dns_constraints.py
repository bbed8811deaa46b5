"""Name constraints on DNS names (RFC 5280, 4.2.1.10), as the RFC has them and as verifiers do.

Law of this room: each way is a function of a name and a base that says inside, outside, or that it
cannot be told; which verifier goes which way stands in `stacks.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Within = Callable[[str, str], bool | None]
"""Whether a name is inside a base; None: it cannot be told."""


def by_the_rfc(name: str, base: str) -> bool | None:
    """Zero or more labels in front of the base; a dot at the end of either says nothing.

    With a dot in front, which the RFC does not foresee, the base itself is outside: so hold
    OpenSSL, GnuTLS, Java and Go. A wildcard of which some names only are inside cannot be told.
    """
    host, tree = name.rstrip("."), base.rstrip(".")
    if _ends(host, tree):
        return True
    return None if "*" in host and _may_meet(host, tree) else False


def without_wildcards(name: str, base: str) -> bool | None:
    """As `by_the_rfc`, but an asterisk is a letter like any other."""
    return _ends(name.rstrip("."), base.rstrip("."))


def by_text(name: str, base: str) -> bool | None:
    """The texts as they are: neither wildcards nor dots at the end are known."""
    return _ends(name, base)


def by_names(name: str, base: str) -> bool | None:
    """One dot at the end says nothing; a wildcard is a first label that is an asterisk."""
    host, tree = name.removesuffix("."), base.removesuffix(".")
    if _ends(host, tree):
        return True
    return None if host.startswith("*.") and _may_meet(host, tree) else False


def by_labels(name: str, base: str) -> bool | None:
    """Names with an empty label cannot be told; a wildcard is a first label that is an asterisk."""
    return _by_syntax(_LABELS, name, base)


def by_host_names(name: str, base: str) -> bool | None:
    """What is no host name, behind a first label that may be an asterisk, cannot be told."""
    return _by_syntax(_HOST_NAME, name, base)


def _by_syntax(syntax: re.Pattern[str], name: str, base: str) -> bool | None:
    if not syntax.fullmatch(name) or base.endswith("."):
        return None
    if _ends(name, base):
        return True
    return None if name.startswith("*.") and _may_meet(name, base) else False


_LABELS = re.compile(r"[^.]+(\.[^.]+)*")
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)


def _ends(host: str, tree: str) -> bool:
    """Whether a name is the base, or ends with it and a dot before it."""
    host, tree = host.lower(), tree.lower()
    inside = host.endswith(tree if tree.startswith(".") else "." + tree)
    return inside or not tree or host == tree


def _may_meet(host: str, tree: str) -> bool:
    """Whether a name with wildcards may stand for a name inside: label by label, from the end."""
    labels, wanted = host.lower().split("."), tree.lower().removeprefix(".").split(".")
    if len(labels) < len(wanted) + tree.startswith("."):
        return False
    pairs = zip(reversed(labels), reversed(wanted), strict=False)
    return all(_may_be(label, other) for label, other in pairs)


def _may_be(label: str, wanted: str) -> bool:
    head, star, rest = label.partition("*")
    if not star:
        return label == wanted
    return wanted.startswith(head) and wanted.endswith(rest.rpartition("*")[2])


WAYS: Mapping[str, Within] = {
    "rfc": by_the_rfc,
    "without-wildcards": without_wildcards,
    "text": by_text,
    "names": by_names,
    "labels": by_labels,
    "host-names": by_host_names,
}
"""Each way by the name that the switch `dns_constraints` of a stack's profile has for it."""
