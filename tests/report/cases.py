"""Twelve cases of the lab, told in every face: refusals by either side, before and after TLS."""

TWELVE = (
    ("client.chain-incomplete", "1.3"),
    ("client.chain-incomplete/not-at-hand", "1.2"),
    ("client.wrong-identity", "1.2"),
    ("client.untrusted-issuer", "1.3"),
    ("client.expired", "1.3"),
    ("client.no-identity", "1.2"),
    ("server.name-mismatch", "1.3"),
    ("server.untrusted-issuer", "1.2"),
    ("protocol.not-tls", "1.2"),
    ("network.unresolved", "1.3"),
    ("application.forbidden", "1.3"),
    ("none", "1.2"),
)
