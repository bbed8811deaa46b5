"""The order in which handshake messages may come. Law of this room: the table is the machine.

Each state names the messages that may come next, by sender, and the state that they lead to.
A message that the table does not know at this point is told as unexpected, and the state stays.
TLS 1.3 after RFC 8446, appendix A; TLS 1.0 to 1.2 after RFC 5246, 7.3.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtlskit.material import Side

Step = tuple[Side, str]
Table = Mapping[str, Mapping[Step, str]]

HELLO: Table = {
    "start": {("client", "ClientHello"): "hello-sent"},
    "hello-sent": {
        ("server", "HelloRetryRequest"): "retry",
        ("server", "ServerHello"): "server-hello",
    },
    "retry": {("client", "ClientHello"): "hello-sent"},
}

TLS13: Table = {
    **HELLO,
    "server-hello": {("server", "EncryptedExtensions"): "parameters"},
    "parameters": {
        ("server", "CertificateRequest"): "asked",
        ("server", "Certificate"): "server-certificate",
        ("server", "CompressedCertificate"): "server-certificate",
        ("server", "Finished"): "server-finished",
    },
    "asked": {
        ("server", "Certificate"): "server-certificate",
        ("server", "CompressedCertificate"): "server-certificate",
    },
    "server-certificate": {("server", "CertificateVerify"): "server-proved"},
    "server-proved": {("server", "Finished"): "server-finished"},
    "server-finished": {
        ("client", "EndOfEarlyData"): "server-finished",
        ("client", "Certificate"): "client-certificate",
        ("client", "CompressedCertificate"): "client-certificate",
        ("client", "Finished"): "done",
    },
    "client-certificate": {
        ("client", "CertificateVerify"): "client-proved",
        ("client", "Finished"): "done",
    },
    "client-proved": {("client", "Finished"): "done"},
    "done": {
        ("server", "NewSessionTicket"): "done",
        ("server", "KeyUpdate"): "done",
        ("client", "KeyUpdate"): "done",
        ("server", "CertificateRequest"): "asked-late",
    },
    "asked-late": {
        ("client", "Certificate"): "certificate-late",
        ("server", "NewSessionTicket"): "asked-late",
    },
    "certificate-late": {
        ("client", "CertificateVerify"): "proved-late",
        ("client", "Finished"): "done",
    },
    "proved-late": {("client", "Finished"): "done"},
}

TLS12: Table = {
    **HELLO,
    "server-hello": {
        ("server", "Certificate"): "server-certificate",
        ("server", "ServerKeyExchange"): "server-key-exchange",
        ("server", "ServerHelloDone"): "server-hello-done",
        ("server", "NewSessionTicket"): "resuming",
        ("server", "Finished"): "resumed",
    },
    "resuming": {("server", "Finished"): "resumed"},
    "resumed": {("client", "Finished"): "done"},
    "server-certificate": {
        ("server", "CertificateStatus"): "server-certificate",
        ("server", "ServerKeyExchange"): "server-key-exchange",
        ("server", "CertificateRequest"): "asked",
        ("server", "ServerHelloDone"): "server-hello-done",
    },
    "server-key-exchange": {
        ("server", "CertificateRequest"): "asked",
        ("server", "ServerHelloDone"): "server-hello-done",
    },
    "asked": {("server", "ServerHelloDone"): "server-hello-done"},
    "server-hello-done": {
        ("client", "Certificate"): "client-certificate",
        ("client", "ClientKeyExchange"): "client-key-exchange",
    },
    "client-certificate": {("client", "ClientKeyExchange"): "client-key-exchange"},
    "client-key-exchange": {
        ("client", "CertificateVerify"): "client-proved",
        ("client", "Finished"): "client-finished",
    },
    "client-proved": {("client", "Finished"): "client-finished"},
    "client-finished": {
        ("server", "NewSessionTicket"): "client-finished",
        ("server", "Finished"): "done",
    },
    "done": {
        ("server", "HelloRequest"): "done",
        ("client", "ClientHello"): "hello-sent",
    },
}


def table_for(tls: str | None) -> Table:
    """Return the table of the negotiated version; the hello's own while none is agreed on."""
    if tls is None:
        return HELLO
    return TLS13 if tls == "1.3" else TLS12
