"""Folding: an ordered list of named rewrites that leave only what inference has to compute."""

from costmodel.folding.rules import RULES, fold, unfolded

__all__ = ["RULES", "fold", "unfolded"]
