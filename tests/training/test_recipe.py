"""Recipes: all mistakes at once with their lines, and a digest that follows what training depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from costmodel.errors import BnncostError
from training.run.recipe import Recipe, load_recipe
from training.run.settings_file import parse_settings, shipped


@pytest.mark.parametrize("name", shipped("recipes"))
def test_shipped_recipes_are_called_like_their_files(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description.endswith(".")


def test_all_mistakes_come_at_once_with_their_lines() -> None:
    text = "name: x\nepoch: 3\noptimizers: {adm: {rate: 1}, sgd: {rate: -1}}\nschedule: cosin\n"
    with pytest.raises(BnncostError) as caught:
        parse_settings(text, "a.yaml", Recipe)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["a.yaml:1", "batch_size"], ["a.yaml:1", "epochs"], ["a.yaml:2", "epoch"], ["a.yaml:3", "optimizers.adm"],
        ["a.yaml:3", "optimizers.sgd.rate"], ["a.yaml:4", "schedule"],
    ]  # fmt: skip
    assert "did you mean 'epochs'" in lines[2]
    assert "did you mean 'cosine'" in lines[5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.yaml:1: the file is empty"),
        ("- 1\n", "must be a mapping of"),
        ("name: [\n", "a.yaml:"),
        ("name: x\nepochs: 0\nbatch_size: 1\n", "greater than or equal to 1"),
        ("name: x\nepochs: 1\nepochs: 2\nbatch_size: 1\n", "a.yaml:3"),
        ("name: x\nepochs: 1\nbatch_size: 1\nwarmup_epochs: .inf\n", "a.yaml:4: warmup_epochs: .*finite"),
        (
            "name: x\nepochs: 1\nbatch_size: 1\noptimizers:\n  adam: {flip_rate: 0.1}\n",
            "a.yaml:5: optimizers.adam: has 'flip_rate', which only 'bop' reads",
        ),
    ],
)
def test_other_mistakes(text: str, said: str) -> None:
    with pytest.raises(BnncostError, match=said):
        parse_settings(text, "a.yaml", Recipe)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        BnncostError, match=r"unknown recipe 'digit'; did you mean 'digits'\?.*path of a \.yaml file"
    ):
        load_recipe("digit")
    with pytest.raises(BnncostError, match=r"nix\.yaml' cannot be read: no such file"):
        load_recipe(tmp_path / "nix.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BnncostError, match="not a text file in UTF-8"):
        load_recipe(tmp_path / "bytes.yaml")


def test_the_digest_follows_settings_not_names(tmp_path: Path) -> None:
    recipe = load_recipe("digits")
    assert recipe.model_copy(update={"name": "other", "description": "another"}).digest == recipe.digest
    assert recipe.model_copy(update={"epochs": 31}).digest != recipe.digest
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
