"""Data sets: read, checked, augmented and cut to what a run trains on."""
