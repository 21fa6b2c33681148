"""What a folded network asks of any chip: counts, MAC layers, compulsory traffic and storage, as arrays."""
