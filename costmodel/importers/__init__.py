"""Importers: descriptions that other tools read, as machines and profiles of this project."""

from costmodel.importers.zigzag import architecture_of
from costmodel.importers.zigzag_profile import profile_text

__all__ = ["architecture_of", "profile_text"]
