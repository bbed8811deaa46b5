"""Reading the settings from a running instance, as a part of the step of its settings.

Law of this file: the password leaves its field in the callback that reads it, and is forgotten when
the reading ends. Nothing is changed in the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from mtlskit.certs.certificate import Certificate
from mtlskit.collect.evidence import gather
from mtlskit.collect.https import Login
from mtlskit.collect.instance import read_instance, target_of
from mtlskit.collect.tables import Progress
from mtlskit.desk import address, fields, step
from mtlskit.desk.plan import Watch
from mtlskit.desk.work import Work
from mtlskit.instance.live import Live
from mtlskit.material import Blob
from mtlskit.page.blocks import Tone
from mtlskit.report.words import counted

READING = "Reading the tables. An instance answers slowly: this takes up to a minute."
STOPPING = "Stopping after the page that is under way."
STOPPED = "The reading was stopped. Nothing of it was kept."
NO_NAME = "Type the instance's name first, such as acme."
NO_SECRET = "Type the password, or a token, then read."  # noqa: S105 - a sentence
NOT_ONE = "{} holds no certificate; expected the authorities of the instance's own certificate."


class StoppedError(Exception):
    """The engineer stopped the reading."""


class Reading:
    """Ask a running instance for the tables that decide how it calls out."""

    def __init__(self, received: Callable[[Live], None]) -> None:
        self._received = received
        self._trust: tuple[Certificate, ...] = ()
        self.work = Work()
        self.instance = fields.line("Instance", "acme or https://acme.service-now.com")
        self.user = fields.line("User", "who may read these tables")
        self.password = fields.password("Password of that user, or a token")
        self.stores = fields.tick("Fetch the files of its key stores too", on=False)
        self.trust = fields.files("Add its authorities", self.vouch)
        self.proxy = fields.line("Proxy, if one stands between", "http://proxy.example:3128")
        self.button = fields.action("Read the instance", self.read)
        self.halt = fields.lead("Stop reading", self.stop)
        fields.entered(self.password, self.read)
        self.message = fields.words()
        self.halt.layout.display = "none"
        self.left = step.cell(
            self.instance,
            self.user,
            self.password,
            fields.hint(
                "Without a user it is taken for a token. The field is emptied as soon as it was "
                "read. Nothing is changed in the instance, and no password is asked of it."
            ),
        )
        self.begin = step.row(self.button, self.halt)
        self.right = step.cell(
            self.stores,
            self.trust,
            fields.hint(
                "Only if this computer does not know the authority of the instance's certificate, "
                "as behind a proxy that looks into connections."
            ),
            self.proxy,
        )

    def vouch(self, blobs: tuple[Blob, ...]) -> None:
        """Take certificates by which the instance's own is verified."""
        with step.told(self.message):
            found = gather(blobs).certificates
            names = ", ".join(one.source.name for one in blobs)
            if not found:
                raise ValueError(NOT_ONE.format(names))
            self._trust = found
            held = counted(len(found), "certificate")
            self.message.value = fields.notice(f"{held} of {names} will vouch for it.", "info")

    def read(self) -> None:
        """Read it, beside the form; the password is taken in this very callback."""
        secret = fields.taken(self.password)
        if self.work.going:
            return
        with step.told(self.message, named=False):
            self._begin(self._login(secret))

    def stop(self) -> None:
        """Ask for no further page."""
        self.work.stop()
        self.halt.disabled = True
        self.message.value = fields.notice(STOPPING, "info")

    def _login(self, secret: str | None) -> Login:
        user = self.user.value.strip()
        if not self.instance.value.strip():
            raise ValueError(NO_NAME)
        if secret is None:
            raise ValueError(NO_SECRET)
        return Login(user=user, password=secret) if user else Login(token=secret.strip())

    def _begin(self, login: Login) -> None:
        name, via = address.kept(self.instance.value), address.kept(self.proxy.value)
        self.instance.value, self.proxy.value = name, via
        target_of(name)
        trust, stores = self._trust or None, bool(self.stores.value)
        self._going(on=True)
        self.message.value = fields.notice(READING, "info")

        def work(watch: Watch) -> Live:
            told = _teller(watch)
            return read_instance(
                name, login, attachments=stores, trust=trust, via=via or None, progress=told
            )

        self.work.start(work, self._told, self._ended)

    def _going(self, *, on: bool) -> None:
        self.button.disabled, self.halt.disabled = on, False
        self.halt.layout.display = "" if on else "none"

    def _told(self, _: int, text: str) -> None:
        if not self.work.stopped:
            self.message.value = fields.notice(text, "info")

    def _ended(self, live: Any, error: Exception | None) -> None:  # noqa: ANN401 - as `Work` has it
        self._going(on=False)
        if isinstance(error, StoppedError):
            self.message.value = fields.notice(STOPPED, "warn")
            return
        with step.told(self.message, named=False):
            if error is not None:
                raise error
            self._received(live)
            self.message.value = "".join(fields.notice(*one) for one in _said(live))


def _teller(watch: Watch) -> Callable[[Progress], None]:
    """Tell how far it is, and stop it where that is wanted."""
    numbers = count(1)

    def told(progress: Progress) -> None:
        if watch.stopped():
            raise StoppedError
        watch.tell(next(numbers), f"{progress}.")

    return told


def _said(live: Live) -> Iterator[tuple[str, Tone]]:
    """Say what was read, and what could not be."""
    tables = sum(len(one.looked) for one in live.exports)
    who = f" as {live.user}" if live.user else ""
    yield f"{counted(tables, 'table')} of {live.host} read{who}.", "good" if tables else "bad"
    for table, why in live.refused:
        yield f"{table} could not be read: {why}", "warn"
    for problem in live.problems:
        yield problem.text, "warn"
