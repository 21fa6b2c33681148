"""Predicted against published: what the model says about every figure of the published systems.

Held-out figures judge the model. Inputs are listed beside them, so that nobody takes a calibration for a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costmodel.designs.resolving import resolve
from costmodel.errors import BnncostError, unknown
from costmodel.evaluate.cost import cost, cost_of_network
from costmodel.evaluate.results import Cost
from costmodel.folding import fold
from costmodel.graph import Network
from costmodel.hardware import HardwareProfile
from costmodel.hardware.ends import at_end
from costmodel.hardware.prices import cycle_energy_j, mac_price
from costmodel.hardware.profile import Scope
from costmodel.networks.build import build
from costmodel.validation.figures import Figure, System
from costmodel.validation.streaming import StreamingCycles, streaming_cycles
from costmodel.validation.systems import LoadedSystem, load_system, shipped_systems

_SQUARE_MILLIMETRE = 1e-6  # m^2


@dataclass(frozen=True)
class Prediction:
    """One published figure beside what the model says, both in SI units: J, s, m^2, W, J/mac or operation/s.

    `scope` says what of the system the energies of its profile count, `ends` are the least and the largest that the
    ranges of the profile give, where they were asked for.
    """

    of: System
    scope: Scope
    figure: Figure
    predicted: float
    ends: tuple[float, float] | None = None

    @property
    def system(self) -> str:
        """Name of the system."""
        return self.of.name

    @property
    def title(self) -> str:
        """Title of the system."""
        return self.of.title

    @property
    def published(self) -> float:
        """The figure as published."""
        return self.figure.value.si

    @property
    def held_out(self) -> bool:
        """Whether nothing was calibrated or chosen on the figure."""
        return self.figure.use == "held out"

    @property
    def error_percent(self) -> float:
        """How far the prediction is above the published figure [%]."""
        return 100.0 * (self.predicted / self.published - 1.0)

    @property
    def factor(self) -> float:
        """The larger of the two over the smaller: 1 for an exact prediction, 2 for half or twice the figure."""
        ratio = self.predicted / self.published
        return max(ratio, 1.0 / ratio)


def validate(names: Sequence[str] = (), *, ranges: bool = False) -> tuple[Prediction, ...]:
    """Predict every figure of these systems (all that ship, if none is named), in the order of their files."""
    loaded = [load_system(name) for name in names or shipped_systems()]
    return tuple(prediction for one in loaded for prediction in predictions_of(one, ranges=ranges))


def predictions_of(loaded: LoadedSystem, *, ranges: bool = False) -> tuple[Prediction, ...]:
    """Predict every figure of one system; raises BnncostError where a design or a layer of it is unknown."""
    system, chips = loaded.system, [loaded.chip]
    if ranges:
        chips += [at_end(loaded.chip, "best"), at_end(loaded.chip, "worst")]
    predictions = []
    for figure in system.figures:
        value, *others = (_predicted(system, chip, figure) for chip in chips)
        ends = (min(value, *others), max(value, *others)) if others else None
        predictions.append(Prediction(system, loaded.chip.scope, figure, value, ends))
    return tuple(predictions)


def _predicted(system: System, chip: HardwareProfile, figure: Figure) -> float:
    if figure.metric == "static_power":
        return chip.control.leakage.si if chip.control else 0.0
    if figure.precision is not None:
        return _of_a_mac(chip, figure, figure.precision)
    energy_j, latency_s, area_m2 = _of_a_network(system, chip, figure)
    return {
        "energy": energy_j,
        "latency": latency_s,
        "area": area_m2,
        "power": energy_j / latency_s,
    }[figure.metric]


def _of_a_mac(chip: HardwareProfile, figure: Figure, precision: str) -> float:
    """Throughput of the array, or energy of a MAC with its share of control and leakage at full rate.

    Memory traffic is in neither.
    """
    price = mac_price(chip, precision)
    macs_per_cycle = 1.0 / price.cycles_per_operation
    if figure.metric == "throughput":
        return figure.operations_per_mac * macs_per_cycle * chip.clock.si
    return price.energy_j + cycle_energy_j(chip, price.precision) / macs_per_cycle


def _of_a_network(system: System, chip: HardwareProfile, figure: Figure) -> tuple[float, float, float]:
    """Energy [J], latency [s] and area [m2] of one inference."""
    if figure.macs is not None:
        return _of_macs(chip, figure.macs)
    assert figure.design is not None
    priced, copying_s = _priced(system, chip, figure.design)
    area_m2 = priced.area.get("mm2", 0.0) * _SQUARE_MILLIMETRE
    if system.lanes is not None:
        cycles = pipeline_of(system, figure.design)
        return *_streamed(priced, chip, cycles), area_m2
    share = _share_kept(priced, figure)
    kept = [row for row in priced.layers if row.layer not in figure.without]
    dynamic_j = sum(row.operation_j + row.memory_j for row in kept)
    standing_j = priced.control_j + sum(row.energy_j for row in priced.leakage)
    latency_s = share * priced.latency_s + copying_s
    return dynamic_j + share * standing_j + _busy_j(chip, copying_s), latency_s, area_m2


def _priced(system: System, chip: HardwareProfile, design: str) -> tuple[Cost, float]:
    """Price a design as the system runs it, folded by the rules of its software; and the time of its copies [s]."""
    if not (system.unfolded or system.copied):
        return cost(design, chip), 0.0
    key = resolve(design)
    network = fold(build(key), without=system.unfolded)
    return cost_of_network(network, chip, str(key)), _copying_s(system, chip, network)


def _copying_s(system: System, chip: HardwareProfile, network: Network) -> float:
    """Time in which software copies what the model takes for views [s]."""
    if not system.copied:
        return 0.0
    assert chip.processor is not None and chip.processor.map_copy is not None
    copies = (op.output for op in network.running() if op.kind in system.copied)
    bits = sum(int(made.size) * made.precision.bits for made in copies)
    return bits * chip.processor.map_copy.si / chip.clock.si


def _busy_j(chip: HardwareProfile, seconds: float) -> float:
    """Energy of a processor that is busy for so long [J]."""
    return chip.processor.energy.si * chip.clock.si * seconds if chip.processor else 0.0


def _of_macs(chip: HardwareProfile, macs: dict[str, float]) -> tuple[float, float, float]:
    """A network of which only the MACs are known, on a processor, which does one after the other."""
    prices = [(count, mac_price(chip, label)) for label, count in macs.items()]
    cycles = sum(count * price.cycles_per_operation for count, price in prices)
    return sum(count * price.energy_j for count, price in prices), cycles / chip.clock.si, 0.0


def pipeline_of(system: System, design: str) -> StreamingCycles:
    """Cycles of a design on a system in which every layer is a stage of a pipeline."""
    lanes = {name: (lane.outputs, lane.inputs) for name, lane in (system.lanes or {}).items()}
    return streaming_cycles(fold(build(resolve(design))), lanes)


def _streamed(priced: Cost, chip: HardwareProfile, cycles: StreamingCycles) -> tuple[float, float]:
    """Energy and latency where the layers of one image overlap: what runs all the time runs for this long."""
    latency_s = cycles.alone / chip.clock.si
    moved_j = sum(row.operation_j + row.memory_j for row in priced.layers)
    control_j = chip.control.energy.si * cycles.alone if chip.control else 0.0
    leakage_w = sum(row.power_w for row in priced.leakage)
    return moved_j + control_j + leakage_w * latency_s, latency_s


def _share_kept(priced: Cost, figure: Figure) -> float:
    """Share of the time that the layers take which the system runs; raises for a layer that the design lacks."""
    names = [row.layer for row in priced.layers]
    for name in figure.without:
        if name not in names:
            raise unknown("layer", name, names, place=f"figure '{figure.what}', without")
    total = sum(row.latency_s for row in priced.layers)
    left_out = sum(row.latency_s for row in priced.layers if row.layer in figure.without)
    if left_out >= total:
        raise BnncostError(f"figure '{figure.what}': 'without' names every layer, so nothing runs.")
    return 1.0 - left_out / total
