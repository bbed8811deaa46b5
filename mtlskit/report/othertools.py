"""What other tools would send to the same address, beside the instance, as a section of the report.

Law of this file: the comparison is told as it is; no tool is blamed or praised for it.
"""

from __future__ import annotations

from mtlskit.case import Case
from mtlskit.instance.othertools.beside import Beside, beside
from mtlskit.material import Unreadable
from mtlskit.page.blocks import Paragraph, Section
from mtlskit.page.plain import Plain


def comparison(case: Case) -> Beside | None:
    """Compare the instance and the tools at the address of the case; None if there is none."""
    url = case.url or (f"https://{case.target}" if case.target else None)
    if not case.tools or url is None:
        return None
    try:
        return beside(case.settings, url, case.tools)
    except Unreadable:
        return None


def section(case: Case) -> Section | None:
    """Tell the comparison; None without another tool."""
    if not case.tools:
        return None
    found = comparison(case)
    title = "The instance and other tools" if case.settings else "Other tools"
    if found is None:
        names = ", ".join(dict.fromkeys(one.name for one in case.tools))
        said = f"Files of {names} were given; what they would send depends on the URL (--url)."
        return Section(title, (Paragraph(said),))
    return Section(title, found.page().blocks)


def told(case: Case) -> Plain:
    """Tell the comparison to a program."""
    found = comparison(case)
    return [
        {
            "tool": one.tool,
            "address": str(one.address),
            "sends": one.sends.name if one.sends else None,
            "verifies": one.verifies,
            "because": [str(step) for step in one.because],
        }
        for one in (found.sendings if found else ())
    ]
