"""What published designs and repair methods were checked against, as tables; docs/fidelity.md is made of them."""

from __future__ import annotations

from analysis.show.tables import Column, Table
from analysis.show.text_forms import markdown
from costmodel import DESIGNS, METHODS
from costmodel.designs.evidence import Evidence
from costmodel.methods import CATEGORIES, REFERENCES
from costmodel.methods.evidence import METHOD_EVIDENCE, MethodEvidence
from costmodel.methods.released import Code
from costmodel.validation.fidelity import EVIDENCE, compare_with_released

PREFACE = """# Held against released code

<!-- made by `python -m tools.fidelity` from costmodel/designs/evidence*.py and costmodel/methods/evidence*.py -->

Every published design and every repair method, the code that it was held against, what is equal, and what differs.

* **Designs**: networks that authors released were built, and every convolution that ran was counted. Binary MACs are
  those of weights and features of one bit each, real MACs all others. Tests compare both with the design of that name,
  and account for every parameter that one side has and the other has not.
* **Methods**: the same inputs, weights and incoming gradients went through both sides.
* "Read" means that the code was read and not run; "by others", that it is not of the paper's authors.
* Released networks pad maps of bits with zeros, Group-Net with +1; designs here pad with +1 unless their settings say
  otherwise ([decision 0003](decisions/0003-one-padding-by-default.md)).

None of this code is part of the project.
"""


def designs_table() -> Table:
    """Every published design on each of its backbones beside the network that was released."""
    columns = (
        Column("title", "design"), Column("reference", "paper"), Column("backbone", "backbone"),
        Column("held_against", "held against"), Column("equal", "equal"), Column("difference", "differs"),
    )  # fmt: skip
    rows = tuple(
        (
            design.title, REFERENCES[design.source], backbone, held_text(record, with_file=True), _equal(record),
            record.difference if record.repository else "",
        )
        for design in DESIGNS.values()
        for backbone in design.compositions
        for record in [EVIDENCE[f"{design.name}/{backbone}"]]
    )  # fmt: skip
    return Table("fidelity_designs", "Published designs", columns, rows, grouped=2)


def methods_table() -> Table:
    """Every repair method beside released code."""
    columns = (
        Column("category", "category"), Column("method", "method"), Column("reference", "paper"),
        Column("held_against", "held against"), Column("equal", "equal"), Column("difference", "differs"),
    )  # fmt: skip
    rows = tuple(
        (
            category, method.name, REFERENCES[method.source], held_text(record, with_file=True), record.equal,
            record.difference if record.code else "",
        )
        for branch, categories in CATEGORIES.items()
        for category in categories
        for method in METHODS.values()
        if (method.branch, method.category) == (branch, category)
        for record in [METHOD_EVIDENCE[method.name]]
    )  # fmt: skip
    return Table("fidelity_methods", "Repair methods", columns, rows, grouped=1)


def fidelity_page() -> str:
    """The text of docs/fidelity.md."""
    return "\n".join([PREFACE, markdown(designs_table()), markdown(methods_table())])


def held_text(record: Evidence | MethodEvidence, *, with_file: bool = False) -> str:
    """The code that an entry was checked against, or why there is none.

    >>> held_text(EVIDENCE["bi-real-net/resnet18/imagenet"])
    'liuzechun/Bi-Real-net@f58aa4d'
    >>> held_text(METHOD_EVIDENCE["circulant_filters"])
    'not checked: No code of the authors could be had.'
    """
    code = _code(record)
    if code is None:
        return f"not checked: {record.difference}"
    text = f"{code.short}, {record.file}" if with_file else code.short
    return f"{text} (by others)" if record.by_others else text


def _code(record: Evidence | MethodEvidence) -> Code | None:
    if isinstance(record, MethodEvidence):
        return record.code
    return Code(record.repository, record.commit) if record.repository else None


def _equal(record: Evidence) -> str:
    """What a comparison of counts found."""
    if not record.repository:
        return ""
    if record.binary_macs is None or record.real_macs is None:
        return "read: blocks and shortcuts, as far as not said"
    if not compare_with_released(record.name).same_macs:
        return "not the MACs"
    macs = " and ".join(
        f"{count / 1e6:,.2f} M {kind}"
        for count, kind in ((record.binary_macs, "binary"), (record.real_macs, "real"))
        if count
    )
    return f"{macs} MACs"
