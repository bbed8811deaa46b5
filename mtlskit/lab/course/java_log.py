"""Lesson 7: reading a Java debug log.

Law of this file: the connection is real, and so is all that the log says of it: names, serial
numbers, times and the alert. Only the words around these are Java's, in the form of Java 17.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files

from cryptography import x509

from mtlskit.lab.cast import certificates
from mtlskit.lab.course.grading import Verdict, chosen, right, wrong
from mtlskit.lab.course.lesson import Grader, Lesson
from mtlskit.lab.course.listed import Listed
from mtlskit.lab.pki import now
from mtlskit.material import Blob, Source

_LINES = {
    "Received alert message": True,
    "No available client authentication scheme": False,
    "Consuming CertificateRequest handshake message": False,
    "Ignore unavailable extension: status_request": False,
    "No X.509 credentials negotiated for CertificateVerify": False,
}
"""Lines to choose from, and which of them says that the server refused."""
_TIME = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})")


class Room(Lesson):
    """A key store without its intermediate: Java finds nothing in it that the server would take."""

    def set_up(self) -> None:
        """Lay out the key store and the intermediate; call once, and write the log."""
        cast = self.cast
        alone = replace(cast.good, chain=())
        self.lay(cast.p12(alone), "the key store of the instance's Java program")
        self.lay(certificates("issuing.pem", cast.issuing.certificate), "Acme's issuing authority")
        self.refused = now() - timedelta(minutes=self.dice.randint(20, 300))
        self.alert = self.tried(tls="1.3").trace.ended.symptom.name or "handshake_failure"
        self.lay(Blob(Source("debug.log"), self._log().encode()), "the log that the program wrote")
        lines = list(_LINES)
        self.dice.shuffle(lines)
        self.choices[1] = tuple(zip("abcde", lines, strict=True))

    def lines(self, containing: str, *, after: int = 0) -> Listed:
        """Return the lines of the log that contain a text, each with its number, and what follows.

        Args:
            containing: the text; "" for all lines.
            after: how many lines to show after each.
        """
        every = self.files["debug.log"].data.decode().splitlines()
        found = [at for at, line in enumerate(every) if containing in line]
        shown = sorted({one for at in found for one in range(at, min(at + after + 1, len(every)))})
        return Listed("\n".join(f"{at + 1:4} {every[at]}" for at in shown))

    @property
    def graders(self) -> Sequence[Grader]:
        """The line of the refusal; its time; a key store that Java would use."""
        return self._line, self._when, self._mended

    def _log(self) -> str:
        """Fill the form of a log with what this run made."""
        form = files("mtlskit.lab.course").joinpath("java17.log").read_text("utf-8")
        server, authority = self.shown.certificate, self.cast.partner_issuing.certificate
        facts = {
            "HOST": self.cast.host,
            "ACCEPTED": self.cast.root.certificate.subject.rfc4514_string().replace(",", ", "),
            "ALERT": self.alert,
            "FATAL": self.alert.upper(),
            **_printed("SERVER", server),
            **_printed("ISSUING", authority),
            **_printed("ROOT", self.cast.partner.certificate),
        }
        text = re.sub(r"@([A-Z_]+)@", lambda found: facts[found[1]], form)
        return re.sub(r"@([0-9]+)@", lambda found: self._stamp(int(found[1])), text)

    def _stamp(self, milliseconds: int) -> str:
        """Write a moment as Java does; 200 is when the alert came."""
        at = self.refused + timedelta(milliseconds=milliseconds - 200)
        return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"

    def _line(self, answer: object) -> Verdict:
        letter = chosen(answer, self.choices[1])
        said = dict(self.choices[1])[letter]
        if _LINES[said]:
            return right("An alert that was received was sent by the other side: the server.")
        if "Ignore" in said:
            return wrong(
                "Java ignores many extensions. Such lines are in every log that goes well."
            )
        if "Consuming" in said:
            return wrong("There the server asks. A question is no refusal.")
        return wrong("There the client speaks of itself. Nobody has refused anything yet.")

    def _when(self, answer: object) -> Verdict:
        found = _TIME.search(str(answer))
        if not found:
            raise ValueError("Answer with a time, such as 09:41:07.")
        told = tuple(map(int, found.groups()))
        if told == (self.refused.hour, self.refused.minute, self.refused.second):
            return right("By that time, in UTC, the partner can find the same event in their log.")
        return wrong("The alert came at another time.")

    def _mended(self, answer: object) -> Verdict:
        verdict = self.let_in(answer)
        if verdict.right:
            return right(
                f"{verdict.because} Its chain leads to {self.cast.root_name}, which the server "
                "named, so Java would choose it too."
            )
        return verdict


def _printed(part: str, one: x509.Certificate) -> dict[str, str]:
    """Write a certificate's fields as Java does."""
    serial = f"{one.serial_number:x}"
    serial = serial if len(serial) % 2 == 0 else f"0{serial}"
    octets = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2))
    return {
        f"{part}_SERIAL": octets,
        f"{part}_SUBJECT": one.subject.rfc4514_string().replace(",", ", "),
        f"{part}_ISSUER": one.issuer.rfc4514_string().replace(",", ", "),
        f"{part}_BEFORE": _moment(one.not_valid_before_utc),
        f"{part}_AFTER": _moment(one.not_valid_after_utc),
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.000 UTC"
