"""Accuracy against cost: the designs that no other beats, from published accuracies and from own studies."""
