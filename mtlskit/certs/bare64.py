"""Base64 without its BEGIN and END lines: told by what it decodes to, and read.

Law of this file: a text is taken for it only if all of it is base64 and what it holds is known.
"""

from __future__ import annotations

import binascii
import re

_FIRST = 4096
"""So much of the text says whether it is base64."""
_LEAST = 64
"""Letters. A shorter text is a word or two, and no certificate."""
_TEXT = re.compile(rb"[A-Za-z0-9+/\s]+(=\s*){0,2}")
_SPACE = b" \t\r\n\v\f"


def head(data: bytes) -> bytes | None:
    """Decode the beginning of a text; None: it is no base64."""
    if data[:1] in b"0\xfe\xce\0":  # DER and Java's stores, which are asked for most often
        return None
    first = data.removeprefix(b"\xef\xbb\xbf")[:_FIRST]
    if len(first) < _LEAST or not _TEXT.fullmatch(first):
        return None
    letters = first.translate(None, _SPACE + b"=")
    return binascii.a2b_base64(letters[: len(letters) // 4 * 4])


def decoded(data: bytes) -> bytes:
    """Decode all of it.

    Raises:
        binascii.Error: it is damaged further on.
    """
    text = data.removeprefix(b"\xef\xbb\xbf").translate(None, _SPACE)
    return binascii.a2b_base64(text, strict_mode=True)
