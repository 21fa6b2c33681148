"""The shape of the project: who imports whom, how long a file is, and what no file may contain."""

from __future__ import annotations

import ast
import configparser
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("costmodel", "training", "analysis")
LONGEST_FILE = 400
TEACHES_NOTHING = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
COSTMODEL_MAY_IMPORT = {
    "costmodel",
    "lazy_loader",
    "numpy",
    "pint",
    "pydantic",
    "pydantic_core",
    "scipy",
    "typing_extensions",
    "yaml",
}
FOR_WORK = ("test", "bench")
NAMED_OTHERWISE = {
    "yaml": "pyyaml", "PIL": "pillow", "sklearn": "scikit-learn", "pydantic_core": "pydantic", "google": "onnx",
}  # fmt: skip
READS_ONNX = Path("costmodel/importers/model/onnx_file.py")  # when it is called, where the extra is installed
JOINS_CLUSTERS = Path("costmodel/evaluate/cluster.py")  # when it is called, where the extra is installed
SHELLS = (Path("analysis/commands/training.py"),)  # what alone knows training
HEAVY = ("torch", "torchvision", "pandas", "matplotlib", "training", "analysis")


class Import(NamedTuple):
    """One imported name: its top-level package, its line, and whether only a function's call imports it."""

    package: str
    line: int
    lazy: bool


def imports(tree: ast.AST, *, lazy: bool = False) -> Iterator[Import]:
    """Yield every import of a syntax tree, those inside functions as lazy."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name.split(".")[0], node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import((node.module or "").split(".")[0] if not node.level else ".", node.lineno, lazy)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, lazy=lazy or inside)


def refused(package: str, path: Path, found: Import) -> bool:
    """Say whether a module of `package` may not make this import."""
    if found.package == "." or found.package in TEACHES_NOTHING:
        return True
    if package == "costmodel" and found.package in ("onnx", "google"):
        return not (found.lazy and path == READS_ONNX)
    if package == "costmodel" and found.package == "ray":
        return not (found.lazy and path == JOINS_CLUSTERS)
    if package == "costmodel":
        return found.package not in COSTMODEL_MAY_IMPORT | set(sys.stdlib_module_names)
    if package == "training":
        return found.package == "analysis"
    if found.package == "training":
        return not (found.lazy and path in SHELLS)
    return found.package in ("torch", "torchvision")


def misdeeds(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of constructs that the project does without."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {name.id if isinstance(name, ast.Name) else None for name in caught if name}
            if node.type is None or names & {"Exception", "BaseException"}:
                yield node.lineno, "catches everything"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg:
            yield node.lineno, f"'{node.name}' takes **{node.args.kwarg.arg}: name the arguments"
        elif isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("eval", "exec", "__import__", "import_module") and called != getattr(
                node.func, "attr", ""
            ):
                yield node.lineno, f"calls {called}()"


def sources(*folders: str) -> list[Path]:
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@dataclass(frozen=True)
class Read:
    """What a file imports, by packages and by the names that could be modules, and what it does that it should not."""

    imports: tuple[Import, ...]
    named: tuple[str, ...]
    misdeeds: tuple[tuple[int, str], ...]


@cache
def read(path: Path) -> Read:
    """Read a file once for all tests, without keeping its tree."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))
    return Read(tuple(imports(tree)), tuple(named_in(tree)), tuple(misdeeds(tree)))


def test_there_is_something_to_check() -> None:
    assert Path("costmodel/graph.py") in sources(*PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    wrong = [
        f"{path}:{found.line} imports {found.package}"
        for path in sources(package)
        for found in read(path).imports
        if refused(package, path, found)
    ]
    assert not wrong, "\n".join(wrong)


def named_in(tree: ast.AST) -> Iterator[str]:
    """Yield what a file imports anywhere, also inside functions and for types alone: `module`, or `module:name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}:{alias.name}" for alias in node.names)


def modules_imported(path: Path, known: frozenset[str]) -> Iterator[str]:
    """Yield the project's own modules that a file imports."""
    for text in read(path).named:
        module, _, name = text.partition(":")
        inner = f"{module}.{name}"
        if inner in known or module in known:
            yield inner if inner in known else module


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """The folder or file right below the top package: what one sees on opening it."""
    return ".".join(module.split(".")[:2])


def circle(imported: Mapping[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_what_is_imported_is_declared_as_what_an_installation_brings() -> None:
    """Extras of tests and benchmarks do not count: a user has them not."""
    declared = configparser.ConfigParser()
    declared.read(ROOT / "setup.cfg")
    extras = declared["options.extras_require"]
    lines = [declared["options"]["install_requires"]] + [
        extras[name] for name in extras if name not in FOR_WORK
    ]
    brought = {re.split(r"[<>=\[;]", line)[0].strip().lower() for text in lines for line in text.split("\n")}
    found = {one.package for path in sources(*PACKAGES) for one in read(path).imports}
    foreign = found - set(sys.stdlib_module_names) - set(PACKAGES) - {"hardware_profiles", "."}
    assert {name for name in foreign if NAMED_OTHERWISE.get(name, name) not in brought} == set()


def test_no_module_and_no_room_imports_in_a_circle() -> None:
    paths = sources(*PACKAGES, "benchmarks")
    known = frozenset(map(module_name, paths))
    modules = {module_name(path): set(modules_imported(path, known)) - {module_name(path)} for path in paths}
    rooms: dict[str, set[str]] = {}
    for module, imported in modules.items():
        if "." in module:  # the face of a whole package stands above its rooms
            others = {room_of(one) for one in imported if one != module.split(".")[0]}
            rooms.setdefault(room_of(module), set()).update(others - {room_of(module)})
    assert circle(modules) == []
    assert circle(rooms) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}})


@pytest.mark.parametrize(("package", "most"), [("costmodel", 17), ("analysis", 12)])
def test_a_package_opens_on_few_rooms(package: str, most: int) -> None:
    rooms = {path.parts[1] for path in sources(package)}
    assert len(rooms) <= most, sorted(rooms)


@pytest.mark.parametrize(
    ("package", "path", "code", "wrong"),
    [
        ("costmodel", "costmodel/a.py", "import torch", True),
        ("costmodel", "costmodel/a.py", "def f():\n    import pandas as pd", True),
        ("costmodel", "costmodel/a.py", "if TYPE_CHECKING:\n    from matplotlib import pyplot", True),
        ("costmodel", "costmodel/a.py", "from . import graph", True),
        ("costmodel", "costmodel/a.py", "from analysis.cli import main", True),
        ("costmodel", "costmodel/a.py", "import pickle", True),
        ("costmodel", "costmodel/a.py", "import math, yaml", False),
        ("costmodel", "costmodel/a.py", "def f():\n    import onnx", True),
        ("costmodel", "costmodel/importers/model/onnx_file.py", "import onnx", True),
        ("costmodel", "costmodel/importers/model/onnx_file.py", "def f():\n    import onnx", False),
        ("costmodel", "costmodel/a.py", "def f():\n    import ray", True),
        ("costmodel", "costmodel/evaluate/cluster.py", "import ray", True),
        ("costmodel", "costmodel/evaluate/cluster.py", "def f():\n    import ray", False),
        ("training", "training/a.py", "import torch, costmodel", False),
        ("training", "training/a.py", "def f():\n    from analysis import tables", True),
        ("training", "training/a.py", "import pickle", True),
        ("training", "training/data/plain_pickles.py", "import pickle", True),
        ("training", "training/data/plain_pickles.py", "import pickletools", False),
        ("analysis", "analysis/a.py", "import pandas, costmodel", False),
        ("analysis", "analysis/a.py", "import torch", True),
        ("analysis", "analysis/a.py", "def f():\n    import training", True),
        ("analysis", "analysis/cli.py", "def f():\n    import training", True),
        ("analysis", "analysis/commands/training.py", "def f():\n    import training", False),
        ("analysis", "analysis/commands/training.py", "import training", True),
        ("analysis", "analysis/commands/training.py", "def f():\n    import torch", True),
    ],
)
def test_the_rule_of_imports_tells_right_from_wrong(package: str, path: str, code: str, wrong: bool) -> None:
    assert any(refused(package, Path(path), found) for found in imports(ast.parse(code))) is wrong


def test_the_cost_model_loads_nothing_heavy() -> None:
    names = [".".join(path.with_suffix("").parts) for path in sources("costmodel") if path.stem != "__main__"]
    modules = [name.removesuffix(".__init__") for name in names]
    code = f"import sys, {', '.join(modules)}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_no_file_is_long() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in all_python()}
    assert not {str(path): lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def all_python() -> list[Path]:
    return sources(*PACKAGES, "tests", "benchmarks")


def test_no_file_does_what_the_project_does_without() -> None:
    wrong = [f"{path}:{line} {what}" for path in sources(*PACKAGES) for line, what in read(path).misdeeds]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (ValueError, BaseException) as error:\n    pass",
        "def f(a, **kwargs):\n    return g(a, **kwargs)",
        "eval(text)",
        "__import__('torch')",
    ],
)
def test_what_the_project_does_without_is_found(code: str) -> None:
    assert list(misdeeds(ast.parse(code)))


def test_what_the_project_does_is_not_refused() -> None:
    code = "try:\n    model.eval()\nexcept (ValueError, errors.Exception2):\n    g(**options)"
    assert not list(misdeeds(ast.parse(code)))


def test_the_folders_of_tests_are_those_of_the_packages() -> None:
    folders = {
        path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"
    }
    assert folders <= set(PACKAGES)
    with_code = {package for package in PACKAGES if len(sources(package)) > 1}
    tested = {
        path.parts[1] for path in sources("tests") if len(path.parts) == 3 and path.name.startswith("test_")
    }
    assert with_code <= tested


def test_profiles_are_data_alone() -> None:
    assert not sources("hardware_profiles")
