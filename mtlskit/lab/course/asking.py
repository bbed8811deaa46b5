"""Lesson 1: what mutual TLS is, and what it is not.

Law of this file: one file of four on the desk proves who the client is; the endpoint finds out.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.cast import CLIENT
from mtlskit.lab.course.grading import Verdict, chosen, means, names, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson
from mtlskit.lab.pki import pem
from mtlskit.material import Blob, Source

_REQUESTS = ("csr", "certificate signing request", "certification request", "PKCS#10")


class Room(Lesson):
    """The endpoint asks for a certificate; the trainee calls without one, and then with one."""

    def set_up(self) -> None:
        """Lay out a key store, its certificate alone, and the request from which that was made."""
        good = self.cast.good
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name.from_rfc4514_string(CLIENT.replace(", ", ",")))
            .sign(good.key, hashes.SHA256())
        )
        self.lay(self.cast.p12(good), "the instance's key store")
        alone = Blob(Source("acme-client.cer"), pem([good.certificate]))
        self.lay(alone, "the instance's certificate")
        csr = Blob(Source("acme-client.csr"), request.public_bytes(Encoding.PEM))
        self.lay(csr, "what was once sent to Acme's authority to get that certificate")

    @property
    def graders(self) -> Sequence[Grader]:
        """Who refused; whom the server names; which file opens the door."""
        return self._refused, self._named, self._opened

    def _refused(self, answer: object) -> Verdict:
        letter = chosen(answer, self.exercise(1).choices)
        if {"a": "client", "b": "server"}.get(letter) == self.tried(tls="1.2").refuser:
            return right(
                "The server sent the alert. It had asked for a certificate, and the client's "
                "Certificate message was empty.",
            )
        said = {
            "a": "The client was content: it had verified the server, and went on.",
            "b": "The server did not refuse this call.",
            "c": "Nothing stood between: both sides are on this machine.",
        }
        return wrong(said[letter])

    def _named(self, answer: object) -> Verdict:
        if names(answer, self.cast.root_name):
            return right(
                f"The server named {self.cast.root_name}: it takes clients with a certificate that "
                "comes from there.",
            )
        if means(answer, *_REQUESTS):
            return wrong(
                "A CSR is a file, made by the owner of a key and sent to an authority. The "
                "server's CertificateRequest is a message of the handshake, and names authorities.",
            )
        if names(answer, "Partner Example Root CA"):
            return wrong(
                "That authority vouches for the server. The question is which one the server "
                "wants to vouch for the client.",
            )
        return wrong("The server named another authority.")

    def _opened(self, answer: object) -> Verdict:
        verdict = self.let_in(answer)
        if verdict.right:
            return verdict
        return wrong(f"{verdict.because} What is in the file could not prove who the client is.")
