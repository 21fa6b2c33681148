"""One run from top to bottom: recipe, phases, loop, losses, optimizers, checkpoints and records."""
