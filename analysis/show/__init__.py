"""How results are shown: tables as data and as text, units, axes, words, ranges, progress, and a command's document."""
