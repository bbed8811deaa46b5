"""Lesson 2: certificates and purposes.

Law of this file: whether a certificate may prove a client follows from what was put into it when it
was made: its extended key usage and its key usage (RFC 5280, 4.2.1.12 and 4.2.1.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptography import x509

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, right, same_serial, wrong
from mtlskit.lab.course.lesson import Grader, Lesson
from mtlskit.lab.pki import Issued, Parts
from mtlskit.material import Blob, Source

_SIGN, _SEAL = ("digitalSignature",), ("keyEncipherment",)
_BADGES: tuple[tuple[bool, Parts], ...] = (
    (True, {"eku": ("clientAuth",), "ku": _SIGN}),
    (True, {"eku": ("serverAuth", "clientAuth"), "ku": _SIGN}),
    (True, {"eku": None, "ku": _SIGN}),
    (False, {"eku": ("serverAuth",), "ku": _SIGN}),
    (False, {"eku": ("emailProtection",), "ku": _SIGN}),
    (False, {"eku": ("clientAuth",), "ku": _SEAL}),
)
"""Whether a server lets a client in with it, and what it was made with."""


class Room(Lesson):
    """A certificate for a web server is used for a client; six others wait to be sorted."""

    def set_up(self) -> None:
        """Lay out the web server's key store, and six certificates in an order of chance."""
        host = "www.acme.example"
        self.web = self.cast.issuing.server(f"CN={host}", host, serial=self.cast.serial())
        self.lay(
            self.cast.p12(self.web, "acme-web.p12"), "a key store that a colleague had at hand"
        )
        badges = list(_BADGES)
        self.dice.shuffle(badges)
        self.fit = {number for number, (fits, _) in enumerate(badges, 1) if fits}
        self.badges = [self.cast.client(**parts) for _, parts in badges]
        for number, badge in enumerate(self.badges, 1):
            blob = certificates(f"badge-{number}.pem", badge.certificate)
            self.lay(blob, "a certificate, purpose unknown")

    def issue(self, *, eku: Sequence[str] | None, ku: Sequence[str] | None) -> Blob:
        """Be the authority: make a key and a certificate for the instance, with these purposes.

        Args:
            eku: extended key usages, such as ``clientAuth``; None leaves the extension out.
            ku: key usages, such as ``digitalSignature``; None leaves the extension out.

        Raises:
            ValueError: there is no such key usage.
        """
        made = self.cast.client(eku=eku, ku=ku)
        return Blob(Source("issued.p12"), made.p12(self.password, "acme-client"))

    def held(self, number: int) -> Blob:
        """Return the key store that a badge belongs to."""
        badge: Issued = self.badges[number - 1]
        return self.cast.p12(badge, f"badge-{number}.p12")

    @property
    def graders(self) -> Sequence[Grader]:
        """The serial number that was sent; which certificates are fit; one that was issued."""
        return self._serial, self._sorted, self.let_in

    def _serial(self, answer: object) -> Verdict:
        if same_serial(answer, self.web.certificate.serial_number):
            return right("That is the certificate of the web server, and it was sent.")
        issuers = [one.serial_number for one in (*self.web.chain, self.cast.root.certificate)]
        if any(same_serial(answer, one) for one in issuers):
            return wrong("That is the serial number of an authority. The client's own comes first.")
        if any(same_serial(answer, one.serial_number) for one in self._of_the_server):
            return wrong("That is a certificate of the server. Both sides send one.")
        return wrong("No certificate with this serial number was sent in that call.")

    @property
    def _of_the_server(self) -> Sequence[x509.Certificate]:
        return (self.shown.certificate, *self.shown.chain)

    def _sorted(self, answer: object) -> Verdict:
        named = {int(one) for one in re.findall(r"\d", str(answer))}
        if not named or max(named) > len(self.badges) or 0 in named:
            raise ValueError("Answer with the numbers of the certificates, such as 1 2 3.")
        if named == self.fit:
            return right("Exactly these let a client in; all others would be refused.")
        if extra := named - self.fit:
            return wrong(f"{len(extra)} of these would be refused by the endpoint.")
        return wrong("All of these are fit, and there is at least one more.")
