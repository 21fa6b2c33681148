"""Accuracies: published ones, own measurements, and the studies that these make up."""
