"""Client chains on which server stacks differ, made anew.

Law of this room: each is sound or broken in the one way that its name says; what each stack makes
of it is not told here but predicted by `mtlskit.certs.stacks` and asked of the real engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import ip_network

from cryptography import x509
from cryptography.x509.oid import NameOID

from mtlskit.certs import asn1
from mtlskit.lab.pki import Authority, Issued, now, self_signed

_DAY = timedelta(days=1)
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00")


@dataclass(frozen=True, slots=True)
class Difference:
    """One chain.

    Attributes:
        sent: what the client sends after its leaf, in this order.
        anchors: what the server trusts.
    """

    leaf: x509.Certificate
    sent: tuple[x509.Certificate, ...]
    anchors: tuple[x509.Certificate, ...]


@cache
def differences() -> Mapping[str, Difference]:
    """Make every chain, by its name; keys are made anew once in each process."""
    return {
        name: Difference(
            leaf.certificate,
            tuple(one.certificate for one in sent),
            tuple(one.certificate for one in anchors),
        )
        for part in _PARTS
        for name, leaf, sent, anchors in part()
    }


_Row = tuple[str, Issued, list[Issued], list[Issued]]
_CLIENT = "CN=c, O=Acme"


def _root() -> Authority:
    return Authority.root("CN=Acme Root, O=Acme")


def _client(by: Authority, **parts: object) -> Issued:
    return by.client(_CLIENT, **{"san": ["c.acme.example"], **parts})  # type: ignore[arg-type]  # parts as in `Parts`


def _sound() -> Iterator[_Row]:
    root = _root()
    issuing = root.intermediate("CN=Issuing, O=Acme")
    yield "sound", _client(issuing), [issuing], [root]
    yield "root-sent-too", _client(issuing), [issuing, root], [root]
    yield "intermediate-missing", _client(issuing), [], [root]
    yield "intermediate-in-store", _client(issuing), [], [root, issuing]
    yield "nothing-but-the-leaf-trusted-by-another", _client(issuing), [issuing], [_root()]


def _alternatives() -> Iterator[_Row]:
    root, other = _root(), Authority.root("CN=Other Root, O=Acme")
    old = root.intermediate("CN=Issuing, O=Acme", not_after=now() - _DAY)
    new = root.intermediate("CN=Issuing, O=Acme", key=old.key)
    leaf = _client(new)
    yield "renewed-old-sent-first", leaf, [old, new], [root]
    yield "renewed-new-sent-first", leaf, [new, old], [root]
    yield "renewed-old-sent-new-in-store", leaf, [old], [root, new]
    own = Authority.root("CN=Bridge, O=Acme")
    cross = root.intermediate("CN=Bridge, O=Acme", key=own.key)
    leaf = _client(own)
    yield "cross-signed-self-signed-first", leaf, [own, cross], [root]
    yield "cross-signed-self-signed-last", leaf, [cross, own], [root]
    yield "cross-signed-by-a-stranger-first", leaf, [
        other.intermediate("CN=Bridge, O=Acme", key=own.key), cross], [root]  # fmt: skip
    twin = Authority.root("CN=Acme Root, O=Acme")
    bare = _client(root, aki=None)
    yield "two-roots-of-one-name-right-last", bare, [], [twin, root]
    yield "two-roots-of-one-name-right-first", bare, [], [root, twin]
    yield "two-roots-of-one-name-with-aki", _client(root), [], [twin, root]
    rekeyed = root.intermediate("CN=Issuing, O=Acme")
    yield "re-keyed-intermediate-first", _client(new, aki=None), [rekeyed, new], [root]


def _anchors() -> Iterator[_Row]:
    root = _root()
    issuing = root.intermediate("CN=Issuing, O=Acme")
    leaf = _client(issuing)
    yield "only-intermediate-trusted", leaf, [issuing], [issuing]
    yield "only-intermediate-trusted-not-sent", leaf, [], [issuing]
    yield "only-leaf-trusted", leaf, [issuing], [leaf]
    own = self_signed(_CLIENT, san=["c.acme.example"])
    yield "self-signed-trusted", own, [], [own]
    yield "self-signed-unknown", own, [], [root]
    late = self_signed(_CLIENT, not_before=now() - 9 * _DAY, not_after=now() - _DAY)
    yield "self-signed-trusted-expired", late, [], [late]
    server = self_signed(_CLIENT, eku=["serverAuth"])
    yield "self-signed-trusted-server-purpose", server, [], [server]


def _inside_the_anchor() -> Iterator[_Row]:
    def root(**parts: object) -> Authority:
        return Authority.root("CN=Odd Root, O=Acme", **parts)  # type: ignore[arg-type]  # parts as in `Parts`

    expired = root(not_after=now() - _DAY)
    yield "root-expired", _client(expired), [], [expired]
    short = root(path_length=0)
    issuing = short.intermediate("CN=Issuing, O=Acme")
    yield "root-path-length", _client(issuing), [issuing], [short]
    unknown = root(extra=[(_UNKNOWN, True)])
    yield "root-critical-extension", _client(unknown), [], [unknown]
    server = root(eku=["serverAuth"])
    yield "root-server-purpose", _client(server), [], [server]
    limited = root(extra=[(_constraint(x509.DNSName("other.example")), True)])
    yield "root-name-constraint", _client(limited), [], [limited]
    useless = root(ku=["cRLSign"])
    yield "root-without-cert-sign", _client(useless), [], [useless]
    plain = root(ca=None)
    yield "root-without-basic-constraints", _client(plain), [], [plain]
    bare = root(ca=None, ku=None)
    yield "root-without-basic-constraints-and-usage", _client(bare), [], [bare]
    no_ca = root(ca=False)
    yield "root-that-is-no-ca", _client(no_ca), [], [no_ca]
    small = root(key="RSA 1024")
    yield "root-rsa-1024", _client(small), [], [small]


def _purposes() -> Iterator[_Row]:
    root = _root()
    any_purpose = ["anyExtendedKeyUsage"]
    yield "leaf-any-purpose", _client(root, eku=any_purpose), [], [root]
    yield "leaf-server-purpose", _client(root, eku=["serverAuth"]), [], [root]
    yield "leaf-without-purpose", _client(root, eku=None), [], [root]
    for name, eku in (("server", ["serverAuth"]), ("any", any_purpose), ("client", ["clientAuth"])):
        issuing = root.intermediate("CN=Issuing, O=Acme", eku=eku)
        yield f"intermediate-{name}-purpose", _client(issuing), [issuing], [root]


def _usages() -> Iterator[_Row]:
    root = _root()
    for bit in ("keyEncipherment", "keyAgreement", "contentCommitment"):
        yield f"leaf-usage-{bit}", _client(root, ku=[bit]), [], [root]
    yield "leaf-without-usage", _client(root, ku=None), [], [root]
    signing = ["keyCertSign", "cRLSign"]
    yield "leaf-is-ca", _client(root, ca=True, ku=["digitalSignature", *signing]), [], [root]
    yield "leaf-is-ca-cert-sign-only", _client(root, ca=True, ku=signing), [], [root]
    yield "leaf-cert-sign-but-no-ca", _client(root, ku=["digitalSignature", *signing]), [], [root]
    no_sign = root.intermediate("CN=Issuing, O=Acme", ku=["cRLSign"])
    yield "intermediate-without-cert-sign", _client(no_sign), [no_sign], [root]
    no_usage = root.intermediate("CN=Issuing, O=Acme", ku=None)
    yield "intermediate-without-usage", _client(no_usage), [no_usage], [root]
    plain = root.intermediate("CN=Issuing, O=Acme", ca=None)
    yield "intermediate-without-basic-constraints", _client(plain), [plain], [root]
    short = root.intermediate("CN=Short, O=Acme", path_length=0)
    below = short.intermediate("CN=Issuing, O=Acme")
    yield "intermediate-path-length", _client(below), [below, short], [root]
    yield "leaf-critical-extension", _client(root, extra=[(_UNKNOWN, True)]), [], [root]
    odd = root.intermediate("CN=Issuing, O=Acme", extra=[(_UNKNOWN, True)])
    yield "intermediate-critical-extension", _client(odd), [odd], [root]


def _depths() -> Iterator[_Row]:
    for many in (2, 6, 8, 9, 10, 16):
        path = [_root()]
        for number in range(many):
            path.append(path[-1].intermediate(f"CN=Level {number}, O=Acme"))
        sent: list[Issued] = list(reversed(path[1:]))
        yield f"depth-{many}", _client(path[-1]), sent, [path[0]]
        if many in {2, 6}:
            yield f"depth-{many}-unordered", _client(path[-1]), sent[::-1], [path[0]]


def _names() -> Iterator[_Row]:
    root = _root()
    issuing = root.intermediate("CN=Issuing, O=Acme")
    yield "issuer-case-differs", _client(root, issuer="CN=ACME ROOT, O=Acme"), [], [root]
    yield "issuer-spaces-differ", _client(root, issuer="CN=Acme  Root, O=Acme"), [], [root]
    yield "issuer-differs", _client(root, issuer="CN=Another Root, O=Acme"), [], [root]
    stated = _client(issuing, issuer="CN=issuing, O=Acme")
    yield "intermediate-case-differs", stated, [issuing], [root]


def _identifiers() -> Iterator[_Row]:
    root = _root()
    issuing = root.intermediate("CN=Issuing, O=Acme")
    yield "aki-mismatch", _client(root, aki=b"\x01" * 20), [], [root]
    yield "aki-mismatch-below-intermediate", _client(issuing, aki=b"\x01" * 20), [issuing], [root]
    wrong = root.intermediate("CN=Issuing, O=Acme", aki=b"\x01" * 20)
    yield "aki-mismatch-in-intermediate", _client(wrong), [wrong], [root]
    yield "aki-missing", _client(root, aki=None), [], [root]
    bare = root.intermediate("CN=Issuing, O=Acme", ski=None)
    yield "intermediate-without-ski", _client(bare), [bare], [root]
    earlier = x509.AuthorityKeyIdentifier(
        None, [x509.DirectoryName(root.certificate.subject)], 4711
    )
    yield "aki-serial-mismatch", _client(root, aki=None, extra=[(earlier, False)]), [], [root]


def _algorithms() -> Iterator[_Row]:
    root = _root()
    yield "leaf-rsa-1024", _client(root, key="RSA 1024"), [], [root]
    small = root.intermediate("CN=Issuing, O=Acme", key="RSA 1024")
    yield "intermediate-rsa-1024", _client(small), [small], [root]
    for key in ("Ed25519", "Ed448", "EC P-384"):
        yield f"leaf-{key}", _client(root, key=key), [], [root]
        signer = root.intermediate("CN=Issuing, O=Acme", key=key)
        yield f"intermediate-{key}", _client(signer), [signer], [root]


def _constraint(*permitted: x509.GeneralName) -> x509.NameConstraints:
    return x509.NameConstraints(list(permitted), None)


def _forms() -> dict[str, tuple[x509.GeneralName, x509.GeneralName, str]]:
    """By form: a constraint that is kept, one that is broken, and the leaf's name."""
    acme = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")])
    other = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")])
    return {
        "dns": (x509.DNSName("acme.example"), x509.DNSName("other.example"), "c.acme.example"),
        "dn": (x509.DirectoryName(acme), x509.DirectoryName(other), "c.acme.example"),
        "ip": (
            x509.IPAddress(ip_network("192.0.2.0/24")),
            x509.IPAddress(ip_network("198.51.100.0/24")),
            "192.0.2.7",
        ),
        "uri": (
            x509.UniformResourceIdentifier("acme.example"),
            x509.UniformResourceIdentifier("other.example"),
            "spiffe://acme.example/c",
        ),
        "email": (x509.RFC822Name("acme.example"), x509.RFC822Name("b.example"), "c@acme.example"),
    }


def _constraints() -> Iterator[_Row]:
    root = _root()
    for form, (kept, broken, name) in _forms().items():
        for state, base in (("kept", kept), ("broken", broken)):
            issuing = root.intermediate("CN=Issuing, O=Acme", extra=[(_constraint(base), True)])
            yield f"{form}-constraint-{state}", _client(issuing, san=[name]), [issuing], [root]


def _common_names() -> Iterator[_Row]:
    """Leaves without a DNS name in the subjectAltName below a constraint on DNS names."""
    root = _root()
    limit = (_constraint(x509.DNSName("acme.example")), True)
    dns = root.intermediate("CN=Issuing, O=Acme", extra=[limit])
    for name, common in (
        ("host-outside", "host.other.example"),
        ("host-inside", "host.acme.example"),
        ("word", "c"),
        ("words", "Acme Client"),
    ):
        leaf = dns.client(f"CN={common}, O=Acme")
        yield f"dns-constraint-no-san-cn-{name}", leaf, [dns], [root]
        with_uri = dns.client(f"CN={common}, O=Acme", san=["spiffe://acme.example/c"])
        yield f"dns-constraint-uri-san-cn-{name}", with_uri, [dns], [root]
    both = dns.issue("CN=host.other.example, O=Acme")
    yield "dns-constraint-no-san-cn-host-outside-both-purposes", both, [dns], [root]
    yield "no-san", root.client("CN=c, O=Acme"), [], [root]


def _dns_forms() -> Iterator[_Row]:
    """Wildcards, and dots at either end, in the leaf's DNS name and in what constrains it."""
    root = _root()
    for how, base, names in (
        ("permitted", "acme.example", (".acme.example", "c.acme.example.", "*.acme.example")),
        ("permitted", ".acme.example", ("acme.example", "c.acme.example.", "c.acme.example")),
        ("permitted", "acme.example.", ("c.acme.example", "c.acme.example.")),
        ("permitted", "sub.acme.example", ("*.acme.example", "*.sub.acme.example")),
        ("excluded", "acme.example", ("*.example", "c.acme.example.", "a.*.example", "*")),
        ("excluded", "acme.example.", ("c.acme.example", "x.example")),
        ("excluded", "sub.acme.example", ("*.acme.example", "s*b.acme.example", ".acme.example")),
        ("excluded", ".sub.acme.example", ("*.acme.example", "sub.acme.example")),
    ):
        trees = [x509.DNSName(base)]
        limits = (trees, None) if how == "permitted" else (None, trees)
        extra = [(x509.NameConstraints(*limits), True)]
        issuing = root.intermediate("CN=Issuing, O=Acme", extra=extra)
        for name in names:
            yield f"dns-{how}-{base}-{name}", _client(issuing, san=[name]), [issuing], [root]


_PRINCIPAL, _CHAT = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.7.8.5"
"""Types of otherName: Microsoft's user principal name, and XmppAddr (RFC 6120, 13.7.1.4)."""


def _other_names() -> Iterator[_Row]:
    """OtherNames below a constraint on otherNames of the same type, and of another."""
    root = _root()
    trees = [_other_name(_PRINCIPAL, "acme.example")]
    for how, limits in (("permitted", (trees, None)), ("excluded", (None, trees))):
        extra = [(x509.NameConstraints(*limits), True)]
        issuing = root.intermediate("CN=Issuing, O=Acme", extra=extra)
        for kind, oid in (("same", _PRINCIPAL), ("other", _CHAT)):
            own = [_other_name(oid, "c@acme.example"), x509.DNSName("c.acme.example")]
            san = [(x509.SubjectAlternativeName(own), False)]
            leaf = _client(issuing, san=None, extra=san)
            yield f"other-name-{how}-{kind}-type", leaf, [issuing], [root]


def _other_name(oid: str, text: str) -> x509.OtherName:
    value = asn1.encode(asn1.UTF8, text.encode())
    return x509.OtherName(x509.ObjectIdentifier(oid), value)


def _malformed() -> Iterator[_Row]:
    """Extensions that cannot be read, in the leaf and in the intermediate, critical or not."""
    root = _root()
    sound = root.intermediate("CN=Issuing, O=Acme")
    for name, oid, value in (
        ("name-constraints", "2.5.29.30", b"\x30\x04\xa0\x02\x30\x09"),
        ("policies", "2.5.29.32", b"\x30\x02\x05\x00"),
        ("policy-mappings", "2.5.29.33", b"\x30\x02\x05\x00"),
        ("policy-constraints", "2.5.29.36", b"\x05\x00"),
        ("inhibit-any-policy", "2.5.29.54", b"\x05\x00"),
    ):
        bad = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        for how, critical in (("critical", True), ("not-critical", False)):
            # The leaf is signed by the sound one of the same key: the lab reads its issuers.
            broken = root.intermediate("CN=Issuing, O=Acme", key=sound.key, extra=[(bad, critical)])
            yield f"malformed-{name}-{how}", _client(sound), [broken], [root]
        leaf = _client(sound, extra=[(bad, True)])
        yield f"malformed-{name}-critical-in-leaf", leaf, [sound], [root]


_PARTS: tuple[Callable[[], Iterator[_Row]], ...] = (
    _sound,
    _alternatives,
    _anchors,
    _inside_the_anchor,
    _purposes,
    _usages,
    _depths,
    _names,
    _identifiers,
    _algorithms,
    _constraints,
    _common_names,
    _dns_forms,
    _other_names,
    _malformed,
)
