"""What ZigZag computes differently, for comparisons."""
