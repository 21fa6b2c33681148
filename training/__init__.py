"""Training: a network's op list as a torch module, trained, reviewed and exported; needs the extra `train`."""
