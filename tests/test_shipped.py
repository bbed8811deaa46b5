"""What is handed out: the locks, environment.yml, the wheel, the notebooks, and no secret in any.

The names of hosts are put together here piece by piece, so that this file is no exception to what
it holds.
"""

import itertools
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import kit

HOME = Path(kit.__file__).parent
PYPROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]
USER_LOCK, DEV_LOCK = (kit.Place(HOME).lock(dev=dev).name for dev in (False, True))

LINES_OF_A_CELL = 5
HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("pythonhosted", "org"), ("debian", "org"), ("npmjs", "org"), ("npmjs", "com"),
    ("anaconda", "org"), ("anaconda", "com"),
)]  # fmt: skip
HOMES = re.compile("/" + r"(root|work|home/[a-z]\w*|Users/[A-Z]?\w+)/")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[A-Za-z0-9+/=]{16,}\s+){2}")


def requirements(*groups: str) -> dict[str, Requirement]:
    """What pyproject.toml asks for: the base, and extras or groups by their names."""
    extras = PROJECT["optional-dependencies"]
    lines = list(PROJECT["dependencies"])
    for group in groups:
        entries = extras[group] if group in extras else GROUPS[group]
        lines += [line for line in entries if isinstance(line, str)]
    return {canonicalize_name((one := Requirement(line)).name): one for line in lines}


def locked(name: str) -> dict[str, set[Requirement]]:
    """What a lock pins, by name; where systems or Pythons differ, there is more than one pin."""
    text = (HOME / name).read_text(encoding="utf-8")
    pins: dict[str, set[Requirement]] = {}
    for line in re.findall(r"^[a-z].*(?= \\$)", text, re.MULTILINE):
        pin = Requirement(line)
        pins.setdefault(canonicalize_name(pin.name), set()).add(pin)
    return pins


def tracked() -> list[Path]:
    """The files of the project: those that git knows, or where there is no git, all of ours."""
    done = subprocess.run(
        ["git", "-C", HOME, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        folders = ("mtlskit", "tests", "bench", "notebooks", "data", "etc", ".ci")
        return [*HOME.glob("*.*"), *(path for one in folders for path in (HOME / one).rglob("*.*"))]
    return [path for name in done.stdout.split("\0") if name and (path := HOME / name).is_file()]


# ----------------------------------------------------------------------------------------- locks


@pytest.mark.parametrize(
    ("name", "groups"),
    [(USER_LOCK, ("notebook", "app", "kit")), (DEV_LOCK, ("notebook", "app", "kit", "dev"))],
)
def test_a_lock_covers_what_is_asked_for(name: str, groups: tuple[str, ...]) -> None:
    """Each requirement of pyproject.toml is pinned, at a version that it allows."""
    pins = locked(name)
    for asked in requirements(*groups).values():
        for pin in pins[canonicalize_name(asked.name)]:
            version = str(pin.specifier).removeprefix("==")
            assert asked.specifier.contains(version), f"{name}: {pin} is outside {asked}"


@pytest.mark.parametrize("name", [USER_LOCK, DEV_LOCK])
def test_a_lock_has_a_hash_for_each_package_and_no_address(name: str) -> None:
    """Whatever index a package comes from, it is the one that was locked."""
    text = (HOME / name).read_text(encoding="utf-8")
    packages = re.split(r"\n(?=[a-z])", text)[1:]
    assert len(packages) == sum(map(len, locked(name).values()))
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host", text) == []


def test_the_tests_use_what_users_use() -> None:
    """The lock of the tests pins each package of the users' lock at the same version."""
    versions = {
        lock: {name: {str(pin.specifier) for pin in pins} for name, pins in locked(lock).items()}
        for lock in (USER_LOCK, DEV_LOCK)
    }
    assert versions[USER_LOCK].items() <= versions[DEV_LOCK].items()


def test_each_requirement_has_its_reason() -> None:
    """Above every requirement in pyproject.toml a comment says what it is for."""
    lines = (HOME / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    names = {
        str(one).split(">")[0] for one in requirements("notebook", "app", "kit", "dev").values()
    }
    for before, line in itertools.pairwise(lines):
        if (match := re.match(r'\s+"([\w-]+)[><=]', line)) and match[1] in names:
            assert before.strip().startswith("#"), f"{match[1]} does not say what it is for"


def test_conda_gets_the_same_requirements() -> None:
    """environment.yml is good conda grammar, and asks for what pyproject.toml asks for."""
    content = yaml.safe_load((HOME / "environment.yml").read_text(encoding="utf-8"))
    assert set(content) == {"name", "channels", "dependencies"}
    assert content["channels"] == ["conda-forge"]
    specs = [MatchSpec(line, strict=True) for line in content["dependencies"]]
    conda = {spec.name.normalized: SpecifierSet(str(spec.version or "")) for spec in specs}
    assert conda.pop("pip") == SpecifierSet()
    wanted = {name: one.specifier for name, one in requirements("notebook", "app", "kit").items()}
    assert conda == {**wanted, "python": SpecifierSet(PROJECT["requires-python"])}


# ----------------------------------------------------------------------------------------- wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this folder and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=HOME, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_carries_all_that_is_not_code(wheel: Path) -> None:
    """Tables, styles, notebooks and Jupyter's configuration are in it; tests are not."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {path.relative_to(HOME).as_posix() for path in (HOME / "mtlskit").rglob("*.*")
            if "__pycache__" not in path.parts}  # fmt: skip
    assert {name for name in ours if name.endswith((".toml", ".csv", ".css", "py.typed"))}
    assert ours - inside == set()
    for notebook in shipped_notebooks():
        assert f"mtlskit/{notebook.relative_to(HOME).as_posix()}" in inside
    config = "data/etc/jupyter/jupyter_server_config.d/mtlskit.json"
    assert any(name.endswith(config) for name in inside)
    assert [name for name in inside if name.startswith(("tests", "bench", "kit.py"))] == []


def test_the_wheel_works_without_its_source(wheel: Path, tmp_path: Path) -> None:
    """Unpacked elsewhere, the package is imported from there and the terminal door opens."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    ask = "import mtlskit, mtlskit.__main__; print(mtlskit.__file__, mtlskit.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(tmp_path / "mtlskit" / "__init__.py"), PROJECT["version"]]


def test_the_version_is_one() -> None:
    """pyproject.toml, the package and the newest entry of the changelog name the same version."""
    ask = [sys.executable, "-c", "import mtlskit; print(mtlskit.__version__)"]
    said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    changes = (HOME / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert newest
    assert [said, newest[1]] == [PROJECT["version"]] * 2


def test_the_first_page_names_the_commands_that_there_are() -> None:
    """README lists each command of the terminal door, and no other."""
    listed = re.findall(
        r"^\| `mtlskit (\w+)", (HOME / "README.md").read_text("utf-8"), re.MULTILINE
    )
    ask = [sys.executable, "-m", "mtlskit", "--help"]
    told = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert sorted(listed) == sorted(re.findall(r"^    (\w+)  ", told, re.MULTILINE))


def test_every_link_on_the_pages_leads_somewhere() -> None:
    """A link to a file of ours names a file that is there."""
    for page in HOME.glob("*.md"):
        links = re.findall(r"\]\((?!\w+:)([^)#]+)", page.read_text("utf-8"))
        assert [link for link in links if not (HOME / link).exists()] == [], page.name


# ------------------------------------------------------------------------- notebooks and secrets


def shipped_notebooks() -> list[Path]:
    paths = sorted((HOME / "notebooks").rglob("*.ipynb"))
    return [path for path in paths if ".ipynb_checkpoints" not in path.parts]


@pytest.mark.parametrize("path", shipped_notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_shipped_clean_and_thin(path: Path) -> None:
    """No results, no counters, no state of widgets; a cell is at most five lines."""
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in content["metadata"]
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert "".join(cell["source"]).count("\n") < LINES_OF_A_CELL


def test_no_file_names_a_registry_or_somebodys_home_or_carries_a_key() -> None:
    """What is tracked is the project's own: no index, nobody's folders, no private key."""
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.name} names {host}" for host in HOSTS if host in text]
        found += [f"{path.name} names {match[0]}" for match in HOMES.finditer(text)]
        if PRIVATE_KEY.search(text):
            found.append(f"{path.name} carries a private key")
    assert found == []
