"""The exact search for the best mapping: prefixes of loop orders, tiles, links, and the shortest path."""
