"""The repair methods, a module per category; importing the package fills the registry and the evidence for each."""

from costmodel.methods import (  # noqa: F401
    activations,
    ensembles,
    evidence_topology,
    evidence_training,
    feature_binarizers,
    gating,
    normalization,
    recipes,
    scaling,
    shortcuts,
    weight_binarizers,
    width,
)
from costmodel.methods.references import REFERENCES
from costmodel.methods.registry import CATEGORIES, METHODS, MethodUse, RepairMethod, check_combination

__all__ = ["CATEGORIES", "METHODS", "REFERENCES", "MethodUse", "RepairMethod", "check_combination"]
