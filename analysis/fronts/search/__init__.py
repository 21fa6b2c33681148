"""Search: every legal design priced, and the front of all of them kept, a chunk at a time."""
