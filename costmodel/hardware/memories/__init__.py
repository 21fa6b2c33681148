"""What a memory of any size costs: SRAM, register files, and how figures scale between processes."""
