"""Torch programs and modules as graphs of nodes, which the cost model understands without torch."""
