"""The encoding of a text, told by its first bytes. Law: content decides, with or without a mark."""

from __future__ import annotations

import codecs


def encoding_of(head: bytes) -> tuple[str, int]:
    """Tell the encoding by the first bytes, and how many of them are its mark.

    UTF-16 without a mark is told by its zero bytes: text of this kind is mostly ASCII.
    """
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"))
    for mark, name in (*marks, (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return name, len(mark)
    pairs = len(head) // 2
    first, second = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs and second > pairs * 0.4 and first < pairs * 0.1:
        return "utf-16-le", 0
    if pairs and first > pairs * 0.4 and second < pairs * 0.1:
        return "utf-16-be", 0
    return "utf-8", 0
