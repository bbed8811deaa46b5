"""The faults whose habits are measured on real servers: what the client does, and the cause.

Law of this file: each fault changes one thing in a world where all is well. What a server makes of
it is not told here; it is measured. Faults of one `variant` meet the same server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mtlskit.lab import forge
from mtlskit.lab.pki import Authority, Issued, new_key, now, self_signed
from mtlskit.lab.world import CLIENT, DAY, Play, World

_HUGE = 150_000  # bytes of a certificate that no server expects
_LONG_CHAIN = 9  # authorities between leaf and root: more than any depth that is set here


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        id: as in the measured habits.
        cause: the cause of the vocabulary that it is, where a server refuses it.
        variant: the setup that the server has.
        tls: the TLS versions in which it can be staged.
        play: what the client holds and does.
    """

    id: str
    cause: str
    variant: str
    tls: tuple[str, ...]
    play: Callable[[World], Play]


FAULTS: dict[str, Fault] = {}
"""Every fault, by its id."""
_BOTH = ("1.2", "1.3")


def _fault(
    name: str, cause: str, variant: str = "base", tls: tuple[str, ...] = _BOTH
) -> Callable[[Callable[[World], Play]], Callable[[World], Play]]:
    def declare(play: Callable[[World], Play]) -> Callable[[World], Play]:
        FAULTS[name] = Fault(name, cause, variant, tls, play)
        return play

    return declare


# Nothing is wrong, though some of it looks odd


@_fault("crl_ok", "none", "crl")
@_fault("ok", "none")
def _ok(world: World) -> Play:
    return Play(world.good)


@_fault("ok_rsa", "none")
def _ok_rsa(world: World) -> Play:
    return Play(world.client(world.rsa_issuing, key="RSA 2048"))


@_fault("ku_absent", "none")
def _ku_absent(world: World) -> Play:
    return Play(world.client(ku=None))


@_fault("eku_absent", "none")
def _eku_absent(world: World) -> Play:
    return Play(world.client(eku=None))


@_fault("chain_with_root", "none")
def _with_root(world: World) -> Play:
    return Play(_sent(world.good, *world.good.chain, world.root.certificate))


@_fault("chain_wrong_order", "client.chain-order")
def _wrong_order(world: World) -> Play:
    return Play(_sent(world.good, world.root.certificate, *world.good.chain))


@_fault("chain_extra_junk", "none")
def _junk(world: World) -> Play:
    strange = (world.elsewhere.certificate, world.recreated.certificate)
    return Play(_sent(world.good, *world.good.chain, *strange))


# What the client holds


@_fault("no_cert", "client.no-identity")
def _no_cert(_: World) -> Play:
    return Play()


@_fault("expired", "client.expired")
def _expired(world: World) -> Play:
    return Play(world.client(not_before=now() - 400 * DAY, not_after=now() - 3 * DAY))


@_fault("not_yet_valid", "client.not-yet-valid")
def _not_yet_valid(world: World) -> Play:
    return Play(world.client(not_before=now() + 3 * DAY, not_after=now() + 300 * DAY))


@_fault("expired_intermediate", "client.expired")
def _expired_intermediate(world: World) -> Play:
    issuing = world.root.intermediate(
        "CN=Lab Client Intermediate X, O=mtlskit lab",
        not_before=now() - 1000 * DAY,
        not_after=now() - 3 * DAY,
    )
    return Play(issuing.client(CLIENT))


@_fault("unrelated_ca", "client.untrusted-issuer")
def _unrelated(world: World) -> Play:
    return Play(world.client(world.elsewhere))


@_fault("unrelated_ca_with_root", "client.untrusted-issuer")
def _unrelated_with_root(_: World) -> Play:
    root = Authority.root("CN=Unrelated Root, O=somebody else")
    issued = root.intermediate("CN=Unrelated Intermediate, O=somebody else").client(CLIENT)
    return Play(_sent(issued, *issued.chain, root.certificate))


@_fault("same_dn_ca", "client.untrusted-issuer")
def _same_name(world: World) -> Play:
    return Play(world.client(world.recreated))


@_fault("same_dn_ca_with_root", "client.untrusted-issuer")
def _same_name_with_root(world: World) -> Play:
    root = world.root.recreated()
    issued = root.intermediate("CN=Lab Client Intermediate A, O=mtlskit lab").client(CLIENT)
    return Play(_sent(issued, *issued.chain, root.certificate))


@_fault("self_signed", "client.self-signed")
def _self_signed(_: World) -> Play:
    return Play(self_signed(CLIENT, eku=("clientAuth",)))


@_fault("missing_intermediate", "client.chain-incomplete")
def _missing(world: World) -> Play:
    return Play(_sent(world.good), material=(world.issuing.certificate,))


@_fault("bad_cert_signature", "client.profile")
def _bad_signature(world: World) -> Play:
    return Play(world.client(signer=new_key()))


@_fault("eku_server_only", "client.purpose")
def _for_servers(world: World) -> Play:
    return Play(world.client(eku=("serverAuth",)))


@_fault("ku_no_digsig", "client.purpose")
def _for_agreement(world: World) -> Play:
    return Play(world.client(ku=("keyAgreement",)))


@_fault("ku_keyenc_only", "client.purpose")
def _for_encipherment(world: World) -> Play:
    return Play(world.client(ku=("keyEncipherment",)))


@_fault("critical_ext", "client.profile")
def _critical(world: World) -> Play:
    return Play(world.client(extra=((_unknown(), True),)))


@_fault("ca_true", "client.profile")
def _authority_as_leaf(world: World) -> Play:
    return Play(world.client(ca=True, ku=("digitalSignature", "keyCertSign")))


@_fault("noca_issuer", "client.issuer-purpose")
def _leaf_as_authority(world: World) -> Play:
    leaf = world.issuing.intermediate(
        "CN=Not A CA, O=mtlskit lab", ca=False, ku=("digitalSignature",)
    )
    return Play(leaf.client(CLIENT))


@_fault("pathlen_violation", "client.issuer-purpose")
def _path_length(world: World) -> Play:
    last = world.root.intermediate("CN=Last CA, O=mtlskit lab", path_length=0)
    return Play(last.intermediate("CN=One Too Many, O=mtlskit lab").client(CLIENT))


@_fault("name_constraint", "client.issuer-purpose")
def _name_constraint(world: World) -> Play:
    limit = x509.NameConstraints([x509.DNSName("inside.example")], None)
    issuing = world.root.intermediate("CN=Constrained CA, O=mtlskit lab", extra=((limit, True),))
    return Play(issuing.client(CLIENT, san=("client.outside.example",)))


@_fault("over_depth", "server.trust-incomplete")
def _over_depth(world: World) -> Play:
    authority = world.root
    for number in range(_LONG_CHAIN):
        authority = authority.intermediate(f"CN=Layer {number}, O=mtlskit lab")
    return Play(authority.client(CLIENT))


@_fault("huge_cert", "client.profile")
def _huge(world: World) -> Play:
    filling = b"\x04\x83" + _HUGE.to_bytes(3, "big") + bytes(_HUGE)
    large = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.2"), filling)
    return Play(world.client(extra=((large, False),)))


@_fault("rsa1024", "client.weak")
def _short_key(world: World) -> Play:
    return Play(world.client(key="RSA 1024"))


@_fault("sha1_sig", "client.weak")
def _weak_digest(world: World) -> Play:
    der = forge.with_sha1(world.good.certificate, world.issuing.key)
    return Play(replace(world.good, certificate=x509.load_der_x509_certificate(der)))


@_fault("ed25519_key", "protocol.signature")
def _ed25519(world: World) -> Play:
    return Play(world.client(key="Ed25519"))


@_fault("p521_key", "protocol.signature")
def _p521(world: World) -> Play:
    return Play(world.client(key="EC P-521"))


@_fault("secp256k1_key", "protocol.signature")
def _odd_curve(world: World) -> Play:
    return Play(world.client(key=ec.generate_private_key(ec.SECP256K1())))


@_fault("no_shared_sigalg", "protocol.signature", "sigalg_rsa")
def _no_shared_scheme(world: World) -> Play:
    return Play(world.good)


# What the server has, and what the two speak


@_fault("revoked", "client.revoked", "crl")
def _revoked(world: World) -> Play:
    return Play(world.revoked)


@_fault("crl_expired", "server.crl-stale", "crl_expired")
@_fault("crl_incomplete", "server.crl-stale", "crl_incomplete")
@_fault("server_trusts_intermediate_only", "server.trust-incomplete", "int_anchor")
@_fault("tls_to_plain", "protocol.not-tls", "plain")
@_fault("tls_too_new", "protocol.version", "tls12", ("1.3",))
@_fault("tls_too_old", "protocol.version", "tls13", ("1.2",))
def _good_at_another_server(world: World) -> Play:
    return Play(world.good)


@_fault("client_tls10", "protocol.version", tls=("1.0",))
@_fault("client_tls11", "protocol.version", tls=("1.1",))
def _old(world: World) -> Play:
    return Play(world.good)


@_fault("no_shared_cipher", "protocol.cipher")
def _cipher(world: World) -> Play:
    odd = ("ECDHE-ECDSA-NULL-SHA", "TLS_AES_128_CCM_8_SHA256")
    return Play(world.good, call={"ciphers": odd})


@_fault("alpn_mismatch", "protocol.alpn")
def _alpn(world: World) -> Play:
    return Play(world.good, call={"alpn": ("no-such-protocol",)})


@_fault("sni_mismatch", "protocol.sni")
@_fault("sni_strict_mismatch", "protocol.sni", "sni")
def _other_name(world: World) -> Play:
    return Play(world.good, server_name="elsewhere.lab.example", call={"trust": None})


@_fault("no_sni", "protocol.sni")
@_fault("sni_strict_absent", "protocol.sni", "sni")
def _no_name(world: World) -> Play:
    return Play(world.good, server_name="", call={"trust": None})


@_fault("server_untrusted", "server.untrusted-issuer")
def _server_untrusted(world: World) -> Play:
    return Play(world.good, trust=(world.elsewhere.certificate,))


@_fault("server_name_mismatch", "server.name-mismatch")
def _server_name(world: World) -> Play:
    return Play(world.good, server_name="elsewhere.lab.example")


def _sent(issued: Issued, *chain: x509.Certificate) -> Issued:
    """Give the same certificate and key with these issuers to be sent."""
    return Issued(issued.certificate, issued.key, chain)


def _unknown() -> x509.UnrecognizedExtension:
    """An extension of nobody's, in the arc of examples."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")


ALL: Mapping[str, Fault] = MappingProxyType(FAULTS)
