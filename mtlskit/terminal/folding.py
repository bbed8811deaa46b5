"""What a terminal shows of a page at first: what is not folded, and where the rest is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mtlskit.terminal.showing import say, show

if TYPE_CHECKING:
    from mtlskit.page.shown import Shown

_ELSEWHERE = "Left out here, and shown with --details:"


def details_option(parser: argparse.ArgumentParser) -> None:
    """Let the reader ask for everything."""
    parser.add_argument(
        "--details", action="store_true", help="show what is folded too: every field, every stack"
    )


def show_brief(options: argparse.Namespace, result: Shown) -> None:
    """Print the answer; as text, without what is folded in it unless that was asked for."""
    if options.json or options.details:
        show(options, result)
        return
    from mtlskit.page.text import brief, text  # noqa: PLC0415 - the help must not wait for it

    say(text(brief(result.page(), _ELSEWHERE)).rstrip())
