"""Methods of a user's own: what is wrong with one is told in a sentence, when it is declared or when it is used."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from costmodel import DesignKey, cost, load_profile
from costmodel.builder import Builder
from costmodel.errors import BnncostError, CodeFailed
from costmodel.evaluate.cells import price_cells
from costmodel.evaluate.space import Space
from costmodel.graph import Tensor
from costmodel.methods import METHODS, plugins
from costmodel.methods.plugins import load_plugin, load_plugins
from costmodel.methods.registry import check_names, repair_method
from costmodel.methods.site import Site

BENT = {"branch": "topology", "category": "activation function", "hook": "activation", "source": "a test"}
HERE = re.escape(__file__)


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BNNCOST_PLUGINS", "")
    before = set(METHODS)
    yield
    for name in METHODS.keys() - before:
        del METHODS[name]


def declare(function: Any, **changed: Any) -> None:
    """Declare an activation function, but for what is changed."""
    repair_method(**{**BENT, **changed})(function)


def mine(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
    """Leave the map as it is."""
    return y


def without(g: Builder, y: Tensor, site: Site) -> Tensor:
    """Have no option."""
    return y


def unsaid(g: Builder, y: Tensor, site: Site, *, early: bool = False, much: object = None) -> Tensor:
    """Have an option that no text says."""
    return y


def needed(g: Builder, y: Tensor, site: Site, *, early: bool = False, much: int) -> Tensor:
    """Have an option without a default."""
    return y


def too_large(g: Builder, y: Tensor, site: Site, *, early: bool = False, much: int = 65) -> Tensor:
    """Have a default that may not be given."""
    return y


def MyAct(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:  # noqa: N802
    """Have a name that no design says, since designs are read in small letters."""
    return y


def with_capital(g: Builder, y: Tensor, site: Site, *, early: bool = False, Much: int = 2) -> Tensor:  # noqa: N803
    """Have an option that no design says."""
    return y


# ------------------------------------------------------------------ declared


@pytest.mark.parametrize(
    ("function", "changed", "said"),
    [
        (mine, {"branch": "topologie"}, "'mine': unknown branch 'topologie'; did you mean 'topology'"),
        (mine, {"hook": "activate"}, "'mine': unknown hook 'activate'; did you mean 'activation'"),
        (mine, {"rank": "a"}, "'mine': rank is 'a', but must be a whole number"),
        (without, {}, r"hook 'activation' has an option 'early'; .* `\*, early: bool = False`"),
        (without, {"hook": "width", "category": "width"}, r"an option 'factor'; .* `\*, factor: float = 1.5`"),
        (without, {"hook": "ensemble", "category": "ensemble"}, r"an option 'count'; .* `\*, count: int = 2`"),
        (unsaid, {}, "option 'much' has the default None, but must have one that is true, false, a text"),
        (needed, {}, "option 'much' has no default, but must"),
        (too_large, {}, "option 'much' has the default 65, but must .* above 0 and at most 64"),
        (mine, {"conflicts": None}, r"conflicts is None, but must be a tuple such as \('activation',\)"),
        (mine, {"exclusive": ["a"]}, r"exclusive is \['a'\], but must be a text"),
        (mine, {"hook": None}, "hook is None, but must be a text"),
        (mine, {"beside": ["prelu"]}, r"beside is \['prelu'\], but must be such as \{'prelu': 'the reason'\}"),
        (MyAct, {}, "'MyAct': no design can name it; call it by small letters, digits and '_'"),
        (lambda g, y, site, *, early=False: y, {}, "'<lambda>': no design can name it"),
        (with_capital, {}, "no design can name its option 'Much'"),
    ],
)  # fmt: skip
def test_a_method_that_could_not_be_used_is_not_declared(function: Any, changed: Any, said: str) -> None:
    before = dict(METHODS)
    with pytest.raises(BnncostError, match=said):
        declare(function, **changed)
    assert before == METHODS


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"beside": {"prelo": "so"}}, rf"'mine' \('{HERE}', line \d+\): unknown method 'prelo'; did you mean 'prelu'"),
        ({"beside": {"mine": "a test"}}, "it cannot stand beside itself"),
        ({"conflicts": ("feature",)}, "unknown slot in `conflicts` 'feature'; did you mean 'features'"),
    ],
)  # fmt: skip
def test_names_of_other_methods_are_known_once_all_are_loaded(changed: Any, said: str) -> None:
    check_names()
    declare(mine, **changed)
    with pytest.raises(BnncostError, match=said):
        check_names()


def test_methods_of_two_files_may_name_each_other(tmp_path: Path) -> None:
    text = (
        "from costmodel.methods.registry import repair_method\n\n\n"
        "@repair_method(branch='topology', category='activation function', hook='activation', source='a test',\n"
        "    exclusive='{0}', beside={{'{1}': 'a test'}}, conflicts=('{1}',))\n"
        "def {0}(g, y, site, *, early: bool = False):\n    'Do it.'\n    return y\n"
    )
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    for file, names in zip(files, (("here", "there"), ("there", "here")), strict=True):
        file.write_text(text.format(*names), "utf-8")
    load_plugins(map(str, files))
    assert [use.name for use in METHODS["here"].surroundings] == ["there"]


# ------------------------------------------------------------------ loaded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Own(Exception): ...\n\n\nraise Own('boom')\n", r"own.py': line 4: Own: boom\.$"),
        ("import sys\n\nsys.exit(0)\n", r"own.py': line 3: SystemExit: 0\.$"),
        ("class Own(BaseException): ...\n\n\nraise Own\n", r"own.py': line 4: Own\.$"),
        ("raise GeneratorExit\n", r"own.py': line 1: GeneratorExit\.$"),
    ],
)
def test_a_file_that_raises_what_it_likes_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """One that ends the process would else do so as if all were well."""
    (tmp_path / "own.py").write_text(text, "utf-8")
    with pytest.raises(BnncostError, match=said):
        load_plugin(tmp_path / "own.py")


def test_a_fault_is_told_with_the_line_of_the_plugin_that_led_to_it(tmp_path: Path) -> None:
    """Not with the line of what it called; and nothing stays of a file that is refused."""
    path = tmp_path / "led.py"
    path.write_text(
        "import json\nfrom costmodel.methods.registry import repair_method\n\n\n"
        f"@repair_method(**{BENT!r})\ndef led(g, y, site, *, early: bool = False):\n    'Do it.'\n\n\n"
        "json.loads('{')\n",
        "utf-8",
    )
    with pytest.raises(BnncostError, match=r"led.py': line 10: JSONDecodeError"):
        load_plugin(path)
    assert "led" not in METHODS


def test_a_file_whose_name_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BnncostError, match=r"--plugin '.*its name has bytes that are no UTF-8; rename the file"
    ):
        load_plugin(tmp_path / "\udce9.py")


def test_processes_load_a_file_with_a_colon_in_its_path(tmp_path: Path) -> None:
    (tmp_path / "x:y").mkdir()
    files = [tmp_path / "x:y" / "one.py", tmp_path / "two.py"]
    for file in files:
        file.write_text(
            "from costmodel.methods.registry import repair_method\n\n\n"
            f"@repair_method(**{BENT!r})\ndef {file.stem}(g, y, site, *, early: bool = False):\n    'Do it.'\n",
            "utf-8",
        )
    load_plugins(map(str, files))
    for file in files:
        del METHODS[file.stem], sys.modules[f"bnncost plugin {file}"]
    plugins.load_named_plugins()
    assert {"one", "two"} <= set(METHODS)


def test_a_file_with_a_line_break_in_its_path_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.py"
    path.touch()
    with pytest.raises(
        BnncostError, match=r"--plugin '.*a\\nb.py': its path has a line break; rename what has it"
    ):
        load_plugin(path)


def test_a_package_that_is_not_there_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("mine", "no_such_module", plugins.GROUP)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    with pytest.raises(
        BnncostError,
        match=r"^plugin 'mine' of its package \(no_such_module\): ModuleNotFoundError: No module named "
        r"'no_such_module'. Mend it, or uninstall its package.$",
    ):
        load_plugins(())


# ------------------------------------------------------------------ used


def deeper(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Call itself for ever."""
    return deeper(g, y, site)


def in_a_library(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Fail in the code of others."""
    return json.loads("{")


def of_one_argument(g: Builder, *, early: bool = False) -> Any:
    """Take less than the hook gives."""


def nothing(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Return nothing."""


class Own(Exception):
    """An error of a kind that a plugin declares."""


def own_error(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Raise it."""
    raise Own("boom")


class Mine(BnncostError):
    """An error that is called one of bnncost, and that other processes could not make again."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one + other)


def told_as_ours(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Raise it."""
    raise Mine("bo", "om")


class Base(BaseException):
    """An error that is none of Python's exceptions."""


def base_error(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """Raise it."""
    raise Base("boom")


def leaving(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
    """End the command, as if it had done all that it was asked for."""
    sys.exit(0)


@pytest.mark.parametrize(
    ("function", "changed", "said"),
    [
        (own_error, {}, rf"\('{HERE}', line \d+\) raised Own: boom\.$"),
        (base_error, {}, rf"\('{HERE}', line \d+\) raised Base: boom\.$"),
        (told_as_ours, {}, rf"\('{HERE}', line \d+\) raised Mine: boom\.$"),
        (leaving, {}, rf"\('{HERE}', line \d+\) raised SystemExit: 0\.$"),
        (deeper, {}, rf"^method 'deeper' \('{HERE}', line \d+\) raised RecursionError: maximum recursion depth"),
        (in_a_library, {}, rf"\('{HERE}', line \d+\) raised JSONDecodeError"),
        (of_one_argument, {}, rf"\('{HERE}', line \d+\) raised TypeError: of_one_argument\(\) takes 1 pos"),
        (nothing, {}, rf"\('{HERE}', line \d+\) returned None, but .* 'activation' returns a Tensor\.$"),
        (nothing, {"hook": "weight"}, "of the hook 'weight' returns a Param"),
        (nothing, {"hook": "features"}, "of the hook 'features' returns a tuple of Tensors"),
    ],
)  # fmt: skip
def test_a_method_that_fails_is_told_with_its_own_line(function: Any, changed: Any, said: str) -> None:
    declare(function, **changed)
    with pytest.raises(CodeFailed, match=said) as raised:
        cost(f"resnet20[{function.__name__}]")
    assert ("Traceback" in raised.value.traceback) is (" raised " in said)
    handed_on = copy.copy(raised.value)  # as between processes
    assert (type(handed_on), str(handed_on)) == (CodeFailed, str(raised.value))


def test_a_space_with_a_method_that_fails_is_not_priced_without_it() -> None:
    """It is to be mended, and no property of the designs that have it."""
    declare(nothing)
    space = Space.of([DesignKey.parse("resnet20")], ["nothing"], [1.0], ["int16"], ["binary"])
    cells = [space.cell(number) for number in range(space.cells)]
    with pytest.raises(CodeFailed, match="method 'nothing' "):
        price_cells(space, cells, [load_profile("asic-45nm")])


def test_what_a_method_of_bnncost_raises_is_its_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(in_a_library)
    monkeypatch.setattr(in_a_library, "__module__", "costmodel.methods.activations")
    with pytest.raises(json.JSONDecodeError):
        cost("resnet20[in_a_library]")


@pytest.mark.parametrize(
    ("shape", "axes", "said"),
    [
        ((0,), "", "slope' has 1 sizes for the 0 axes ''"),
        ((), "C", "slope' has 0 sizes for the 1 axes 'C'"),
        ((10**12,), "C", r"conv1.slope' has 1000000000000 values along C, but the map has 16\."),
        ((32, 31), "HW", r"has 31 values along W, but the map has 32\."),
    ],
)
def test_a_parameter_has_as_many_values_as_its_map(shape: Any, axes: str, said: str) -> None:
    def odd_slope(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Tensor:
        """Bend by a slope of another shape."""
        return g.prelu(y, g.param("slope", shape, axes))

    declare(odd_slope)
    with pytest.raises(BnncostError, match=said):
        cost("resnet20[odd_slope]")


# ------------------------------------------------------------------ what it emits, and does besides


@pytest.mark.parametrize(
    ("emit", "said"),
    [
        (lambda g, y: g.map("relu", (y,), shape=(np.int16(16), 32, 32)), r"'relu' in 'stage1.block1.conv1', which has"),
        (lambda g, y: g.map("relu", (y,), shape=(-16, 32, 32)), r"has sizes \(-16, 32, 32\), but must have whole"),
        (lambda g, y: g.map("relu", (y, y, y)), "has 3 inputs, but must have 1"),
        (lambda g, y: g.map("scale", (y,)), "has 0 parameters, but must have 1"),
        (lambda g, y: g.map("clamp", (y,)), "lacks the attribute 'low'"),
        (lambda g, y: g.map("relu", (y,), when="never"), "runs at 'never'"),
        (lambda g, y: g.map("relu", (y,), stored="int8"), "is stored as 'int8', which is no Precision"),
        (lambda g, y: replace(y, name="other"), "what it returns has a map 'other' that this network does not make"),
        (lambda g, y: g.relu(replace(y, name="other")), "has a map 'other' that this network does not make"),
    ],
)  # fmt: skip
def test_what_a_method_emits_is_held_against_what_a_network_has(emit: Any, said: str) -> None:
    def emitting(g: Builder, y: Tensor, site: Site, *, early: bool = False) -> Any:
        """Emit what no network has."""
        return emit(g, y)

    declare(emitting)
    with pytest.raises(CodeFailed, match=rf"method 'emitting' \('{HERE}', line \d+\).*{said}"):
        cost("resnet20[emitting]")


TALKING = f"""
import os, sys
from costmodel.methods.registry import repair_method

print("read")


@repair_method(**{BENT!r})
def talking(g, y, site, *, early: bool = False):
    'Say much, and go away.'
    print("printed")
    os.write(1, b"written\\n")
    os.system("echo called")
    os.chdir("/")
    sys.stdout = None
    return y
"""


def test_what_a_plugin_says_is_no_result_and_where_it_goes_is_not_where_they_go(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "talking.py").write_text(TALKING, "utf-8")
    here, out = os.getcwd(), sys.stdout
    load_plugin(tmp_path / "talking.py")
    assert cost("resnet20[talking]").energy_j == cost("resnet20").energy_j
    assert (os.getcwd(), sys.stdout) == (here, out)
    print("a result")
    said = capfd.readouterr()
    assert said.out == "a result\n"
    assert all(word in said.err for word in ("read", "printed", "written", "called"))
