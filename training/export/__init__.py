"""Deployment: a trained network as what a chip stores and computes, as files that describe themselves."""
