"""One file of exported records, read by what it holds and never by what it is called.

Law of this room: the answer is an `Export`, or one clear sentence that says why not. Nothing in a
file is obeyed, looked up outside it, or dropped without being counted.
"""

from __future__ import annotations

from mtlskit.instance.rows import MAX_BYTES, Cell, Export, Row, refused
from mtlskit.instance.sheet import read_sheet
from mtlskit.instance.tableapi import read_table_api
from mtlskit.instance.unload import read_unload
from mtlskit.instance.workbook import read_workbook
from mtlskit.material import Blob, Unreadable

__all__ = ["Cell", "Export", "Row", "read_export"]

_HEAD = 1 << 16
_SIGN_IN = (b"password", b"log in", b"login", b"sign in", b"sign-in", b"saml")


def read_export(blob: Blob) -> Export:
    """Read an export of records: XML, Table API JSON, CSV, or an Excel workbook.

    Raises:
        Unreadable: it is none of these, is cut short or damaged, or is a web page or an
            archive; the error's problem says which, and what to do.
    """
    if len(blob.data) > MAX_BYTES:
        says = f"is longer than {MAX_BYTES // 1024 // 1024} MB. Export fewer tables into one file."
        raise refused(blob.source, "too-large", says)
    head = blob.data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise refused(blob.source, "empty", "is empty. Export the list again.")
    if head.startswith(b"PK\x03\x04"):
        return read_workbook(blob)
    foreign = _foreign(blob, head)
    if foreign is not None:
        raise foreign
    if head.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\0<")):
        return read_unload(blob)
    if head.startswith((b"{", b"[")):
        return read_table_api(blob)
    return read_sheet(blob)


def _foreign(blob: Blob, head: bytes) -> Unreadable | None:
    """Tell what is surely something else, where people are known to hand it in."""
    lower = head.lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return _web_page(blob, lower)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        says = "is a binary file, not an export. Export the list as XML or JSON."
        return refused(blob.source, "not-an-export", says)
    return None


def _web_page(blob: Blob, lower: bytes) -> Unreadable:
    if any(word in lower for word in _SIGN_IN):
        says = (
            "is a login page, not an export: the instance no longer knew the session. "
            "Sign in and export it again."
        )
        return refused(blob.source, "login-page", says)
    says = "is a web page, not an export. Export the list with Export > XML."
    return refused(blob.source, "web-page", says)
