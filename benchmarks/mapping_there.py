"""Run ZigZag 3.9.1 on one accelerator and print a line of JSON a layer; it runs in ZigZag's own environment.

    python mapping_there.py ACCELERATOR.yaml MAPPING.yaml NETWORK.onnx LPF_LIMIT

The stages are those of its `get_hardware_performance_zigzag` with `opt="energy"`, without the ones that write files
and pictures, so that only the search is timed. Nothing of bnncost is imported.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time

import onnx
from zigzag.mapping.temporal_mapping import TemporalMappingType
from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
from zigzag.stages.main import MainStage
from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
from zigzag.stages.parser.accelerator_parser import AcceleratorParserStage
from zigzag.stages.parser.onnx_model_parser import ONNXModelParserStage
from zigzag.stages.results.reduce_stages import MinimalEnergyStage, SumStage
from zigzag.stages.stage import Stage
from zigzag.stages.workload_iterator import WorkloadStage


class Recorder(Stage):
    """Pass results on, and print what each layer came to."""

    def run(self):
        wall, cpu = time.perf_counter(), time.process_time()
        substage = self.list_of_callables[0](self.list_of_callables[1:], **self.kwargs)
        for cme, extra in substage.run():
            told = figures(cme)
            told["wall_s"], told["cpu_s"] = time.perf_counter() - wall, time.process_time() - cpu
            tell(told)
            yield cme, extra


def figures(cme) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """What one layer costs, by level and operand, and the mapping that was chosen."""
    layer = cme.layer
    operands = {str(operand): operand for operand in layer.layer_operands}
    energies = {}
    for name, operand in operands.items():
        levels = cme.accelerator.memory_hierarchy.get_memory_levels(
            layer.memory_operand_links.layer_to_mem_op(operand)
        )
        for level, energy in zip(levels, cme.mem_energy_breakdown[operand], strict=True):
            energies[f"{level.name}:{name}"] = energy
    return {
        "layer": layer.name,
        "loops": {str(dim): size for dim, size in layer.layer_dim_sizes.items()},
        "precision": {str(operand): bits for operand, bits in layer.operand_precision.data.items()},
        "relations": [relation.data for relation in layer.dimension_relations],
        "padding": {str(dim): list(size) for dim, size in layer.padding.data.items()},
        "map_size": {str(dim): size for dim, size in (layer.pr_layer_dim_sizes or {}).items()},
        "macs": layer.total_mac_count,
        "energy_pj": cme.energy_total,
        "mac_energy_pj": cme.mac_energy,
        "energies_pj": energies,
        "cycles": cme.latency_total2,
        "cycles_without_ends": cme.latency_total1,
        "spatial": {
            str(axis): {str(dim): factor for dim, factor in loops.items()}
            for axis, loops in layer.spatial_mapping.items()
        },
        "temporal": {
            str(operand): [[[str(dim), factor] for dim, factor in level] for level in levels]
            for operand, levels in cme.temporal_mapping.mapping_dic_stationary.items()
        },
    }


def tell(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


def main() -> None:
    """Search all layers; the last line has the totals."""
    accelerator, mapping, network, limit = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    model = onnx.load(network, load_external_data=False)
    stages = [
        ONNXModelParserStage,
        AcceleratorParserStage,
        SumStage,
        WorkloadStage,
        Recorder,
        MinimalEnergyStage,
        SpatialMappingGeneratorStage,
        MinimalEnergyStage,
        TemporalMappingGeneratorStage,
        CostModelStage,
    ]
    load = os.getloadavg()[0]
    wall, cpu = time.perf_counter(), time.process_time()
    ((total, _),) = MainStage(
        stages,
        accelerator=accelerator,
        workload=model,
        mapping=mapping,
        loma_lpf_limit=int(limit),
        loma_show_progress_bar=False,
        nb_mappings_generated=3,
        enable_mix_spatial_mapping_generation=False,
        access_same_data_considered_as_no_access=True,
        temporal_mapping_type=TemporalMappingType.UNEVEN,
    ).run()
    tell(
        {
            "total": True,
            "energy_pj": total.energy_total,
            "cycles": total.latency_total2,
            "wall_s": time.perf_counter() - wall,
            "cpu_s": time.process_time() - cpu,
            "load_before": load,
        }
    )


if __name__ == "__main__":
    main()
