"""Commands that mend for good what an experiment mended for one call.

Law of this file: only what was tried and accepted is told, or what is at hand and is known to link
the client's chain to a CA that the server lists. The key store that is in use stays as it
is: a copy is mended, tried, and then put in its place by its owner.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from pathlib import PurePath
from shlex import quote
from textwrap import wrap

from mtlskit.case import Attempt, Case
from mtlskit.certs.certificate import Certificate
from mtlskit.certs.keystore import Identity
from mtlskit.report.commands import STORE, Check, kind, password, path, tries
from mtlskit.rules.evidence import Offered, bridge, listed

_OF_THE_CALL = ("protocol.sni", "protocol.version", "server.name-mismatch")
"""Causes for which the call is made in another way, by name or version."""
_CHAIN = ("client.chain-incomplete", "client.chain-order")


def helped(case: Case) -> Attempt | None:
    """Return the first change after which the endpoint accepted."""
    return next(
        (
            one
            for one in case.attempts
            if one.cause and not one.stand_in and one.trace.ended.outcome == "accepted"
        ),
        None,
    )


def missing(case: Case) -> tuple[Certificate, ...]:
    """Return the certificates that were sent only when it was accepted; () if none were."""
    tried = helped(case)
    if tried is None or tried.cause != "client.chain-incomplete" or case.trace is None:
        return ()
    before = {one.der for one in case.trace.client_chain or ()}
    return tuple(one for one in tried.trace.client_chain or () if one.der not in before)


def mends(case: Case) -> tuple[Check, ...]:
    """Return the commands that make the change lasting; () if none are known."""
    tried = helped(case)
    return _on_paper(case) if tried is None else _as_tried(case, tried)


def _as_tried(case: Case, tried: Attempt) -> tuple[Check, ...]:
    target = case.target
    if target is None or not tried.trace.client_chain:
        return ()
    held = case.chosen
    if held is None or held.certificate.der != tried.trace.client_chain[0].der:
        other = _identity(case, tried.trace.client_chain)
        return (*password(other), *tries(case, target, other)) if other else ()
    if tried.cause in _OF_THE_CALL:
        # The store stays as it is: the same call, made as it was accepted.
        return (*password(held), *tries(case.having(trace=tried.trace), target, held))
    if tried.cause not in _CHAIN:
        return ()
    made = _mended(held.source.name)
    steps = _steps(held, made, tried.trace.client_chain, missing(case))
    if not steps:
        return ()
    *before, last = tries(case, target, held, made)
    proof = Check(f"Call with it. The endpoint should accept. {last.purpose}", last.command)
    return (*password(held), *steps, *before, proof)


def _on_paper(case: Case) -> tuple[Check, ...]:
    """Where nothing was proved: complete the chain with what is known to link it to the list."""
    trace = case.trace
    target = case.target or (trace.target if trace is not None else None)
    failed = trace is not None and trace.ended.outcome != "accepted"
    if trace is None or trace.asked is None or not failed or trace.asked.authorities_der == ():
        return ()
    for held in (case.chosen,) if case.chosen else case.identities or ():
        chain = (held.certificate, *held.chain)
        if trace.client_chain and trace.client_chain[0].der != held.certificate.der:
            continue
        lacking = bridge(case, Offered(chain, sent=False).top)
        if not held.key_matches or listed(case, chain) or not lacking:
            continue
        made = _mended(held.source.name)
        steps = _steps(held, made, (*chain, *lacking), lacking)
        calls = tries(case, target, held, made) if target is not None and steps else []
        return (*password(held), *steps, *calls) if steps else ()
    return ()


def proved(case: Case) -> bool:
    """Tell whether the change was tried on the server itself, and helped."""
    return helped(case) is not None


def _steps(
    held: Identity,
    made: str,
    chain: tuple[Certificate, ...],
    lacking: tuple[Certificate, ...],
) -> list[Check]:
    """Return how to put the chain into a copy of this kind of store."""
    what = kind(held.source)
    if what == "pem":
        purpose = "The chain as it was accepted. These are certificates; nothing here is secret."
        return [Check(purpose, _written(made, chain))]
    if what == "pkcs12":
        return _each_added(held, made, lacking)
    return _replaced(held, made, chain) if held.alias else []


def _each_added(held: Identity, made: str, lacking: tuple[Certificate, ...]) -> list[Check]:
    """PKCS#12: Java, like others, builds the chain from all certificates of the file."""
    if not lacking:
        return []
    files = {f"{_word(one)}.pem": one for one in lacking}
    copy = f"cp {path(held.source.name)} {path(made)}"
    added = [
        f"keytool -importcert -noprompt -alias {quote(name.removesuffix('.pem'))} "
        f"-file {path(name)} -keystore {path(made)}{STORE}"
        for name in files
    ]
    purpose = (
        f"Add it to a copy of {held.source.name}, as an entry of its own. From a PKCS#12 file the "
        "chain is built when it is loaded, so the key's entry then has it."
    )
    return [*_fetched(files), Check(purpose, "\n".join([copy, *added]))]


def _replaced(held: Identity, made: str, chain: tuple[Certificate, ...]) -> list[Check]:
    """JKS: the chain is kept with the key, so the whole of it goes under the key's own alias."""
    file = f"{PurePath(made).stem}-chain.pem"
    alias = quote(str(held.alias))
    install = (
        f"cp {path(held.source.name)} {path(made)}\n"
        f"keytool -importcert -noprompt -alias {alias} -file {path(file)} "
        f"-keystore {path(made)}{STORE}"
    )
    purpose = (
        f"Install the whole chain with the key in a copy of {held.source.name}. In this format an "
        "entry of its own for the missing certificate would not help."
    )
    told = "The whole chain. These are certificates; nothing here is secret."
    return [Check(told, _written(file, chain)), Check(purpose, install)]


def _fetched(files: dict[str, Certificate]) -> list[Check]:
    """Write the missing certificates and show their fingerprints."""
    lines = [_written(name, (one,)) for name, one in files.items()]
    lines += [
        f"openssl x509 -in {path(name)} -noout -subject -fingerprint -sha256" for name in files
    ]
    purpose = (
        "The missing certificate, which is not secret. Compare the fingerprint with what its "
        "issuer publishes."
    )
    return [Check(purpose, "\n".join(lines))]


def _written(name: str, chain: Iterable[Certificate]) -> str:
    return f"cat > {path(name)} <<'END'\n{''.join(map(_pem, chain))}END"


def _pem(one: Certificate) -> str:
    """Write a certificate as RFC 7468 says, 64 letters a line."""
    body = "\n".join(wrap(b64encode(one.der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def _mended(name: str) -> str:
    whole = PurePath(name)
    return f"{whole.stem}-mended{whole.suffix}"


def _word(one: Certificate) -> str:
    """Make a word of a certificate's name that can be a file name and an alias everywhere."""
    word = re.sub(r"[^a-z0-9]+", "-", one.label.lower()).strip("-")[:40]
    return f"{word or 'issuer'}-{one.sha256[:8]}"


def _identity(case: Case, chain: tuple[Certificate, ...]) -> Identity | None:
    """Return the identity at hand that sends this chain as it stands."""
    held = (*(case.identities or ()), *case.spare)
    sent = {one.der for one in chain[1:]}
    return next(
        (
            one
            for one in held
            if one.certificate.der == chain[0].der and sent <= {each.der for each in one.chain}
        ),
        None,
    )
