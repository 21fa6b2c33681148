"""The backbones, built from a design key."""
