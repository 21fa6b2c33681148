"""Rules between the sections of a profile."""
