"""The cost of one design as tables: energy, operations, memory, layers and mappings."""
