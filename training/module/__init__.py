"""A network's op list as a torch module: a rule for every operation, gradients of the sign, initial values."""
