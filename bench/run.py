"""Run the benchmarks and remake the tables of README.md: `.venv/bin/python bench/run.py`.

Law: no number stands in README.md that this program did not write. Names as arguments run only
those benchmarks; `--check` fails if a budget is not held.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import re
import ssl
import sys
from pathlib import Path

from OpenSSL import SSL
from table import markdown

README = Path(__file__).with_name("README.md")
BENCHMARKS = (
    "startup",
    "handshake",
    "tap",
    "inventory",
    "keystores",
    "paths",
    "javalog",
    "settings",
    "captures",
    "report",
    "diagnosis",
    "guide",
)


def main() -> int:
    """Run what was asked for, print it, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all if none")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a budget is missed")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    held = True
    for name in chosen.names or BENCHMARKS:
        rows = importlib.import_module(name).measure()
        held = held and all(row.held for row in rows)
        table = f"{markdown(rows)}\n\n{_machine()}"
        print(f"{name}\n{table}\n", flush=True)
        _write(name, table)
    return 0 if held or not chosen.check else 1


def _machine() -> str:
    """Say where these numbers are from."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, "
        f"{SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode().rsplit(' ', 3)[0]} in pyOpenSSL, "
        f"{ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]} in the server."
    )


def _write(name: str, table: str) -> None:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = README.read_text("utf-8")
    remade, found = re.subn(
        f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL
    )
    if found != 1:
        raise SystemExit(f"README.md has no place for {name}: it needs {begin} and {end} once.")
    README.write_text(remade, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
