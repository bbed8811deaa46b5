"""The architecture, held by tests: floors, names, laws, sizes, and the clock kept out.

A rule that cannot be broken proves nothing, so each contract is also broken here once, in a copy
of the package, and has to say so.
"""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import kit

HOME = Path(kit.__file__).parent
PACKAGE = HOME / "mtlskit"
PYPROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {
    contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
}
FLOORS, PURE, WIDGETS, APART = CONTRACTS

Node = TypeVar("Node", bound=ast.AST)
WORDS_FOR_NOTHING = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|commons?|stuff)(_|$)")
LINES_OF_A_MODULE = 450
LINES_OF_A_FUNCTION = 40  # without its docstring
PURE_ROOMS = ["report", "checklist", "diagnosis", "rules", "case", "trace", "instance", "certs"]
PURE_ROOMS += ["wire", "material", "page"]


def ours(*folders: str) -> list[Path]:
    """Our Python files below some folders."""
    return sorted(path for folder in folders for path in (HOME / folder).rglob("*.py"))


def named(path: Path) -> str:
    """A file as it is called in the house."""
    return path.relative_to(HOME).as_posix()


def everything() -> list[Path]:
    """Every Python file of ours."""
    return [HOME / "kit.py", *ours("mtlskit", "tests", "bench")]


def parts(paths: Iterable[Path], *kinds: type[Node]) -> Iterator[tuple[str, Node]]:
    """The parts of some files that are of a kind, each with where it is."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield f"{named(path)}:{getattr(node, 'lineno', 1)}", node


def lint_imports(home: Path) -> "subprocess.CompletedProcess[str]":
    """Asks import-linter about the package in a folder."""
    linter = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [linter, "--no-cache"], cwd=home, capture_output=True, text=True, check=False
    )


def test_every_import_goes_down() -> None:
    """The floors of the house hold, and so do the other contracts."""
    done = lint_imports(HOME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to be broken."""
    home = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, home / "mtlskit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "pyproject.toml", home)
    return home


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("page/blocks.py", "import mtlskit.wire", FLOORS),
        ("material.py", "import mtlskit.certs", FLOORS),
        ("certs/certificate.py", "import mtlskit.wire.names", FLOORS),
        ("wire/records.py", "import mtlskit.trace.events", FLOORS),
        ("case.py", "import mtlskit.rules.rule", FLOORS),
        ("collect/live.py", "import mtlskit.lab.pki", FLOORS),
        ("lab/pki.py", "import mtlskit.desk", FLOORS),
        ("newcomer.py", "", FLOORS),
        ("trace/handshake.py", "import socket", PURE),
        ("certs/paths.py", "import subprocess", PURE),
        ("experiment/run.py", "import ipywidgets", WIDGETS),
        ("rules/at_rest.py", "import mtlskit.rules.in_motion", APART),
    ],
)
def test_each_contract_breaks_when_it_should(
    house: Path, module: str, line: str, contract: str
) -> None:
    """One import upwards, sideways or out of the house breaks the contract that forbids it."""
    path = house / "mtlskit" / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        done = lint_imports(house)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
    assert done.returncode == 1, done.stdout
    assert f"{contract} BROKEN" in done.stdout


def test_no_room_is_left_out_of_the_contracts() -> None:
    """What may not know a socket or a widget is every room but those that exist for it."""
    entries = [path for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()]
    rooms = {
        f"mtlskit.{path.stem}"
        for path in entries
        if path.name not in {"__init__.py", "__pycache__"}
    }
    pure = {f"mtlskit.{room}" for room in PURE_ROOMS}
    assert set(CONTRACTS[PURE]["source_modules"]) == pure
    assert rooms - pure - set(CONTRACTS[WIDGETS]["source_modules"]) <= {"mtlskit.desk"}
    rules = {f"mtlskit.rules.{path.stem}" for path in (PACKAGE / "rules").glob("*.py")
             if "\n@rule(" in path.read_text(encoding="utf-8")}  # fmt: skip
    assert rules == set(CONTRACTS[APART]["modules"])


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_below_collect_nobody_looks_at_a_clock(room: str) -> None:
    """The present is given as a value: no call of now, utcnow or today."""
    files = ours(f"mtlskit/{room}") or [PACKAGE / f"{room}.py"]
    clocks = [where for where, call in parts(files, ast.Call)
              if isinstance(call.func, ast.Attribute)
              and call.func.attr in {"now", "utcnow", "today"}]  # fmt: skip
    assert clocks == []


def test_every_module_is_named_for_what_it_is_about() -> None:
    """No utils, helpers or managers: a module has a subject."""
    assert [named(path) for path in everything() if WORDS_FOR_NOTHING.search(path.stem)] == []


def test_every_module_opens_with_its_law() -> None:
    """The first thing in a file says what it is for; tests say it by their functions."""
    modules = parts([HOME / "kit.py", *ours("mtlskit", "bench")], ast.Module)
    assert [where for where, module in modules if not ast.get_docstring(module)] == []


def test_every_test_states_a_truth() -> None:
    """Each test function says in one sentence what it holds true."""
    functions = parts(ours("tests"), ast.FunctionDef)
    silent = [where for where, function in functions
              if function.name.startswith("test_") and not ast.get_docstring(function)]  # fmt: skip
    assert silent == []


def test_no_module_is_crowded() -> None:
    """A module that grows past its ceiling has two subjects, and is split by them."""
    lines = {
        named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ours("mtlskit")
    }
    assert {name: count for name, count in lines.items() if count > LINES_OF_A_MODULE} == {}


def test_no_function_is_long() -> None:
    """A function that does not fit on half a page does more than one thing."""
    functions = parts(ours("mtlskit"), ast.FunctionDef, ast.AsyncFunctionDef)
    assert [where for where, function in functions if length(function) > LINES_OF_A_FUNCTION] == []


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, less its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_every_exception_from_a_check_says_why() -> None:
    """What silences a linter or the type checker carries its reason beside it."""
    silencer = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type: ignore(?:\[[\w, -]+\])?)(.*)")
    bare = []
    for path in [HOME / "kit.py", *ours("mtlskit", "bench", "tests")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = silencer.search(line)
            if match and len(match[1].strip(" #.")) < len("why"):
                bare.append(f"{named(path)}:{number}")
    assert bare == []


def test_importing_the_package_brings_nothing_heavy() -> None:
    """`import mtlskit` alone loads neither frames, nor widgets, nor cryptography."""
    ask = "import sys, mtlskit; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    heavy = {"pandas", "numpy", "ipywidgets", "IPython", "cryptography", "OpenSSL", "ssl"}
    assert heavy & set(loaded.stdout.split()) == set()


def test_every_program_that_a_test_needs_can_be_provided() -> None:
    """What `needs` names is a module of the lock, or a program that kit.py knows a package for."""
    known = {name for names in kit.PROGRAMS for name in names.split("|")}
    asked = {
        word.value
        for _, node in parts(ours("tests"), ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "needs"
        for word in node.args
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    }
    assert {tool for tool in asked if not tool.startswith("module:")} <= known
