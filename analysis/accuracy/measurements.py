"""Own measurements of accuracy: read from the shipped file, from any CSV of them, or from a folder of runs."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from analysis.accuracy.csv_rows import (
    MOST_PROBLEMS,
    listed,
    placed_rows,
    reader_of,
    require_closed_quotes,
    require_columns,
    text_of,
)
from analysis.accuracy.percent import question_fractions
from costmodel import BnncostError, resolve
from costmodel.designs.catalogue import DATASETS
from costmodel.designs.content import edited_since
from costmodel.designs.records import AS_TRAINED, COMMAND, NEEDED, RECORD, SPEC, Measurement, require_same
from costmodel.output import UnreadableText, read_json

MEASURED = "measured"
"""What the shipped measurements are called."""
SHIPPED = "measured_accuracy.csv"
MOST_FILES = 20_000
"""Files and folders below a folder of runs; each run leaves about ten."""
_MARK = "recipe_digest"
"""The column that sets a file of measurements apart from one of bare accuracies."""


def shipped_measurements() -> list[Measurement]:
    """The measurements that come with the package; none where none were shipped.

    Raises BnncostError where the file is damaged.
    """
    file = resources.files("analysis").joinpath(f"data/{SHIPPED}")
    return parse_measurements(file.read_text("utf-8"), SHIPPED) if file.is_file() else []


def load_measurements(source: str | os.PathLike[str]) -> list[Measurement]:
    """Read measurements from "measured" (the shipped ones), a CSV, or a folder of runs.

    Those of `outdated` designs are left out. Raises one BnncostError with all that is wrong, by file and line, and
    where there is no measurement at all.
    """
    found = _all_of(source)
    current = [made for made in found if not _edited_since(made)]
    if not current:
        first = next(iter(outdated(source).items()))
        raise BnncostError(
            f"no measurement of '{source}' is of a design as it is now: {first[0]}, {first[1]}."
        )
    return current


def outdated(source: str | os.PathLike[str]) -> dict[str, str]:
    """Say by design, of those that were not measured again, what was edited since: a network file or a plugin."""
    edited = [(made.design, _edited_since(made)) for made in _all_of(source)]
    current = {design for design, reason in edited if not reason}
    return {design: reason for design, reason in edited if design not in current}


def _edited_since(made: Measurement) -> str:
    return edited_since(made.content, resolve(made.design)) if made.content else ""


def _all_of(source: str | os.PathLike[str]) -> list[Measurement]:
    if os.fspath(source) == MEASURED:
        shipped = shipped_measurements()
        if not shipped:
            raise BnncostError(
                "no measured accuracies come with this installation; give a CSV of measurements or a folder of "
                "runs in place of 'measured', or leave --accuracy away for the literature's."
            )
        return shipped
    path = Path(source)
    measurements = _from_runs(path) if os.path.isdir(source) else parse_measurements(text_of(path), path.name)
    if not measurements:
        what = "no finished run is in the folder" if os.path.isdir(path) else "there is no measurement in"
        raise BnncostError(
            f"{what} '{path}'; `bnncost train` and `bnncost review` write them when a run ends."
        )
    return measurements


def holds_measurements(source: str | os.PathLike[str]) -> bool:
    """Whether a source is one of measurements: the shipped ones, a folder, or a CSV with their columns."""
    path = Path(source)
    if os.fspath(source) == MEASURED or os.path.isdir(source):
        return True
    try:
        return _MARK in (reader_of(text_of(path)).fieldnames or ())
    except (UnreadableText, csv.Error):
        return False  # whoever reads it as a file of accuracies says what is wrong


def parse_measurements(text: str, where: str) -> list[Measurement]:
    """Read measurements from the text of a CSV; the column `command` may stand beside theirs.

    Raises one BnncostError that lists every row at fault with its line.
    """
    reader = reader_of(text)
    if reader.fieldnames:
        wanted = f"a file of measurements has the columns {','.join(NEEDED)}"
        require_columns(reader, NEEDED, where, wanted)
        require_closed_quotes(reader, text, where)
    problems: list[str] = []
    measurements: list[Measurement] = []
    for place, row in placed_rows(reader, where):
        if len(problems) > MOST_PROBLEMS:
            break
        if any((cell or "").strip() for cell in row.values() if not isinstance(cell, list)):
            _add(measurements, problems, row, place)
    if problems:
        raise BnncostError(listed(problems))
    question_fractions([one.top1 for one in measurements], where)
    return measurements


def _add(
    measurements: list[Measurement], problems: list[str], row: Mapping[str | None, object], place: str
) -> None:
    """Turn one row into a measurement; what is wrong with it goes into `problems`."""
    if None in row:
        problems.append(
            f"{place}: the row has more cells than the header; put quotes round a text that has a comma."
        )
        return
    values = {str(name): value for name, value in row.items() if name != COMMAND}
    try:
        measurements.append(_checked(values, place))
    except BnncostError as error:
        problems.append(str(error))


def _checked(values: Mapping[str, object], place: str) -> Measurement:
    """A measurement whose design is known."""
    made = Measurement.from_mapping(values, place)
    try:
        resolve(made.design)
    except BnncostError as error:
        raise BnncostError(f"{place}: {error}") from None
    return made


def _from_runs(folder: Path) -> list[Measurement]:
    """Every measurement below a folder of runs: as trained, and of the integer networks exported from them."""
    files = sorted(_records_below(folder))
    problems: list[str] = []
    measurements: list[Measurement] = []
    for file in files:
        try:
            measurements += _from_file(file)
        except BnncostError as error:
            problems.append(str(error))
    if problems:
        raise BnncostError(listed(problems))
    return measurements


def _records_below(folder: Path) -> Iterator[Path]:
    """The files below a folder that may hold a measurement; raises BnncostError where it has more than runs leave."""
    found = 0
    for place, folders, names in os.walk(folder):
        found += len(folders) + len(names)
        if found > MOST_FILES:
            raise BnncostError(
                f"'{folder}' has more than {MOST_FILES:,} files and folders, so it is hardly a folder of runs; name "
                "the one that `bnncost train` or `bnncost review` was given as --out, or a CSV of measurements."
            )
        exported = os.path.basename(place) == "export"
        yield from (
            Path(place, one) for one in names if one == RECORD or (exported and one.endswith(".json"))
        )


def _from_file(file: Path) -> Iterable[Measurement]:
    """The measurement of one file; an export has other JSON files beside, which hold none."""
    values = read_json(file, advice="remove it, and its run writes it anew when it is run again")
    if not isinstance(values, dict) or (file.name != RECORD and _MARK not in values):
        return ()
    made = _checked(values, f"'{file}'")
    _require_own(made, file)
    return (made,)


def _require_own(made: Measurement, file: Path) -> None:
    """Raise BnncostError where a record is of another run than the folder that it lies in, by its `run.json`."""
    folder = file.parent if file.name == RECORD else file.parent.parent
    if not (folder / SPEC).is_file():
        return
    try:
        run = read_json(folder / SPEC, advice="delete the folder and train again")
        recipe = run["recipe"]
        expected = {
            "design": run["design"], "recipe": recipe["name"], "epochs": recipe["epochs"], "seed": run["seed"],
            "content": run.get("content", ""), "features": AS_TRAINED if file.name == RECORD else file.stem,
        }  # fmt: skip
        if run["data"] in DATASETS:  # another is called by its path, or by its content
            expected["data"] = run["data"]
    except (KeyError, TypeError):
        raise BnncostError(
            f"'{folder / SPEC}' describes no run; delete the folder and train again."
        ) from None
    require_same(file, asdict(made), expected)
