"""Data sets: read, checked and augmented."""
