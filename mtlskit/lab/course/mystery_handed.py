"""What the trainee of a mystery gets: a story, an address, files, a password; and nothing else.

Law of this file: it holds words, numbers and the names of files, so that it could be sent to
somebody at another desk. The kit's own answer is made of it alone.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, field
from typing import Any

from mtlskit.collect.given import read
from mtlskit.experiment import diagnose
from mtlskit.page.blocks import Block, Fields, Listing, Page, Paragraph
from mtlskit.page.shown import Shown
from mtlskit.report import Report

PATIENCE = 2.0
"""Seconds that one connection of the kit's own answer may take: all is on this machine."""


@dataclass(frozen=True, slots=True)
class Handed(Shown):
    """What is at hand.

    Attributes:
        story: what was reported.
        host: where to call; None: there is nothing to call.
        server_name: the name by which the client calls.
        tls: the one TLS version that the client is set to speak; None: 1.2 and 1.3.
        manner: what else is set, each with its name, such as ``alpn`` or ``via``.
        identity: files with the client's certificates and keys, the one in use first.
        trust: files with what the client trusts servers by.
        material: whatever else lies about.
        records: captures and logs of the failure.
        settings: exports of the instance's settings.
        url: what the instance calls.
        password: the password that the client has.
        password_file: the file that holds it, for commands.
    """

    story: str
    host: str | None = None
    port: int | None = None
    server_name: str | None = None
    tls: str | None = None
    manner: tuple[tuple[str, str], ...] = ()
    identity: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    url: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None

    @property
    def command(self) -> str:
        """The command of the kit that looks at all of it."""
        if self.host is None:
            told = ["mtlskit", "read", *self.records, *self.identity, *self.material]
            told += [*self.settings, *(("--trust", *self.trust) if self.trust else ())]
        else:
            told = ["mtlskit", "diagnose", f"{self.host}:{self.port}"]
            told += ["--server-name", self.server_name or ""]
            told += ["--tls", self.tls] if self.tls else []
            for name, value in self.manner:
                told += [f"--{value}-hello"] if name == "hello" else [f"--{name}", value]
            for name in ("identity", "trust", "material", "settings"):
                files = getattr(self, name)
                told += [f"--{name}", *files] if files else []
        told += ["--password-file", self.password_file] if self.password_file else []
        told += ["--url", self.url] if self.url else []
        return shlex.join(told)

    def diagnosed(self) -> Report:
        """Let the kit say what is wrong, by what is handed out here and nothing else."""
        if self.host is None:
            files = (*self.records, *self.identity, *self.material, *self.settings)
            case = read(*files, password=self.password, trust=self.trust or None, url=self.url)
            return diagnose(case)
        manner: Any = dict(self.manner)
        return diagnose(
            f"{self.host}:{self.port}",
            identity=self.identity or None,
            trust=self.trust,
            material=self.material,
            settings=self.settings,
            url=self.url,
            password=self.password,
            server_name=self.server_name,
            tls=self.tls,
            timeout=PATIENCE,
            **manner,
        )

    def plain(self) -> dict[str, Any]:
        """Tell it to a program."""
        return asdict(self)

    def page(self) -> Page:
        """Describe what is at hand."""
        rows = [(name, _words(value)) for name, value in self._told() if value]
        blocks: list[Block] = [Paragraph(self.story), Fields(tuple(rows))]
        blocks.append(Paragraph("The kit looks at all of it by:"))
        blocks.append(Listing(self.command))
        return Page("What is at hand", tuple(blocks))

    def _told(self) -> list[tuple[str, Any]]:
        address = f"{self.host}:{self.port}" if self.host else ""
        manner = tuple(f"{name} {value}" for name, value in self.manner)
        told: list[tuple[str, Any]] = [("endpoint", address), ("server name", self.server_name)]
        told.append(("TLS", self.tls))
        told += [("the client is set to", manner), ("URL", self.url), ("key stores", self.identity)]
        told += [("trusted", self.trust), ("also there", self.material)]
        told += [("recorded", self.records), ("settings", self.settings)]
        return [*told, ("password", self.password)]


def _words(value: Any) -> str:  # noqa: ANN401 - a text or several
    return value if isinstance(value, str) else ", ".join(map(str, value))
