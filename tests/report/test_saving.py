"""Files: whole or not at all, and never over something that is not ours."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from mtlskit.collect.printing import pdf_printer
from mtlskit.report import Report, saving


def test_three_files_are_written(incomplete: Report, tmp_path: Path) -> None:
    """The names are told, each file is whole, and nothing else is left behind."""
    paths = incomplete.save(tmp_path / "case-17")
    assert [one.name for one in paths] == ["case-17.html", "case-17.md", "case-17.json"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert paths[0].read_text("utf-8").endswith("</html>\n")
    assert json.loads(paths[2].read_text("utf-8"))["schema"] == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_umask_says_who_may_read(incomplete: Report, tmp_path: Path) -> None:
    """The files are as readable as any other new file."""
    before = os.umask(0o027)
    try:
        paths = incomplete.save(tmp_path / "r")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(one.stat().st_mode) for one in paths} == {0o640}


@pytest.mark.parametrize(
    ("stem", "name"),
    [("a", "a.html"), ("a.html", "a.html"), ("v1.2", "v1.2.html"), ("a.json", "a.html")],
)
def test_a_stem_may_have_an_ending(
    incomplete: Report, tmp_path: Path, stem: str, name: str
) -> None:
    """One of our own endings is taken off; any other dot belongs to the name."""
    assert incomplete.save(tmp_path / stem)[0].name == name


def test_an_earlier_report_is_replaced(incomplete: Report, tmp_path: Path) -> None:
    """Saving twice leaves the newer one."""
    incomplete.save(tmp_path / "r")
    paths = incomplete.save(str(tmp_path / "r"))
    assert len(list(tmp_path.iterdir())) == len(paths) == 3


@pytest.mark.parametrize("ending", [".html", ".md", ".json"])
def test_a_foreign_file_is_not_written_over(
    incomplete: Report, tmp_path: Path, ending: str
) -> None:
    """One file that is no report of ours stops all three, before anything is written."""
    mine = tmp_path / f"r{ending}"
    mine.write_text("my own notes")
    with pytest.raises(FileExistsError, match="no report of mtlskit; choose another name"):
        incomplete.save(tmp_path / "r")
    assert mine.read_text() == "my own notes"
    assert list(tmp_path.iterdir()) == [mine]


def test_a_folder_in_the_way_is_not_written_over(incomplete: Report, tmp_path: Path) -> None:
    """A folder of that name is told as such a file."""
    (tmp_path / "r.html").mkdir()
    with pytest.raises(FileExistsError):
        incomplete.save(tmp_path / "r")


def test_a_missing_folder_is_named(incomplete: Report, tmp_path: Path) -> None:
    """The error names the file that could not be written, and leaves no part of it."""
    with pytest.raises(FileNotFoundError) as raised:
        incomplete.save(tmp_path / "none" / "r")
    assert raised.value.filename == str(tmp_path / "none" / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_a_pdf_names_what_it_needs(
    incomplete: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a printer nothing is written and one line says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(saving.NoPdfError, match="needs Chromium") as raised:
        incomplete.save(tmp_path / "r", pdf=True)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("chromium", "pdftotext")
def test_a_browser_prints_the_report(
    incomplete: Report, tmp_path: Path, program: Callable[[str], str]
) -> None:
    """The PDF says what the HTML says on its first page; only what was asked for is left behind."""
    paths = incomplete.save(tmp_path / "r", pdf=True, redact="own")
    assert paths[-1] == tmp_path / "r.pdf"
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    command = [program("pdftotext"), str(paths[-1]), "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = " ".join(told.split())
    assert incomplete.opinions[0].title in words
    assert "Acme Integration Client" not in words


def test_a_browser_that_hangs_is_ended(
    incomplete: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline ends it, and the sentence says what to do instead."""
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(browser.parent))
    printer = pdf_printer(patience=0.3)
    with pytest.raises(saving.NoPdfError, match=r"within 0\.3 seconds"):
        saving.save(incomplete, tmp_path / "r", pdf=True, printer=printer)
    assert not (tmp_path / "r.pdf").exists()


def test_a_foreign_pdf_is_not_written_over(incomplete: Report, tmp_path: Path) -> None:
    """A PDF without a report beside it is somebody's own."""
    mine = tmp_path / "r.pdf"
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match="choose another name"):
        saving.save(incomplete, tmp_path / "r", pdf=True, printer=lambda _html, _pdf: None)
    assert list(tmp_path.iterdir()) == [mine]


def test_a_printer_may_be_handed_in(incomplete: Report, tmp_path: Path) -> None:
    """Who can print is given the HTML file and the name to print to."""

    def printer(html: Path, pdf: Path) -> None:
        pdf.write_bytes(b"%PDF of " + html.name.encode())

    paths = saving.save(incomplete, tmp_path / "r", pdf=True, printer=printer)
    assert paths[-1].read_bytes() == b"%PDF of r.html"


def test_a_notebook_that_was_run_is_written(incomplete: Report, tmp_path: Path) -> None:
    """It is sound, shows what the other files say, keeps no widget, and hides as much as they."""
    paths = incomplete.save(tmp_path / "r", notebook=True, redact="own")
    assert [one.name for one in paths] == ["r.html", "r.md", "r.json", "r.ipynb"]
    held = nbformat.read(paths[-1], as_version=4)
    nbformat.validate(held)
    [shown] = held.cells[1].outputs
    assert shown.data["text/markdown"] == paths[1].read_text("utf-8")
    assert incomplete.opinions[0].title in re.sub("<[^>]*>", "", shown.data["text/html"])
    assert "widgets" not in held.metadata
    assert "Acme Integration Client" not in paths[-1].read_text("utf-8")


def test_that_notebook_can_be_run_again(incomplete: Report, tmp_path: Path) -> None:
    """Its cell opens the JSON beside it and shows the same cause."""
    path = incomplete.save(tmp_path / "r", notebook=True)[-1]
    source = nbformat.read(path, as_version=4).cells[1].source
    ask = f"{source.replace('reopen(', 'print(reopen(')})"
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert " ".join(incomplete.opinions[0].title.split()) in " ".join(
        told.stdout.replace("|", " ").split()
    )


def test_a_notebook_of_the_kit_is_not_written_over(incomplete: Report, tmp_path: Path) -> None:
    """One that somebody works in has another mark than a report."""
    mine = tmp_path / "r.ipynb"
    mine.write_text('{"cells": [], "metadata": {"mtlskit": true}}')
    with pytest.raises(FileExistsError, match="choose another name"):
        incomplete.save(tmp_path / "r", notebook=True)
    assert [one.name for one in tmp_path.iterdir()] == ["r.ipynb"]
