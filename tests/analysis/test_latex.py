"""LaTeX: tables that compile and fit, where TeX is installed; else their structure and their widths."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import pytest
from command_outputs import said
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from analysis.accuracy.literature import load_accuracy
from analysis.show.bibliography import bibliography, entry_of
from analysis.show.document import Document, Format, as_text
from analysis.show.latex import bib, latex
from analysis.show.paper import PaperSize
from analysis.show.tables import Column, Table
from costmodel.methods import REFERENCES

Captured = pytest.CaptureFixture[str]
TEX = shutil.which("pdflatex")
BIBTEX = shutil.which("bibtex")
ROMAN = Path(mpl.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"  # Computer Modern, as TeX sets it
POINTS = {"": 10.0, r"\small": 9.0, r"\footnotesize": 8.0, r"\scriptsize": 7.0, r"\tiny": 5.0}
ROOM = {None: 345.0, PaperSize.column: 252.0, PaperSize.page: 516.0}
HOSTILE = r"\input{/etc/passwd} $x_1^2$ & 100 % #1 ~ {} <b> 中 ½ ² – µJ \end{tabular}"
REFERENCE = "Qin et al., Forward and Backward Information Retention, CVPR 2020, arXiv 1909.10788"


@lru_cache(maxsize=4096)
def width_pt(text: str, size: float) -> float:
    """Width of a text in Computer Modern, measured on the outlines of its letters."""
    return float(
        TextPath((0, 0), f"{text}.", size, prop=FontProperties(fname=str(ROMAN))).get_extents().width
    )


def printed(cell: str) -> str:
    """What TeX sets for a cell, as far as widths go."""
    text = re.sub(r"\\cite\{[^}]*\}", "[00]", cell).replace(r"\allowbreak{}", "").replace(r"\textmu{}", "u")
    text = re.sub(r"\\text(\w+)\{2?\}", "2", text)
    return re.sub(r"\\([%&_#${}])", r"\1", text).replace("{[}", "[").replace("{]}", "]").replace("--", "-")


def set_width_pt(text: str) -> float:
    """Width of a table as LaTeX sets it: natural columns, given ones, and the space between."""
    size = POINTS[next((name for name in POINTS if name and name in text.splitlines()), "")]
    gap = float(re.search(r"\\tabcolsep\}\{([\d.]+)pt\}", text)[1])  # type: ignore[index]
    spec = re.search(r"\\begin\{(?:tabular|longtable)\}\{(.*)\}$", text, re.MULTILINE)[1]  # type: ignore[index]
    marks = re.findall(r">\{[^}]*\}p\{([\d.]+)pt\}|([lr])", spec)
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\")]
    assert all(len(row) == len(marks) for row in rows)
    widths = [
        float(given) if given else max(width_pt(printed(row[number]), size) for row in rows)
        for number, (given, _) in enumerate(marks)
    ]
    return sum(widths) + 2 * gap * len(marks)


def wide_table(rows: int, texts: int = 3) -> Table:
    columns = (
        *(Column(f"t{n}", f"a text {n}") for n in range(texts)), Column("energy_j", "energy", "J"),
        Column("top1", "top-1", "%"), Column("reference", "accuracy from", cites=True),
    )  # fmt: skip
    row = (*("double_residual+learned_threshold of a kind" for _ in range(texts)), 1.5e-6, 85.25, REFERENCE)
    return Table("wide", "A wide table", columns, (row,) * rows)


@pytest.mark.parametrize("paper", [None, *PaperSize])
@pytest.mark.parametrize("texts", [0, 1, 3])
def test_a_table_is_no_wider_than_its_room(paper: PaperSize | None, texts: int) -> None:
    text = latex(wide_table(3, texts), paper)
    if r"\resizebox{\linewidth}" not in text:
        assert set_width_pt(text) <= ROOM[paper]
    assert text.count(r"\begin{") == text.count(r"\end{")


@pytest.mark.parametrize("rows", [10, 100])
def test_long_tables_go_over_pages_with_their_header(rows: int) -> None:
    text = latex(wide_table(rows))
    long = rows > 45
    assert (r"\begin{longtable}" in text) == long == (r"\endhead" in text)
    assert text.count("a text 0") == (2 if long else 1) and set_width_pt(text) <= ROOM[None]
    assert r"\begin{longtable}" not in latex(wide_table(rows), PaperSize.column)


def test_labels_are_unique_and_say_what_they_name() -> None:
    table = wide_table(2)
    other = Table(table.name, "Another title", table.columns, table.rows)
    text = as_text(Document((table, table, other), [], table), Format.latex)
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(set(labels)) == 3 and labels[2] == "tab:wide-another-title"


def test_papers_are_cited_by_the_keys_of_the_bibliography() -> None:
    table = wide_table(2)
    assert latex(table).count(r"\cite{qin2020}") == 2  # the key under which methods name the paper
    assert re.findall(r"@\w+\{(.*),", bib((table,))) == ["qin2020"]
    own = Table("own", "Own", (Column("reference", "from", cites=True),), (("mine.csv: 200 epochs",),))
    assert "mine.csv: 200 epochs" in latex(own) and not bib((own,))


def test_every_published_figure_has_one_entry_with_author_title_and_year() -> None:
    entries = {record.reference: entry_of(record.reference) for record in load_accuracy()}
    for text, entry in {**entries, **{text: entry_of(text, key) for key, text in REFERENCES.items()}}.items():
        assert {"author", "title", "year"} <= set(entry.fields), text
        assert re.fullmatch(r"[a-z]+(19|20)\d\d\w*|[a-z0-9]+", entry.key) and re.fullmatch(
            r"\d{4}", entry.fields["year"]
        )
    titles = {(entry.key, entry.fields["title"]) for entry in entries.values()}
    assert len({key for key, _ in titles}) == len(titles)
    text = bibliography(entries.values())
    assert text.count("{") == text.count("}")
    for before, after in pairwise(re.findall(r"@\w+\{(.*),", text)):
        assert before < after


def document(tables: str) -> str:
    packages = ",".join(
        sorted(set(re.findall(r"[a-z]+", " ".join(re.findall(r"usepackage\{(.*)\}", tables)))))
    )
    return "\n".join(
        [
            r"\documentclass{article}", rf"\usepackage{{{packages}}}", r"\begin{document}", tables,
            r"\bibliographystyle{plain}\bibliography{front-energy}", r"\end{document}",
        ]
    )  # fmt: skip


@pytest.mark.skipif(TEX is None, reason="TeX is not installed: structure and widths alone are checked")
def test_tables_compile_and_nothing_sticks_out(tmp_path: Path, capsys: Captured) -> None:
    said(capsys, "pareto", "--network", "resnet20", "--dataset", "cifar10", "--traffic", "compulsory", "--out",
         str(tmp_path))  # fmt: skip
    hostile = Table("t", HOSTILE, (Column("a", HOSTILE), Column("b", "n", "J")), ((HOSTILE, 1e-6),), HOSTILE)
    tables = [
        (tmp_path / "front-energy.tex").read_text("utf-8"), latex(hostile), latex(wide_table(100)),
        latex(wide_table(3), label="tab:three"),
    ]  # fmt: skip
    (tmp_path / "paper.tex").write_text(document("\n".join(tables)), "utf-8")
    for command in (
        ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "paper"],
        ["bibtex", "paper"],
    ):
        if command[0] != "bibtex" or BIBTEX:
            done = subprocess.run(
                command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stdout[-3000:]
    log = (tmp_path / "paper.log").read_text("utf-8", "replace")
    sticking = [
        float(found) for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) in (?:al|par)", log)
    ]
    assert max(sticking, default=0) < 1.0
    assert "Missing character" not in log and "multiply defined" not in log
