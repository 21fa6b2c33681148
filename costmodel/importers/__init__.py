"""Importers: descriptions that other tools read, as machines, profiles and networks of this project."""
