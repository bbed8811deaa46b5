"""What it costs to read the export of a large instance: 50,000 properties and 2,000 certificates.

Peer: the standard library's `iterparse`, told to forget each record once it is read, which keeps
nothing and understands nothing. Memory is the peak of a process of its own that reads the file from
its path and joins it to settings.
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from xml.etree import ElementTree as ET  # our own file: nothing in it is hostile

import many
from table import Row, alternate

from mtlskit.collect.files import read_blob
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import Settings, settings_from
from mtlskit.lab.records import Made, prop, stored
from mtlskit.lab.written import as_unload

ROUNDS = 3
PROPERTIES, CERTIFICATES = 50_000, 2_000
SIZE = 60_000_000
SECONDS, MEGABYTES = 10, 500
_ROOT = Path(__file__).resolve().parent.parent
_WHOLE = """
import resource, sys
from mtlskit import read
settings = read(sys.argv[1]).settings
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(len(settings.properties), len(settings.certificates), peak)
"""


def measure() -> list[Row]:
    """Compare CPU time with the peer's, and tell the memory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "instance.xml")
        with file.open("wb") as out:
            out.writelines(_written())
        ours, peer = alternate(ROUNDS, lambda: _cpu(file), lambda: _peer(file))
        return [_time(file, ours, peer), _memory(file)]


def _written() -> Iterator[bytes]:
    """Write the export piece by piece, of the size that is wanted."""
    filler = "made-up words " * ((SIZE - CERTIFICATES * 2000) // PROPERTIES // 14 - 21)
    records: list[Made] = []
    for number in range(PROPERTIES):
        about = "glide.outbound" if number % 100 == 0 else "glide.made.up"
        made = prop(f"{about}.{number}", f"value {number}")
        records.append(Made(made.table, made.key, (*made.fields, ("choices", filler))))
    for number, der in enumerate(many.ders(CERTIFICATES)):
        body = base64.encodebytes(der).decode()
        pem = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
        records.append(stored(f"Partner {number}", "trust_store", pem=pem))
    yield as_unload(records)


def _read(file: Path) -> Settings:
    return settings_from([read_export(read_blob(file))])


def _cpu(file: Path) -> float:
    start = process_time()
    settings = _read(file)
    taken = process_time() - start
    assert len(settings.properties or ()) == PROPERTIES // 100
    assert len(settings.certificates or ()) == CERTIFICATES
    return taken


def _peer(file: Path) -> float:
    start = process_time()
    count = 0
    parsed = ET.iterparse(file, events=("start", "end"))  # noqa: S314 - our own file
    _, root = next(parsed)
    for event, element in parsed:
        if event == "end" and element.tag.startswith("sys_") and len(element):
            count += 1
            root.clear()
    assert count == PROPERTIES + CERTIFICATES
    return process_time() - start


def _time(file: Path, ours: float, peer: float) -> Row:
    size = file.stat().st_size / 1e6
    what = f"{PROPERTIES} properties and {CERTIFICATES} certificates, {size:.0f} MB XML: settings"
    return Row(what, "`iterparse`, which keeps nothing", ours, peer, f"{ours:.3g} s",
               f"under {SECONDS} s", ours < SECONDS)  # fmt: skip


def _memory(file: Path) -> Row:
    said = subprocess.run(
        [sys.executable, "-c", _WHOLE, str(file)],
        check=True, capture_output=True, text=True, env={"PYTHONPATH": str(_ROOT)},
    ).stdout.split()  # fmt: skip
    assert [int(one) for one in said[:2]] == [PROPERTIES // 100, CERTIFICATES]
    peak = int(said[2]) / 1e6
    size = f"the file has {file.stat().st_size / 1e6:.0f} MB"
    return Row("the same by `read`: peak memory", "none", f"{peak:.0f} MB", size,
               f"{peak:.0f} MB", f"at most {MEGABYTES} MB", peak <= MEGABYTES)  # fmt: skip


if __name__ == "__main__":
    from table import markdown

    print(markdown(measure()))
