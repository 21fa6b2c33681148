"""Accuracy against cost, and the designs that no other beats."""
