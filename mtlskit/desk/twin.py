"""The scripted twin of a run: the Python that does what the form does.

Law of this file: the code that it writes holds names of files and no secret; a password is asked
for when the code runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from mtlskit.case import Case
from mtlskit.collect.given import target_of
from mtlskit.desk.plan import Plan
from mtlskit.desk.session import Session
from mtlskit.desk.told import Told
from mtlskit.material import Source


class _Sourced(Protocol):
    @property
    def source(self) -> Source: ...


def twin(session: Session) -> str:
    """Return Python source that makes the same run; empty while there is nothing to call."""
    if session.plan.scene:
        return _staged(session.plan)
    if session.plan.recorded:
        return _replayed(session.told, session.given)
    return _called(session.plan, session.given) if session.plan.target else ""


def asking_twin(session: Session) -> str:
    """Return Python source that asks the same server the same; empty if nobody is called."""
    plan = session.plan
    if plan.scene and not (plan.surprise and session.report is None):
        return (
            "import mtlskit\nfrom mtlskit.lab import scenes\n\n"
            f"with scenes.stage({plan.scene!r}, tls={plan.tls or '1.3'!r}) as lab:\n"
            "    told = mtlskit.asked(lab.target, server_name=lab.server_name)\ntold"
        )
    if plan.target is None:
        return ""
    name = f", server_name={plan.server_name!r}" if plan.server_name else ""
    tls = f", tls={plan.tls!r}" if plan.tls else ""
    return f"import mtlskit\n\nmtlskit.asked({str(plan.target)!r}{name}{tls})"


def _staged(plan: Plan) -> str:
    given = (
        "lab.target",
        "identity=lab.identity_files",
        "trust=lab.trust_files",
        "material=lab.material_files",
        "password=lab.password",
        "server_name=lab.server_name",
        *_options(plan),
    )
    return (
        "import mtlskit\nfrom mtlskit.lab import scenes\n\n"
        f"with scenes.stage({plan.scene!r}, tls={plan.tls or '1.3'!r}) as lab:\n"
        f"    report = {_diagnose(given, '    ')}\n"
        "report"
    )


def _replayed(told: Told, given: Case) -> str:
    """Read the same files, or explain the same words."""
    if told.line is not None:
        return f"import mtlskit\n\nreport = mtlskit.explain({told.line!r})\nreport"
    trust, own = _names(given.trust), _names(given.identities)
    exports = [source.name for source in given.settings.sources] if given.settings else []
    other = [one for one in _names(given.material) if one not in trust]
    files = list(dict.fromkeys((*told.names, *own, *other, *exports)))
    if not files:
        return ""
    read = (
        *map(repr, files),
        *(("password=getpass()",) if own else ()),
        *((f"url={given.url!r}",) if given.url else ()),
        *((f"connection={told.chosen + 1}",) if told.chosen is not None else ()),
    )
    lines = "".join(f"    {argument},\n" for argument in read)
    believed = ", ".join(map(repr, trust))
    held = f"case = case.having(trust=mtlskit.read({believed}).material)\n" if trust else ""
    head = "from getpass import getpass\n\n" if own else ""
    return (
        f"{head}import mtlskit\n\ncase = mtlskit.read(\n{lines})\n{held}"
        "report = mtlskit.diagnose(case)\nreport"
    )


def _called(plan: Plan, given: Case) -> str:
    own, trust = _names(given.identities), _names(given.trust)
    other = [one for one in _names(given.material) if one not in own + trust]
    exports = [source.name for source in given.settings.sources] if given.settings else []
    where = _address(plan, given)
    arguments = (
        repr(where),
        *_files("identity", own),
        *(("password=getpass()",) if own else ()),
        *_files("trust", trust),
        *_files("material", other),
        *_files("settings", exports),
        *((f"url={given.url!r}",) if given.url and given.url != where else ()),
        *((f"server_name={plan.server_name!r}",) if plan.server_name else ()),
        *_options(plan),
    )
    return (
        "from getpass import getpass\n\nimport mtlskit\n\n"
        f"report = {_diagnose(arguments, '')}\n"
        "report"
    )


def _address(plan: Plan, given: Case) -> str:
    """Name the endpoint by the URL that is called, if it leads there."""
    url = given.url
    return url if url and target_of(url)[0] == plan.target else str(plan.target)


def _options(plan: Plan) -> tuple[str, ...]:
    tls = (f"tls={plan.tls!r}",) if plan.tls else ()
    return tls if plan.experiments else (*tls, "experiments=False")


def _names(found: Iterable[_Sourced] | None) -> list[str]:
    return list(dict.fromkeys(one.source.name for one in found or ()))


def _files(name: str, names: list[str]) -> tuple[str, ...]:
    return (f"{name}={names!r}",) if names else ()


def _diagnose(arguments: tuple[str, ...], margin: str) -> str:
    lines = "".join(f"{margin}    {argument},\n" for argument in arguments)
    return f"mtlskit.diagnose(\n{lines}{margin})"
