"""How stacks find a path: some try every way, most take the first issuer and stay with it.

Law of this file: what a stack would build is built, and judged by its profile; nothing is tried
that the stack would not try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from mtlskit.certs.certificate import Certificate
from mtlskit.certs.climb import Climb, Path, missing, untrusted, walk_of
from mtlskit.certs.path_rules import Reason
from mtlskit.certs.paths import PathSearch, rank
from mtlskit.certs.profiles import Profile
from mtlskit.certs.rulings import Question
from mtlskit.certs.signing import verified
from mtlskit.certs.stack_rules import identified, issues, judged

_LENGTH_LIMIT = 100
"""Intermediate certificates in a path that is built without a search, as in OpenSSL."""
_SORTED_LIMIT = 16
"""Certificates with the leaf that GnuTLS puts in order."""

Built = tuple[tuple[Certificate, ...], Reason | None]
"""A path, and the reason for which it ends without an anchor."""
Ways = Iterator[Built]


def search_as(question: Question, profile: Profile, *, handshake: bool = True) -> PathSearch:
    """Ask whether a stack accepts a chain; the answer holds the paths that it would look at.

    Args:
        question: the leaf, what was sent with it in the order of sending, the anchors, the time.
        profile: the stack's switches.
        handshake: whether to ask too what the stack's TLS library refuses for itself.
    """
    found = sorted(_BUILDERS[profile.building](question, profile), key=rank)
    before = tuple(_unreadable(question, profile))
    if handshake:
        before += tuple(_in_handshake(question, profile))
    wrong = (*before, *found[0].reasons)
    accepted = found[0].anchored and not wrong
    return PathSearch(
        accepted, () if accepted else wrong, tuple(found), question, profile=profile.name
    )


def _unreadable(question: Question, profile: Profile) -> Iterable[Reason]:
    """What a stack cannot read at all, and refuses wherever it stands in what was sent."""
    for one in (question.leaf, *question.others):
        if str(one.key) in profile.unreadable_keys:
            text = f"{one.label} has a key, {one.key}, that cannot be read there."
            yield Reason("malformed", one, text, "a kind of key that is known", str(one.key))


def _in_handshake(question: Question, profile: Profile) -> Iterable[Reason]:
    """What is refused before a path is looked for (RFC 8446, 4.4.2 and 4.4.3)."""
    leaf, sent = question.leaf, 1 + len(question.others)
    if question.role == "client" and 0 <= profile.sent < sent:
        text = f"{sent} certificates were sent with {leaf.label}, and {profile.sent} are the limit."
        yield Reason("path-length", leaf, text, str(profile.sent), str(sent))
    kind = leaf.key.kind if leaf.key.kind.startswith("RSA") else str(leaf.key)
    if kind not in profile.signing_keys:
        text = f"{leaf.label} has a key, {leaf.key}, that cannot sign a TLS 1.3 handshake there."
        yield Reason("weak-key", leaf, text, ", ".join(profile.signing_keys), str(leaf.key))


def _path(question: Question, profile: Profile, built: Built) -> Path:
    certificates, end = built
    walk = walk_of(question, certificates, anchored=end is None)
    trusted = {one.der for one in question.anchors} if profile.building == "first" else set()
    found = judged(walk, profile, trusted)
    return Path(certificates, end is None, tuple(found if end is None else (end, *found)))


# Every way


class _StackClimb(Climb):
    """The search of `paths`, with the issuers that the stack would take, judged as it would."""

    def __init__(self, question: Question, profile: Profile) -> None:
        super().__init__(question)
        self.profile = profile

    def _judged(self, certificates: tuple[Certificate, ...], end: Reason | None) -> Path:
        return _path(self.question, self.profile, (certificates, end))

    def _namesakes(self, path: Sequence[Certificate]) -> list[Certificate]:
        found = super()._namesakes(path)
        return [one for one in found if issues(path[-1], one, self.profile)]

    def _unsigned(self, path: tuple[Certificate, ...], namesakes: Sequence[Certificate]) -> Ways:
        if namesakes:
            yield from super()._unsigned(path, namesakes)
        else:  # perhaps one is there, and does not count as an issuer
            yield path, _no_issuer(path[-1], self.question, self.profile)


def _searched(question: Question, profile: Profile) -> list[Path]:
    return _StackClimb(question, profile).paths() or [
        _path(question, profile, ((question.leaf,), _no_issuer(question.leaf, question, profile)))
    ]


def _no_issuer(child: Certificate, question: Question, profile: Profile) -> Reason:
    """Why there is no issuer: another key by its identifiers, a self-signed end, or none at all."""
    at_hand = (*question.anchors, *question.others)
    named = [one for one in at_hand if child.issuer.same_as(one.subject) and one is not child]
    signers = [one for one in named if verified(child, one.key.spki)]
    other = [one for one in signers if not identified(child, one, profile)]
    if child.self_issued and verified(child, child.key.spki):
        return untrusted(child)
    if other:
        text = (
            f"{child.label} names the key of its issuer otherwise than {other[0].label} does, "
            "which therefore does not count as its issuer."
        )
        shown = ((other[0].ski or b"").hex(), (child.aki or b"").hex())
        return Reason("key-identifier", child, text, *shown)
    if signers:
        return _passed_over(child, signers[0], profile)
    return missing(child, named)


def _passed_over(child: Certificate, signer: Certificate, profile: Profile) -> Reason:
    if profile.names == "bytes" and child.issuer.der != signer.subject.der:
        because = "its name is written otherwise than the issuer's name there"
    else:
        because = "it is no trusted, self-signed certificate, and no trusted one issued it"
    text = f"{signer.label} signed {child.label}, but does not count as its issuer: {because}."
    return Reason("missing-issuer", child, text, str(child.issuer), str(signer.subject))


# The first issuer, and no other: OpenSSL and BoringSSL


def _one_path(question: Question, profile: Profile) -> list[Path]:
    chain, end = _grown(question, profile)
    held = {one.der for one in question.anchors}
    if end is not None and profile.partial and question.leaf.der in held:
        # The leaf itself is trusted; what was built above it is judged all the same.
        chain, end = chain[:1] if profile.pinned_leaf == "dated" else chain, None
    return [_path(question, profile, (chain, end))]


def _grown(question: Question, profile: Profile) -> Built:
    """Grow the chain, from the trusted certificates first, else from those that were sent."""
    chain, sent = [question.leaf], list(question.others)
    limit = _limit(question, profile)
    trusted = False
    while len(chain) <= limit + 1:
        top = chain[-1]
        own = top.self_issued and identified(top, top, profile)
        issuer = _chosen(top, question.anchors, question, profile)
        if own:
            return tuple(chain), None if issuer and issuer.der == top.der else untrusted(top)
        if issuer is not None:
            chain.append(issuer)
            trusted = True
            if profile.partial and profile.building != "first":
                return tuple(chain), None
            if issuer.self_issued and identified(issuer, issuer, profile):
                return tuple(chain), None
            continue
        issuer = None if trusted else _chosen(top, sent, question, profile)
        if issuer is None:
            ended = trusted and profile.partial
            end = None if ended else _end(top, question, profile, trusted=trusted)
            return tuple(chain), end
        sent.remove(issuer)
        chain.append(issuer)
    return tuple(chain), _too_long(chain[-1], limit)


def _limit(question: Question, profile: Profile) -> int:
    given = profile.intermediates if question.max_depth is None else question.max_depth
    return min(given, _LENGTH_LIMIT) if given >= 0 else _LENGTH_LIMIT


def _chosen(
    child: Certificate, among: Iterable[Certificate], question: Question, profile: Profile
) -> Certificate | None:
    """The one issuer that is taken: the first that is valid, else the one that was valid last."""
    found = [one for one in among if issues(child, one, profile)]
    if profile.building == "first":
        return next((one for one in found if one.ku is None or "keyCertSign" in one.ku), None)
    valid = [one for one in found if one.not_before <= question.at <= one.not_after]
    return next(iter(valid or sorted(found, key=lambda one: one.not_after, reverse=True)), None)


def _end(top: Certificate, question: Question, profile: Profile, *, trusted: bool) -> Reason:
    if not trusted:
        return _no_issuer(top, question, profile)
    text = f"{top.label} is trusted, but it is not self-signed, and its own issuer is not trusted."
    return Reason("missing-issuer", top, text, str(top.issuer), "not among the trusted")


def _too_long(top: Certificate, limit: int) -> Reason:
    text = f"No trusted issuer was met within {limit} intermediate certificates, the limit."
    return Reason("path-length", top, text, str(limit), "more")


# Put in order once: GnuTLS


def _sorted_once(question: Question, profile: Profile) -> list[Path]:
    chain = _cut_at_a_root(_in_order(question, profile), question)
    if len(chain) > 1 and issues(chain[-1], chain[-1], profile):
        chain.pop()
    top = chain[-1]
    found = _path(question, profile, _sorted_to_its_issuer(chain, question, profile))
    spoilt = {one.code for one in found.reasons} & _TRIED_AGAIN
    if len(chain) > 1 and spoilt and _held(top, question):
        # The last one is trusted itself, or another certificate for its name and key is.
        return [found, _path(question, profile, _sorted_below(chain[:-1], question, profile))]
    return [found]


def _cut_at_a_root(chain: list[Certificate], question: Question) -> list[Certificate]:
    """What stands above a trusted, self-issued certificate does not count."""
    held = {one.der for one in question.anchors if one.subject.der == one.issuer.der}
    at = next((at for at, one in enumerate(chain) if at and one.der in held), len(chain))
    return chain[: at + 1]


def _sorted_to_its_issuer(
    chain: Sequence[Certificate], question: Question, profile: Profile
) -> Built:
    """Up to the issuer of the last one; above one that is such an issuer itself nothing counts."""
    wanted = chain[-1].issuer.der
    named = {one.key.spki for one in question.anchors if one.subject.der == wanted}
    held = (
        at
        for at, one in enumerate(chain)
        if at and one.subject.der == wanted and one.key.spki in named
    )
    return _sorted_below(chain[: next(held, len(chain))], question, profile)


def _sorted_below(chain: Sequence[Certificate], question: Question, profile: Profile) -> Built:
    """The chain with its trusted issuer; each link is held to the key identifiers."""
    top = chain[-1]
    issuer = _latest(top, question, profile)
    links = (one for one, above in pairwise(chain) if not identified(one, above, profile))
    broken = next(links, top if issuer is None else None)
    if broken is not None or issuer is None:
        return tuple(chain), _no_issuer(broken or top, question, profile)
    return tuple(chain) if issuer.der == top.der else (*chain, issuer), None


_TRIED_AGAIN = {
    "missing-issuer",
    "untrusted-root",
    "key-identifier",
    "expired",
    "not-yet-valid",
    "weak-key",
    "weak-signature",
}
"""After these, GnuTLS looks whether the last certificate sent is trusted itself."""


def _held(one: Certificate, question: Question) -> bool:
    return any(
        one.subject.der == anchor.subject.der and one.key.spki == anchor.key.spki
        for anchor in question.anchors
    )


def _latest(child: Certificate, question: Question, profile: Profile) -> Certificate | None:
    """The trusted issuer that is valid longest; of equals, the one that was given last."""
    found = [one for one in question.anchors if issues(child, one, profile)]
    return max(reversed(found), key=lambda one: one.not_after, default=None)


def _in_order(question: Question, profile: Profile) -> list[Certificate]:
    """From the leaf, the first issuer among what was sent, until there is none or it is met.

    One whose key identifier fits is taken before others of the name. Long chains stay as they are.
    """
    chain, left = [question.leaf], list(question.others)
    if 1 + len(left) > _SORTED_LIMIT:
        return [*chain, *left]
    while True:
        top = chain[-1]
        others = [one for one in question.others if one is not top]
        named = [one for one in others if one.subject.der == top.issuer.der]
        fitting = [one for one in named if identified(top, one, profile)]
        issuer = next(iter(fitting or named), None)
        if issuer is None or issuer not in left:
            return chain
        left.remove(issuer)
        chain.append(issuer)


# As it was sent, else every way: Java


def _as_sent(question: Question, profile: Profile) -> list[Path]:
    sent = [question.leaf, *question.others]
    for at, one in enumerate(sent):
        if at and not sent[at - 1].issuer.same_as(one.subject):
            return _searched_within(question, profile)
        if _held(one, question):
            if at == 0:
                return [_path(question, profile, ((one,), None))]
            return _below_anchors(sent[:at], question, profile)
    if sent[-1].self_issued or not _named_anchors(sent[-1], question):
        return _searched_within(question, profile)
    return _below_anchors(sent, question, profile)


def _named_anchors(top: Certificate, question: Question) -> list[Certificate]:
    return [
        one
        for one in question.anchors
        if top.issuer.same_as(one.subject) and verified(top, one.key.spki)
    ]


def _below_anchors(
    chain: Sequence[Certificate], question: Question, profile: Profile
) -> list[Path]:
    """The chain as it is, below each anchor that its last certificate may mean."""
    top = chain[-1]
    named = [one for one in question.anchors if top.issuer.same_as(one.subject)]
    meant = [one for one in named if identified(top, one, profile)]
    built: list[Built] = [((*chain, one), None) for one in meant]
    if not built:
        built = [(tuple(chain), _no_issuer(top, question, profile))]
    return [_path(question, profile, one) for one in built]


def _searched_within(question: Question, profile: Profile) -> list[Path]:
    """Search; then key identifiers decide nothing, and a trust anchor's dates count."""
    limit = profile.searched_intermediates
    unasked = tuple(one for one in profile.anchor_unasked if one != "dates")
    free = replace(profile, key_identifiers="ignored", anchor_unasked=unasked)
    return _searched(question, replace(free, intermediates=limit) if limit >= 0 else free)


_BUILDERS: Mapping[str, Callable[[Question, Profile], list[Path]]] = {
    "search": _searched,
    "as-sent": _as_sent,
    "valid-first": _one_path,
    "first": _one_path,
    "sorted": _sorted_once,
}
