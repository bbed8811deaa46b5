"""Tomcat, embedded in a program of one file (``Tomcat.java``): its connector, on the JDK's TLS.

Law of this file: Tomcat's own jars are used where the system keeps them; the program is compiled
once for each JDK and Tomcat, and a server gets a copy of its own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mtlskit.lab.stacks.built import java_classes
from mtlskit.lab.stacks.java import QUICK, find_java
from mtlskit.lab.stacks.process import started
from mtlskit.lab.stacks.programs import asked, protocols
from mtlskit.lab.stacks.setup import Launch, Room, Setup, Stack

_JARS = Path("/usr/share/java")
_CORE = re.compile(r"tomcat(\d+)-catalina\.jar")
_OLDEST = 10
"""The first major version whose servlets are Jakarta's."""
_ASKS = {"require": "required", "optional": "optional", "no": "none"}


def _jars() -> tuple[str, ...]:
    """Find the jars of the newest Tomcat; () if there is none."""
    named = (_CORE.fullmatch(one.name) for one in _JARS.glob("tomcat*-catalina.jar"))
    majors = [int(one[1]) for one in named if one and int(one[1]) >= _OLDEST]
    found = _JARS.glob(f"tomcat{max(majors)}-*.jar") if majors else ()
    return tuple(sorted(str(one) for one in found if not re.search(r"-\d[\d.]*\.jar$", one.name)))


def _find() -> str | None:
    return find_java() if _jars() else None


def _version(program: str) -> str:
    told = ("-cp", os.pathsep.join(_jars()), "org.apache.catalina.util.ServerInfo")
    return asked(*told, pattern=r"Apache Tomcat/(\d[\d.]*\d)")(program)


def _launch(setup: Setup, room: Room, program: str) -> Launch:
    for name, data in java_classes(program, "Tomcat.java", _jars()).items():
        room.write(name, data)
    told = [program, *QUICK, f"-Djava.io.tmpdir={room.folder}", "-XX:-UsePerfData"]
    told += ["-cp", os.pathsep.join((str(room.folder), *_jars())), "Tomcat"]
    told += ["plain" if setup.plain else _ASKS[setup.asks], protocols(setup, "+")]
    told += [str(setup.status), "crl" if setup.crls else "no-crl"]
    told += [":".join(setup.ciphers) if setup.ciphers else "-"]
    return Launch(tuple(told), announces=r"listening on 127\.0\.0\.1:(\d+)")


TOMCAT = Stack(
    name="tomcat",
    library="JSSE",
    can=frozenset({"optional", "status", "crl", "ciphers", "plain"}),
    find=_find,
    ask_version=_version,
    launch=_launch,
    measured_as="tomcat_{minor}",
    starter=started,
)
