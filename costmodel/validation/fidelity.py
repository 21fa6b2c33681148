"""Published designs beside the networks that their authors released: MACs and parameters, here and there."""

from __future__ import annotations

from dataclasses import dataclass

from costmodel.designs import (  # noqa: F401  (they fill the table)
    evidence_figures,
    evidence_low_bit,
    evidence_other_figures,
)
from costmodel.designs.evidence import EVIDENCE, Evidence
from costmodel.designs.resolving import published_names
from costmodel.graph import BINARY, Network, Op, Param
from costmodel.networks.build import build
from costmodel.operations.convolution import fan_in
from costmodel.operations.elementwise import statistics_of


@dataclass(frozen=True)
class BesideReleased:
    """One published design as it is built here, and what is recorded of the released network."""

    evidence: Evidence
    binary_macs: int
    real_macs: int
    parameters: int

    @property
    def same_macs(self) -> bool:
        """Whether binary and real MACs are those of the released network; False where they were not counted there."""
        return (self.binary_macs, self.real_macs) == (self.evidence.binary_macs, self.evidence.real_macs)


def compare_with_released(name: str) -> BesideReleased:
    """Build a published design, given by its full name, and count it; raises KeyError for what has no record."""
    network = build(published_names()[name])
    binary = real = 0
    for op in network.ops:
        if op.kind in ("conv", "linear"):
            macs = int(op.output.size * fan_in(op))
            binary, real = (binary + macs, real) if _of_bits(op) else (binary, real + macs)
    return BesideReleased(EVIDENCE[name], binary, real, trained(network))


def trained(network: Network) -> int:
    """Numbers that training updates, without those of norms' statistics and of the steps of rounding."""
    kept = {param for op in network.ops for param in _not_of_the_paper(op)}
    return sum(int(param.size) for param in network.learned() if param not in kept)


def _of_bits(op: Op) -> bool:
    return op.params[0].precision == BINARY and op.inputs[0].precision == BINARY


def _not_of_the_paper(op: Op) -> tuple[Param, ...]:
    return op.params if op.kind == "quantize" else statistics_of(op)
