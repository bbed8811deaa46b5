"""The terminal door: ``mtlskit COMMAND``; the commands stand in ``terminal``.

Law of this file: it runs one command, and turns what went wrong into one sentence and a status.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from mtlskit.terminal.door import parser_of_all
from mtlskit.terminal.showing import STOPPED, UNREADABLE, USAGE, complain


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = parser_of_all().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding lacks must not cost the whole answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return complain("stopped.", STOPPED)
    except OSError as error:
        return complain(f"{error.filename or 'a file'}: {error.strerror}.", UNREADABLE)
    except ValueError as error:
        # Unreadable is a ValueError too: input that cannot be read, against one that cannot be.
        unread = hasattr(error, "problem")
        return complain(str(error), UNREADABLE if unread else USAGE)


if __name__ == "__main__":
    sys.exit(main())
