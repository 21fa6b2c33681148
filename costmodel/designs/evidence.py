"""What a published design was checked against: the network that its authors released, in figures, not in code.

`evidence_figures` fills the table, a record for each published design on each backbone.
"""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.errors import BnncostError


@dataclass(frozen=True)
class Evidence:
    """Figures of one network as its authors released it, and what differs in the design of that name here.

    Released networks pad maps of bits with zeros, but for BoolNet's; here they are padded with ones, which no record
    repeats (`docs/decisions/0003-one-padding-by-default.md`).
    `repository` is "owner/name" on GitHub, empty where no code of the authors was available; then `difference` says
    what the design rests on. `by_others` says that somebody else released it, whose accuracy the design's is.
    `commit` has 40 digits, `file` defines the network. `binary_macs` are those of weights and features of one bit
    each, `real_macs` all others, `parameters` what training updates; None where the code was read without being run.
    `difference` holds a sentence for each difference that stays, and is empty where the networks are equal.
    """

    design: str
    backbone: str
    repository: str
    commit: str
    file: str
    binary_macs: int | None
    real_macs: int | None
    parameters: int | None
    difference: str = ""
    by_others: bool = False

    @property
    def name(self) -> str:
        """Full name of the published design, such as `bnn/resnet20/cifar10`."""
        return f"{self.design}/{self.backbone}"


EVIDENCE: dict[str, Evidence] = {}


def held_against(
    repository: str,
    commit: str,
    file: str,
    *,
    design: str,
    backbone: str,
    macs: tuple[int | None, int | None] = (None, None),
    parameters: int | None = None,
    difference: str = "",
    by_others: bool = False,
) -> None:
    """Record what a design was checked against; `macs` are binary and real ones. A second record of a name raises."""
    record = Evidence(design, backbone, repository, commit, file, *macs, parameters, difference, by_others)
    if record.name in EVIDENCE:
        raise BnncostError(f"the evidence for '{record.name}' is given twice.")
    EVIDENCE[record.name] = record
