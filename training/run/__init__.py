"""One run from top to bottom: recipe, prepared data, phases, loop, losses, optimizers, checkpoints and records."""
