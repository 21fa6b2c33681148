"""From YAML text to checked figures: lines, units, quantities, and sentences about what is wrong."""
