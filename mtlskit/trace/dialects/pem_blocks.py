"""Certificates printed in a log, line by line. Law: a block that is broken is passed over.

A private key in a log is never kept: only blocks that say CERTIFICATE are gathered.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from mtlskit.certs.certificate import Certificate, read_certificate
from mtlskit.material import Source, Unreadable

_BEGIN = re.compile(r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")
_END = "-----END "
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{1,80}\s*$")
_MOST_LINES = 400
_MOST = 500
"""Certificates of one log that are kept."""


@dataclass(slots=True)
class PemBlocks:
    """Takes lines and gives certificates, each once.

    Attributes:
        found: every certificate so far, in order.
    """

    found: dict[bytes, Certificate] = field(default_factory=dict)
    _lines: list[str] | None = None
    _at: Source | None = None
    _new: list[Certificate] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._lines is not None

    def take(self, line: str, at: Source) -> bool:
        """Take a line; True: it is part of a block."""
        if _BEGIN.search(line):
            self._lines, self._at = [], at
            return True
        if self._lines is None:
            return False
        if _END in line:
            self._close()
            return True
        inner = _BASE64.search(line)
        if inner is None or len(self._lines) >= _MOST_LINES:
            self._lines = None
            return False
        # A prefix of the logging program may stand before the block's own line.
        self._lines.append(inner[0].strip())
        return True

    def ready(self) -> list[Certificate]:
        """Give the certificates that were completed since the last call."""
        new, self._new = self._new, []
        return new

    def _close(self) -> None:
        text, self._lines = "".join(self._lines or ()), None
        try:
            der = base64.b64decode(text, validate=True)
            certificate = read_certificate(der, self._at or Source("log"))
        except (binascii.Error, ValueError, Unreadable):
            return
        self._new.append(certificate)
        if len(self.found) < _MOST:
            self.found.setdefault(certificate.der, certificate)
