"""Damaged bytes into every reader, for as long as is wished: a result, or its one error type.

`.venv/bin/python bench/fuzz.py --minutes 10 --seed 1`. No benchmark: nothing is compared. What goes
in are real captures, logs, key stores, certificates, exports and reports, each damaged by a seeded
hand. What is held: a reader gives a result or raises `Unreadable`; its result can be shown; it
takes seconds and no more; the whole process stays within its memory. What breaks that is saved,
with its number, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import json
import random
import resource
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import mtlskit
from mtlskit.certs.certificate import read_certificate
from mtlskit.certs.keystore import open_store
from mtlskit.certs.ocsp import read_response
from mtlskit.certs.signed import read_crl, read_request
from mtlskit.collect.answer import Answer
from mtlskit.collect.capture import read_capture
from mtlskit.collect.clients.attempts import try_clients
from mtlskit.collect.live import Call, connect
from mtlskit.collect.logs import open_log
from mtlskit.collect.pcapng_out import pcapng
from mtlskit.collect.saved import reopen
from mtlskit.instance.exports import read_export
from mtlskit.instance.settings import settings_from
from mtlskit.lab import exports, samples
from mtlskit.lab.lists import revocation_list
from mtlskit.lab.pki import Authority
from mtlskit.lab.responses import Responder, refusal
from mtlskit.lab.scenes import Version, stage
from mtlskit.material import Blob, Secrets, Source, Unreadable
from mtlskit.report import judge
from mtlskit.trace.dialects.reader import read_log
from mtlskit.wire.conversation import Conversation
from mtlskit.wire.unseal import KeyLog

SLOW = 5.0
"""Seconds of CPU time that no damaged input of this size may take."""
HANGS = 300.0
"""Seconds after which an input is taken to hang: the process ends, and says where it was."""
MEMORY = 3 << 30
"""Bytes of address space; whoever wants more meets MemoryError, which is no `Unreadable`."""
LARGEST = 400_000
"""Bytes of one damaged input."""

_OFTEN = 0.8
_PLAYED: tuple[tuple[str, Version], ...] = (
    ("none", "1.3"),
    ("client.expired", "1.2"),
    ("client.no-identity", "1.3"),
)
_ROOT = Path(__file__).resolve().parent.parent
_TELLING = (
    *(b"\x00", b"\xff", b"\x7f", b"\x80", b"\r\n", b"\n", b"\xff\xff\xff\xff", b"\x30\x84"),
    *(b"-----BEGIN CERTIFICATE-----\n", b"&x;", b"%", b"\xef\xbb\xbf", b"\xff\xfe"),
)


@dataclass(frozen=True)
class Corpus:
    """What is damaged, by what it is, and the words that go with it."""

    kinds: dict[str, list[bytes]]
    secrets: tuple[str, ...]
    password: str = field(repr=False)


def corpus() -> Corpus:
    """Gather real material: from this repository, and made anew by the lab."""
    kinds = {"log": _logs(), "capture": [], "store": [], "export": [], "report": [], **_signed()}
    kinds["capture"] = [one.read_bytes() for one in sorted((_ROOT / "data/captures").glob("*.p*"))]
    stores = samples.stores()
    kinds["store"] = [one.data for one in stores.files]
    for world in exports.WORLDS.values():
        kinds["export"] += list(exports.files_of(world).values())[:6]
        kinds["export"] += [exports.as_update_set(world.records), _workbook(world), _csv(world)]
    secrets: list[str] = []
    for scene, tls in _PLAYED:
        with stage(scene, tls) as staged:
            call = Call(staged.target, staged.server_name, linger=0.3)
            tap = connect(call)
            kinds["log"] += [one.transcript.text.encode() for one in try_clients(call).runs]
            secrets += tap.secrets.lines
            kinds["capture"].append(pcapng(tap, secrets=True))
            kinds["report"].append(json.dumps(mtlskit.diagnose(staged.target).json()).encode())
    kinds["wire"] = [b"".join(one.data for one in tap.chunks)]
    kinds["keylog"] = ["\n".join(secrets).encode()]
    kinds["http"] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ]
    return Corpus(kinds, tuple(secrets), stores.password)


def _workbook(world: exports.World) -> bytes:
    return exports.as_workbook(world.of(world.tables()[0]))


def _csv(world: exports.World) -> bytes:
    return exports.as_csv(world.of(world.tables()[0]))


def _logs() -> list[bytes]:
    found = sorted((_ROOT / "tests/trace/dialects/java").glob("*.log"))
    lines = (_ROOT / "tests/trace/dialects/lines.toml").read_bytes()
    every = [one.read_bytes()[:LARGEST] for one in found] + [lines[:LARGEST]]
    return [*every, every[0].decode("latin-1").encode("utf-16"), gzip.compress(every[1])]


def _signed() -> dict[str, list[bytes]]:
    """What a CA signs: certificates, a request for one, a revocation list, OCSP responses."""
    root = Authority.root("Fuzzed Root")
    issuing = root.intermediate("Fuzzed Issuer")
    issued = issuing.client("Fuzzed Client", san=("a.example",))
    one, key = issued.certificate, ec.generate_private_key(ec.SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(one.subject)
    every = (root.certificate, one, *issued.chain)
    return {
        "certificate": [each.public_bytes(Encoding.DER) for each in every],
        "request": [asked.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)],
        "crl": [revocation_list(root), revocation_list(issuing, one)],
        "ocsp": [Responder(issuing).response(one), refusal()],
    }


def damaged(corpus: Corpus, chance: random.Random) -> tuple[str, bytes]:
    """Choose one of the corpus, and damage it."""
    kind = chance.choice(sorted(corpus.kinds))
    data = bytearray(chance.choice(corpus.kinds[kind])[:LARGEST])
    if kind == "log" and chance.random() < _OFTEN:
        data = _shuffled(data, chance)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        _hurt(data, chance, corpus.kinds[kind])
    return kind, bytes(data[:LARGEST])


def _shuffled(data: bytearray, chance: random.Random) -> bytearray:
    lines = bytes(data).split(b"\n")
    for _ in range(chance.randint(1, 12)):
        at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[at : at + chance.randint(1, 40)]
            case 1:
                lines[at:at] = lines[to : to + chance.randint(1, 40)]
            case 2:
                lines[at], lines[to] = lines[to], lines[at]
            case _:
                lines[at] = (lines[at] * chance.randint(2, 400))[:LARGEST]
        lines = lines or [b""]
    return bytearray(b"\n".join(lines))


def _hurt(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    size = len(data)
    at = chance.randrange(size + 1)
    count = min(chance.choice((1, 1, 2, 4, 30, 1000)), max(size - at, 1))
    match chance.randrange(8):
        case 0 if at < size:
            data[at] ^= 1 << chance.randrange(8)
        case 1:
            data[at : at + count] = chance.randbytes(count)
        case 2:
            del data[at : at + count]
        case 3:
            data[at:at] = data[at : at + count] * chance.randint(1, 200)
        case 4:
            del data[at:]
        case 5:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            data[at : at + count] = other[begin : begin + chance.randint(1, 4000)]
        case 6 if at < size:
            data[at : at + 4] = chance.choice((0, 1, size, 2**31, 2**32 - 1)).to_bytes(4, "big")
        case _:
            data[at:at] = chance.choice(_TELLING) * chance.choice((1, 1, 3, 5000))


Reader = Callable[[bytes, Corpus, random.Random], object]
_SOURCE = Source("damaged")


def _read(data: bytes, corpus: Corpus, _: random.Random) -> object:
    case = mtlskit.read(Blob(_SOURCE, data), password=corpus.password)
    return str(judge(case))


def _capture(data: bytes, corpus: Corpus, _: random.Random) -> object:
    capture = read_capture(Blob(_SOURCE, data), Secrets(corpus.secrets))
    return [str(capture), *(str(one.trace) for one in capture.connections[:5])]


def _log(data: bytes, _: Corpus, __: random.Random) -> object:
    with open_log(Blob(_SOURCE, data)) as lines:
        return str(read_log(lines, lines.source))


def _export(data: bytes, _: Corpus, __: random.Random) -> object:
    return str(mtlskit.overview(settings_from([read_export(Blob(_SOURCE, data))])))


def _wire(data: bytes, corpus: Corpus, chance: random.Random) -> object:
    conversation, seen = Conversation(corpus.secrets), 0
    while data:
        size = chance.choice((1, 5, 100, 4000))
        seen += len(conversation.feed(chance.choice(("client", "server")), data[:size]))
        data = data[size:]
    return seen + len(conversation.end())


def _http(data: bytes, _: Corpus, chance: random.Random) -> object:
    answer = Answer(chance.choice(("GET", "HEAD")))
    for at in range(0, len(data), 7):
        answer.feed(data[at : at + 7])
    return answer.complete


READERS: dict[str, Reader] = {
    "read": _read,
    "inspect": lambda data, at, _: str(mtlskit.inspect(Blob(_SOURCE, data), password=at.password)),
    "capture": _capture,
    "log": _log,
    "explain": lambda data, _, __: str(mtlskit.explain(data.decode("utf-8", "replace"))),
    "export": _export,
    "store": lambda data, at, _: str(open_store(Blob(_SOURCE, data), [at.password])),
    "certificate": lambda data, _, __: read_certificate(data, _SOURCE).label,
    "crl": lambda data, _, __: read_crl(data, _SOURCE),
    "request": lambda data, _, __: read_request(data, _SOURCE),
    "ocsp": lambda data, _, __: read_response(data, _SOURCE),
    "report": lambda data, _, __: str(reopen(Blob(_SOURCE, data))),
    "keylog": lambda data, _, __: KeyLog(data.decode("latin-1").splitlines()),
    "wire": _wire,
    "http": _http,
}
FITTING = {
    "capture": ("capture", "read"),
    "log": ("log", "read", "explain"),
    "store": ("store", "read", "inspect"),
    "export": ("export", "read"),
    "certificate": ("certificate", "inspect", "store"),
    "request": ("request", "inspect"),
    "crl": ("crl", "inspect"),
    "ocsp": ("ocsp", "read"),
    "report": ("report", "read"),
    "wire": ("wire",),
    "keylog": ("keylog", "read"),
    "http": ("http", "read"),
}
"""Whom each kind is given to; now and then it is given to any other."""


def main() -> int:
    """Damage and read until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--note", action="store_true", help="write what came of it into README.md")
    parser.add_argument("--folder", type=Path, help="where what breaks a reader is saved")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    known = corpus()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    counts: Counter[str] = Counter()
    number, over = chosen.first, monotonic() + chosen.minutes * 60
    while monotonic() < over:
        _one(chosen.seed, number, known, folder, counts)
        number += 1
    told = _told(number - chosen.first, counts)
    print(told)
    if counts["broken"] or counts["slow"]:
        print(f"saved in {folder}")
    if chosen.note:
        _note(f"{chosen.minutes:g} minutes, seed {chosen.seed}: {told}")
    return 1 if counts["broken"] or counts["slow"] else 0


def _one(seed: int, number: int, known: Corpus, folder: Path, counts: Counter[str]) -> None:
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - damage, not secrecy
    kind, data = damaged(known, chance)
    name = chance.choice(FITTING[kind] if chance.random() < _OFTEN else sorted(READERS))
    last = folder / "last"
    last.write_bytes(data)  # what hangs or crashes is found here
    (folder / "last.txt").write_text(f"{seed} {number} {kind} {name}\n")
    faulthandler.dump_traceback_later(HANGS, exit=True)
    began, what = process_time(), ""
    try:
        READERS[name](data, known, chance)
        counts[f"{name}: a result"] += 1
    except Unreadable as error:
        counts[f"{name}: unreadable"] += 1
        what = "" if str(error).strip() else "an Unreadable without a word\n"
    except Exception:  # noqa: BLE001 - whatever else comes is what is looked for
        what = traceback.format_exc()
    took = process_time() - began
    faulthandler.cancel_dump_traceback_later()
    counts["broken"] += bool(what)
    counts["slow"] += took > SLOW
    if what or took > SLOW:
        told = f"seed {seed}, number {number}, {kind} to {name}, {took:.1f} s\n{what}"
        print(told, flush=True)
        (folder / f"{number}-{name}.bin").write_bytes(data)
        (folder / f"{number}-{name}.txt").write_text(told, encoding="utf-8")


def _told(inputs: int, counts: Counter[str]) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak //= 1 << 20 if sys.platform == "darwin" else 1 << 10
    rows = [
        f"| {name} | {counts[f'{name}: a result']} | {counts[f'{name}: unreadable']} |"
        for name in READERS
    ]
    head = f"{inputs} inputs, {counts['broken']} broke a reader, {counts['slow']} took longer than "
    head += f"{SLOW:g} s of CPU time; the process grew to {peak} MB."
    return "\n".join((head, "", "| reader | results | unreadable |", "| --- | --- | --- |", *rows))


def _note(told: str) -> None:
    """Put it where README.md keeps it."""
    readme = Path(__file__).with_name("README.md")
    before, begin, rest = readme.read_text(encoding="utf-8").partition("<!-- fuzz: begin -->\n")
    _, end, after = rest.partition("<!-- fuzz: end -->")
    readme.write_text(f"{before}{begin}{told}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
