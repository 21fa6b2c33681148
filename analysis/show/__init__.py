"""Tables as data and how they are told: units, text forms, ranges, documents of a command."""
