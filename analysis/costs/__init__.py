"""The cost of one design: energy, operations, memory, layers, mappings, and predictions beside published figures."""
