"""One attempt by Python's `ssl`, in a process of its own.

Law of this file: it needs the standard library alone. Its wishes come on standard input as JSON; it
prints ACCEPTED and the first line of the answer, REFUSED if it was Python itself that refused, or
else FAILED; and why.
"""

import json
import socket
import ssl
import sys
from typing import Any

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def attempt(wish: dict[str, Any]) -> str:
    """Make it; return the first line of the answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.keylog_filename = wish["keyLog"]
    context.minimum_version = _VERSIONS[wish["versions"][0]]
    context.maximum_version = _VERSIONS[wish["versions"][1]]
    context.check_hostname = bool(wish["trust"])
    context.verify_mode = ssl.CERT_REQUIRED if wish["trust"] else ssl.CERT_NONE
    if wish["trust"]:
        context.load_verify_locations(wish["trust"])
    if wish["chain"]:
        context.load_cert_chain(wish["chain"], wish["key"])
    where = (wish["address"], wish["port"])
    with (
        socket.create_connection(where, timeout=wish["timeout"]) as sock,
        context.wrap_socket(sock, server_hostname=wish["name"] or None) as tls,
    ):
        tls.sendall(wish["request"].encode("ascii"))
        return _first_line(tls)


def _first_line(tls: ssl.SSLSocket) -> str:
    answer = b""
    while piece := tls.recv(65536):
        answer += piece if len(answer) < 65536 else b""  # noqa: PLR2004 - enough for a first line
    return answer.partition(b"\r\n")[0].decode("latin-1")


if __name__ == "__main__":
    try:
        line = attempt(json.load(sys.stdin))
        print(f"ACCEPTED: {line}" if line else "CLOSED: without an answer")  # noqa: T201 - see below
    except ssl.SSLCertVerificationError as error:
        print(f"REFUSED: {type(error).__name__}: {error}")  # noqa: T201 - that is its answer
        sys.exit(1)
    except (OSError, ValueError) as error:
        print(f"FAILED: {type(error).__name__}: {error}")  # noqa: T201 - that is its answer
        sys.exit(1)
