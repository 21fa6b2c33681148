"""What a folded network demands of any chip: counts, MAC layers, compulsory traffic and storage, as arrays."""
