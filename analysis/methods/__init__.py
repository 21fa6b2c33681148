"""What a repair method costs in three views, and as the width of the plain network that takes as much energy.

Emitted: the operations that the method adds, before folding. Alone: what is left of it after folding, over the plain
network. Left out: what a full design saves without it.
"""
