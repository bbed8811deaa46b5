"""Lesson 8: captures with and without a key log.

Law of this file: two calls were really made and recorded; which key store each of them used, and
why it was refused, is decided by chance. The endpoint's own finding is the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import mtlskit
from mtlskit.case import Case
from mtlskit.collect.pcapng_out import PcapngFile
from mtlskit.lab.course.grading import Verdict, means, right, same_serial, wrong
from mtlskit.lab.course.lesson import Grader, Lesson, Outcome
from mtlskit.lab.pki import Authority
from mtlskit.material import Blob, Source, Tap

_EXPIRED = 10
_ALERTS = {"certificate_expired": "45", "unknown_ca": "48"}
"""What the server says (RFC 8446, 6), by what it found."""


class Room(Lesson):
    """Three key stores, two of them of no use, and two captures of failed calls."""

    def set_up(self) -> None:
        """Lay out the stores, call twice with the wrong ones, and keep what was recorded."""
        cast = self.cast
        old = cast.client(not_before=cast.ago(days=370), not_after=cast.ago(days=5))
        sandbox = Authority.root("CN=Acme Sandbox CA, O=Acme Corporation")
        test = cast.client(sandbox)
        self.lay(cast.p12(cast.good, "acme-2026.p12"), "a key store of the instance")
        self.lay(cast.p12(old, "acme-2025.p12"), "a key store of the instance")
        self.lay(cast.p12(test, "acme-sandbox.p12"), "a key store of the instance")
        wrong_ones = [(old, "acme-2025.p12"), (test, "acme-sandbox.p12")]
        self.sent = [self.dice.choice(wrong_ones) for _ in range(2)]
        calls = [self.tried(name, tls=tls) for (_, name), tls in zip(self.sent, ("1.2", "1.3"),
                                                                     strict=True)]  # fmt: skip
        self.alert = _found(calls[1])
        for number, call in enumerate(calls, 1):
            name = f"call-{number}.pcapng"
            self.lay(Blob(Source(name), _recorded(call.tap)), "a capture of a failed call")
        self._lay_key_logs(calls[1].tap)

    def _lay_key_logs(self, tap: Tap) -> None:
        """Lay out the key log of the second call among those of two other ones."""
        others = [self.tried("acme-2026.p12", tls="1.3").tap for _ in range(2)]
        logs = [tap, *others]
        self.dice.shuffle(logs)
        for number, one in enumerate(logs, 1):
            data = "".join(f"{line}\n" for line in one.secrets.lines).encode()
            self.lay(Blob(Source(f"keylog-{number}.txt"), data), "a key log")

    def read(self, *names: str) -> Case:
        """Read a capture, alone or with key logs."""
        return mtlskit.read(*(self.file(name) for name in names))

    @property
    def graders(self) -> Sequence[Grader]:
        """The serial number that was sent; the alert; the store that should have been used."""
        return self._serial, self._alert, self.let_in

    def _serial(self, answer: object) -> Verdict:
        issued, name = self.sent[0]
        if same_serial(answer, issued.certificate.serial_number):
            return right(f"It is the certificate of {name}, and it could be read by anybody.")
        every = (self.cast.good, *(one for one, _ in self.sent))
        if any(same_serial(answer, one.certificate.serial_number) for one in every):
            return wrong("One of the key stores holds it, and it was not sent in call-1.")
        if any(same_serial(answer, one.serial_number)
               for one in (self.shown.certificate, *self.shown.chain)):  # fmt: skip
            return wrong("That is the server's. Look at the Certificate that the client sent.")
        return wrong("No certificate with this serial number was sent by the client in call-1.")

    def _alert(self, answer: object) -> Verdict:
        if means(answer, self.alert, _ALERTS[self.alert], f"{self.alert} ({_ALERTS[self.alert]})"):
            return right("Without the key log of that very connection nobody could have told.")
        if means(answer, "close_notify"):
            return wrong("That one only says goodbye. Another alert came before.")
        return wrong("The server sent another alert.")


def _found(outcome: Outcome) -> str:
    """Name the alert by what the server found wrong (X509_STORE_CTX_get_error(3))."""
    verify = outcome.visit.verify if outcome.visit else None
    return "certificate_expired" if verify and verify[0] == _EXPIRED else "unknown_ca"


def _recorded(tap: Tap) -> bytes:
    """Return a connection as a capture file, without its secrets."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "call.pcapng"
        with PcapngFile(path) as file:
            file.add(tap)
        return path.read_bytes()
