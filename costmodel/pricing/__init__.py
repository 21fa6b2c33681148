"""Demand times profile: where data lies, what moves, how long it takes, and the energy and area of it."""
