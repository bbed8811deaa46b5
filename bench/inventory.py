"""What it costs to take stock: many certificates in one PEM file, from the file to a pandas frame.

Peer: a plain loop over `cryptography` that reads the same fields of each certificate into the same
frame. It does not look for a certificate's chain, as ours does. Memory is the peak of a process of
its own that does nothing else.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import many
import pandas as pd
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from table import Row, alternate

from mtlskit import inspect

ROUNDS = 5
COUNT, COUNT_IN_MEMORY = 10_000, 100_000
BUDGET = 1.0
MEMORY_BUDGET = 1200  # MB
_ROOT = Path(__file__).resolve().parent.parent
_PEAK = """
import resource, sys
from mtlskit import inspect
frame = inspect(sys.argv[1]).frame()
unit = 1 if sys.platform == "darwin" else 1024
print(len(frame), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


def measure() -> list[Row]:
    """Compare CPU time for some thousands, and tell the memory for ten times as many."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "many.pem")
        file.write_bytes(many.pem(COUNT))
        _must_agree(file)
        rows = [_time(file)]
        file.write_bytes(many.pem(COUNT_IN_MEMORY))
        return [*rows, _memory(file)]


def _time(file: Path) -> Row:
    ours, peer = alternate(
        ROUNDS, lambda: _cpu(lambda: inspect(file).frame()), lambda: _cpu(lambda: _loop(file))
    )
    return Row(f"{COUNT} PEM certificates to a frame", "a loop over `cryptography`", ours, peer,
               f"{ours / peer:.2f}x", f"at most {BUDGET}x", ours <= BUDGET * peer)  # fmt: skip


def _memory(file: Path) -> Row:
    said = subprocess.run(
        [sys.executable, "-c", _PEAK, str(file)],
        check=True, capture_output=True, text=True, env={"PYTHONPATH": str(_ROOT)},
    ).stdout.split()  # fmt: skip
    assert int(said[0]) == COUNT_IN_MEMORY
    peak = int(said[1]) / 1e6
    return Row(f"{COUNT_IN_MEMORY} PEM certificates to a frame: peak memory", "none",
               f"{peak:.0f} MB", f"the file has {file.stat().st_size / 1e6:.0f} MB",
               f"{peak:.0f} MB", f"at most {MEMORY_BUDGET} MB", peak <= MEMORY_BUDGET)  # fmt: skip


def _cpu(action: Callable[[], object]) -> float:
    start = process_time()
    action()
    return process_time() - start


def _loop(file: Path) -> pd.DataFrame:
    now = dt.datetime.now(dt.UTC)
    found = x509.load_pem_x509_certificates(file.read_bytes())
    return pd.DataFrame([_fields(one, now) for one in found])


def _fields(one: x509.Certificate, now: dt.datetime) -> dict[str, Any]:
    return {
        "subject": one.subject.rfc4514_string(),
        "issuer": one.issuer.rfc4514_string(),
        "san": _san(one),
        "serial": f"{one.serial_number:x}",
        "not_before": one.not_valid_before_utc,
        "not_after": one.not_valid_after_utc,
        "days_left": (one.not_valid_after_utc - now).days,
        "key": _key(one),
        "signature_algorithm": one.signature_algorithm_oid._name,  # noqa: SLF001 - it has no other
        "eku": _eku(one),
        "ku": _ku(one),
        "ca": _ca(one),
        "sha256": one.fingerprint(hashes.SHA256()).hex(),
    }


def _extension(one: x509.Certificate, kind: type[Any]) -> Any:  # noqa: ANN401 - of that type
    try:
        return one.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _san(one: x509.Certificate) -> tuple[str, ...] | None:
    found = _extension(one, x509.SubjectAlternativeName)
    return None if found is None else tuple(f"dns:{name.value}" for name in found)


def _eku(one: x509.Certificate) -> tuple[str, ...] | None:
    found = _extension(one, x509.ExtendedKeyUsage)
    return None if found is None else tuple(oid._name for oid in found)  # noqa: SLF001 - its public name costs a lookup


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


def _ku(one: x509.Certificate) -> tuple[str, ...] | None:
    found = _extension(one, x509.KeyUsage)
    return None if found is None else tuple(name for name in _USAGES if getattr(found, name))


def _ca(one: x509.Certificate) -> bool | None:
    found = _extension(one, x509.BasicConstraints)
    return None if found is None else found.ca


def _key(one: x509.Certificate) -> str:
    key = one.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else "other"


def _must_agree(file: Path) -> None:
    """Hold that both tell the same of the columns that they spell alike."""
    ours, theirs = inspect(file).frame(), _loop(file)
    for column in ("subject", "issuer", "san", "serial", "not_before", "not_after", "ca", "sha256"):
        assert list(ours[column]) == list(theirs[column]), column
