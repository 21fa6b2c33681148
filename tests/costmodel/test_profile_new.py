"""A new profile is valid as it is; the JSON schema says the same as the types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from profile_texts import TEXTS

from costmodel.errors import BnncostError
from costmodel.hardware import check_profile, load_profile, new_profile, profile_json_schema, shipped_profiles


@pytest.mark.parametrize("base", shipped_profiles())
def test_new_profile_is_valid_and_equal_to_its_base(tmp_path: Path, base: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(new_profile("mine", base), encoding="utf-8")
    assert check_profile(path) == ()
    own = {"name", "title", "description", "extends"}
    mine, parent = load_profile(path).model_dump(), load_profile(base).model_dump()
    assert {key: mine[key] for key in mine if key not in own} == {
        key: parent[key] for key in parent if key not in own
    }


@pytest.mark.parametrize("base", shipped_profiles())
def test_commented_examples_hold_when_uncommented(tmp_path: Path, base: str) -> None:
    text = new_profile("mine", base)
    # The examples are the comment lines after the last real key; their explanations start with a section's name.
    head, clock, body = text.partition(next(line for line in text.splitlines() if line.startswith("clock: ")))
    examples = re.sub(r"^# (?=( *[\w\"]+:$)|( +\w+: \{))", "", body, flags=re.MULTILINE)
    assert examples.count("\n#") < body.count("\n#")
    path = tmp_path / "mine.yaml"
    path.write_text(head + clock + examples, encoding="utf-8")
    assert check_profile(path) == ()


def test_every_section_is_explained() -> None:
    for base in ("asic-45nm", "mcu-cortex-m33", "fpga-zynq7020"):
        sections = {"processor"} if base.startswith("mcu") else {"control"}
        for section in sections | {"technology", "compute", "side", "memories"}:
            assert f"\n# {section}: " in new_profile("mine", base)


def test_base_may_be_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(TEXTS["mcu"])
    Path("mine.yaml").write_text(new_profile("mine", "base.yaml"))
    assert load_profile("mine.yaml").archetype == "mcu"


@pytest.mark.parametrize(
    ("name", "base"), [("Mine!", "asic-45nm"), ("", "asic-45nm"), ("mine", "asic-45"), ("mine", "x.yaml")]
)
def test_bad_name_or_base_is_refused(name: str, base: str) -> None:
    with pytest.raises(BnncostError):
        new_profile(name, base)


def test_schema_describes_every_field() -> None:
    schema = profile_json_schema()
    for name, definition in schema["$defs"].items():
        for field, described in definition.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"
    quantity = schema["$defs"]["Quantity"]
    assert quantity["required"] == ["value", "unit", "source", "status"]
    assert quantity["properties"]["status"]["enum"] == [
        "measured",
        "published",
        "derived",
        "scaled",
        "assumed",
    ]
    assert {"technology", "compute", "memories"} <= set(schema["$defs"]["Profile"]["required"])
    assert schema["$defs"]["OverridingProfile"]["required"] == ["name", "extends"]


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(item) for item in node.values()))
    return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()


def test_schema_references_lead_somewhere_and_null_is_not_offered() -> None:
    schema = profile_json_schema()
    assert references(schema) <= {f"#/$defs/{name}" for name in schema["$defs"]}
    assert "'null'" not in str(schema)
