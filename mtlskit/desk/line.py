"""What is at hand where there is nothing but an error line.

Law of this file: the text leaves its field in the callback that reads it; of it only what was
recognised is kept. What it means is said by `mtlskit.explain`.
"""

from __future__ import annotations

from mtlskit.desk import fields, step
from mtlskit.desk.plan import TLS
from mtlskit.desk.session import Session
from mtlskit.desk.told import Told
from mtlskit.desk.wording import by_fields
from mtlskit.report.explained import Explained, explain

LOGS = [("I do not know", None), ("The client's", "client"), ("The server's", "server")]
MOST = 200_000
"""Characters that are read from the field; more is a log, and is handed in as a file."""
EMPTY = "Paste the error first."
LONG = "This is more than an error. Save it as a file and hand it in under Files."
SECRET = "A private key stood in this text. It was dropped and not read."  # noqa: S105 - a sentence
READ = "The text was read, and the field emptied. The explanation follows."


class Line:
    """Paste an error and have it explained."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.explained: Explained | None = None
        self.text = fields.area("The error", "Received fatal alert: bad_certificate")
        self.whose = fields.choice("Whose log is it", LOGS)
        self.button = fields.action("Explain", self.explain, primary=True)
        self.message, self.answer = fields.words(), fields.words()
        self.box = step.cell(
            self.text,
            fields.hint("One line, or the page of log around it, as the program wrote it."),
            self.whose,
            step.row(self.button),
        )
        self.below = step.cell(self.message, self.answer)

    def explain(self) -> None:
        """Take the text, explain it, and hand over what it told."""
        text, self.text.value = self.text.value, ""
        if not text.strip():
            self.message.value = fields.notice(EMPTY, "warn")
        elif len(text) > MOST:
            self.message.value = fields.notice(LONG, "warn")
        elif "PRIVATE KEY-----" in text:
            self.message.value = fields.notice(SECRET, "warn")
        else:
            with step.told(self.message):
                tls = self._session.plan.tls
                self.explained = explain(text, tls, seen_by=self.whose.value)
                self.show()
                self.message.value = fields.notice(READ, "info")

    def restore(self, words: str | None, tls: TLS | None) -> None:
        """Explain again what was recognised when the case was saved."""
        self.explained = explain(words, tls, seen_by=self.whose.value) if words else None
        found = self.explained
        self.answer.value = by_fields(found._repr_html_()) if found else ""

    def show(self) -> None:
        """Show the explanation as it stands, and hand over what it rests on."""
        found = self.explained
        self.answer.value = by_fields(found._repr_html_()) if found else ""
        self._session.replay(_told(found) if found else Told())


def _told(found: Explained) -> Told:
    trace, main = found.case.trace, found.main
    known = found.diagnosis.server_stack
    return Told(
        traces=(trace,) if trace else (),
        certificates=found.case.material,
        stack=known if known.guess else None,
        line=main.said.text if main else None,
    )
