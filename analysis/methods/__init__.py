"""What a repair method costs: as it asks for it, alone, left out of a full design, and as a width."""
