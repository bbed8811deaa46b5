"""How each scene is set up: which certificate, key store or endpoint is at fault, and nothing else.

Law of this room: one function per scene, and each changes one thing in a world where all is well.
What is told of a scene stands in ``scenes.toml``; the two name the same scenes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cryptography import x509

from mtlskit.lab import between, servers
from mtlskit.lab.cast import CLIENT, Cast, Plan, certificates, text
from mtlskit.lab.pki import Authority, Issued, new_key, self_signed
from mtlskit.lab.servers import Tls

Plot = Callable[[Cast], Plan]

PLOTS: dict[str, Plot] = {}
"""How to set up each scene, by its id."""


def _plot(scene_id: str) -> Callable[[Plot], Plot]:
    def declare(plot: Plot) -> Plot:
        PLOTS[scene_id] = plot
        return plot

    return declare


@_plot("none")
def _nothing_wrong(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), cast.endpoint())


# What the client holds


@_plot("client.no-identity")
def _no_identity(cast: Cast) -> Plan:
    return replace(cast.holding(), hand=cast.hand())


@_plot("client.no-identity/no-key")
def _certificate_without_key(cast: Cast) -> Plan:
    return cast.holding(text("acme-client.pem", [cast.good.pem_chain()]))


@_plot("client.chain-incomplete")
def _chain_incomplete(cast: Cast) -> Plan:
    plan = cast.holding(cast.p12(cast.good, chain=False))
    at_hand = certificates("acme-issuing-ca-2.pem", cast.issuing.certificate)
    return replace(plan, hand=replace(plan.hand, material_files=(at_hand,)))


@_plot("client.chain-incomplete/not-at-hand")
def _chain_lost(cast: Cast) -> Plan:
    return cast.holding(cast.p12(cast.good, chain=False))


@_plot("client.untrusted-issuer")
def _untrusted_issuer(cast: Cast) -> Plan:
    other = Authority.root("CN=Acme Test Root CA, O=Acme Corporation")
    issuing = other.intermediate("CN=Acme Test Issuing CA, O=Acme Corporation")
    return cast.holding(issuing.client(CLIENT))


@_plot("client.untrusted-issuer/re-created")
def _recreated_issuer(cast: Cast) -> Plan:
    issuing = cast.root.recreated().intermediate("CN=Acme Issuing CA 2, O=Acme Corporation")
    return cast.holding(issuing.client(CLIENT))


@_plot("client.self-signed")
def _self_signed(cast: Cast) -> Plan:
    return cast.holding(self_signed(CLIENT, eku=("clientAuth",)))


@_plot("client.expired")
def _expired(cast: Cast) -> Plan:
    return cast.holding(
        cast.issuing.client(CLIENT, not_before=cast.ago(days=368), not_after=cast.ago(days=3))
    )


@_plot("client.expired/issuer")
def _expired_issuer(cast: Cast) -> Plan:
    issuing = cast.root.intermediate(
        "CN=Acme Issuing CA 1, O=Acme Corporation",
        not_before=cast.ago(days=1827),
        not_after=cast.ago(days=2),
    )
    return cast.holding(issuing.client(CLIENT))


@_plot("client.not-yet-valid")
def _not_yet_valid(cast: Cast) -> Plan:
    return cast.holding(
        cast.issuing.client(CLIENT, not_before=cast.ahead(days=2), not_after=cast.ahead(days=367))
    )


@_plot("client.purpose")
def _purpose(cast: Cast) -> Plan:
    return cast.holding(cast.issuing.client(CLIENT, eku=("serverAuth",)))


@_plot("client.purpose/key-usage")
def _key_usage(cast: Cast) -> Plan:
    return cast.holding(cast.issuing.client(CLIENT, ku=("keyEncipherment",)))


@_plot("client.issuer-purpose")
def _issuer_purpose(cast: Cast) -> Plan:
    issuing = cast.root.intermediate(
        "CN=Acme Web Server CA, O=Acme Corporation", eku=("serverAuth",)
    )
    return cast.holding(issuing.client(CLIENT))


@_plot("client.issuer-purpose/not-a-ca")
def _issued_by_a_leaf(cast: Cast) -> Plan:
    issuing = cast.root.intermediate(
        "CN=Acme Department Certificate, O=Acme Corporation", ca=False, ku=("digitalSignature",)
    )
    return cast.holding(issuing.client(CLIENT))


@_plot("client.issuer-purpose/path-length")
def _path_length(cast: Cast) -> Plan:
    policy = cast.root.intermediate("CN=Acme Policy CA, O=Acme Corporation", path_length=0)
    issuing = policy.intermediate("CN=Acme Branch CA, O=Acme Corporation")
    return cast.holding(issuing.client(CLIENT))


@_plot("client.issuer-purpose/name-constraint")
def _name_constraint(cast: Cast) -> Plan:
    permitted = x509.NameConstraints([x509.DNSName("acme.example")], None)
    issuing = cast.root.intermediate(
        "CN=Acme Constrained CA, O=Acme Corporation", extra=((permitted, True),)
    )
    return cast.holding(issuing.client(CLIENT, san=("integration.acme-cloud.example",)))


@_plot("client.key-mismatch")
def _key_mismatch(cast: Cast) -> Plan:
    old = Issued(cast.good.certificate, new_key())
    return cast.holding(text("acme-client.pem", [cast.good.pem_chain(), old.pem_key()]))


@_plot("client.wrong-identity")
def _wrong_identity(cast: Cast) -> Plan:
    sandbox = Authority.root("CN=Acme Sandbox CA, O=Acme Corporation")
    wrong = sandbox.client("CN=Acme Sandbox Client, O=Acme Corporation")
    return cast.holding(cast.p12(wrong, "acme-sandbox.p12"), cast.p12(cast.good))


@_plot("client.store-unreadable")
def _store_unreadable(cast: Cast) -> Plan:
    plan = cast.holding(cast.good)
    return replace(plan, hand=replace(plan.hand, password="not-" + cast.password))


@_plot("client.key-locked")
def _key_locked(cast: Cast) -> Plan:
    locked = [cast.good.pem_chain(), cast.good.pem_key("not-" + cast.password)]
    return cast.holding(text("acme-client.pem", locked))


@_plot("client.revoked")
def _revoked(cast: Cast) -> Plan:
    revoked = cast.issuing.client(CLIENT)
    return cast.holding(revoked, crls=cast.lists(revoked))


@_plot("client.weak")
def _weak(cast: Cast) -> Plan:
    return cast.holding(cast.issuing.client(CLIENT, key="RSA 1024"))


@_plot("client.profile")
def _profile(cast: Cast) -> Plan:
    # A private extension of nobody's (the arc of examples), which no server can know.
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), b"\x05\x00")
    return cast.holding(cast.issuing.client(CLIENT, extra=((unknown, True),)))


# What the endpoint shows, trusts and asks


@_plot("server.untrusted-issuer")
def _server_untrusted(cast: Cast) -> Plan:
    public = Authority.root("CN=Example Public Root R1, O=Example Trust Services")
    trust = certificates("acme-trust.pem", public.certificate)
    right = certificates("acme-trust.pem", public.certificate, cast.partner.certificate)
    return Plan(
        cast.hand(cast.good, trust_files=(trust,)),
        cast.endpoint(),
        cast.hand(cast.good, trust_files=(right,)),
    )


@_plot("server.untrusted-issuer/self-signed")
def _server_self_signed(cast: Cast) -> Plan:
    own = self_signed(f"CN={cast.host}", san=(cast.host,), eku=("serverAuth",))
    right = certificates("partner-api.pem", own.certificate)
    return Plan(
        cast.hand(cast.good),
        cast.endpoint(identity=own),
        cast.hand(cast.good, trust_files=(right,)),
    )


@_plot("server.name-mismatch")
def _server_name(cast: Cast) -> Plan:
    name = "api.partner.example"
    shown = cast.partner_issuing.server(f"CN={name}, O=Partner Example Ltd", name)
    return Plan(
        cast.hand(cast.good),
        cast.endpoint(identity=shown),
        cast.hand(cast.good, server_name=name),
    )


@_plot("server.expired")
def _server_expired(cast: Cast) -> Plan:
    shown = cast.partner_issuing.server(
        f"CN={cast.host}", cast.host, not_before=cast.ago(days=400), not_after=cast.ago(hours=20)
    )
    return Plan(cast.hand(cast.good), cast.endpoint(identity=shown))


@_plot("server.not-yet-valid")
def _server_not_yet_valid(cast: Cast) -> Plan:
    shown = cast.partner_issuing.server(f"CN={cast.host}", cast.host, not_before=cast.ahead(days=1))
    return Plan(cast.hand(cast.good), cast.endpoint(identity=shown))


@_plot("server.chain-incomplete")
def _server_chain_incomplete(cast: Cast) -> Plan:
    alone = replace(cast.partner_identity(), chain=())
    missing = cast.partner_issuing.certificate
    right = certificates("partner-cas.pem", cast.partner.certificate, missing)
    return Plan(
        cast.hand(
            cast.good, material_files=(certificates("partner-example-tls-ca-1.pem", missing),)
        ),
        cast.endpoint(identity=alone),
        cast.hand(cast.good, trust_files=(right,)),
    )


@_plot("server.purpose")
def _server_purpose(cast: Cast) -> Plan:
    shown = cast.partner_issuing.server(f"CN={cast.host}", cast.host, eku=("clientAuth",))
    return Plan(cast.hand(cast.good), cast.endpoint(identity=shown))


@_plot("server.does-not-ask")
def _server_does_not_ask(cast: Cast) -> Plan:
    says = "This resource is for registered clients. No client certificate reached us."
    return Plan(cast.hand(cast.good), cast.endpoint(asks="none", status=403, says=says))


@_plot("server.trust-incomplete")
def _server_trust_incomplete(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), cast.endpoint(trust=(cast.issuing.certificate,)))


@_plot("server.trust-incomplete/depth")
def _server_depth(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), cast.endpoint(depth=0))


@_plot("server.crl-stale")
def _stale_lists(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), cast.endpoint(crls=cast.lists(late=True)))


@_plot("application.forbidden")
def _forbidden(cast: Cast) -> Plan:
    says = "The account of this client is not allowed to read orders."
    return Plan(cast.hand(cast.good), cast.endpoint(status=403, says=says))


# What the two sides speak


@_plot("protocol.version")
def _version(cast: Cast) -> Plan:
    other = "1.2" if cast.tls == "1.3" else "1.3"
    return Plan(
        cast.hand(cast.good),
        cast.endpoint(versions=(other, other)),
        cast.hand(cast.good, versions=("1.2", "1.3")),
    )


@_plot("protocol.cipher")
def _cipher(cast: Cast) -> Plan:
    # Neither stands in the list that OpenSSL, Java and Go clients offer by default.
    return Plan(
        cast.hand(cast.good),
        cast.endpoint(ciphers="ECDHE-ECDSA-ARIA256-GCM-SHA384", suites="TLS_AES_128_CCM_8_SHA256"),
    )


@_plot("protocol.signature")
def _signature(cast: Cast) -> Plan:
    # The endpoint's key is on P-256, and the client takes RSA signatures alone.
    manner = {"schemes": ("rsa_pss_rsae_sha256", "rsa_pkcs1_sha256")}
    return Plan(cast.hand(cast.good, manner=manner), cast.endpoint(), cast.hand(cast.good))


@_plot("protocol.sni")
def _name_of_nobody(cast: Cast) -> Plan:
    return Plan(
        cast.hand(cast.good, server_name="orders.partner.example"),
        cast.endpoint(names=(cast.host,)),
        cast.hand(cast.good),
    )


@_plot("protocol.alpn")
def _application_protocol(cast: Cast) -> Plan:
    return Plan(
        cast.hand(cast.good, manner={"alpn": ("http/1.1",)}),
        cast.endpoint(alpn=("h2",)),
        cast.hand(cast.good),
    )


@_plot("protocol.hello-too-large")
def _large_hello(cast: Cast) -> Plan:
    both = ("1.2", "1.3")
    return Plan(
        cast.hand(cast.good, manner={"hello": "large"}, versions=both),
        between.firewall(servers.tls(cast.endpoint())),
        cast.hand(cast.good, manner={"hello": "small"}, versions=both),
    )


@_plot("protocol.not-tls")
def _not_tls(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), servers.plain_http)


@_plot("protocol.not-tls/greeting")
def _greeting(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), servers.greeting())


# The way there


@_plot("network.refused")
def _nobody_listens(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), None)


@_plot("network.unresolved")
def _unresolved(cast: Cast) -> Plan:
    # RFC 6761, 6.4: names beneath "invalid" never exist.
    return Plan(cast.hand(cast.good), None, host="partner-api.invalid")


@_plot("network.reset")
def _reset(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), servers.reset_on_hello)


@_plot("network.proxy")
def _proxy_declines(cast: Cast) -> Plan:
    return replace(
        Plan(cast.hand(cast.good), cast.endpoint(), cast.hand(cast.good)),
        proxy=lambda _: between.declining(),
    )


@_plot("network.terminated")
def _proxy_ends_tls(cast: Cast) -> Plan:
    gateway = Authority.root("CN=Acme Web Gateway CA, O=Acme Corporation")
    shown = Tls(gateway.server(f"CN={cast.host}", cast.host), versions=(cast.tls, cast.tls))
    return replace(
        Plan(cast.hand(cast.good), cast.endpoint(), cast.hand(cast.good)),
        proxy=lambda behind: between.opening(between.ending(shown, behind)),
    )


@_plot("network.timeout")
def _no_answer(cast: Cast) -> Plan:
    return Plan(cast.hand(cast.good), servers.silent)
