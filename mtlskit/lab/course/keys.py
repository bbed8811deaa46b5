"""Lesson 4: key stores and passwords.

Law of this file: three private keys lie about, and one of them belongs to the new certificate.
Which, is told by the keys themselves and by nothing that is written on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, chosen, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson
from mtlskit.lab.course.packing import certificates_in, holds_key
from mtlskit.lab.pki import Issued, new_key
from mtlskit.material import Blob, Source

_ALIASES = ("orders", "partner", "acme-client", "integration", "outbound")


class Room(Lesson):
    """A folder as a colleague leaves it: a certificate, some keys, last year's key store."""

    def set_up(self) -> None:
        """Lay out the folder."""
        cast = self.cast
        self.new = cast.client()
        old = cast.client(not_before=cast.ago(days=370), not_after=cast.ago(days=5))
        self.alias = f"{self.dice.choice(_ALIASES)}-{self.dice.randint(10, 99)}"
        bundle = Blob(Source("acme-2025.p12"), old.p12(self.password, self.alias))
        self.lay(bundle, "last year's key store, still in use")
        der = self.new.certificate.public_bytes(Encoding.DER)
        self.lay(
            Blob(Source("acme-client.cer"), der), "the new certificate, as the authority sent it"
        )
        issuer = cast.issuing.certificate
        self.lay(certificates("acme-issuing-ca.pem", issuer), "the authority that issued it")
        keys = [self.new.key, old.key, new_key()]
        self.dice.shuffle(keys)
        for number, key in enumerate(keys, 1):
            data = Issued(self.new.certificate, key).pem_key(self.password)
            self.lay(
                Blob(Source(f"key-{number}.pem"), data), "a private key, locked with the password"
            )
        self.fits = "abc"[keys.index(self.new.key)]
        self.choices[2] = tuple(zip("abc", ("key-1.pem", "key-2.pem", "key-3.pem"), strict=True))

    @property
    def graders(self) -> Sequence[Grader]:
        """The alias; the key that belongs; a key store that opens the door."""
        return self._aliased, self._belongs, self._made

    def _aliased(self, answer: object) -> Verdict:
        if str(answer).strip().casefold() == self.alias:
            return right("By that name programs find the entry in the store.")
        return wrong("No entry of acme-2025.p12 has that alias.")

    def _belongs(self, answer: object) -> Verdict:
        if chosen(answer, self.choices[2]) == self.fits:
            return right("Its public half is the public key in the certificate.")
        return wrong("The public half of that key is another one than the key in the certificate.")

    def _made(self, answer: object) -> Verdict:
        blob = self.file(answer)
        held = certificates_in(blob, self.password)
        verdict = self.let_in(blob)
        if verdict.right:
            return verdict
        if not held:
            return wrong("There is no certificate in it, or the password does not open it.")
        if not holds_key(blob, self.password):
            return wrong(f"There is no private key in it. {verdict.because}")
        return verdict
