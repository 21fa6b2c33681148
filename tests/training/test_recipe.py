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
        (
            "name: x\nepochs: 1\nbatch_size: 1\noptimizers:\n  bop: {clip: false}\n",
            "a.yaml:5: optimizers.bop: has 'clip', which 'bop' does not read",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\noptimizers:\n  sgd: {latent_decay: -1}\n",
            "a.yaml:5: optimizers.sgd.latent_decay: .*greater than or equal to 0",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\nkurtosis_target: 0.5\n",
            "a.yaml:4: kurtosis_target: .*equal to 1",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\nlosses:\n  attention_teacher: [30, 0, 1]\n",
            r"a.yaml:5: losses.attention_teacher: is \[30, 0, 1\], but must be a number from 0 on, or two in a list",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\nlosses: {labels: true}\n",
            "a.yaml:4: losses.labels: is True, but must be a number",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\nlosses: {labels: [1, -1]}\n",
            r"a.yaml:4: losses.labels: is \[1, -1\], but must",
        ),
        (
            "name: x\nepochs: 1\nbatch_size: 1\nlosses: {labls: 1}\n",
            "a.yaml:4: losses.labls: .*did you mean 'labels'",
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


def test_settings_that_came_later_leave_the_names_of_earlier_runs() -> None:
    """The digests of the shipped recipes as they were when their settings were fewer."""
    assert load_recipe("cpu-16").digest == "0296fb21"
    assert load_recipe("cifar-40").digest == "da08d62b"
    recipe = load_recipe("digits")
    for field, value in (
        ("kurtosis_target", 1.4),
        ("losses", {"labels": 1}),
        ("optimizers", {"sgd": {"clip": False}}),
    ):
        changed = Recipe.model_validate({**recipe.model_dump(mode="json"), field: value})
        assert changed.digest != recipe.digest


def test_factors_by_stage_are_read_and_written_again() -> None:
    text = "name: x\nepochs: 2\nbatch_size: 1\nlosses: {labels: 1, logits_teacher: 3, attention_teacher: [30, 0]}\n"
    recipe = parse_settings(text, "a.yaml", Recipe)
    assert (recipe.losses.labels, recipe.losses.attention_teacher) == (1.0, (30.0, 0.0))
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("epochs", ["'1_0'", "'3'", "true", "3.5"])
def test_a_whole_number_is_written_as_one(epochs: str) -> None:
    with pytest.raises(BnncostError, match=r"a.yaml:2: epochs: is not accepted: .*integer"):
        parse_settings(f"name: x\nepochs: {epochs}\nbatch_size: 1\n", "a.yaml", Recipe)
