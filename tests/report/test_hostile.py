"""Names that somebody chose to do harm: harmless in every face of a report.

In the CSV of a change plan they are tried beside the plan itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import Identity
from mtlskit.lab.pki import Authority
from mtlskit.material import Source, Target
from mtlskit.page.text import text
from mtlskit.report import Report, judge
from mtlskit.trace.events import HttpAnswer

NAMES = {
    "markup": "<script>alert(1)</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "right to left": "invoice\u202egnp.exe",
    "a formula": "=cmd|'/c calc'!A0",
    "a picture from elsewhere": "![x](http://evil.example/p.png)",
    "a terminal's orders": "\x1b]0;owned\x07\x1b[2J",
}


def told_with(name: str, report: Report) -> Report:
    """The report of a case in which everything that has a name has this one."""
    written = "CN=" + re.sub(r'(["+,;<>\\=])', r"\\\1", name)  # RFC 4514, 2.4
    subject = written if "=" in name else name  # a bare word is a common name
    issued = Authority.root("Evil").client(subject, san=["harmless.example"])
    leaf = read_certificate(issued.der, Source(f"{name}.pem"))
    assert leaf.subject.rdns[-1] == (("CN", name),)
    san = tuple(replace(one, value=name) for one in leaf.san or ())
    assert san
    object.__setattr__(leaf, "san", san)
    trace = report.case.trace
    assert trace is not None
    target = Target(name, 443)
    answer = HttpAnswer(403, name, name, name, trace.source)
    seen = replace(
        trace, target=target, server_name=name, http=answer, client_chain=(leaf,), library=(name,)
    )
    identity = Identity(leaf.source, name, leaf)
    case = report.case.having(
        target=target, trace=seen, identities=(identity,), trust=(leaf,), material=(leaf,)
    )
    return judge(case, report.made)


@pytest.fixture
def hostile(request: pytest.FixtureRequest, incomplete: Report) -> Report:
    return told_with(request.param, incomplete)


@pytest.mark.parametrize("hostile", NAMES.values(), ids=NAMES, indirect=True)
def test_no_face_obeys_a_name(hostile: Report, tmp_path: Path) -> None:
    """As subject, alias, file, host, SAN, word of the library and HTTP answer; in every format."""
    html, markdown, record, notebook = hostile.save(tmp_path / "r", notebook=True)
    shown = json.loads(notebook.read_text("utf-8"))["cells"][1]["outputs"][0]["data"]
    for face in (html.read_text("utf-8"), shown["text/html"], hostile._repr_html_()):
        assert "<script" not in face
        assert "<img src=x" not in face
    for face in (markdown.read_text("utf-8"), shown["text/markdown"]):
        outside = re.sub(r"```.*?```|`+[^`]*`+", "", face, flags=re.DOTALL)
        assert not re.search(r"(?<!\\)<(script|img)", outside)
        assert "![x]" not in outside
    messages = [str(one) for one in hostile.messages()]
    screens = [str(hostile), text(hostile.page()), str(hostile.preview("names")), *messages]
    for face in (*screens, *shown.values(), html.read_text("utf-8"), markdown.read_text("utf-8")):
        assert not re.search("[\u202e\x07\x1b]", face)
    assert not re.search("[\u202e\x07\x1b]", record.read_text("utf-8"))
